//! Parts of interactions, put together in one line.

use prost_types::{Struct, Value, value::Kind as AttributeKind};

use crate::proto::v1::{
    Subject, SubjectKind, SubjectStatus, SurveyScale, SurveyScore, Trait, TraitValue,
    trait_value::Kind,
};

#[expect(clippy::unnecessary_wraps, reason = "fields of messages are optional")]
pub(super) fn subject(kind: SubjectKind, id: &str) -> Option<Subject> {
    Some(Subject {
        kind: kind.into(),
        id: id.to_owned(),
        status: 0,
    })
}

#[expect(clippy::unnecessary_wraps, reason = "fields of messages are optional")]
pub(super) fn subject_in(kind: SubjectKind, id: &str, status: SubjectStatus) -> Option<Subject> {
    Some(Subject {
        kind: kind.into(),
        id: id.to_owned(),
        status: status.into(),
    })
}

pub(super) fn fact(name: &str, kind: Kind) -> Trait {
    Trait {
        name: name.to_owned(),
        value: Some(TraitValue { kind: Some(kind) }),
    }
}

pub(super) fn told(name: &str, text: &str) -> Trait {
    fact(name, Kind::Text(text.to_owned()))
}

pub(super) fn score(scale: SurveyScale, value: i64, question: &str) -> SurveyScore {
    SurveyScore {
        scale: scale.into(),
        value: i32::try_from(value).unwrap_or_default(),
        question: Some(question.to_owned()),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "fields of messages are optional")]
pub(super) fn attributes(texts: &[(&str, &str)]) -> Option<Struct> {
    let fields = texts.iter().map(|(name, text)| {
        let kind = Some(AttributeKind::StringValue((*text).to_owned()));
        ((*name).to_owned(), Value { kind })
    });
    Some(Struct {
        fields: fields.collect(),
    })
}
