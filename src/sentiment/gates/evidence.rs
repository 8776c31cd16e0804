//! Which words of a sentence made a gate open.
//!
//! What each hashed feature counts is shared out evenly among the words or characters it spans; shown is the
//! run of them that counts most.

use std::ops::Range;

/// Most words of an English run, and most characters of a Japanese one.
const LONGEST: [usize; 2] = [8, 16];

/// The run of `sentence` that counts most; all of it when nothing in it counts.
///
/// `places` says where each word or character starts and how many features stand before its own, `counts`
/// what each feature counts.
pub(super) fn run(
    sentence: &str,
    japanese: bool,
    places: &[(usize, usize)],
    counts: &[i32],
) -> Range<usize> {
    let shares = shares(japanese, places, counts);
    let longest = LONGEST[usize::from(japanese)];
    let mut best = (0.0_f32, 0..0);
    for from in 0..shares.len() {
        let mut sum = 0.0;
        for (at, share) in shares.iter().enumerate().skip(from).take(longest) {
            sum += share;
            if sum > best.0 {
                best = (sum, from..at + 1);
            }
        }
    }
    let (_, run) = best;
    let start = |at: usize| places.get(at).map_or(sentence.len(), |place| place.0);
    let (start, end) = (start(run.start), start(run.end));
    let words = sentence.get(start..end).unwrap_or_default();
    let words = words.trim_end_matches(|c: char| {
        c.is_whitespace() || c.is_ascii_punctuation() || matches!(c, '、' | '。')
    });
    if run.is_empty() || words.is_empty() {
        0..sentence.len()
    } else {
        start..start + words.len()
    }
}

/// What each word or character counts. Those features that span several come first among a place's own.
fn shares(japanese: bool, places: &[(usize, usize)], counts: &[i32]) -> Vec<f32> {
    let mut shares = vec![0.0; places.len()];
    let spanning = if japanese { 4 } else { 3 };
    for (at, (_, first)) in places.iter().enumerate() {
        let next = places.get(at + 1).map_or(counts.len(), |place| place.1);
        for (rank, count) in counts.get(*first..next).into_iter().flatten().enumerate() {
            let width = if rank < spanning { rank.min(at) } else { 0 } + 1;
            let width_real = u16::try_from(width).map_or(1.0, f32::from);
            let count = i16::try_from(*count).map_or(0.0, f32::from);
            for share in shares.get_mut(at + 1 - width..=at).into_iter().flatten() {
                *share += count / width_real;
            }
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_that_count_most_are_shown() {
        let sentence = "So I will leave you, thanks.";
        let starts = [0, 3, 5, 10, 16, 21];
        let places: Vec<(usize, usize)> = starts.iter().copied().zip((0..).step_by(3)).collect();
        let mut counts = vec![-1; places.len() * 3];
        counts[3 * 3] = 40;
        counts[4 * 3 + 1] = 30;
        let run = run(sentence, false, &places, &counts);
        assert_eq!(&sentence[run], "leave you");
    }

    #[test]
    fn where_nothing_counts_all_is_shown() {
        assert_eq!(run("abc def", false, &[(0, 0), (4, 3)], &[-1; 6]), 0..7);
        assert_eq!(run("、", true, &[(0, 0)], &[5]), 0..3);
    }
}
