//! Labelled texts and how they are split.

use std::collections::HashSet;

use unicode_normalization::UnicodeNormalization;

use crate::sentiment::hashing::bytes;

/// Share of documents that are held out, in hundredths.
const HELD_OUT: u64 = 15;

/// Where a text comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// VADER ground truth: snippets of product reviews.
    Products,
    /// VADER ground truth: sentences of film reviews.
    Films,
    /// VADER ground truth: sentences of editorials.
    Editorials,
    /// VADER ground truth: tweets.
    Tweets,
    /// Comments of the Economy Watchers Survey.
    Economy,
    /// chABSA, sentences of financial reports.
    Finance,
    /// Customer language of the project.
    Own,
}

impl Source {
    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Products => "amazonReviewSnippets",
            Self::Films => "movieReviewSnippets",
            Self::Editorials => "nytEditorialSnippets",
            Self::Tweets => "tweets",
            Self::Economy => "economy_watchers",
            Self::Finance => "chabsa",
            Self::Own => "own corpus",
        }
    }

    fn of(name: &str) -> Option<Self> {
        [
            Self::Products,
            Self::Films,
            Self::Editorials,
            Self::Tweets,
            Self::Economy,
            Self::Finance,
        ]
        .into_iter()
        .find(|source| source.name() == name)
    }

    /// How much one text of it counts in training.
    pub(super) const fn weight(self) -> f32 {
        match self {
            Self::Own => 5.0,
            Self::Products | Self::Tweets => 0.5,
            Self::Films => 0.35,
            Self::Editorials => 0.2,
            Self::Finance => 0.12,
            Self::Economy => 0.06,
        }
    }
}

/// One labelled text.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Where it comes from.
    pub source: Source,
    /// The document it belongs to.
    pub document: String,
    /// How likely it is negative, neutral, positive, as far as its label says; the three sum to 1.
    pub target: [f32; 3],
    /// The sign when the feeling is clear, for two-class figures.
    pub sign: Option<bool>,
    /// The text.
    pub text: String,
}

impl Row {
    /// Whether its document is held out.
    #[must_use]
    pub fn held_out(&self) -> bool {
        let hash = bytes(self.document.len() as u64, self.document.as_bytes());
        (hash >> 33) % 100 < HELD_OUT
    }
}

/// Reads `source, doc_id, score, text` with a header; rows of unknown sources are left out.
#[must_use]
pub fn rows_of_public(file: &str) -> Vec<Row> {
    file.lines()
        .skip(1)
        .filter_map(|line| {
            let mut fields = line.splitn(4, '\t');
            let source = Source::of(fields.next()?)?;
            let id = fields.next()?;
            let score: f32 = fields.next()?.parse().ok()?;
            let text = fields.next()?.to_owned();
            let document = match id.split_once('_') {
                Some((document, _)) => format!("{}/{document}", source.name()),
                None => format!("{}/{id}", source.name()),
            };
            let whole = matches!(source, Source::Economy | Source::Finance);
            let target = if whole { steps(score) } else { ramp(score) };
            let clear = if whole { 1.0 } else { 0.5 };
            let sign = (score.abs() >= clear).then_some(score > 0.0);
            Some(Row {
                source,
                document,
                target,
                sign,
                text,
            })
        })
        .collect()
}

/// Reads `label, text` of our own corpus.
#[must_use]
pub fn rows_of_corpus(file: &str) -> Vec<Row> {
    file.lines()
        .filter_map(|line| {
            let (label, text) = line.split_once('\t')?;
            let label: f32 = label.trim().parse().ok()?;
            let target = if label == 0.0 {
                [0.05, 0.9, 0.05]
            } else {
                sided(label, [0.03, 0.05, 0.92])
            };
            let sign = (label != 0.0).then_some(label > 0.0);
            let document = format!("own/{}", normal(text));
            Some(Row {
                source: Source::Own,
                document,
                target,
                sign,
                text: text.to_owned(),
            })
        })
        .collect()
}

/// Grades of -2 to 2.
fn steps(score: f32) -> [f32; 3] {
    match score.abs() {
        size if size < 0.5 => [0.1, 0.8, 0.1],
        size if size < 1.5 => sided(score, [0.05, 0.2, 0.75]),
        _ => sided(score, [0.02, 0.03, 0.95]),
    }
}

/// Means of -4 to 4: clear from about 1, neutral at 0.
fn ramp(score: f32) -> [f32; 3] {
    let clear = (score.abs() / 1.2).clamp(0.0, 0.95);
    sided(score, [(1.0 - clear) * 0.2, (1.0 - clear) * 0.8, clear])
}

fn sided(score: f32, [against, neutral, with]: [f32; 3]) -> [f32; 3] {
    if score > 0.0 {
        [against, neutral, with]
    } else {
        [with, neutral, against]
    }
}

/// Letters and digits of a text, spelt alike.
pub(super) fn normal(text: &str) -> String {
    text.nfkc()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Each normalised text once, the first time it stands.
pub(super) fn without_repeats(rows: &[Row]) -> Vec<Row> {
    let mut seen = HashSet::new();
    rows.iter()
        .filter(|row| seen.insert(normal(&row.text)))
        .cloned()
        .collect()
}
