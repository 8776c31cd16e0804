//! What strangers try. Every text ends in a mistake that says what is wrong, at once.

use std::time::Duration;

use crate::{
    criteria::{
        FaultKind, Rule, Use,
        fault::Faults,
        lexer::tokens,
        limits::{MAX_NESTING, MAX_SOURCE_BYTES, MAX_TOKENS},
    },
    worked,
};

/// The motif that once took a gigabyte of a parser.
const GARBAGE: &str = "!!(!!!!!!(!!!!(((((!!(!!(!!!!((";

fn hostile() -> Vec<(&'static str, String)> {
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

#[test]
#[expect(clippy::print_stdout, reason = "figures are there to be read")]
fn hostile_texts_end_at_once_with_a_mistake() {
    let mut worst = Duration::ZERO;
    for (name, text) in hostile() {
        let begun = worked::so_far();
        let parsed = Rule::parse(&text, Use::Decision);
        let took = worked::since(begun);
        let faults = parsed.expect_err(name);
        println!(
            "{name:28} {:>8} bytes {:>9.1} us  {}",
            text.len(),
            took.as_secs_f64() * 1e6,
            faults[0]
        );
        assert!(!faults[0].what.is_empty(), "{name}");
        assert!(took < Duration::from_secs(1), "{name} took {took:?}");
        worst = worst.max(took);
    }
    println!(
        "figure criteria_hostile_worst_ms {:.3} ms",
        worst.as_secs_f64() * 1e3
    );
}

#[test]
fn hostile_texts_need_no_big_stack() {
    let small = std::thread::Builder::new().stack_size(256 * 1024);
    let thread = small.spawn(|| {
        for (name, text) in hostile() {
            assert!(Rule::parse(&text, Use::Segment).is_err(), "{name}");
        }
        let deepest = "(".repeat(usize::from(MAX_NESTING)) + "known" + &")".repeat(32);
        assert!(Rule::parse(&deepest, Use::Segment).is_ok());
    });
    thread.unwrap().join().unwrap();
}

fn refused(text: &str) -> Option<FaultKind> {
    Rule::parse(text, Use::Decision)
        .err()
        .map(|faults| faults[0].kind)
}

#[test]
fn limits_are_met_exactly() {
    let too_large = Some(FaultKind::TooLarge);
    let spaces = |count: usize| format!("known{}", " ".repeat(count - 5));
    assert_eq!(refused(&spaces(MAX_SOURCE_BYTES)), None);
    assert_eq!(refused(&spaces(MAX_SOURCE_BYTES + 1)), too_large);

    // Depth: `!` counts as a level and as nesting.
    let nots = |count: usize| format!("{}known", "!".repeat(count));
    assert_eq!(refused(&nots(15)), None);
    assert_eq!(refused(&nots(16)), too_large);

    // Nesting: signs before a literal are no levels.
    let signs = |count: usize| format!("{}1 > 0", "-".repeat(count));
    assert_eq!(refused(&signs(32)), None);
    assert_eq!(refused(&signs(33)), too_large);
    let brackets = |count: usize| format!("{}known{}", "(".repeat(count), ")".repeat(count));
    assert_eq!(refused(&brackets(32)), None);
    assert_eq!(refused(&brackets(33)), too_large);
    let mut faults = Faults::default();
    assert!(tokens(&brackets(32), &mut faults).is_some());
    assert!(
        tokens(&brackets(33), &mut faults).is_none(),
        "nothing recurs"
    );

    // Nodes: `||` and its members.
    let members = |count: usize| vec!["known"; count].join("||");
    assert_eq!(refused(&members(255)), None);
    assert_eq!(refused(&members(256)), too_large);

    // Tokens: brackets are no nodes.
    let brackets = |count: usize| vec!["(((known)))"; count].join("&&");
    assert_eq!(refused(&brackets(128)), None);
    assert_eq!(refused(&brackets(129)), too_large);
    assert_eq!(MAX_TOKENS, 8 * 128);
}

#[test]
fn no_more_mistakes_are_named_than_anyone_reads() {
    let text = vec!["lst_order"; 200].join(" && ");
    let faults = Rule::parse(&text, Use::Decision).unwrap_err();
    assert_eq!(faults.len(), 32);
}
