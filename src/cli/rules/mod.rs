//! `rules`: what makes identifiers one person, what a change would do, the change, and the way back.

mod file;

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand};

use super::{
    Failure, client,
    json::Printer,
    say, status,
    terminal::{Line, Look, Screen, Tone, emit},
    timeline::masked,
    words,
};
use crate::{
    ids::RunId,
    proto::v1::{
        ApplyRulesRequest, GetRulesRequest, GetRulesResponse, IdentityRules, PreviewRulesRequest,
        PreviewRulesResponse, RuleChangeExample, RuleChangeProfile, RuleWarning,
        apply_rules_request, identity_service_client::IdentityServiceClient, preview_rules_request,
    },
};

/// How often it is looked how far a switch has come.
const LOOK: Duration = Duration::from_millis(500);

/// What to do about the rules.
#[derive(Args, Debug)]
pub struct RulesArgs {
    #[command(subcommand)]
    verb: Verb,

    #[command(flatten)]
    target: client::Target,

    #[command(flatten)]
    look: Look,

    /// Print the answer as JSON of the protocol.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show the rules in force, those before, and how far a switch has come.
    Show,
    /// Say what a change would do to every profile. Nothing is written.
    Preview {
        #[command(flatten)]
        to: To,
        /// Examples of each kind.
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(i32).range(1..=50))]
        examples: i32,
    },
    /// Bring other rules into force.
    Apply {
        #[command(flatten)]
        to: To,
        /// Why, for the record.
        #[arg(long, default_value = "")]
        reason: String,
        /// An id of this operation: a retry with the same one changes nothing again.
        #[arg(long, value_name = "ID")]
        operation_id: Option<String>,
        /// Only if this revision is in force.
        #[arg(long, value_name = "REVISION", default_value_t = 0)]
        expect: i64,
        /// Do not wait until every profile is under them.
        #[arg(long)]
        no_wait: bool,
    },
}

/// Which rules.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct To {
    /// A file with rules, see docs/identifiers.md.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Those of an earlier revision.
    #[arg(long, value_name = "REVISION")]
    revision: Option<i64>,
}

impl To {
    fn rules(&self) -> Result<Option<IdentityRules>, Failure> {
        let read = self.file.as_deref().map(file::read).transpose();
        read.map_err(Failure::Call)
    }
}

/// `rules`.
pub(super) async fn rules(args: &RulesArgs) -> Result<(), Failure> {
    let channel = args.target.connect()?;
    let mut client = IdentityServiceClient::new(channel);
    let failed = |status: tonic::Status| Failure::Call(status::describe(&status));
    let screen = args.look.screen();
    match &args.verb {
        Verb::Show => {
            let answer = client.get_rules(GetRulesRequest {}).await.map_err(failed)?;
            let answer = answer.into_inner();
            if args.json {
                emit(&Printer::new("GetRulesResponse")?.pretty(&answer)?)?;
            } else {
                screen.print(&in_force(&answer, &screen))?;
            }
        }
        Verb::Preview { to, examples } => {
            let change = match to.rules()? {
                Some(rules) => preview_rules_request::Change::Rules(rules),
                None => preview_rules_request::Change::Revision(to.revision.unwrap_or_default()),
            };
            let request = PreviewRulesRequest {
                change: Some(change),
                examples: *examples,
            };
            let answer = client.preview_rules(request).await.map_err(failed)?;
            let answer = answer.into_inner();
            if args.json {
                emit(&Printer::new("PreviewRulesResponse")?.pretty(&answer)?)?;
            } else {
                screen.print(&foreseen(&answer))?;
            }
            masked(&answer.masked_fields);
        }
        Verb::Apply {
            to,
            reason,
            operation_id,
            expect,
            no_wait,
        } => {
            let change = match to.rules()? {
                Some(rules) => apply_rules_request::Change::Rules(rules),
                None => apply_rules_request::Change::Revision(to.revision.unwrap_or_default()),
            };
            let drawn = || RunId::draw().to_string();
            let request = ApplyRulesRequest {
                operation_id: operation_id.clone().unwrap_or_else(drawn),
                reason: reason.clone(),
                change: Some(change),
                expected_revision: *expect,
            };
            let answer = client.apply_rules(request).await.map_err(failed)?;
            let answer = answer.into_inner();
            let revision = answer.revision.as_ref().map_or(0, |r| r.revision);
            if args.json {
                emit(&Printer::new("ApplyRulesResponse")?.pretty(&answer)?)?;
            } else {
                let text = match (answer.unchanged, answer.repeated) {
                    (true, _) => "revision %d says so already; nothing changed",
                    (_, true) => "revision %d was made by this operation before",
                    _ => "revision %d is in force for whatever is written from now on",
                };
                screen.print(&[Line::of(&text.replace("%d", &revision.to_string()))])?;
            }
            if !no_wait {
                wait(&mut client, revision).await.map_err(failed)?;
            }
        }
    }
    Ok(())
}

