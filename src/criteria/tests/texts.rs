//! Texts of strangers that are no rules, each of which might make a parser work long. The benchmark of decisions takes the time of them.

/// The motif that once took a gigabyte of a parser.
const GARBAGE: &str = "!!(!!!!!!(!!!!(((((!!(!!(!!!!((";

pub(crate) fn hostile() -> Vec<(&'static str, String)> {
    let deep = |open: &str, close: &str, times: usize| {
        format!("{}1{}", open.repeat(times), close.repeat(times))
    };
    let unknown = (0..200).map(|at| format!("last_odrer_{at}x"));
    vec![
        ("125 bytes of garbage", format!("{}1", GARBAGE.repeat(4))),
        ("garbage up to the limit", GARBAGE.repeat(132)),
        ("100,000 brackets", deep("(", ")", 100_000)),
        ("2,000 brackets", deep("(", ")", 2_000)),
        ("brackets that stay open", "(".repeat(4_000)),
        ("33 brackets", deep("(", ")", 33)),
        ("list in list", deep("[", "]", 2_000)),
        ("map in map", "{".repeat(4_000)),
        ("index in index", format!("trait{}", "[trait".repeat(600))),
        ("call in call", "has(".repeat(1_000)),
        ("4,000 times not", format!("{}true", "!".repeat(4_000))),
        ("4,000 signs", format!("{}1 > 0", "-".repeat(4_000))),
        ("a sum of 50,000 terms", vec!["1"; 50_000].join("+")),
        (
            "a sum of 500 terms",
            format!("{} > 0", vec!["1"; 500].join("+")),
        ),
        (
            "a product of 500 terms",
            format!("{} > 0", vec!["2"; 500].join("*")),
        ),
        ("500 times and", vec!["true"; 500].join("&&")),
        ("1,000 times or", vec!["a"; 1_000].join("||")),
        ("a chain of comparisons", vec!["1"; 500].join("<")),
        (
            "a list of 1,000",
            format!("1 in [{}]", vec!["1"; 1_000].join(",")),
        ),
        (
            "methods of methods",
            format!("locale{}", ".contains(\"\")".repeat(250)),
        ),
        (
            "names that nothing has",
            unknown.collect::<Vec<_>>().join("&&"),
        ),
        ("a name of 4,000 bytes", "a".repeat(4_000)),
        (
            "a number of 4,000 digits",
            format!("order_count > {}", "9".repeat(4_000)),
        ),
        (
            "a fraction of 4,000 digits",
            format!("1 > 0.{}1", "0".repeat(3_990)),
        ),
        (
            "a text that does not end",
            format!("trait[\"a\"] == \"{}", "x".repeat(4_000)),
        ),
        ("4,000 backslashes", format!("\"{}", "\\".repeat(4_000))),
        (
            "a text of escapes",
            format!("\"{}\"", "\\u0000".repeat(600)),
        ),
        ("4,000 strange signs", "§".repeat(2_000)),
        ("a comment", format!("//{}", "x".repeat(4_000))),
        ("nothing", String::new()),
        ("a megabyte", "x".repeat(1 << 20)),
        ("a NUL", "\0".to_owned()),
        ("conditions", format!("{}true", "true?true:".repeat(400))),
        ("dots", ".".repeat(4_000)),
        ("commas", ",".repeat(4_000)),
    ]
}
