//! Values that stand for nobody or for everybody.
//!
//! Forms fill such values in by themselves; as identifiers they would join thousands of strangers. The comparison is made
//! after width folding, in lower case, without quotes and surrounding space, so that `"NULL"` and `ＮＵＬＬ` are caught.

const BLOCKED: [&str; 28] = [
    "",
    "-",
    "--",
    "0",
    "-1",
    "null",
    "(null)",
    "nil",
    "undefined",
    "nan",
    "none",
    "n/a",
    "na",
    "guest",
    "anonymous",
    "unknown",
    "[object object]",
    "test@test.com",
    "noreply@example.com",
    "00000000-0000-0000-0000-000000000000",
    "なし",
    "無し",
    "不明",
    "ゲスト",
    "匿名",
    "未登録",
    "該当なし",
    "名無し",
];

/// Whether a value, already width folded, is blocked in every namespace.
#[must_use]
pub fn is_blocked(folded: &str) -> bool {
    let bare = folded
        .trim_matches(|c: char| c.is_whitespace() || "\"'`“”‘’「」『』".contains(c))
        .to_lowercase();
    BLOCKED.contains(&bare.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_and_cased_forms_are_blocked_too() {
        for value in [
            "NULL",
            "\"null\"",
            " 'Undefined' ",
            "「不明」",
            "[object Object]",
            "Test@Test.com",
            "0",
            "-1",
        ] {
            assert!(is_blocked(value), "{value}");
        }
    }

    #[test]
    fn values_that_only_contain_a_blocked_word_are_kept() {
        for value in ["00", "guest42", "anna", "nullable@example.com"] {
            assert!(!is_blocked(value), "{value}");
        }
    }
}
