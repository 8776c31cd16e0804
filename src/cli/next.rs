//! `next`: what to do next with a customer, and why; what not, and why not. Nothing comes of looking.

use clap::Args;
use rust_decimal::Decimal;

use super::{
    Failure,
    client::{self, Connection},
    json::Printer,
    say, status,
    terminal::{Line, Look, Tone, emit},
    who::Who,
};
use crate::next_best_action::{catalogue::take_apart, decide::PLACEMENTS};
use crate::proto::v1::{
    ActionCandidate, CandidateFate, ChosenAction, ExportActionsRequest, GateResult, GateVerdict,
    GetNextBestActionsRequest, PlacementDecision, PlacementRequest, PriorityTerms, TraitValue,
    next_best_action_service_client::NextBestActionServiceClient, trait_value::Kind,
};

/// For whom, and where.
#[derive(Args, Debug)]
pub struct NextArgs {
    #[command(flatten)]
    who: Who,

    /// A place to fill, as the policy names it: placement=channel. Up to 8; without any, the policy's first ones.
    #[arg(long = "on", num_args = 1..=8, value_name = "PLACEMENT=CHANNEL")]
    on: Vec<String>,

    /// How many actions at most in each place, 1 to 16.
    #[arg(long, default_value_t = 1)]
    count: i32,

    /// The customer's language, as ja or en-GB.
    #[arg(long, default_value = "")]
    locale: String,

    /// The customer's time zone, as Asia/Tokyo; the policy's where nothing is said.
    #[arg(long, default_value = "", value_name = "ZONE")]
    customer_time_zone: String,

    /// What is known of the moment, for rules: name=value. Numbers, true and false are taken as such.
    #[arg(long = "context", value_name = "NAME=VALUE")]
    context: Vec<String>,

    #[command(flatten)]
    target: client::Target,

    #[command(flatten)]
    look: Look,

    /// Print the answer as JSON of the protocol.
    #[arg(long)]
    json: bool,
}

/// `next`.
pub(super) async fn next(args: &NextArgs) -> Result<(), Failure> {
    let mut client = NextBestActionServiceClient::new(args.target.connect()?);
    let mut request = args.request()?;
    if request.placements.is_empty() {
        request.placements = places_of_policy(&mut client, args.count).await?;
    }
    let answer = client.get_next_best_actions(request).await;
    let answer = answer.map_err(|failed| Failure::Call(status::describe(&failed)))?;
    let answer = answer.into_inner();
    if args.json {
        emit(&Printer::new("GetNextBestActionsResponse")?.pretty(&answer)?)?;
        return Ok(());
    }
    let decision = answer.decision.unwrap_or_default();
    let mut lines = Vec::new();
    for placed in &decision.placements {
        show(placed, &mut lines);
    }
    args.look.screen().print(&lines)?;
    if decision.profile_id.is_empty() {
        say(format_args!("this customer is not known"));
    }
    let (policy, models) = (decision.policy_version, decision.model_snapshot);
    say(format_args!(
        "decided by revision {policy} of the catalogue and snapshot {models} of what was learnt; nothing was reserved or written"
    ));
    Ok(())
}

impl NextArgs {
    fn request(&self) -> Result<GetNextBestActionsRequest, Failure> {
        let said = |text: &String| {
            let (name, value) = text.split_once('=')?;
            Some((
                name.to_owned(),
                TraitValue {
                    kind: Some(kind(value)),
                },
            ))
        };
        let context = self.context.iter().map(said).collect::<Option<_>>();
        let wrong = |what: &str| Failure::Call(format!("expected {what}"));
        Ok(GetNextBestActionsRequest {
            lookup: Some(self.who.lookup()?),
            placements: places(&self.on, self.count)?,
            context: context.ok_or_else(|| wrong("--context name=value"))?,
            locale: self.locale.clone(),
            time_zone: self.customer_time_zone.clone(),
            dry_run: true,
            explain: true,
            ..GetNextBestActionsRequest::default()
        })
    }
}

/// The first places of the policy in force.
async fn places_of_policy(
    client: &mut NextBestActionServiceClient<Connection>,
    count: i32,
) -> Result<Vec<PlacementRequest>, Failure> {
    let exported = client.export_actions(ExportActionsRequest::default()).await;
    let exported = exported.map_err(|failed| Failure::Call(status::describe(&failed)))?;
    let document = exported.into_inner().document;
    let decoded = take_apart(&[&document]);
    let places = decoded.policies().flat_map(|policy| &policy.placements);
    let places = places.take(PLACEMENTS).map(|place| PlacementRequest {
        placement: place.name.clone(),
        channel: place.channel.clone(),
        count,
    });
    let places: Vec<_> = places.collect();
    if places.is_empty() {
        let none = "there is no policy yet: import one first, see docs/actions.md";
        return Err(Failure::Call(none.to_owned()));
    }
    Ok(places)
}

