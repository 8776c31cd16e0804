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
fn the_card_names_the_models_that_are_built_in() {
    let card = include_str!("../models/CARD.md");
    let files: [&[u8]; 2] = [
        include_bytes!("../models/en.bin"),
        include_bytes!("../models/ja.bin"),
    ];
    for file in files {
        let sum = hex::encode(ring::digest::digest(&ring::digest::SHA256, file));
        assert!(card.contains(&sum), "{sum}");
    }
}
