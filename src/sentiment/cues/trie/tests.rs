use proptest::prelude::*;

use super::*;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_longest_phrases_are_those_of_the_walks(
        phrases in prop::collection::vec("[あい漢a]{1,4}", 1..12),
        text in "[あい漢字ab 😀]{0,30}",
    ) {
        let phrases: Vec<&str> = phrases.iter().map(String::as_str).collect();
        let trie = Trie::new(&phrases).unwrap();
        let letters = trie.letters(&text);
        let mut expected = Vec::new();
        let mut at = 0;
        while at < letters.len() {
            let hit = trie.walk(letters[at..].iter()).last();
            prop_assert!(hit.is_none() || trie.may_begin(&letters[at]));
            let length = hit.map_or(1, |(_, length)| length);
            if let Some((phrase, _)) = hit {
                let ends = [at, at + length].map(|at| letters[at].at as usize);
                prop_assert_eq!(phrases[phrase], &text[ends[0]..ends[1]]);
                expected.push((phrase, ends[0], ends[1]));
            }
            at += length;
        }
        prop_assert_eq!(trie.longest(&text).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn a_walk_answers_the_phrases_a_text_begins_with() {
    let phrases = ["解約", "解", "解約金", "約", "a", "abc", "解", "😀"];
    let trie = Trie::new(&phrases).unwrap();
    let at = |text: &str| -> Vec<(usize, usize)> {
        let letters = trie.letters(text);
        trie.walk(letters.iter()).collect()
    };
    assert_eq!(at("解約金は"), [(1, 1), (0, 2), (2, 3)]);
    assert_eq!(at("abd"), [(4, 1)]);
    assert_eq!(at("abc"), [(4, 1), (5, 3)]);
    assert_eq!(at("😀"), [(7, 1)]);
    assert!(at("x解").is_empty() && at("").is_empty());
}
