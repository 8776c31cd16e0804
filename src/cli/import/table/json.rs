//! Values of a JSON object by their paths.
//!
//! `serde_json` says whether a line is an object; the texts are then taken from the line itself, because a number that
//! went through a float is no longer what the file says (`1.10`, or an id of 20 digits).

use serde_json::Value;

/// A value where the line has it.
enum Found<'a> {
    /// `null`, or nothing.
    Nothing,
    /// A string with its quotes.
    Text(&'a str),
    /// Anything else: a number, true, false, a list or an object.
    Json(&'a str),
}

/// The texts at the paths; what is missing or null is empty.
pub(super) fn values(line: &[u8], paths: &[String]) -> Result<Vec<String>, String> {
    let text = std::str::from_utf8(line)
        .map_err(|_| "is not UTF-8")?
        .trim();
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(_)) => {}
        Ok(_) => return Err("is not a JSON object".to_owned()),
        // The parser's own words name a column and what it expected, none of the text.
        Err(error) => return Err(format!("is not JSON: {}", reason(&error))),
    }
    paths.iter().map(|path| value(text, path)).collect()
}

fn reason(error: &serde_json::Error) -> String {
    use serde_json::error::Category;
    let what = match error.classify() {
        Category::Eof => "it ends too early",
        Category::Io | Category::Syntax | Category::Data => "it breaks the grammar",
    };
    format!("{what} at column {}", error.column())
}

fn value(text: &str, path: &str) -> Result<String, String> {
    match find(text, path)? {
        Found::Nothing => Ok(String::new()),
        Found::Json(json) => Ok(json.to_owned()),
        Found::Text(quoted) => decode(quoted),
    }
}

fn decode(quoted: &str) -> Result<String, String> {
    serde_json::from_str(quoted).map_err(|_| "has a string with an impossible escape".to_owned())
}

/// Walks down a path. A name with dots in it is found too, when it is spelled as the path is.
fn find<'a>(text: &'a str, path: &str) -> Result<Found<'a>, String> {
    let Some(inner) = text.strip_prefix('{') else {
        return Ok(Found::Nothing);
    };
    let mut found = Found::Nothing;
    let mut rest = inner.trim_start();
    while rest.starts_with('"') {
        let (name, after) = rest.split_at(value_length(rest));
        let name = decode(name)?;
        let after = after.trim_start();
        let after = after.strip_prefix(':').unwrap_or(after).trim_start();
        let (member, after) = after.split_at(value_length(after));
        let here = if name == path {
            typed(member)
        } else {
            match path
                .strip_prefix(name.as_str())
                .and_then(|p| p.strip_prefix('.'))
            {
                Some(deeper) => find(member, deeper)?,
                None => Found::Nothing,
            }
        };
        if !matches!(here, Found::Nothing) {
            if !matches!(found, Found::Nothing) {
                return Err(format!("has {path:?} twice"));
            }
            found = here;
        }
        let after = after.trim_start();
        rest = after.strip_prefix(',').unwrap_or(after).trim_start();
    }
    Ok(found)
}

fn typed(json: &str) -> Found<'_> {
    match json.as_bytes().first() {
        Some(b'"') => Found::Text(json),
        Some(b'n') | None => Found::Nothing,
        Some(_) => Found::Json(json),
    }
}

/// How long the value is that a text of valid JSON starts with.
fn value_length(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut quoted = false;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        if quoted {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => {
                    quoted = false;
                    if depth == 0 {
                        return at + 1;
                    }
                }
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => quoted = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' | b',' | b' ' | b'\t' | b'\r' | b'\n' if depth == 0 => return at,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(line: &str, paths: &[&str]) -> Result<Vec<String>, String> {
        let paths: Vec<String> = paths.iter().map(ToString::to_string).collect();
        values(line.as_bytes(), &paths)
    }

    #[test]
    fn values_are_found_by_their_paths_and_numbers_keep_their_digits() {
        let line = r#" { "id": 12345678901234567890123, "price":1.10,"ok":true , "none":null,
            "customer":{"email":"a\u0040b.example","tags":["x","y"],"":7}, "a.b":"dotted", "q":"\"}" } "#;
        let line = line.replace('\n', "");
        let found = read(
            &line,
            &[
                "id",
                "price",
                "ok",
                "none",
                "customer.email",
                "customer.tags",
                "a.b",
                "q",
                "x.y",
                "customer",
            ],
        )
        .unwrap();
        assert_eq!(
            found[..9],
            [
                "12345678901234567890123",
                "1.10",
                "true",
                "",
                "a@b.example",
                r#"["x","y"]"#,
                "dotted",
                "\"}",
                ""
            ]
        );
        assert!(found[9].starts_with("{\"email\""));
    }

    #[test]
    fn lines_that_are_no_object_are_faults() {
        for bad in [
            "",
            "{",
            "[1]",
            "7",
            "{\"a\":1}x",
            "{'a':1}",
            "{\"a\":}",
            "{\"a\":\"\\ud800\"}",
        ] {
            assert!(read(bad, &["a"]).is_err(), "{bad}");
        }
        assert!(values(b"{\"a\":\"\xff\"}", &[]).is_err());
        let deep = format!("{}{}", "{\"a\":".repeat(100_000), "1");
        assert!(read(&deep, &["a"]).is_err());
    }

    #[test]
    fn a_path_that_is_there_twice_is_a_fault_only_when_it_is_used() {
        let line = r#"{"a":1,"a":2,"b":3}"#;
        assert!(read(line, &["a"]).is_err());
        assert_eq!(read(line, &["b"]), Ok(vec!["3".to_owned()]));
    }

    proptest! {
        #[test]
        fn any_line_is_values_or_a_fault(line in any::<String>(), path in any::<String>()) {
            let _ = read(&line, &[&path]);
        }

        #[test]
        fn any_text_survives(name in any::<String>(), text in any::<String>()) {
            let line = serde_json::json!({"before": [{"x": "}"}], &name: &text, "after": {}}).to_string();
            prop_assume!(!matches!(name.as_str(), "before" | "after"));
            prop_assert_eq!(read(&line, &[&name]), Ok(vec![text]));
        }
    }
}
