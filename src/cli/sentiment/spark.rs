//! A history in one line: a bar for each bucket, a dot for each without a feeling.

use super::super::terminal::{Line, Tone};
use crate::{clock::Micros, proto::v1::SentimentBucket};

/// Bars from bad to good, and the polarity from which on each stands.
const LEVELS: [(char, f64); 8] = [
    ('▁', -1.0),
    ('▂', -0.75),
    ('▃', -0.5),
    ('▄', -0.25),
    ('▅', 0.0),
    ('▆', 0.25),
    ('▇', 0.5),
    ('█', 0.75),
];

/// Stands where nothing was said.
const GAP: char = '·';

/// Of a polarity: its bar and its tone by sign.
fn bar(polarity: f64) -> (char, Tone) {
    let under = LEVELS.iter().rev().find(|(_, from)| polarity >= *from);
    let (bar, _) = under.unwrap_or(&LEVELS[0]);
    let tone = if polarity > 0.0 {
        Tone::Good
    } else if polarity < 0.0 {
        Tone::Bad
    } else {
        Tone::Plain
    };
    (*bar, tone)
}

/// The newest buckets that have room, and the place of the first of them.
pub(super) fn sparkline(buckets: &[SentimentBucket], room: usize) -> (Line, usize) {
    let mut cells: Vec<(char, Tone)> = Vec::new();
    let mut shown = buckets.len();
    let mut next: Option<Micros> = None;
    // From the newest on, until there is no room.
    for bucket in buckets.iter().rev() {
        let begin = bucket.begin.as_ref().and_then(Micros::from_proto);
        let end = bucket.end.as_ref().and_then(Micros::from_proto);
        let missing = match (begin, end, next) {
            (Some(begin), Some(end), Some(next)) => gaps(begin, end, next, room),
            _ => 0,
        };
        if cells.len() + missing >= room {
            break;
        }
        cells.extend(std::iter::repeat_n((GAP, Tone::Faint), missing));
        let mean = bucket.counts.as_ref().and_then(|counts| counts.mean);
        cells.push(mean.map_or((GAP, Tone::Faint), bar));
        next = begin.or(next);
        shown -= 1;
    }
    let line = cells
        .iter()
        .rev()
        .fold(Line::default(), |line, (bar, tone)| {
            line.with(*tone, bar.encode_utf8(&mut [0; 4]))
        });
    (line, shown)
}

/// How many buckets as wide as this one have room before the next.
fn gaps(begin: Micros, end: Micros, next: Micros, room: usize) -> usize {
    let wide = end.0.saturating_sub(begin.0).max(1);
    let gap = next.0.saturating_sub(end.0).max(0);
    usize::try_from((gap.saturating_add(wide / 2)) / wide)
        .unwrap_or(room)
        .min(room)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::v1::SentimentCounts;

    fn bucket(begin: i64, end: i64, mean: f64) -> SentimentBucket {
        let at = |day: i64| Some(Micros(day * 86_400 * Micros::SECOND).to_proto());
        SentimentBucket {
            begin: at(begin),
            end: at(end),
            counts: Some(SentimentCounts {
                count: 1,
                mean: Some(mean),
                ..SentimentCounts::default()
            }),
            level: None,
        }
    }

    #[test]
    fn bars_rise_with_the_feeling_and_gaps_are_seen() {
        let buckets = [
            bucket(0, 31, -1.0),
            bucket(31, 59, -0.3),
            // March and April are missing.
            bucket(120, 151, 0.0),
            bucket(151, 181, 1.0),
        ];
        let (line, from) = sparkline(&buckets, 40);
        assert_eq!((line.render(false).as_str(), from), ("▁▃··▅█", 0));
        let coloured = line.render(true);
        assert!(coloured.contains("\u{1b}[1;31m▁"), "{coloured}");
        assert!(coloured.contains("\u{1b}[32m█"), "{coloured}");
        let (line, from) = sparkline(&buckets, 4);
        assert_eq!((line.render(false).as_str(), from), ("▅█", 2));
    }

    #[test]
    fn every_polarity_has_a_bar() {
        let bars: String = (-8..=8).map(|n| bar(f64::from(n) / 8.0).0).collect();
        assert_eq!(bars, "▁▁▂▂▃▃▄▄▅▅▆▆▇▇███");
        assert_eq!(bar(f64::NAN).0, '▁');
    }
}
