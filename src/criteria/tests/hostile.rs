//! What strangers try. Every text ends in a mistake that says what is wrong, after work that is bounded.

use std::time::Duration;

use super::texts::hostile;
use crate::{
    criteria::{
        FaultKind, Rule, Use,
        fault::Faults,
        lexer::tokens,
        limits::{MAX_FAULTS, MAX_NESTING, MAX_SOURCE_BYTES, MAX_TOKENS},
    },
    worked,
};

#[test]
#[expect(clippy::print_stdout, reason = "figures are there to be read")]
fn hostile_texts_end_with_a_mistake_after_bounded_work() {
    let mut worst = Duration::ZERO;
    for (name, text) in hostile() {
        let begun = worked::so_far();
        let parsed = Rule::parse(&text, Use::Decision);
        let took = worked::since(begun);
        let faults = parsed.expect_err(name);
        // What there is to work on is bounded before the work: nothing is parsed of what is too long or has too many words, and no
        // more mistakes are looked into than are named. The time of it is only told: `cargo bench --bench decisions -- hostile`.
        if let Some(tokens) = tokens(&text, &mut Faults::default()) {
            assert!(text.len() <= MAX_SOURCE_BYTES, "{name}");
            // One more says where it ends.
            assert!(tokens.len() <= MAX_TOKENS + 1, "{name}: {}", tokens.len());
        }
        assert!(faults.len() <= MAX_FAULTS, "{name}: {}", faults.len());
        println!(
            "{name:28} {:>8} bytes {:>9.1} us  {}",
            text.len(),
            took.as_secs_f64() * 1e6,
            faults[0]
        );
        assert!(!faults[0].what.is_empty(), "{name}");
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