/// Places to fill, as placement=channel.
pub(super) fn places(on: &[String], count: i32) -> Result<Vec<PlacementRequest>, Failure> {
    let place = |text: &String| {
        let (placement, channel) = text.split_once('=')?;
        Some(PlacementRequest {
            placement: placement.to_owned(),
            channel: channel.to_owned(),
            count,
        })
    };
    let places: Option<Vec<_>> = on.iter().map(place).collect();
    places.ok_or_else(|| Failure::Call("expected --on placement=channel".to_owned()))
}

fn kind(value: &str) -> Kind {
    match value {
        "true" => Kind::Boolean(true),
        "false" => Kind::Boolean(false),
        value => match (value.parse(), value.parse::<Decimal>()) {
            (Ok(whole), _) => Kind::Integer(whole),
            (_, Ok(_)) => Kind::Decimal(value.to_owned()),
            _ => Kind::Text(value.to_owned()),
        },
    }
}

fn show(placed: &PlacementDecision, lines: &mut Vec<Line>) {
    let place = format!("{} ({})", placed.placement, placed.channel);
    lines.push(Line::default().with(Tone::Strong, &place));
    if placed.actions.is_empty() {
        lines.push(Line::default().plain("  nothing"));
    }
    for action in &placed.actions {
        chosen(action, lines);
    }
    for candidate in &placed.candidates {
        other(candidate, lines);
    }
}

fn chosen(action: &ChosenAction, lines: &mut Vec<Line>) {
    let title = action.text.as_ref().map_or("", |text| text.title.as_str());
    let how = if action.fallback {
        "there is nothing else".to_owned()
    } else {
        format!("chosen with probability {:.3}", action.propensity)
    };
    let line = Line::default().with(
        Tone::Good,
        &format!("  {} {:<28}", action.rank, action.action_id),
    );
    lines.push(line.plain(&format!(" {title} · {how}")));
    if let Some(terms) = &action.terms {
        lines.push(bars(terms));
    }
}

fn other(candidate: &ActionCandidate, lines: &mut Vec<Line>) {
    let why = match candidate.fate() {
        CandidateFate::Chosen | CandidateFate::Unspecified => return,
        CandidateFate::Lost => {
            let most = candidate.propensities.iter().copied().fold(0.0, f64::max);
            format!("another was drawn; its probability was {most:.3}")
        }
        CandidateFate::Outranked => "its priority is too low to take part".to_owned(),
        CandidateFate::ShownElsewhere => "it stands elsewhere on the page".to_owned(),
        CandidateFate::Gated => {
            let stopped = |gate: &&GateResult| gate.verdict() != GateVerdict::Pass;
            let gates = candidate.gates.iter().filter(stopped);
            gates.map(gate).collect::<Vec<_>>().join("; ")
        }
    };
    let line = Line::default().with(Tone::Faint, &format!("    {:<28}", candidate.action_id));
    lines.push(line.plain(&format!(" {why}")));
    if let Some(terms) = &candidate.terms {
        lines.push(bars(terms));
    }
}

fn bars(terms: &PriorityTerms) -> Line {
    let number = |bar: Option<f64>| bar.map_or("-inf".to_owned(), |bar| format!("{bar:+.2}"));
    Line::default().with(
        Tone::Faint,
        &format!(
            "      ln priority {} = propensity {:+.2} (P {:.3}, {:.3} to {:.3}) + context {} + value {:+.2} + levers {:+.2}",
            number(terms.ln_priority),
            terms.ln_propensity,
            terms.propensity,
            terms.propensity_low,
            terms.propensity_high,
            number(terms.ln_context),
            terms.ln_value,
            terms.ln_levers,
        ),
    )
}

/// A gate that was not passed, in a few words.
fn gate(gate: &GateResult) -> String {
    let name = gate.gate().as_str_name();
    let name = name
        .trim_start_matches("ACTION_GATE_")
        .to_lowercase()
        .replace('_', " ");
    let mut text = name;
    for (before, part) in [(" ", &gate.rule), (": ", &gate.description)] {
        if !part.is_empty() {
            text.push_str(before);
            text.push_str(part);
        }
    }
    if gate.description.is_empty() && !gate.rule_text.is_empty() {
        text.push_str(": ");
        text.push_str(&gate.rule_text);
    }
    if gate.verdict() == GateVerdict::Unknown {
        text.push_str(" (not known)");
    }
    text
}
