//! Microseconds that one analysis takes, and how often its sign is right on texts nobody trained on.
//!
//! Texts of 50, 200 and 1,000 characters are put together from the project's own corpus, line after line, with all
//! cues and topics looked for; a figure is the median over all texts and repetitions, in one thread. The sign's F1 is the
//! mean over sources of the macro-F1 of both classes, on the documents that training leaves out, and stands below the figures
//! of each source, of the commoner sign and of the lexicon alone; it needs the public training data in `CUSTOMER_PROFILE_DATA` (`../shared/data` when not set), else `SKIPPED: real data` is printed.
//!
//! Every figure is a line `figure NAME VALUE UNIT`. Run it with `cargo bench --bench sentiment`.

#![expect(
    clippy::print_stdout,
    reason = "a benchmark prints what it has measured"
)]

#[path = "../machine/mod.rs"]
mod machine;

use std::{env, fs, hint::black_box, path::PathBuf, time::Instant};

use customer_profile::sentiment::{
    Language, Options, Taxonomy, analyze,
    train::{Figures, evaluate, rows_of_corpus, rows_of_public},
};

const TEXTS: usize = 40;
const REPETITIONS: usize = 60;

/// Language, its name in figures, our corpus of it.
const LANGUAGES: [(Language, &str, &str); 2] = [
    (
        Language::Japanese,
        "ja",
        include_str!("../../src/sentiment/corpus/ja.tsv"),
    ),
    (
        Language::English,
        "en",
        include_str!("../../src/sentiment/corpus/en.tsv"),
    ),
];

fn main() {
    println!("machine: {}, one of them used", machine::machine());
    for (_, name, corpus) in LANGUAGES {
        for length in [50, 200, 1000] {
            let time = median(&texts(corpus, length));
            println!("figure sentiment_us_{length}_{name} {time:.1} us");
        }
    }
    let directory = env::var_os("CUSTOMER_PROFILE_DATA")
        .map_or_else(|| PathBuf::from("../shared/data"), PathBuf::from)
        .join("sentiment");
    for (language, name, corpus) in LANGUAGES {
        let Ok(public) = fs::read_to_string(directory.join(format!("{name}_train.tsv"))) else {
            println!("SKIPPED: real data");
            continue;
        };
        let mut rows = rows_of_corpus(corpus);
        rows.extend(rows_of_public(&public));
        let report = evaluate(language, &rows);
        for (source, figures) in &report.sources {
            println!("{name} {}: {}", source.name(), said(figures));
        }
        let mean = report.mean();
        println!("{name} mean of sources: {}", said(&mean));
        println!("figure sentiment_f1_{name} {:.3} ratio", mean.macro_f1);
    }
}

/// Texts of `length` characters, from lines spread over the corpus.
fn texts(corpus: &str, length: usize) -> Vec<String> {
    let lines: Vec<&str> = corpus
        .lines()
        .filter_map(|line| Some(line.split_once('\t')?.1))
        .collect();
    (0..TEXTS)
        .map(|text| {
            let from = text * lines.len() / TEXTS;
            let words = lines.iter().cycle().skip(from);
            words
                .flat_map(|line| line.chars().chain(['\n']))
                .take(length)
                .collect()
        })
        .collect()
}

/// The median time of an analysis in microseconds; the first rounds are not counted.
fn median(texts: &[String]) -> f64 {
    let options = Options {
        han: Language::Japanese,
        chat: false,
        taxonomy: Taxonomy::standard(),
    };
    let mut times = Vec::with_capacity(REPETITIONS * texts.len());
    for round in 0..REPETITIONS + REPETITIONS / 4 {
        for text in texts {
            let start = Instant::now();
            black_box(analyze(black_box(text), &options));
            if round >= REPETITIONS / 4 {
                times.push(start.elapsed().as_secs_f64() * 1e6);
            }
        }
    }
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// The right signs of a source beside what needs no model, each with the share of texts without a sign, which are wrong.
fn said(figures: &Figures) -> String {
    let published = figures.vader.map_or_else(String::new, |right| {
        format!("VADER as published {right:.3}, ")
    });
    format!(
        "{} held out, right: majority {:.3}, {published}lexicon {:.3} (abstained {:.3}), analyzer {:.3} (abstained {:.3}), F1 {:.3}",
        figures.clear,
        figures.majority,
        figures.lexicon,
        figures.lexicon_abstained,
        figures.right,
        figures.abstained,
        figures.macro_f1,
    )
}
