use super::*;

fn corpus() -> Vec<Row> {
    let mut file = String::new();
    for index in 0..60 {
        file += "1\tThe zumple number {index} was frobulous and sturdy\n"
            .replace("{index}", &index.to_string())
            .as_str();
        file += "-1\tThe zumple number {index} was graxed and torn apart\n"
            .replace("{index}", &index.to_string())
            .as_str();
        file += "0\tWhere is zumple number {index} kept in your shop?\n"
            .replace("{index}", &index.to_string())
            .as_str();
    }
    rows_of_corpus(&file)
}

#[test]
fn the_same_rows_give_the_same_bytes() {
    let rows = corpus();
    let first = train(Language::English, &rows);
    let second = train(Language::English, &rows);
    assert_eq!(first.file, second.file);
    assert!(first.report.sources[&Source::Own].right > 0.9);
}

#[test]
fn a_text_that_stands_twice_counts_once() {
    let rows = rows_of_corpus("1\tVery good!\n1\tvery GOOD\n");
    assert_eq!(rows::without_repeats(&rows).len(), 1);
}

#[test]
fn sentences_of_one_document_are_held_out_together() {
    let file = "source\tdoc_id\tscore\ttext\ntweets\t7_1\t2.0\tgood\ntweets\t7_2\t-2.0\tbad\n";
    let rows = rows_of_public(file);
    assert_eq!(rows[0].document, rows[1].document);
    assert_eq!(rows[0].held_out(), rows[1].held_out());
}

#[test]
fn gates_learn_what_their_texts_have_in_common_and_always_the_same() {
    let texts = |word: &str, label: u8| {
        let lines = (0..60)
            .map(|index| format!("{label}\tThe zumple number {index} was {word} by the shop"));
        lines.collect::<Vec<_>>().join("\n") + "\n"
    };
    let labelled = texts("graxed", 1) + &texts("frobbed", 0) + "-\tThe zumple was graxed\n";
    let questions = (0..80).map(|index| format!("0\tWhere is zumple number {index} kept?"));
    let ordinary = questions.collect::<Vec<_>>().join("\n");
    let texts = GateTexts {
        leaving: &labelled,
        safety_or_legal: &labelled,
        ordinary: &ordinary,
    };
    let first = train_gates(Language::English, &texts, &[]);
    let second = train_gates(Language::English, &texts, &[]);
    assert_eq!(first.file, second.file);
    let [leaving, _] = first.figures;
    assert_eq!(leaving.labelled, [120, 60]);
    let [ordinary, alarms] = leaving.ordinary;
    assert!(ordinary == 80 && alarms <= 4, "{alarms}");
    assert!(
        leaving.both.precision > 0.7 && leaving.both.recall > 0.9,
        "{leaving:?}"
    );
    assert!(card(&[], &[first]).contains("| en, leaving | 120 | 60 |"));
}

#[test]
fn the_card_names_the_models_that_are_built_in() {
    let card = include_str!("../models/CARD.md");
    let files: [&[u8]; 4] = [
        include_bytes!("../models/en.bin"),
        include_bytes!("../models/ja.bin"),
        include_bytes!("../models/gates_en.bin"),
        include_bytes!("../models/gates_ja.bin"),
    ];
    for file in files {
        let sum = hex::encode(ring::digest::digest(&ring::digest::SHA256, file));
        assert!(card.contains(&sum), "{sum}");
    }
}
