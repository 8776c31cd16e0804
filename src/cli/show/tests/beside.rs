use super::*;

#[test]
fn the_segments_that_a_customer_is_in_are_named() {
    let beside = Beside {
        segments: ["unhappy", "vip"].map(str::to_owned).into(),
        ..Beside::default()
    };
    let lines = lines(&hanako(), None, &beside, &screen(100));
    let shown: Vec<String> = lines.iter().map(|line| line.render(false)).collect();
    assert!(
        shown.contains(&"segments  unhappy · vip".to_owned()),
        "{shown:#?}"
    );
}
