use super::*;

fn valence(text: &str) -> f32 {
    score(text).valence
}

#[test]
fn negation_turns_and_double_negation_does_not() {
    assert!(valence("The staff were helpful") > 1.0);
    assert!(valence("The staff were not helpful") < -0.5);
    assert!(valence("The staff were not very friendly at all") < -0.5);
    assert!(valence("Can't complain") > 1.0);
    assert!(valence("No problem with the delivery") > 0.3);
    assert!(valence("I was not unhappy") > 0.0);
    assert!(valence("The app doesn't work") < -0.8);
}

#[test]
fn boosters_make_stronger_and_diminishers_weaker() {
    assert!(valence("very good") > valence("good") + 0.3);
    assert!(valence("very bad") < valence("bad") - 0.3);
    assert!(valence("a bit slow") > valence("slow") + 0.2);
    assert!(valence("GOOD stuff") > valence("good stuff"));
    assert!(valence("sooo good") > valence("good"));
}

#[test]
fn what_follows_but_counts_more() {
    assert!(valence("Nice room but terrible service") < 0.0);
    assert!(valence("Terrible weather but lovely room") > 0.0);
    assert!(valence("Although the room was small, the stay was wonderful") > 0.5);
}

#[test]
fn wishes_and_irony_are_no_praise() {
    assert!(valence("It would be great if it worked") < 0.0);
    assert!(valence("I wanted to love this dress") < 0.0);
    assert!(valence("Thanks for nothing") < -1.0);
    assert!(valence("Great, another delay") < -1.0);
    assert!(valence("How hard can it be to answer a mail?") < -1.0);
}

#[test]
fn clues_hold_their_words() {
    let text = "Sadly the parcel wasn't good, I’m disappointed :(";
    for clue in score(text).clues {
        assert!(
            text.get(clue.start..clue.end)
                .is_some_and(|piece| !piece.trim().is_empty())
        );
    }
    assert!(valence(text) < -2.0);
}
