//! `train-sentiment`: the models of the analyzer, made of labelled texts.
//!
//! What must stay true: the same files give the same models, to the byte. The public texts are read from a folder, since
//! their licences let nobody keep them here; the project's own are part of the program.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;

use super::{Failure, terminal::emit};
use crate::sentiment::{
    Language,
    train::{
        GateTexts, Trained, TrainedGates, card, rows_of_corpus, rows_of_public, train, train_gates,
    },
};

/// The project's own labelled texts with their language, and what their files are called.
const LANGUAGES: [(&str, Language, GateTexts<'static>); 2] = [
    (
        "en",
        Language::English,
        GateTexts {
            leaving: include_str!("../sentiment/corpus/leaving_en.tsv"),
            safety_or_legal: include_str!("../sentiment/corpus/safety_en.tsv"),
            ordinary: include_str!("../sentiment/corpus/en.tsv"),
        },
    ),
    (
        "ja",
        Language::Japanese,
        GateTexts {
            leaving: include_str!("../sentiment/corpus/leaving_ja.tsv"),
            safety_or_legal: include_str!("../sentiment/corpus/safety_ja.tsv"),
            ordinary: include_str!("../sentiment/corpus/ja.tsv"),
        },
    ),
];

/// Where labelled texts are and where models go.
#[derive(Args, Debug)]
pub struct TrainArgs {
    /// The folder with `en_train.tsv` and `ja_train.tsv`: source, document, score and text in columns, with a header.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,

    /// The folder to write `en.bin`, `ja.bin`, `gates_en.bin`, `gates_ja.bin` and `CARD.md` to; it is made when it is not there,
    /// and files of these names in it are replaced. The service uses the models that are built into it: to try these, write
    /// them to `src/sentiment/models` of the source and build again.
    #[arg(long, value_name = "DIR", default_value = "sentiment-models")]
    out: PathBuf,
}

/// `train-sentiment`. All files are read before the first is written.
pub(super) fn train_sentiment(args: &TrainArgs) -> Result<(), Failure> {
    let mut read = Vec::new();
    for (name, language, texts) in LANGUAGES {
        let file = args.data.join(format!("{name}_train.tsv"));
        let public = fs::read_to_string(&file).map_err(|error| failed(&file, &error))?;
        let (mut rows, public) = (rows_of_corpus(texts.ordinary), rows_of_public(&public));
        if public.is_empty() {
            let wanted =
                "no line of it has source, document, score and text, with tabs between them";
            return Err(Failure::Call(format!("{}: {wanted}", file.display())));
        }
        rows.extend(public);
        read.push((name, language, texts, rows));
    }
    fs::create_dir_all(&args.out).map_err(|error| failed(&args.out, &error))?;
    let mut models: Vec<Trained> = Vec::new();
    let mut gates: Vec<TrainedGates> = Vec::new();
    for (name, language, texts, rows) in read {
        let trained = train(language, &rows);
        let opened = train_gates(language, &texts, &trained.file);
        write(&args.out.join(format!("{name}.bin")), &trained.file)?;
        write(&args.out.join(format!("gates_{name}.bin")), &opened.file)?;
        models.push(trained);
        gates.push(opened);
    }
    let card = card(&models, &gates);
    write(&args.out.join("CARD.md"), card.as_bytes())?;
    emit(&card)?;
    Ok(())
}

fn write(file: &Path, content: &[u8]) -> Result<(), Failure> {
    fs::write(file, content).map_err(|error| failed(file, &error))
}

fn failed(file: &Path, error: &std::io::Error) -> Failure {
    Failure::Call(format!("{}: {error}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_labelled_texts_is_refused_before_anything_is_written() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(
            folder.path().join("en_train.tsv"),
            "source\ttext\nfilms\tgood\n",
        )
        .unwrap();
        let args = TrainArgs {
            data: folder.path().to_owned(),
            out: folder.path().join("out"),
        };
        let said = train_sentiment(&args).unwrap_err().to_string();
        assert!(said.contains("no line of it"), "{said}");
        assert!(!args.out.exists());
    }

    #[test]
    fn models_go_to_a_folder_of_their_own_unless_another_is_named() {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            args: TrainArgs,
        }
        let out = |more: &[&str]| {
            let line = ["train", "--data", "texts"].iter().chain(more);
            let read = <Line as clap::Parser>::try_parse_from(line);
            read.unwrap().args.out
        };
        assert_eq!(out(&[]), Path::new("sentiment-models"));
        assert_eq!(out(&["--out", "here"]), Path::new("here"));
    }

    #[test]
    fn a_folder_without_texts_is_said_before_anything_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let args = TrainArgs {
            data: folder.path().to_owned(),
            out: folder.path().join("out"),
        };
        let said = train_sentiment(&args).unwrap_err().to_string();
        assert!(said.contains("en_train.tsv"), "{said}");
        assert!(!args.out.exists());
    }
}
