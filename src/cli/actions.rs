//! `actions`: the catalogue of actions, brought in from files, written out, listed.

use std::{fs, path::PathBuf};

use clap::{Args, Subcommand, ValueEnum};

use super::{
    Failure, client,
    json::Printer,
    say, status,
    terminal::{Line, Look, Tone, emit},
    words,
};
use crate::{
    ids::RunId,
    proto::v1::{
        Action, ActionIssue, ActionStatus, ExportActionsRequest, ImportActionsRequest,
        ImportActionsResponse, ImportOutcome, ListActionsRequest, RuleMatch,
        next_best_action_service_client::NextBestActionServiceClient,
    },
};

/// What to do with the catalogue.
#[derive(Args, Debug)]
pub struct ActionsArgs {
    #[command(subcommand)]
    verb: Verb,

    #[command(flatten)]
    target: client::Target,

    #[command(flatten)]
    look: Look,

    /// Print answers as JSON of the protocol.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Take actions, segments and the policy from files: all of them or, with anything wrong, nothing.
    Import {
        /// YAML files, see docs/actions.md.
        #[arg(required = true, num_args = 1..=16, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Why, for the record.
        #[arg(long, default_value = "")]
        reason: String,
        /// An id of this operation: a retry with the same one changes nothing again.
        #[arg(long, value_name = "ID")]
        operation_id: Option<String>,
        /// Only say what would become of it.
        #[arg(long)]
        dry_run: bool,
    },
    /// Write the catalogue as YAML that can be imported again.
    Export,
    /// Show a line for each action.
    List {
        /// Only those of this issue.
        #[arg(long)]
        issue: Option<Issue>,
        /// Retired ones too.
        #[arg(long)]
        all: bool,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Issue {
    Serve,
    Retain,
    Sell,
    Nurture,
    Listen,
}

impl From<Issue> for ActionIssue {
    fn from(issue: Issue) -> Self {
        match issue {
            Issue::Serve => Self::Serve,
            Issue::Retain => Self::Retain,
            Issue::Sell => Self::Sell,
            Issue::Nurture => Self::Nurture,
            Issue::Listen => Self::Listen,
        }
    }
}

type Client = NextBestActionServiceClient<client::Connection>;

/// `actions`.
pub(super) async fn actions(args: &ActionsArgs) -> Result<(), Failure> {
    let mut client = Client::new(args.target.connect()?);
    match &args.verb {
        Verb::Import {
            files,
            reason,
            operation_id,
            dry_run,
        } => {
            let request = ImportActionsRequest {
                operation_id: operation_id
                    .clone()
                    .unwrap_or_else(|| RunId::draw().to_string()),
                reason: reason.clone(),
                documents: read(files)?,
                dry_run: *dry_run,
            };
            let answer = client.import_actions(request).await;
            let answer = answer.map_err(|status| refused(&status, files))?;
            imported(args, &answer.into_inner(), *dry_run)
        }
        Verb::Export => export(args, &mut client).await,
        Verb::List { issue, all } => list(args, &mut client, *issue, *all).await,
    }
}

fn failed(status: &tonic::Status) -> Failure {
    Failure::Call(status::describe(status))
}

fn read(files: &[PathBuf]) -> Result<Vec<String>, Failure> {
    let read = |path: &PathBuf| {
        let text = fs::read_to_string(path);
        text.map_err(|error| Failure::Call(format!("{}: {error}", path.display())))
    };
    files.iter().map(read).collect()
}

/// What was refused, by the names of the files.
fn refused(status: &tonic::Status, files: &[PathBuf]) -> Failure {
    let mut text = status::describe(status);
    for (n, file) in files.iter().enumerate() {
        text = text.replace(
            &format!("documents[{n}]."),
            &format!("{}: ", file.display()),
        );
        text = text.replace(&format!("documents[{n}]"), &file.display().to_string());
    }
    Failure::Call(text)
}

fn imported(
    args: &ActionsArgs,
    answer: &ImportActionsResponse,
    dry_run: bool,
) -> Result<(), Failure> {
    if args.json {
        emit(&Printer::new("ImportActionsResponse")?.pretty(answer)?)?;
        return Ok(());
    }
    let mut lines = Vec::new();
    for action in &answer.actions {
        let (tone, fate) = match action.outcome() {
            ImportOutcome::Created => (Tone::Good, "created"),
            ImportOutcome::Updated => (Tone::Good, "updated"),
            ImportOutcome::Moved => (Tone::Good, "moved"),
            ImportOutcome::Unchanged | ImportOutcome::Unspecified => (Tone::Faint, "unchanged"),
        };
        let line = Line::default().with(tone, &format!("{fate:<10}"));
        let version = action.version;
        let stands = standing(action.status());
        lines.push(line.plain(&format!("{} version {version}, {stands}", action.action_id)));
        lines.extend(action.matches.iter().map(matched));
    }
    for name in &answer.segments_changed {
        lines.push(
            Line::default()
                .with(Tone::Good, "changed   ")
                .plain(&format!("segment {name}")),
        );
    }
    if answer.policy_changed {
        lines.push(
            Line::default()
                .with(Tone::Good, "changed   ")
                .plain("the policy"),
        );
    }
    args.look.screen().print(&lines)?;
    match (dry_run, answer.repeated) {
        (true, _) => say(format_args!("nothing was written")),
        (_, true) => say(format_args!("this operation was carried out before")),
        _ => say(format_args!(
            "revision {} is in force",
            answer.policy_version
        )),
    }
    Ok(())
}

/// How many customers a rule lets through; one that lets nobody through stands out.
fn matched(of: &RuleMatch) -> Line {
    let tone = if of.passed == 0 {
        Tone::Bad
    } else {
        Tone::Faint
    };
    let (passed, sampled) = (of.passed, of.sampled);
    let name = if of.name == "all" {
        "all rules together"
    } else {
        &of.name
    };
    let unknown = match of.unknown {
        0 => String::new(),
        unknown => format!(", of {unknown} it is not known"),
    };
    Line::default().with(
        tone,
        &format!(
            "{:10} {name} lets {passed} of {sampled} through{unknown}",
            ""
        ),
    )
}

async fn export(args: &ActionsArgs, client: &mut Client) -> Result<(), Failure> {
    let mut request = ExportActionsRequest::default();
    let mut pages = 0;
    loop {
        let answer = client.export_actions(request.clone()).await;
        let page = answer.map_err(|status| failed(&status))?.into_inner();
        if args.json {
            emit(&Printer::new("ExportActionsResponse")?.line(&page)?)?;
        } else if pages == 0 {
            emit(page.document.trim_end())?;
        } else {
            // One document: what comes later goes on with the list of actions.
            let entries = page.document.split_once("\nactions:\n");
            emit(entries.map_or("", |(_, entries)| entries).trim_end())?;
        }
        pages += 1;
        if page.next_page_token.is_empty() {
            return Ok(());
        }
        request.page_token = page.next_page_token;
    }
}

async fn list(
    args: &ActionsArgs,
    client: &mut Client,
    issue: Option<Issue>,
    all: bool,
) -> Result<(), Failure> {
    let every = [
        ActionStatus::Draft,
        ActionStatus::Active,
        ActionStatus::Paused,
        ActionStatus::Retired,
    ];
    let mut request = ListActionsRequest {
        issue: issue
            .map_or(ActionIssue::Unspecified, ActionIssue::from)
            .into(),
        page_size: 100,
        ..ListActionsRequest::default()
    };
    if all {
        request.statuses = every.map(i32::from).to_vec();
    }
    let screen = args.look.screen();
    loop {
        let answer = client.list_actions(request.clone()).await;
        let page = answer.map_err(|status| failed(&status))?.into_inner();
        for action in &page.actions {
            if args.json {
                emit(&Printer::new("Action")?.line(action)?)?;
            } else {
                screen.print(&[line(action)])?;
            }
        }
        if page.next_page_token.is_empty() {
            say(format_args!(
                "{}",
                words::count(i64::from(page.total), "action")
            ));
            return Ok(());
        }
        request.page_token = page.next_page_token;
    }
}

fn line(action: &Action) -> Line {
    let definition = action.definition.clone().unwrap_or_default();
    let tone = match action.status() {
        ActionStatus::Active => Tone::Good,
        ActionStatus::Retired => Tone::Bad,
        _ => Tone::Faint,
    };
    let issue = definition.issue().as_str_name();
    let issue = issue.trim_start_matches("ACTION_ISSUE_").to_lowercase();
    let title = definition
        .texts
        .first()
        .map_or("", |text| text.title.as_str());
    Line::default()
        .with(Tone::Strong, &format!("{:<28}", definition.action_id))
        .with(tone, &format!(" {:<8}", standing(action.status())))
        .plain(&format!(
            " {issue:<8} {} · {title}",
            definition.channels.join(", ")
        ))
}

const fn standing(status: ActionStatus) -> &'static str {
    match status {
        ActionStatus::Unspecified => "",
        ActionStatus::Draft => "draft",
        ActionStatus::Active => "active",
        ActionStatus::Paused => "paused",
        ActionStatus::Retired => "retired",
    }
}
