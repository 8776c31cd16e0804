//! The data card that stands beside the models.

use std::fmt::Write as _;

use ring::digest::{SHA256, digest};

use super::{Figures, Rates, Trained, TrainedGates};
use crate::sentiment::gates::Gate;
use crate::sentiment::model::Language;

const HEAD: &str = "# Sentiment models

Linear models over hashed n-grams, 2^18 buckets, three classes, eight bits a weight, written
by the project's trainer, version 1. Held out: 15% of the documents, chosen by a hash of the document's
id. Columns up to macro-F1 are of clear held-out texts, two classes; a text without a sign counts as
wrong. \"label\" counts a neutral label as wrong too; \"label F1\" is the mean F1 of the labels negative and
positive over all held-out texts, neutral ones among them.

\"VADER\" is the published lexicon with the published rules (without its idioms and emoji names), the sign
of its compound score. It was made from these tweets and reviews, so its figures there are no measure
of what it does elsewhere. \"lexicon\" is the project's scorer without the linear model, with the added
customer lexica.

Read the figures with care. These served as development data: all held-out figures here, in several
splits; the pairs of constructions, of which 95 in 100 must stay right; the read part of the golden set
(single texts at first, totals only in the last rounds, among them whether a label implies an intent);
and the whole own corpus, after whose reading words of the lexica were corrected. Texts nobody
has seen will do somewhat worse: of texts that were tried before they joined the corpus 2,526 English ones
had macro-F1 0.740 of negative and positive and 0.798 of all three labels, 1,112 Japanese ones 0.790 and
0.832. Own texts count ten times a tweet in training; a short English sentence with a word of the lexicon
takes half of what the linear model says.

| Source | What | Licence |
|---|---|---|
| VADER ground truth (Hutto and Gilbert 2014) | product and film review snippets, editorials, tweets; means of 20 raters | MIT |
| VADER lexicon | words with mean valences | MIT |
| Economy Watchers Survey (Cabinet Office of Japan) | comments on business conditions, five grades | CC BY 4.0 |
| chABSA | sentences of financial reports | CC BY 4.0 |
| own corpus, texts for the gates | customer language written for this project | as the project |
";

const GATES: &str = "
# Gates

Linear models over the same n-grams, 2^17 buckets, a byte for each of the two gates \"means to leave\" and
\"safety or the law\", trained by logistic regression on texts that were written and labelled for them: customers
who leave or are in danger, as often as not without saying it in the usual words, beside texts that look like it
and are not (the hotel they left, the order they cancelled, the deal to die for). Most differ from a neighbour in
a few words. A text of the own corpus without phrases of the gate counts as ordinary, unless a gate that has not
seen it opens for it: of 45 such English texts that were looked at about half rightly did, so nothing is learnt from
them, and they are not among the ordinary texts below. A text's score is half the whole text's and half that of
whatever speaks most, the whole or one sentence; a phrase of the cue tables adds two to the log-odds.

Figures are of five-fold cross-validation, neighbours kept together: precision / recall among the labelled texts,
at the lowest threshold at which precision is 0.72 or more and at most 5 in 100 ordinary texts open the gate, or at
the highest of these at which recall is 0.90. Many of these texts are far harder than those of an ordinary day.

| Gate | labelled | open it | phrases alone | model alone | both | ordinary texts | of these open |
|---|---|---|---|---|---|---|---|
";

/// Writes the card of the models and gates of all languages.
#[must_use]
pub fn card(models: &[Trained], gates: &[TrainedGates]) -> String {
    let mut card = of_models(models);
    card += GATES;
    for trained in gates {
        for (gate, figures) in Gate::ALL.iter().zip(&trained.figures) {
            let gate = match gate {
                Gate::Leaving => "leaving",
                Gate::SafetyOrLegal => "safety or law",
            };
            let [labelled, open] = figures.labelled;
            let [ordinary, alarms] = figures.ordinary;
            // Writing to a string cannot fail.
            let _ = writeln!(
                card,
                "| {}, {gate} | {labelled} | {open} | {} | {} | {} | {ordinary} | {alarms} |",
                name(trained.language),
                rates(figures.phrases),
                rates(figures.learnt),
                rates(figures.both),
            );
        }
    }
    for trained in gates {
        let sum = hex::encode(digest(&SHA256, &trained.file));
        let _ = write!(
            card,
            "\n## gates_{}.bin\n\n{} bytes, SHA-256 `{sum}`\n",
            name(trained.language),
            trained.file.len()
        );
    }
    card
}

const fn name(language: Language) -> &'static str {
    match language {
        Language::Japanese => "ja",
        _ => "en",
    }
}

fn rates(rates: Rates) -> String {
    format!("{:.2} / {:.2}", rates.precision, rates.recall)
}

fn of_models(models: &[Trained]) -> String {
    let mut card = HEAD.to_owned();
    for trained in models {
        let name = name(trained.report.language);
        let sum = hex::encode(digest(&SHA256, &trained.file));
        // Writing to a string cannot fail.
        let _ = write!(
            card,
            "\n## {name}.bin\n\n{} bytes, SHA-256 `{sum}`\n\n\
             | Source | trained | held out | majority | VADER | lexicon | abstained | model | abstained | macro-F1 | label | label F1 |\n\
             |---|---|---|---|---|---|---|---|---|---|---|---|\n",
            trained.file.len()
        );
        for (source, figures) in &trained.report.sources {
            let count = |of: u32| of.to_string();
            let counts = (count(figures.trained), count(figures.clear));
            card += &line(source.name(), counts, figures);
        }
        let mean = trained.report.mean();
        card += &line("mean of sources", (String::new(), String::new()), &mean);
    }
    card
}

/// A line of the table: a name, how many texts were trained on and held out, and the figures.
fn line(name: &str, (trained, clear): (String, String), figures: &Figures) -> String {
    format!(
        "| {name} | {trained} | {clear} | {:.3} | {} | {:.3} | {:.3} | {:.3} | {:.3} | {:.3} | {:.3} | {:.3} |\n",
        figures.majority,
        optional(figures.vader),
        figures.lexicon,
        figures.lexicon_abstained,
        figures.right,
        figures.abstained,
        figures.macro_f1,
        figures.labelled,
        figures.labels_f1,
    )
}

fn optional(figure: Option<f32>) -> String {
    figure.map_or_else(String::new, |figure| format!("{figure:.3}"))
}
