//! VADER as published (Hutto and Gilbert 2014): the baseline of English reports.
//!
//! Its lexicon and its rules alone, none of ours: boosters, negation, "but", "least", capitals and
//! marks. Left out are its few idioms and its names of emoji, which hardly occur in the texts.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// What a booster adds.
const BOOST: f32 = 0.293;
/// What capitals add among words that are not.
const CAPS: f32 = 0.733;
/// What a negator before a word makes of it.
const NEGATED: f32 = -0.74;
/// By the distance to the word, the share of a booster that is left.
const FADING: [f32; 3] = [1.0, 0.95, 0.9];

static WORDS: LazyLock<HashMap<&str, f32>> = LazyLock::new(|| {
    let lines = include_str!("../lexicon/vader.tsv").lines();
    lines
        .filter_map(|line| {
            let (word, valence) = line.split_once('\t')?;
            Some((word, valence.trim().parse().ok()?))
        })
        .collect()
});

static STRONGER: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "absolutely amazingly awfully completely considerable considerably decidedly deeply effing \
     enormous enormously entirely especially exceptional exceptionally extreme extremely \
     fabulously flipping flippin frackin fracking fricking frickin frigging friggin fully fuckin \
     fucking fuggin fugging greatly hella highly hugely incredible incredibly intensely major \
     majorly more most particularly purely quite really remarkably so substantially thoroughly \
     total totally tremendous tremendously uber unbelievably unusually utter utterly very"
        .split(' ')
        .collect()
});

static WEAKER: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "almost barely hardly kinda kindof kind-of less little marginal marginally occasional \
     occasionally partly scarce scarcely slight slightly somewhat sorta sortof sort-of"
        .split(' ')
        .collect()
});

static NEGATORS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "aint arent cannot cant couldnt darent didnt doesnt dont hadnt hasnt havent isnt mightnt \
     mustnt neither neednt never none nope nor not nothing nowhere oughtnt shant shouldnt uhuh \
     wasnt werent without wont wouldnt rarely seldom despite"
        .split(' ')
        .collect()
});

/// The sum of valences whose sign VADER's compound score has.
pub(super) fn valence(text: &str) -> f32 {
    let words: Vec<&str> = text.split_whitespace().map(bare).collect();
    let lower: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    let capitals = words.iter().filter(|word| shouted(word)).count();
    let mixed = capitals > 0 && capitals < words.len();
    let mut valences: Vec<f32> = (0..words.len())
        .map(|at| of_word(&words, &lower, at, mixed))
        .collect();
    if let Some(but) = lower.iter().position(|word| word == "but") {
        for (at, valence) in valences.iter_mut().enumerate() {
            *valence *= match at.cmp(&but) {
                std::cmp::Ordering::Less => 0.5,
                std::cmp::Ordering::Equal => 1.0,
                std::cmp::Ordering::Greater => 1.5,
            };
        }
    }
    let sum: f32 = valences.iter().sum();
    let marks = |mark: u8| text.bytes().filter(|byte| *byte == mark).count();
    let exclaimed: f32 = [0.0, 0.292, 0.584, 0.876, 1.168][marks(b'!').min(4)];
    let asked: f32 = [0.0, 0.0, 0.36, 0.54, 0.96][marks(b'?').min(4)];
    if sum == 0.0 {
        0.0
    } else {
        sum + (exclaimed + asked).copysign(sum)
    }
}

/// A word without marks around it; what is left of two characters or fewer is an emoticon.
fn bare(word: &str) -> &str {
    let stripped = word.trim_matches(|c: char| c.is_ascii_punctuation());
    if stripped.chars().count() <= 2 {
        word
    } else {
        stripped
    }
}

fn shouted(word: &str) -> bool {
    word.chars().any(char::is_uppercase) && !word.chars().any(char::is_lowercase)
}

fn negates(word: &str) -> bool {
    word.contains("n't") || NEGATORS.contains(word)
}

fn of_word(words: &[&str], lower: &[String], at: usize, mixed: bool) -> f32 {
    let known = |at: usize| WORDS.get(lower[at].as_str()).copied();
    let booster = |at: usize| {
        let word = lower[at].as_str();
        STRONGER.contains(word) || WEAKER.contains(word)
    };
    if booster(at) || (lower[at] == "kind" && lower.get(at + 1).is_some_and(|next| next == "of")) {
        return 0.0;
    }
    let Some(mut valence) = known(at).filter(|valence| *valence != 0.0) else {
        return 0.0;
    };
    // "No" before a known word negates it and has no feeling of its own.
    if lower[at] == "no" && at + 1 < lower.len() && known(at + 1).is_some() {
        return 0.0;
    }
    if (1..=3).any(|back| at >= back && lower[at - back] == "no") {
        valence *= NEGATED;
    }
    if mixed && shouted(words[at]) {
        valence += CAPS.copysign(valence);
    }
    for (back, fading) in (1..=3).zip(FADING) {
        let Some(before) = at.checked_sub(back) else {
            break;
        };
        if known(before).is_some() {
            continue;
        }
        if booster(before) {
            let mut boost = if WEAKER.contains(lower[before].as_str()) {
                -BOOST
            } else {
                BOOST
            };
            if mixed && shouted(words[before]) {
                boost += CAPS.copysign(boost);
            }
            valence += (boost * fading).copysign(boost * valence);
        }
        let never = lower[before] == "never"
            && lower[before + 1..at]
                .iter()
                .any(|word| word == "so" || word == "this");
        if never {
            valence *= 1.25;
        } else if negates(&lower[before]) {
            valence *= NEGATED;
        }
    }
    let least = at > 0 && lower[at - 1] == "least";
    if least && !(at > 1 && matches!(lower[at - 2].as_str(), "at" | "very")) {
        valence *= NEGATED;
    }
    valence
}

#[cfg(test)]
mod tests {
    use super::valence;

    #[test]
    fn the_published_examples_keep_their_order() {
        let smart = valence("VADER is smart, handsome, and funny.");
        assert!((smart - 5.8).abs() < 0.3, "{smart}");
        assert!(valence("VADER is VERY SMART, handsome, and FUNNY!!!") > smart);
        assert!(valence("VADER is not smart, handsome, nor funny.") < 0.0);
        assert!(valence("Today only kinda sux! But I'll get by, lol") > 0.0);
        assert!(valence("The book was good but the plot was terrible.") < 0.0);
    }
}
