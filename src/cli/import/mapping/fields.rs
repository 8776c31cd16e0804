//! Reading the `[interaction]` table of a mapping file.

use crate::ids::is_slug;

use super::super::{
    money::is_currency,
    time::{DateFormat, TimeFormat},
};
use super::{
    model::{
        AttributeKind, AttributeOf, ConsentOf, Fields, IdentifierOf, MoneyOf, Scalar, ScoreOf,
        SentimentOf, SubjectOf, TraitKind, TraitOf,
    },
    section::{Findings, Section},
    template::Template,
    words,
};

const SLUG: &str = "must be 1 to 64 of a-z, 0-9, _, - and ., starting with a letter or digit";

pub(super) fn read(mut section: Section, findings: &mut Findings) -> Fields {
    let source = slug(&mut section, findings, "source", 64);
    let event_id = section.required_template(findings, "event_id");
    let occurred_at = occurred_at(&mut section, findings);
    let department = slug(&mut section, findings, "department", 64);
    let channel = slug(&mut section, findings, "channel", 64);
    let kind = slug(&mut section, findings, "type", 64);
    let direction = scalar(&mut section, findings, "direction");
    if let Some(direction) = &direction {
        let known = |word: &str| words::direction(word).is_some();
        let path = section.at("direction");
        findings.check_constant(&path, &direction.value, known, words::DIRECTIONS);
    }
    let fields = Fields {
        source,
        event_id,
        occurred_at: occurred_at.unwrap_or_default(),
        department,
        channel,
        kind,
        direction,
        subject: section
            .section(findings, "subject")
            .map(|s| subject(s, findings)),
        identifiers: identifiers(&mut section, findings),
        traits: each(&mut section, findings, "traits", trait_of),
        text: scalar(&mut section, findings, "text"),
        language: scalar(&mut section, findings, "language"),
        money: section
            .section(findings, "money")
            .map(|s| money(s, findings)),
        survey_scores: each(&mut section, findings, "survey_scores", score),
        consent_changes: each(&mut section, findings, "consent_changes", consent),
        attributes: attributes(&mut section, findings),
        sentiment: section
            .section(findings, "sentiment")
            .map(|s| sentiment(s, findings)),
    };
    section.finish(findings);
    fields
}

fn slug(section: &mut Section, findings: &mut Findings, key: &str, longest: usize) -> Template {
    let template = section.required_template(findings, key);
    let what = SLUG.replace("64", &longest.to_string());
    findings.check_constant(&section.at(key), &template, |w| is_slug(w, longest), &what);
    template
}

fn each<T>(
    section: &mut Section,
    findings: &mut Findings,
    key: &str,
    read: impl Fn(Section, &mut Findings) -> T,
) -> Vec<T> {
    let sections = section.sections(findings, key);
    sections.into_iter().map(|s| read(s, findings)).collect()
}

/// A string, or a table with a value and a condition.
fn scalar(section: &mut Section, findings: &mut Findings, key: &str) -> Option<Scalar> {
    if !section.is_table(key) {
        let value = section.template(findings, key)?;
        return Some(Scalar { when: None, value });
    }
    let mut inner = section.section(findings, key)?;
    let scalar = Scalar {
        when: inner.when(findings),
        value: inner.required_template(findings, "value"),
    };
    inner.finish(findings);
    Some(scalar)
}

fn occurred_at(section: &mut Section, findings: &mut Findings) -> Option<(Template, TimeFormat)> {
    if !section.has("occurred_at") {
        findings.mistake(&section.at("occurred_at"), "is missing");
    }
    let mut inner = section.section(findings, "occurred_at")?;
    let column = inner.string(findings, "column");
    let value = inner.template(findings, "value");
    let from = match (column, value) {
        (Some(column), None) => Template::column(findings.columns.id(&column)),
        (None, Some(value)) => value,
        _ => {
            findings.mistake(
                inner.path(),
                "must say either column = \"..\" or value = \"..\"",
            );
            Template::default()
        }
    };
    let format = inner.required_string(findings, "format");
    let format = time_format(&mut inner, findings, &format);
    inner.finish(findings);
    Some((from, format))
}

fn time_format(section: &mut Section, findings: &mut Findings, format: &str) -> TimeFormat {
    let zone = section.string(findings, "time_zone");
    if format.is_empty() {
        return TimeFormat::default();
    }
    TimeFormat::new(format, zone.as_deref()).unwrap_or_else(|(key, what)| {
        findings.mistake(&section.at(key), &what);
        TimeFormat::default()
    })
}

fn subject(mut section: Section, findings: &mut Findings) -> SubjectOf {
    let of = SubjectOf {
        when: section.when(findings),
        kind: section.required_template(findings, "kind"),
        id: section.required_template(findings, "id"),
        status: section.template(findings, "status"),
    };
    let known = |word: &str| words::subject_kind(word).is_some();
    findings.check_constant(&section.at("kind"), &of.kind, known, words::KINDS);
    if let Some(status) = &of.status {
        let known = |word: &str| words::subject_status(word).is_some();
        findings.check_constant(&section.at("status"), status, known, words::STATUSES);
    }
    section.finish(findings);
    of
}

