//! Messages as JSON of the protocol.

use std::fmt::Write as _;

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};

use super::{Failure, terminal::text};
use crate::proto::DESCRIPTORS;

/// Prints messages of one type.
pub(super) struct Printer {
    descriptor: prost_reflect::MessageDescriptor,
}

fn failed(error: &dyn std::fmt::Display) -> Failure {
    Failure::Call(format!("showing the answer: {error}"))
}

impl Printer {
    /// For a message of the API, by its name within the package.
    pub(super) fn new(name: &str) -> Result<Self, Failure> {
        let pool = DescriptorPool::decode(DESCRIPTORS).map_err(|e| failed(&e))?;
        let descriptor = pool
            .get_message_by_name(&format!("customer_profile.v1.{name}"))
            .ok_or_else(|| failed(&"no descriptor"))?;
        Ok(Self { descriptor })
    }

    fn message(&self, message: &impl Message) -> Result<DynamicMessage, Failure> {
        let bytes = message.encode_to_vec();
        DynamicMessage::decode(self.descriptor.clone(), bytes.as_slice()).map_err(|e| failed(&e))
    }

    /// A message over several lines.
    pub(super) fn pretty(&self, message: &impl Message) -> Result<String, Failure> {
        pretty(&self.message(message)?)
    }

    /// A message in one line.
    pub(super) fn line(&self, message: &impl Message) -> Result<String, Failure> {
        line(&self.message(message)?)
    }
}

/// A message over several lines, each ended.
pub(super) fn pretty(message: &DynamicMessage) -> Result<String, Failure> {
    let mut writer = serde_json::Serializer::pretty(Vec::new());
    message
        .serialize_with_options(&mut writer, &SerializeOptions::new())
        .map_err(|e| failed(&e))?;
    ended(writer.into_inner())
}

/// A message in one line, ended.
pub(super) fn line(message: &DynamicMessage) -> Result<String, Failure> {
    let mut writer = serde_json::Serializer::new(Vec::new());
    message
        .serialize_with_options(&mut writer, &SerializeOptions::new())
        .map_err(|e| failed(&e))?;
    ended(writer.into_inner())
}

fn ended(bytes: Vec<u8>) -> Result<String, Failure> {
    let mut text = harmless(String::from_utf8(bytes).map_err(|e| failed(&e))?);
    text.push('\n');
    Ok(text)
}

/// The same JSON with what a terminal would act on, or not show, as escapes. Such characters stand in strings only.
fn harmless(json: String) -> String {
    let harms = |c: char| c != '\n' && text::is_hidden(c);
    if json.contains(harms) {
        escaped(&json, harms)
    } else {
        json
    }
}

/// The same JSON with some characters, which stand in strings only, as escapes.
pub(super) fn escaped(json: &str, which: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if which(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(c);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::v1::Identifier;

    #[test]
    fn json_says_the_same_and_does_a_terminal_no_harm() {
        let hostile = "a\u{1b}[31m\u{9b}2J\u{202e}\u{7f}\u{e0041}山";
        let message = Identifier {
            namespace: "email".into(),
            value: hostile.into(),
        };
        let printer = Printer::new("Identifier").unwrap();
        for text in [
            printer.line(&message).unwrap(),
            printer.pretty(&message).unwrap(),
        ] {
            assert!(
                !text.chars().any(|c| c != '\n' && text::is_hidden(c)),
                "{text:?}"
            );
            let read: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(read["value"], hostile);
        }
    }
}
