//! Sets of segments.

use crate::criteria::{Rule, Segment, SegmentFault, Use, evaluation_order};

fn rules(texts: &[(&'static str, &str)]) -> Vec<(&'static str, Rule)> {
    let parse = |text: &str| Rule::parse(text, Use::Segment).unwrap();
    texts
        .iter()
        .map(|(name, text)| (*name, parse(text)))
        .collect()
}

fn order(texts: &[(&'static str, &str)]) -> Result<Vec<&'static str>, Vec<SegmentFault>> {
    let rules = rules(texts);
    let segments: Vec<_> = rules
        .iter()
        .map(|(name, rule)| Segment { name, rule })
        .collect();
    let order = evaluation_order(&segments)?;
    Ok(order.into_iter().map(|at| texts[at].0).collect())
}

#[test]
fn a_segment_comes_after_those_that_it_refers_to() {
    let order = order(&[
        ("vip_at_risk", r#"segment("vip") && segment("at_risk")"#),
        ("at_risk", "leaving_risk > 0.5"),
        ("vip", r#"segment("buyer") && spend("JPY") >= 100000"#),
        ("buyer", "order_count > 0"),
    ]);
    assert_eq!(order.unwrap(), ["buyer", "vip", "at_risk", "vip_at_risk"]);
}

#[test]
fn circles_are_refused_with_their_way() {
    let faults = order(&[
        ("a", r#"segment("b")"#),
        ("b", r#"known && !segment("c")"#),
        ("c", r#"has(segment("a"))"#),
        ("own", r#"segment("own")"#),
        ("good", "known"),
    ])
    .unwrap_err();
    let texts: Vec<_> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "segments refer to each other in a circle: a -> b -> c -> a",
            "segments refer to each other in a circle: own -> own",
        ]
    );
}

#[test]
fn names_that_are_missing_or_there_twice_are_all_named() {
    let faults = order(&[
        ("vip", "order_count > 9"),
        ("vip", "known"),
        ("other", r#"segment("vipp") || segment("xyzzy")"#),
    ])
    .unwrap_err();
    let texts: Vec<_> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "there are two segments called `vip`",
            "segment `other` refers to `vipp`, which is not there; did you mean `vip`?",
            "segment `other` refers to `xyzzy`, which is not there",
        ]
    );
}

#[test]
fn long_chains_need_no_stack() {
    let rules: Vec<_> = (0..20_000)
        .map(|at| {
            let text = format!("segment(\"s{}\")", at + 1);
            let text = if at == 19_999 { "known" } else { &text };
            (format!("s{at}"), Rule::parse(text, Use::Segment).unwrap())
        })
        .collect();
    let segments: Vec<_> = rules
        .iter()
        .map(|(name, rule)| Segment { name, rule })
        .collect();
    let order = evaluation_order(&segments).unwrap();
    assert!(order.into_iter().eq((0..20_000).rev()));
}