fn identifiers(section: &mut Section, findings: &mut Findings) -> Vec<IdentifierOf> {
    let path = section.at("identifiers");
    let found = each(section, findings, "identifiers", identifier);
    if found.is_empty() && !findings.mistakes.iter().any(|m| m.starts_with(&path)) {
        findings.mistake(&path, "is missing: an interaction needs one at least");
    }
    found
}

fn identifier(mut section: Section, findings: &mut Findings) -> IdentifierOf {
    let of = IdentifierOf {
        when: section.when(findings),
        namespace: slug(&mut section, findings, "namespace", 32),
        value: section.required_template(findings, "value"),
    };
    section.finish(findings);
    of
}

fn trait_of(mut section: Section, findings: &mut Findings) -> TraitOf {
    let when = section.when(findings);
    let name = slug(&mut section, findings, "name", 64);
    let value = section.required_template(findings, "value");
    let word = section
        .string(findings, "type")
        .unwrap_or_else(|| "text".to_owned());
    let kind = match word.as_str() {
        "text" => TraitKind::Text,
        "integer" => TraitKind::Integer,
        "decimal" => TraitKind::Decimal,
        "boolean" => TraitKind::Boolean,
        "date" => TraitKind::Date(date_format(&mut section, findings)),
        "time" => {
            let format = section.required_string(findings, "format");
            TraitKind::Time(time_format(&mut section, findings, &format))
        }
        "list" => {
            let separator = section.string(findings, "separator");
            if separator.as_deref() == Some("") {
                findings.mistake(&section.at("separator"), "is empty");
            }
            TraitKind::List(separator)
        }
        _ => {
            let what = "must be text, integer, decimal, boolean, date, time or list";
            findings.mistake(&section.at("type"), what);
            TraitKind::Text
        }
    };
    section.finish(findings);
    TraitOf {
        when,
        name,
        value,
        kind,
    }
}

fn date_format(section: &mut Section, findings: &mut Findings) -> DateFormat {
    let Some(pattern) = section.string(findings, "format") else {
        return DateFormat::default();
    };
    DateFormat::new(&pattern).unwrap_or_else(|what| {
        findings.mistake(&section.at("format"), &what);
        DateFormat::default()
    })
}

fn money(mut section: Section, findings: &mut Findings) -> MoneyOf {
    let of = MoneyOf {
        when: section.when(findings),
        amount: section.required_template(findings, "amount"),
        currency: section.required_template(findings, "currency"),
    };
    let what = "must be a code of ISO 4217 with a minor unit, like USD or JPY";
    findings.check_constant(&section.at("currency"), &of.currency, is_currency, what);
    section.finish(findings);
    of
}

fn score(mut section: Section, findings: &mut Findings) -> ScoreOf {
    let of = ScoreOf {
        when: section.when(findings),
        scale: section.required_template(findings, "scale"),
        value: section.required_template(findings, "value"),
        question: section.template(findings, "question"),
    };
    let known = |word: &str| words::scale(word).is_some();
    findings.check_constant(&section.at("scale"), &of.scale, known, words::SCALES);
    section.finish(findings);
    of
}

fn consent(mut section: Section, findings: &mut Findings) -> ConsentOf {
    let of = ConsentOf {
        when: section.when(findings),
        purpose: slug(&mut section, findings, "purpose", 64),
        state: section.required_template(findings, "state"),
        channel: section.template(findings, "channel"),
        address: section
            .section(findings, "address")
            .map(|s| identifier(s, findings)),
    };
    let known = |word: &str| words::consent_state(word).is_some();
    findings.check_constant(&section.at("state"), &of.state, known, words::STATES);
    section.finish(findings);
    of
}

fn sentiment(mut section: Section, findings: &mut Findings) -> SentimentOf {
    let of = SentimentOf {
        when: section.when(findings),
        polarity: section.required_template(findings, "polarity"),
        confidence: section.template(findings, "confidence"),
        method: slug(&mut section, findings, "method", 64),
    };
    section.finish(findings);
    of
}

fn attributes(section: &mut Section, findings: &mut Findings) -> Vec<AttributeOf> {
    let Some(mut inner) = section.section(findings, "attributes") else {
        return Vec::new();
    };
    let mut attributes = Vec::new();
    for name in inner.keys() {
        attributes.extend(attribute(&mut inner, findings, name));
    }
    attributes
}

fn attribute(section: &mut Section, findings: &mut Findings, name: String) -> Option<AttributeOf> {
    if !section.is_table(&name) {
        let value = section.template(findings, &name)?;
        return Some(AttributeOf {
            when: None,
            name,
            value,
            kind: AttributeKind::Text,
        });
    }
    let mut inner = section.section(findings, &name)?;
    let when = inner.when(findings);
    let value = inner.required_template(findings, "value");
    let kind = match inner.string(findings, "type").as_deref() {
        None | Some("text") => AttributeKind::Text,
        Some("number") => AttributeKind::Number,
        Some("boolean") => AttributeKind::Boolean,
        Some(_) => {
            findings.mistake(&inner.at("type"), "must be text, number or boolean");
            AttributeKind::Text
        }
    };
    inner.finish(findings);
    Some(AttributeOf {
        when,
        name,
        value,
        kind,
    })
}
