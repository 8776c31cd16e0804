//! What the reference page says of the attributes, out of their table.

use std::fmt::Write as _;

use super::schema::{AttributeId, Changes, Definition, Form, Parameter, Scope};
use super::value::Type;

/// The tables of attributes of `docs/criteria.md`: those of profiles, then those of calls.
#[must_use]
pub fn attribute_tables() -> String {
    let mut text = String::new();
    for (scope, title) in [
        (Scope::Profile, "Of the customer"),
        (Scope::Call, "Of the call, in rules of actions only"),
    ] {
        // Writing into a text does not fail.
        let _ = write!(
            text,
            "### {title}\n\n| attribute | type | unit or range | meaning | changes by time alone |\n|---|---|---|---|---|\n"
        );
        let of_scope = AttributeId::ALL
            .iter()
            .map(|id| id.definition())
            .filter(|is| is.scope == scope);
        for is in of_scope {
            row(&mut text, is);
        }
        text.push('\n');
    }
    text.pop();
    text
}

fn row(text: &mut String, is: &Definition) {
    let form = match is.form {
        Form::Plain => is.name.to_owned(),
        Form::Key => format!("{}[\"name\"]", is.name),
        Form::Call { parameters, needed } => {
            let parameter = |(at, kind): (usize, &Parameter)| {
                let name = kind.name();
                let name = match kind.largest() {
                    Some(_) => name.to_owned(),
                    None => format!("\"{name}\""),
                };
                match (at, at < needed) {
                    (0, _) => name,
                    (_, true) => format!(", {name}"),
                    (_, false) => format!("[, {name}]"),
                }
            };
            let parameters: String = parameters.iter().enumerate().map(parameter).collect();
            format!("{}({parameters})", is.name)
        }
    };
    let kind = if is.kind == Type::Any {
        "as recorded".to_owned()
    } else if is.vocabulary.is_empty() {
        is.kind.name().to_owned()
    } else {
        format!("one of {}", is.vocabulary.join(", "))
    };
    let changes = match is.changes {
        Changes::Never => "no",
        Changes::Daily => "daily",
        Changes::Hourly => "hourly",
        Changes::Quarterly => "every quarter of an hour",
    };
    let _ = writeln!(
        text,
        "| `{form}` | {kind} | {} | {} | {changes} |",
        is.unit, is.meaning
    );
}
