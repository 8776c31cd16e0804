//! What people get wrong, and what they are told.

use crate::criteria::{Fault, Rule, Use};

fn faults(text: &str) -> Vec<Fault> {
    Rule::parse(text, Use::Segment).expect_err(text)
}

fn told(text: &str) -> Vec<String> {
    faults(text)
        .iter()
        .map(|fault| fault.describe(text))
        .collect()
}

#[test]
fn all_mistakes_are_told_at_once_with_their_places() {
    let text = "last_oder > 30\n  && trait[\"Tier\"] == 1 && spend(\"eur\") > 5\n  && order_count == \"3\" && page == 1";
    assert_eq!(
        told(text),
        [
            "line 1, column 1: nothing is called `last_oder`; did you mean `last_order`?",
            "line 2, column 12: this is no name; names are texts of 1 to 64 of a-z, 0-9, `_`, `-` and `.`, as \"tier\"",
            "line 2, column 34: `eur` is no currency; a currency is three capital letters, as \"EUR\"",
            "line 3, column 6: an integer and text cannot be compared; numbers are written without quotes, texts with them",
            "line 3, column 28: nothing is called `page`; docs/criteria.md lists all attributes; facts of your own are traits, as trait[\"tier\"]",
        ]
    );
}

/// A text, the kind of its first mistake, and what is said of it.
const HINTS: &[(&str, &str, &str)] = &[
    (
        "known = true",
        "rule_syntax",
        "`=` means nothing here; write `==` to compare",
    ),
    (
        "known and known",
        "rule_syntax",
        "`and` is unexpected here; write `&&` instead of `and`",
    ),
    (
        "known &&",
        "rule_syntax",
        "the rule ends too early; expected a value",
    ),
    (
        "",
        "rule_syntax",
        "the rule ends too early; expected a value",
    ),
    (
        "known ? known : known",
        "rule_syntax",
        "conditional values are not supported; write `(a && b) || (!a && c)`",
    ),
    (
        "known known",
        "rule_syntax",
        "`known` is unexpected here; expected nothing more",
    ),
    (
        "(known",
        "rule_syntax",
        "the rule ends too early; expected `)`",
    ),
    (
        "trait[\"a\"] == “gold”",
        "rule_syntax",
        "`“` means nothing here; write texts between straight quotes, as \"gold\"",
    ),
    (
        "1 < order_count < 3",
        "rule_unsupported",
        "comparisons cannot be chained; write `a < b && b < c`",
    ),
    (
        "order_count > 1e3",
        "rule_unsupported",
        "`1e3` is no number; numbers are digits with an optional point, as 12 or 0.5",
    ),
    (
        "trait.tier == \"a\"",
        "rule_unsupported",
        "`tier` is no part of anything; attributes have no parts; traits are written trait[\"tier\"]",
    ),
    (
        "order_count",
        "rule_type",
        "this is an integer, where something true or false is needed; compare it, as `order_count > 0`",
    ),
    (
        "known && last_order",
        "rule_type",
        "this is a time, where something true or false is needed; ask how long ago it is, as `days_since(last_order) > 30`",
    ),
    (
        "last_order > 30",
        "rule_type",
        "a time and an integer cannot be compared; ask how long ago it is, as `days_since(last_order) > 30`",
    ),
    (
        "last_channel < \"web\"",
        "rule_type",
        "text has no order, so `<` says nothing; write `==` or `!=`",
    ),
    (
        "within(last_order, 30)",
        "rule_type",
        "this is no length of time; write minutes(30), hours(12), days(30) or weeks(2)",
    ),
    (
        "within(last_order, days(9999))",
        "rule_too_large",
        "`9999` days is no window; a window is 1 to 3660 days",
    ),
    (
        "within(order_count, days(3))",
        "rule_type",
        "this is an integer, where a time is needed",
    ),
    (
        "days_since(order_count) > 3",
        "rule_type",
        "this is an integer, where a time or date is needed",
    ),
    (
        "days(3) == days(3)",
        "rule_type",
        "a length of time cannot stand here; write `within(last_order, days(30))`",
    ),
    (
        "order_count / 0 > 1",
        "rule_type",
        "nothing can be divided by zero",
    ),
    (
        "last_channel + \"a\" == \"b\"",
        "rule_type",
        "this is text, where a number is needed; texts cannot be put together",
    ),
    (
        "order_count in [1, \"2\"]",
        "rule_type",
        "an integer is never text; numbers are written without quotes, texts with them",
    ),
    (
        "order_count in []",
        "rule_type",
        "nothing is in an empty list",
    ),
    (
        "order_count in [identifier_count]",
        "rule_type",
        "lists hold fixed values only; compare with `==` and join with `||`",
    ),
    (
        "sentiment_trend == \"decline\"",
        "rule_vocabulary",
        "`sentiment_trend` is never `decline`; did you mean \"declining\"?",
    ),
    (
        "last_label in [\"positive\", \"bad\"]",
        "rule_vocabulary",
        "`last_label` is never `bad`; it is one of negative, neutral, positive",
    ),
    (
        "survey_latest(\"npx\") > 3",
        "rule_parameter",
        "`npx` is no scale; did you mean \"nps\"?",
    ),
    (
        "spend > 3",
        "rule_parameter",
        "`spend` says nothing without a parameter; write `spend(\"currency\")`",
    ),
    (
        "known(\"a\")",
        "rule_parameter",
        "`known` takes no parameters; write `known`",
    ),
    (
        "contacts(\"email\") > 3",
        "rule_parameter",
        "1 parameters were given; write `contacts(\"channel\", 30)`",
    ),
    (
        "contacts(\"email\", 400) > 3",
        "rule_parameter",
        "`400` is no number of days; it is 1 to 365",
    ),
    (
        "days_since() > 3",
        "rule_parameter",
        "0 parameters were given, 1 are needed; write `days_since(last_order)`",
    ),
    (
        "has(1)",
        "rule_type",
        "`has` asks for an attribute; write `has(last_order)` or `has(trait[\"tier\"])`",
    ),
    (
        "trait[\"a\"] == null",
        "rule_unknown_name",
        "nothing is called `null`; whether there is a value is asked by `has(last_order)`",
    ),
    (
        "now > last_order",
        "rule_unknown_name",
        "nothing is called `now`; ages are written `days_since(last_order) > 30`",
    ),
    (
        "last_channel.matches(\"a.*\")",
        "rule_unknown_name",
        "nothing is called `matches`; patterns are not supported; use `startsWith`, `endsWith` or `contains`",
    ),
    (
        "last_channel.startWith(\"a\")",
        "rule_unknown_name",
        "nothing is called `startWith`; did you mean `startsWith`?",
    ),
    (
        "trait[\"a\"] == date(\"2026-02-30\")",
        "rule_parameter",
        "this is no day; write date(\"2026-01-31\"), years 0001 to 9999",
    ),
    (
        "context[\"page\"] == \"home\"",
        "rule_scope",
        "`context` is not known in a segment; it belongs to a call; ask for it in the rule of an action",
    ),
    (
        "local_hour > 8",
        "rule_scope",
        "`local_hour` is not known in a segment; it belongs to a call; ask for it in the rule of an action",
    ),
    (
        "order_count > 9223372036854775808",
        "rule_too_large",
        "`9223372036854775808` is too large; whole numbers go up to 9223372036854775807",
    ),
    (
        "-known",
        "rule_type",
        "this is a boolean, where a number is needed",
    ),
    (
        "[1, 2] == [1, 2]",
        "rule_type",
        "a list cannot stand here; lists stand behind `in`, as `trait[\"tier\"] in [\"gold\", \"silver\"]`",
    ),
];

#[test]
fn each_mistake_has_its_hint() {
    for (text, kind, what) in HINTS {
        let faults = faults(text);
        let fault = &faults[0];
        assert_eq!(
            (fault.kind.slug(), fault.to_string().as_str()),
            (*kind, *what),
            "{text}"
        );
    }
}

#[test]
fn places_are_those_of_the_words() {
    let text = "known && trait[\"é\"] == 1 || spnd(\"EUR\") > 1";
    let faults = faults(text);
    let words: Vec<_> = faults
        .iter()
        .map(|fault| &text[fault.start..fault.end])
        .collect();
    assert_eq!(words, ["\"é\"", "spnd(\"EUR\")"]);
    assert_eq!(faults[1].line_column(text), (1, 29));
}

#[test]
fn what_a_mistake_repeats_is_short() {
    let faults = faults(&"long".repeat(1_000));
    assert!(faults[0].what.len() < 120, "{}", faults[0]);
}
