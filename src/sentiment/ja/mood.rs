//! Weighs the words of a sentence by its concessions and by what kind of sentence it is: statement,
//! plain question, accusation, mockery.

use super::item::{Item, Role};
use super::reading::Reading;

/// What precedes a concession and what follows it weigh this much, as in VADER.
const BEFORE: f32 = 0.5;
/// See [`BEFORE`].
const AFTER: f32 = 1.5;

/// What the end of a sentence asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Statement,
    /// ですか, ますか, でしょうか.
    Plain,
    /// んですか, のですか: asks for an account.
    Explanatory,
}

/// Applies the sentence's mood to its items.
pub(super) fn weigh(text: &str, reading: &mut Reading) {
    let ending = ending(text);
    if without_equal(text, reading, ending) {
        return;
    }
    ask(reading, ending);
    if reading.sarcasm {
        for item in reading.items.iter_mut().filter(|item| item.valence > 0.0) {
            item.valence *= -0.5;
        }
    }
    regret(text, reading);
    concede(reading);
    laugh(&mut reading.items);
}

/// 満足しない人がいますか turns all it says; こんなに親切な店があるでしょうか affirms it.
fn without_equal(text: &str, reading: &mut Reading, ending: Ending) -> bool {
    if ending == Ending::Statement {
        return false;
    }
    let nobody = [
        "人がいますか",
        "人がいるで",
        "人がいるの",
        "人がいるん",
        "人なんてい",
        "人などい",
    ];
    if nobody.iter().any(|question| text.contains(question)) {
        let last = reading
            .items
            .iter_mut()
            .rev()
            .find(|item| item.role != Role::Laugh && item.role != Role::Rhetoric);
        if let Some(item) = last {
            item.valence *= if item.negations > 0 || item.valence > 0.0 {
                -0.8
            } else {
                1.0
            };
        }
        return true;
    }
    let where_else = [
        "あるでしょうか",
        "あるだろうか",
        "いるでしょうか",
        "ありますか",
        "いますか",
    ];
    reading.peak && where_else.iter().any(|question| text.contains(question))
}

/// A plain question tells little of what is felt; one that doubts or accuses tells more.
fn ask(reading: &mut Reading, ending: Ending) {
    let accused = reading.items.iter().any(|item| item.role == Role::Rhetoric);
    let doubted = reading.doubts > 1.5 || (reading.doubts > 0.5 && ending == Ending::Explanatory);
    let (good, bad) = match ending {
        Ending::Statement => return,
        _ if doubted => (-0.8, 1.0),
        _ if accused => (0.1, 1.0),
        _ if reading.asks_why && reading.peak => (1.0, 1.0),
        Ending::Plain if reading.asks_why => (0.1, 0.8),
        Ending::Plain => (0.05, 0.3),
        Ending::Explanatory => (0.1, if reading.asks_why { 1.1 } else { 0.8 }),
    };
    let felt = reading
        .items
        .iter()
        .any(|item| item.valence != 0.0 || item.negated != 0.0);
    if let (true, false, Some(item)) = (doubted, felt, reading.items.first_mut()) {
        item.valence = if ending == Ending::Explanatory {
            -1.3
        } else {
            0.0
        };
        return;
    }
    let clause = reading.last_clause();
    let last = reading
        .items
        .iter_mut()
        .filter(|item| item.clause + 1 >= clause);
    for item in last
        .filter(|item| !item.confirmed && item.role != Role::Laugh && item.role != Role::Rhetoric)
    {
        if doubted && item.valence == 0.0 {
            item.valence = item.negated.min(0.0);
        } else {
            item.valence *= if item.valence > 0.0 { good } else { bad };
        }
    }
}

fn ending(text: &str) -> Ending {
    let end = text.trim_end_matches(|c: char| {
        c.is_whitespace() || ['。', '.', '!', '…', '」', '』', ')'].contains(&c)
    });
    let marked = end.ends_with('?');
    let end = end.trim_end_matches(|c: char| c.is_whitespace() || ['?', '!'].contains(&c));
    let end = end
        .strip_suffix("ね")
        .or_else(|| end.strip_suffix('よ'))
        .unwrap_or(end);
    // Nearly all of these end alike, so that most sentences are done with here.
    if !end.ends_with(['か', 'な', 'の', 'も', 'う', 'ら', 'ょ']) {
        return Ending::Statement;
    }
    let explains = [
        "んですか",
        "のですか",
        "のでしょうか",
        "んでしょうか",
        "のか",
        "んか",
    ];
    let informal = marked && (end.ends_with('の') || end.ends_with("のでしょ"));
    if informal || explains.iter().any(|tail| end.ends_with(tail)) {
        return Ending::Explanatory;
    }
    let plain = [
        "ですか",
        "ますか",
        "でしょうか",
        "ましたか",
        "でしたか",
        "ませんか",
        "かな",
        "ますでしょうか",
    ];
    if plain.iter().any(|tail| end.ends_with(tail))
        || (marked
            && ["か", "かも", "でしょう", "かしら"]
                .iter()
                .any(|tail| end.ends_with(tail)))
    {
        return Ending::Plain;
    }
    Ending::Statement
}

/// 美味しかったのに。: what was good is gone.
fn regret(text: &str, reading: &mut Reading) {
    let end = text.trim_end_matches(|c: char| {
        c.is_whitespace() || ['。', '.', '!', '…', '、', 'ー', '〜'].contains(&c)
    });
    if !end.ends_with(['に', 'な', 'あ', 'ぁ', 'ね']) {
        return;
    }
    if !["のに", "のにな", "のになあ", "のになぁ", "のにね"]
        .iter()
        .any(|tail| end.ends_with(tail))
    {
        return;
    }
    let clause = reading.last_clause();
    for item in reading
        .items
        .iter_mut()
        .filter(|item| item.clause == clause)
    {
        if item.valence > 0.0 && item.role != Role::Laugh {
            item.valence *= -0.5;
        }
    }
}

/// What follows the last concession with feeling behind it weighs more, what precedes it less.
fn concede(reading: &mut Reading) {
    let felt = |item: &Item| item.valence.abs() >= 0.3 && item.role != Role::Laugh;
    let items = &reading.items;
    let turn = reading
        .turns
        .iter()
        .rev()
        .find(|&&turn| items.iter().any(|item| felt(item) && item.start >= turn));
    let Some(&turn) = turn else { return };
    for item in reading
        .items
        .iter_mut()
        .filter(|item| item.role != Role::Laugh)
    {
        item.valence *= if item.start >= turn { AFTER } else { BEFORE };
    }
}

/// Laughter adds to a good mood and mocks in a bad one.
fn laugh(items: &mut [Item]) {
    let sum: f32 = items
        .iter()
        .filter(|item| item.role != Role::Laugh)
        .map(|item| item.valence)
        .sum();
    if sum < -0.3 {
        for item in items.iter_mut().filter(|item| item.role == Role::Laugh) {
            item.valence = 0.0;
        }
    }
}
