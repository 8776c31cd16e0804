//! A line in the protocol's own JSON to an interaction. Pure.
//!
//! What must stay true: a line that `prost-reflect` takes is taken as it stands, and of one that it refuses every place is
//! named that it would not take by itself, by its path and by what it should be. No reason holds a text of the line; names
//! of fields that there are not are no such texts, and are cut.

use prost::Message as _;
use prost_reflect::{
    DescriptorPool, DeserializeOptions, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor,
};
use serde_json::Value;

use super::{
    row::{Faults, LARGEST},
    table::Row,
};
use crate::proto::{DESCRIPTORS, v1::Interaction};

/// Reasons that are told of one line.
const MOST: usize = 16;
/// Characters that are told of the name of a field that there is not.
const LONGEST_NAME: usize = 64;
const TOO_DEEP: &str = "it is nested too deep";

/// Reads lines of the protocol's JSON.
#[derive(Clone, Debug)]
pub struct Protocol {
    interaction: MessageDescriptor,
}

impl Protocol {
    /// From the descriptors that this program was built with.
    #[must_use]
    pub fn new() -> Option<Self> {
        let pool = DescriptorPool::decode(DESCRIPTORS).ok()?;
        let interaction = pool.get_message_by_name("customer_profile.v1.Interaction")?;
        Some(Self { interaction })
    }

    /// The interaction that a row says: its only column is the line.
    ///
    /// # Errors
    /// Everything that is wrong with the line.
    pub fn interaction(&self, row: &Row) -> Result<Interaction, Faults> {
        let line = row.whole();
        match read(&self.interaction, line) {
            Ok(made) if made.encoded_len() > LARGEST => Err(Faults {
                event_id: Some(made.event_id.clone()).filter(|id| !id.is_empty()),
                reasons: vec![format!(
                    "the interaction is {} bytes long, more than {LARGEST}",
                    made.encoded_len()
                )],
            }),
            Ok(made) => Ok(made),
            Err(why) => Err(self.faults(line, why)),
        }
    }

    fn faults(&self, line: &str, why: Unread) -> Faults {
        let value = match serde_json::from_str::<Value>(line) {
            Ok(value) => value,
            Err(error) => {
                return Faults {
                    event_id: None,
                    reasons: vec![not_json(&error)],
                };
            }
        };
        let event_id = ["eventId", "event_id"].iter().find_map(|n| value.get(n));
        let mut reasons = Vec::new();
        match why {
            Unread::TooDeep => reasons.push(format!("the row is no interaction: {TOO_DEEP}")),
            Unread::Refused => look(&self.interaction, &value, "", &mut reasons),
        }
        if reasons.is_empty() {
            // Each field alone would do, so it is their company: one that is given twice, under one name or two.
            reasons.push("the row gives a field twice".to_owned());
        }
        reasons.truncate(MOST);
        Faults {
            event_id: event_id
                .and_then(Value::as_str)
                .filter(|id| !id.is_empty())
                .map(str::to_owned),
            reasons,
        }
    }
}

/// Why a line is no interaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unread {
    /// Something in it is not as it should be.
    Refused,
    /// All of it is, but no service could decode it.
    TooDeep,
}

fn read(interaction: &MessageDescriptor, line: &str) -> Result<Interaction, Unread> {
    let mut json = serde_json::Deserializer::from_str(line);
    let strict = DeserializeOptions::new().deny_unknown_fields(true);
    let message = DynamicMessage::deserialize_with_options(interaction.clone(), &mut json, &strict)
        .map_err(|_| Unread::Refused)?;
    json.end().map_err(|_| Unread::Refused)?;
    message.transcode_to().map_err(|_| Unread::TooDeep)
}

/// The parser's own words name a column and what it expected, none of the text.
fn not_json(error: &serde_json::Error) -> String {
    let what = error.to_string();
    let what = if what.contains("hex escape") || what.contains("code point") {
        "it has a string with an unpaired surrogate"
    } else if what.contains("recursion limit") {
        TOO_DEEP
    } else if error.is_eof() {
        "it ends too early"
    } else {
        "it breaks the grammar"
    };
    format!("the row is not JSON: {what} at column {}", error.column())
}

/// Names what is wrong below a message.
fn look(message: &MessageDescriptor, value: &Value, path: &str, reasons: &mut Vec<String>) {
    let Value::Object(members) = value else {
        let what = if path.is_empty() { "the row" } else { path };
        reasons.push(format!("{what} is not a JSON object"));
        return;
    };
    for (name, member) in members {
        let here = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        let found = message
            .get_field_by_json_name(name)
            .or_else(|| message.get_field_by_name(name));
        match found {
            None => {
                let shown: String = name.chars().take(LONGEST_NAME).collect();
                let before = if path.is_empty() {
                    String::new()
                } else {
                    format!("{path}.")
                };
                reasons.push(format!("{before}{shown} is no field of the protocol"));
            }
            Some(field) => member_of(message, &field, member, &here, reasons),
        }
    }
}

fn member_of(
    message: &MessageDescriptor,
    field: &FieldDescriptor,
    value: &Value,
    path: &str,
    reasons: &mut Vec<String>,
) {
    if takes(message, field, value.clone()) {
        return;
    }
    let before = reasons.len();
    match value {
        Value::Array(items) if field.is_list() => {
            for (index, item) in items.iter().enumerate() {
                if !takes(message, field, Value::Array(vec![item.clone()])) {
                    single(field, item, &format!("{path}[{index}]"), reasons);
                }
            }
        }
        _ if field.is_list() => reasons.push(format!("{path} is not a list")),
        _ => single(field, value, path, reasons),
    }
    if reasons.len() == before {
        reasons.push(format!("{path} is not {}", expected(&field.kind())));
    }
}

