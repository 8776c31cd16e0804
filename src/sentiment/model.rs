//! The words in which an analysis speaks.
//!
//! Figures are whole thousandths, so an analysis can be stored, compared and summed exactly.
//! Positions in an [`Analysis`] are UTF-8 bytes of the original text; positions in a [`Score`] are
//! bytes of the prepared sentence that was scored.

use crate::sentiment::cues::Taxonomy;

/// The language a text is read in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Language {
    /// Japanese: any kana, or han only where the tenant says so.
    Japanese,
    /// English: mostly Latin letters and no sign of another language.
    English,
    /// Anything else; such a text gets no feeling.
    Unknown,
}

/// The class of a feeling; a text without one has no [`Feeling`] at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Label {
    /// Polarity at or below -250 thousandths.
    Negative,
    /// Between the two thresholds.
    Neutral,
    /// Polarity at or above 250 thousandths.
    Positive,
}

/// An emotion that a text shows; a text may show several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Emotion {
    /// Rage, outrage.
    Anger,
    /// Being stopped again and again.
    Frustration,
    /// Hopes not met.
    Disappointment,
    /// Fear of what may come.
    Worry,
    /// Not understanding.
    Confusion,
    /// Delight.
    Joy,
    /// Thanks that are meant.
    Gratitude,
    /// A fear that did not come true.
    Relief,
}

/// What a customer wants by writing; a text may want several things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Intent {
    /// Says that something is wrong.
    Complaint,
    /// Wants an order, booking, contract or account cancelled.
    Cancel,
    /// Wants money back.
    Refund,
    /// Asks something.
    Question,
    /// Wants to buy, book or order.
    Purchase,
    /// Says that something is good.
    Praise,
    /// Asks that something be done.
    Request,
    /// Asks for a superior, or threatens authorities, lawyers or the press.
    Escalation,
}

/// What a span of text is evidence of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SpanKind {
    /// Words that lower the polarity.
    Negative,
    /// Words that raise it.
    Positive,
    /// Words about the customer's effort, high or low.
    Effort,
    /// Words that show an emotion.
    Emotion(Emotion),
    /// Words that show an intent.
    Intent(Intent),
    /// Words that announce leaving.
    Leaving,
    /// Words about safety or the law.
    SafetyOrLegal,
    /// Words that name a topic, by its index in the taxonomy.
    Topic(u16),
}

/// A piece of the original text and what it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// First byte, on a character boundary.
    pub start: u32,
    /// Byte after the last, on a character boundary, above `start`.
    pub end: u32,
    /// What it shows.
    pub kind: SpanKind,
}

/// The feeling of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Feeling {
    /// Thousandths, -1000 (worst) to 1000 (best).
    pub polarity: i16,
    /// The class of the polarity.
    pub label: Label,
    /// How sure the label is, thousandths, 0 to 1000.
    pub confidence: u16,
    /// Thousandths for negative, neutral and positive; they sum to 1000.
    pub probabilities: [u16; 3],
}

/// A topic of the taxonomy that the text names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicFeeling {
    /// The topic's name in the taxonomy.
    pub topic: String,
    /// Its index there.
    pub index: u16,
    /// Thousandths, -1000 to 1000, of the clause that names it; none when no feeling about it can be told.
    pub polarity: Option<i16>,
    /// First byte of the naming words in the original text, where several name it of those in the clause that feels most.
    pub start: u32,
    /// Byte after their last.
    pub end: u32,
}

/// All that one text says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Analysis {
    /// The language it was read in.
    pub language: Language,
    /// None when the analyzer abstains.
    pub feeling: Option<Feeling>,
    /// Polarity of the most negative sentence, thousandths. The whole text's may lie beyond: mild feeling
    /// in many sentences adds up.
    pub lowest: Option<i16>,
    /// Polarity of the most positive sentence, thousandths.
    pub highest: Option<i16>,
    /// Effort in thousandths, 1000 (hard) to -1000 (easy); none when nothing speaks of effort.
    pub effort: Option<i16>,
    /// Each emotion once, in the order of the enum.
    pub emotions: Vec<Emotion>,
    /// Each intent once, in the order of the enum.
    pub intents: Vec<Intent>,
    /// The customer means to leave the company.
    pub leaving: bool,
    /// Safety or the law is concerned.
    pub safety_or_legal: bool,
    /// How sure that is, thousandths, 500 at the threshold; none where the customer does not mean to leave.
    pub leaving_confidence: Option<u16>,
    /// How sure it is that safety or the law is concerned, likewise.
    pub safety_or_legal_confidence: Option<u16>,
    /// Topics by position, each topic once.
    pub topics: Vec<TopicFeeling>,
    /// Evidence by position, at most [`Analysis::SPANS_MAX`].
    pub spans: Vec<Span>,
}

impl Analysis {
    /// The most spans kept; the strongest stay.
    pub const SPANS_MAX: usize = 32;

    /// An analysis that says nothing but the language.
    #[must_use]
    pub const fn empty(language: Language) -> Self {
        Self {
            language,
            feeling: None,
            lowest: None,
            highest: None,
            effort: None,
            emotions: Vec::new(),
            intents: Vec::new(),
            leaving: false,
            safety_or_legal: false,
            leaving_confidence: None,
            safety_or_legal_confidence: None,
            topics: Vec::new(),
            spans: Vec::new(),
        }
    }
}

/// What a tenant and a channel ask of an analysis.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// Language of a text written in han only.
    pub han: Language,
    /// A support chat: its last sentence weighs 1.5.
    pub chat: bool,
    /// The topics to look for.
    pub taxonomy: &'a Taxonomy,
}

/// What a lexicon says of one prepared sentence.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Score {
    /// Sum of the clues after modifiers, on VADER's scale: one clear word is about 2 to 3.
    pub valence: f32,
    /// The words that made it.
    pub clues: Vec<Clue>,
}

/// A word or phrase that carries feeling.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clue {
    /// First byte in the prepared sentence.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
    /// Its valence after modifiers, VADER's scale.
    pub valence: f32,
}