/// Waits until every profile is under a revision, or another replaced it.
async fn wait(
    client: &mut IdentityServiceClient<client::Connection>,
    revision: i64,
) -> Result<(), tonic::Status> {
    loop {
        let answer = client.get_rules(GetRulesRequest {}).await?.into_inner();
        let Some(latest) = answer.revisions.first() else {
            return Ok(());
        };
        if latest.revision != revision {
            say(format_args!("revision {} replaced it", latest.revision));
            return Ok(());
        }
        if latest.switched_at.is_some() {
            say(format_args!("every profile is under revision {revision}"));
            return Ok(());
        }
        say(format_args!(
            "{} are not under it yet",
            words::count(answer.profiles_waiting, "profile")
        ));
        tokio::time::sleep(LOOK).await;
    }
}

fn in_force(answer: &GetRulesResponse, screen: &Screen) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(effective) = &answer.effective {
        lines.push(Line::of(&format!(
            "a profile has at most {} identifiers",
            effective.size_cap
        )));
        for rules in &effective.namespaces {
            let name = format!("{:<16}", rules.namespace);
            let line = Line::default().with(Tone::Strong, &name);
            lines.push(line.plain(&file::describe(rules)));
        }
        lines.push(
            Line::default().with(Tone::Faint, "any other namespace: as `free, hub 5, newest`"),
        );
    }
    lines.extend(answer.warnings.iter().map(warning));
    lines.push(Line::default());
    for revision in &answer.revisions {
        let number = format!("revision {}", revision.revision);
        let mut text = match &revision.made_at {
            Some(at) => format!(" of {}", screen.zone.day(Some(at))),
            None => " as configured".to_owned(),
        };
        if !revision.caller.is_empty() {
            text.push_str(" by ");
            text.push_str(&revision.caller);
        }
        if !revision.reason.is_empty() {
            text.push_str(": ");
            text.push_str(&revision.reason);
        }
        let line = Line::default().with(Tone::Strong, &number);
        lines.push(line.plain(&text));
    }
    if answer.profiles_waiting > 0 {
        let waiting = words::count(answer.profiles_waiting, "profile");
        lines.push(Line::of(&format!(
            "{waiting} are not under the rules in force yet"
        )));
    }
    lines
}

fn warning(warning: &RuleWarning) -> Line {
    Line::default().with(Tone::Bad, &format!("warning: {}", warning.description))
}

fn foreseen(answer: &PreviewRulesResponse) -> Vec<Line> {
    let from_to = |what: &str, before: i64, after: i64| {
        Line::of(&format!("{what:<28} {before:>10} -> {after}"))
    };
    let count = |what: &str, count: i64| Line::of(&format!("{what:<28} {count:>10}"));
    let mut lines = vec![
        Line::of(&format!("compared with revision {}", answer.revision)),
        from_to("profiles", answer.profiles_before, answer.profiles_after),
        count("joined of several", answer.profiles_joined),
        count("coming apart", answer.profiles_split),
        count("identifiers that move", answer.identifiers_moved),
        count("identifiers in all", answer.identifiers_total),
        from_to("hubs", answer.hubs_before, answer.hubs_after),
        from_to(
            "identifiers lending nothing",
            answer.apart_before,
            answer.apart_after,
        ),
        from_to(
            "largest profile",
            answer.largest_before,
            answer.largest_after,
        ),
    ];
    lines.extend(answer.warnings.iter().map(warning));
    for (what, examples) in [("joined", &answer.joined), ("coming apart", &answer.split)] {
        for example in examples {
            lines.push(Line::default());
            lines.push(Line::default().with(Tone::Faint, what));
            lines.extend(shown(example));
        }
    }
    lines
}

fn shown(example: &RuleChangeExample) -> Vec<Line> {
    let line = |sign: &str, profile: &RuleChangeProfile| {
        let named = profile.identifiers.iter().take(4);
        let mut named: Vec<String> = named
            .map(|identifier| format!("{} {}", identifier.namespace, identifier.value))
            .collect();
        let shown = i32::try_from(named.len()).unwrap_or(i32::MAX);
        if profile.identifiers_total > shown {
            named.push(format!("and {} more", profile.identifiers_total - shown));
        }
        let id = match profile.profile_id.as_str() {
            "" => "a new profile",
            id => id,
        };
        Line::of(&format!("  {sign} {id}: {}", named.join(", ")))
    };
    let before = example.before.iter().map(|profile| line("-", profile));
    let after = example.after.iter().map(|profile| line("+", profile));
    before.chain(after).collect()
}
