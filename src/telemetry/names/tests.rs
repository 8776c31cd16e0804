//! The catalogue of metrics and its page.

use super::*;

#[test]
fn the_page_on_metrics_shows_exactly_the_catalogue() {
    let page = include_str!("../../../docs/metrics.md");
    let shown: Vec<_> = page.lines().filter(|l| l.starts_with("| `")).collect();
    let wanted: Vec<_> = METRICS.iter().map(Metric::row).collect();
    assert!(shown == wanted, "should be:\n{}", wanted.join("\n"));
}

#[test]
fn every_name_in_this_file_is_in_the_catalogue() {
    let source = include_str!("../names.rs");
    let named = source
        .lines()
        .filter_map(|line| line.split_once("&str = \"")?.1.strip_suffix("\";"));
    let known: Vec<_> = METRICS.iter().map(|m| m.name).collect();
    assert_eq!(named.collect::<Vec<_>>(), known);
}

#[test]
fn names_end_with_their_unit() {
    for metric in METRICS {
        let ending = match (metric.kind, metric.unit) {
            (Counter, _) => "_total",
            (_, Unit::Seconds) => "_seconds",
            _ => "",
        };
        assert!(metric.name.ends_with(ending), "{}", metric.name);
    }
}
