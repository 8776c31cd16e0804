//! `reanalyze`: analyses stored texts anew with the model of the service's release.

use std::time::Duration;

use clap::Args;

use super::{Failure, client, json::Printer, print, progress, say, status, terminal::emit, words};
use crate::{
    ids::RunId,
    proto::v1::{
        ReanalyzeInteractionsRequest, ReanalyzeInteractionsResponse,
        sentiment_service_client::SentimentServiceClient,
    },
};

/// How often it is looked how far the work is.
const LOOK: Duration = Duration::from_millis(500);

/// What to do about stored texts.
#[derive(Args, Debug)]
pub struct ReanalyzeArgs {
    /// An id of this operation: with the same one it is asked how far it is, and nothing begins again.
    #[arg(long, value_name = "ID")]
    operation_id: Option<String>,

    /// Do not wait until all is done.
    #[arg(long)]
    no_wait: bool,

    /// Print the last answer as JSON of the protocol.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    target: client::Target,
}

/// `reanalyze`.
pub(super) async fn reanalyze(args: &ReanalyzeArgs) -> Result<(), Failure> {
    let mut client = SentimentServiceClient::new(args.target.connect()?);
    let drawn = || RunId::draw().to_string();
    let request = ReanalyzeInteractionsRequest {
        operation_id: args.operation_id.clone().unwrap_or_else(drawn),
    };
    if args.operation_id.is_none() {
        say(format_args!("operation {}", request.operation_id));
    }
    let bar = progress::of_thousandths("analysing texts anew");
    let answer = loop {
        let answer = client.reanalyze_interactions(request.clone()).await;
        let answer = answer
            .map_err(|failed| Failure::Call(status::describe(&failed)))?
            .into_inner();
        bar.set_position(thousandths(answer.progress));
        if answer.done || args.no_wait {
            break answer;
        }
        tokio::time::sleep(LOOK).await;
    };
    bar.finish_and_clear();
    if args.json {
        emit(&Printer::new("ReanalyzeInteractionsResponse")?.pretty(&answer)?)?;
        return Ok(());
    }
    print(format_args!("{}", described(&answer)))
}

fn thousandths(share: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 0 to 1000"
    )]
    let thousandths = (share * 1000.0).clamp(0.0, 1000.0) as u64;
    thousandths
}

fn described(answer: &ReanalyzeInteractionsResponse) -> String {
    let texts = words::count(answer.analyzed, "text");
    let identifiers = words::count(answer.identifiers, "identifier");
    let how_far = if answer.done {
        "done".to_owned()
    } else {
        format!("{} %", thousandths(answer.progress) / 10)
    };
    format!(
        "model {}: {texts} analysed anew, {identifiers} looked at, {how_far}",
        answer.model_version
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_how_far_the_work_is() {
        let mut answer = ReanalyzeInteractionsResponse {
            model_version: 3,
            identifiers: 2,
            analyzed: 1,
            progress: 0.256,
            done: false,
        };
        assert_eq!(
            described(&answer),
            "model 3: 1 text analysed anew, 2 identifiers looked at, 25 %"
        );
        (answer.progress, answer.done) = (1.0, true);
        assert!(described(&answer).ends_with("looked at, done"));
        assert_eq!(thousandths(f64::NAN), 0);
    }
}