fn single(field: &FieldDescriptor, value: &Value, path: &str, reasons: &mut Vec<String>) {
    match field.kind() {
        Kind::Message(inner) if !inner.full_name().starts_with("google.protobuf.") => {
            look(&inner, value, path, reasons);
        }
        kind => reasons.push(format!("{path} is not {}", expected(&kind))),
    }
}

/// Whether a message with this field alone is one.
fn takes(message: &MessageDescriptor, field: &FieldDescriptor, value: Value) -> bool {
    let members = std::iter::once((field.json_name().to_owned(), value));
    let alone = Value::Object(members.collect());
    let strict = DeserializeOptions::new().deny_unknown_fields(true);
    DynamicMessage::deserialize_with_options(message.clone(), alone, &strict).is_ok()
}

fn expected(kind: &Kind) -> String {
    match kind {
        Kind::String => "a string".to_owned(),
        Kind::Bool => "true or false".to_owned(),
        Kind::Int32 => "a whole number of 32 bits".to_owned(),
        Kind::Int64 => "a whole number of 64 bits, as a string or a number".to_owned(),
        Kind::Enum(of) => format!("a value of {}", of.name()),
        Kind::Message(of) => match of.name() {
            "Timestamp" => "a time such as 2026-03-01T10:15:00Z".to_owned(),
            "Struct" => "a JSON object of the protocol".to_owned(),
            name => format!("a valid {name}"),
        },
        _ => "of the field's type".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Interaction, Faults> {
        Protocol::new()
            .unwrap()
            .interaction(&Row::of_line(line.to_owned()))
    }

    fn reasons(line: &str) -> Vec<String> {
        read(line).unwrap_err().reasons
    }

    #[test]
    fn an_interaction_is_read_as_grpcurl_takes_it() {
        let made = read(
            r#"{"source": "web", "event_id": "1", "occurredAt": "2026-03-01T10:15:00+09:00", "type": "page.viewed",
                "money": {"currency": "JPY", "minorUnits": "120"}, "surveyScores": [{"scale": "SURVEY_SCALE_NPS", "value": 9}],
                "identifiers": [{"namespace": "email", "value": "a@example.com"}], "attributes": {"a": [1, null]}}"#,
        )
        .unwrap();
        assert_eq!(made.event_id, "1");
        assert_eq!(made.occurred_at.unwrap().seconds, 1_772_327_700);
        assert_eq!(made.money.unwrap().minor_units, 120);
        assert_eq!(made.survey_scores[0].value, 9);
        assert_eq!(made.attributes.unwrap().fields.len(), 1);
    }

    #[test]
    fn every_fault_is_named_by_its_path_and_without_its_text() {
        let line = r#"{"source": 7, "eventId": "e-1", "occurredAt": "yesterday", "colour": "red",
            "identifiers": [{"namespace": "email", "value": "a@b.c"}, {"namespace": "email", "valu": "secret"}],
            "direction": "SIDEWAYS", "money": {"currency": "JPY", "minorUnits": "1.5"},
            "traits": {"name": "secret"}, "subject": "secret"}"#;
        let faults = read(line).unwrap_err();
        assert_eq!(faults.event_id.as_deref(), Some("e-1"));
        let told = faults.reasons.join("\n");
        for named in [
            "source is not a string",
            "occurredAt is not a time",
            "colour is no field",
            "identifiers[1].valu is no field",
            "direction is not a value of Direction",
            "money.minorUnits is not a whole number of 64 bits",
            "traits is not a list",
            "subject is not a JSON object",
        ] {
            assert!(told.contains(named), "{named}: {told}");
        }
        assert!(
            !told.contains("secret") && !told.contains("SIDEWAYS"),
            "{told}"
        );
        assert_eq!(faults.reasons.len(), 8, "{told}");
    }

    #[test]
    fn a_row_that_is_nested_too_deep_is_told_so() {
        for levels in [5, 30, 40, 1_000] {
            let (open, close) = ("{\"a\":".repeat(levels), "}".repeat(levels));
            let line = format!("{{\"eventId\": \"e-1\", \"attributes\": {open}1{close}}}");
            match read(&line) {
                Ok(_) => assert!(levels <= 30, "{levels}"),
                Err(faults) => {
                    let told = faults.reasons.join("; ");
                    assert!(levels > 30 && told.contains(TOO_DEEP), "{levels}: {told}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_json_says_where() {
        for (line, what) in [
            (r#"{"text": "\ud800"}"#, "unpaired surrogate"),
            (r#"{"text": "\udc00x"}"#, "unpaired surrogate"),
            (r#"{"text": "#, "ends too early"),
            ("id,at,customer", "breaks the grammar"),
            ("[1]", "is not a JSON object"),
            (r#"{"source": "a"} {"source": "b"}"#, "breaks the grammar"),
            (r#"{"text": "a", "text": "b"}"#, "twice"),
        ] {
            let told = reasons(line).join("; ");
            assert!(told.contains(what), "{line}: {told}");
        }
    }
}
