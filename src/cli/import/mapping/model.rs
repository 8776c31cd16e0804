//! The `[interaction]` table of a mapping file, as types.

use super::{
    super::time::{DateFormat, TimeFormat},
    section::When,
    template::Template,
};

/// The fields of an interaction and what they are made of.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    pub(crate) source: Template,
    pub(crate) event_id: Template,
    pub(crate) occurred_at: (Template, TimeFormat),
    pub(crate) department: Template,
    pub(crate) channel: Template,
    pub(crate) kind: Template,
    pub(crate) direction: Option<Scalar>,
    pub(crate) subject: Option<SubjectOf>,
    pub(crate) identifiers: Vec<IdentifierOf>,
    pub(crate) traits: Vec<TraitOf>,
    pub(crate) text: Option<Scalar>,
    pub(crate) language: Option<Scalar>,
    pub(crate) money: Option<MoneyOf>,
    pub(crate) survey_scores: Vec<ScoreOf>,
    pub(crate) consent_changes: Vec<ConsentOf>,
    pub(crate) attributes: Vec<AttributeOf>,
    pub(crate) sentiment: Option<SentimentOf>,
}

/// A value that may be left out.
#[derive(Clone, Debug)]
pub(crate) struct Scalar {
    pub(crate) when: Option<When>,
    pub(crate) value: Template,
}

/// What an interaction is about.
#[derive(Clone, Debug)]
pub(crate) struct SubjectOf {
    pub(crate) when: Option<When>,
    pub(crate) kind: Template,
    pub(crate) id: Template,
    pub(crate) status: Option<Template>,
}

/// Who the customer is.
#[derive(Clone, Debug)]
pub(crate) struct IdentifierOf {
    pub(crate) when: Option<When>,
    pub(crate) namespace: Template,
    pub(crate) value: Template,
}

/// A fact about the customer.
#[derive(Clone, Debug)]
pub(crate) struct TraitOf {
    pub(crate) when: Option<When>,
    pub(crate) name: Template,
    pub(crate) value: Template,
    pub(crate) kind: TraitKind,
}

/// The type of a trait.
#[derive(Clone, Debug)]
pub(crate) enum TraitKind {
    /// Text as it stands.
    Text,
    /// A whole number.
    Integer,
    /// A decimal number.
    Decimal,
    /// true, false, yes, no, 1 or 0.
    Boolean,
    /// A calendar date.
    Date(DateFormat),
    /// An instant.
    Time(TimeFormat),
    /// Texts between separators, or a JSON list of strings when there is none.
    List(Option<String>),
}

/// The amount.
#[derive(Clone, Debug)]
pub(crate) struct MoneyOf {
    pub(crate) when: Option<When>,
    pub(crate) amount: Template,
    pub(crate) currency: Template,
}

/// An answer to a survey.
#[derive(Clone, Debug)]
pub(crate) struct ScoreOf {
    pub(crate) when: Option<When>,
    pub(crate) scale: Template,
    pub(crate) value: Template,
    pub(crate) question: Option<Template>,
}

/// A consent given or taken back.
#[derive(Clone, Debug)]
pub(crate) struct ConsentOf {
    pub(crate) when: Option<When>,
    pub(crate) purpose: Template,
    pub(crate) state: Template,
    pub(crate) channel: Option<Template>,
    pub(crate) address: Option<IdentifierOf>,
}

/// A feeling as the source judged it.
#[derive(Clone, Debug)]
pub(crate) struct SentimentOf {
    pub(crate) when: Option<When>,
    pub(crate) polarity: Template,
    pub(crate) confidence: Option<Template>,
    pub(crate) method: Template,
}

/// A free attribute.
#[derive(Clone, Debug)]
pub(crate) struct AttributeOf {
    pub(crate) when: Option<When>,
    pub(crate) name: String,
    pub(crate) value: Template,
    pub(crate) kind: AttributeKind,
}

/// The type of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AttributeKind {
    /// Text as it stands.
    Text,
    /// A number.
    Number,
    /// true, false, yes, no, 1 or 0.
    Boolean,
}
