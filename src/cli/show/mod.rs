//! `get`: one profile on one screen that can be read from while on the phone, or as the protocol's JSON.
//!
//! Who it is and how sure that is; what waits for somebody; how the customer feels; what happened lately; what it is worth, thought and allowed;
//! where the answer came from. Each part is a function from the answer to lines, and says nothing when there is nothing to
//! say.

mod feelings;
mod header;
mod lately;
mod next;
mod standing;
mod worth;

#[cfg(test)]
mod tests;

use clap::Args;

pub(super) use header::name;

use super::{
    Failure, client,
    json::Printer,
    say, status,
    terminal::{Line, Look, Screen, Tone, emit, text},
    who::Who,
};
use crate::proto::v1::{
    GetNextBestActionsRequest, GetProfileRequest, GetProfileResponse, GetSegmentsRequest,
    MembershipStatus, PlacementDecision, Profile,
    next_best_action_service_client::NextBestActionServiceClient,
    profile_service_client::ProfileServiceClient, segment_service_client::SegmentServiceClient,
};

/// Columns before the body of a part, where its name stands.
const GUTTER: usize = 10;

/// Whose profile to show.
#[derive(Args, Debug)]
pub struct GetArgs {
    #[command(flatten)]
    who: Who,

    #[command(flatten)]
    target: client::Target,

    #[command(flatten)]
    look: Look,

    /// Also show what to do next in a place, as the policy names it: placement=channel. Up to 8. Nothing comes of it.
    #[arg(long = "on", num_args = 1..=8, value_name = "PLACEMENT=CHANNEL", conflicts_with_all = ["as_of", "known_at", "json"])]
    on: Vec<String>,

    /// Show the profile as it was at this time: RFC 3339, or a day, of which all counts.
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,

    /// Show the profile as it was known at this time, of what had arrived by then.
    #[arg(long, value_name = "TIME")]
    known_at: Option<String>,

    /// Print the answer as JSON of the protocol.
    #[arg(long)]
    json: bool,
}

/// `get`.
pub(super) async fn get(args: &GetArgs) -> Result<(), Failure> {
    let screen = args.look.screen();
    let time = |text: &Option<String>| {
        let text = text.as_deref();
        text.map(|text| screen.zone.read_end(text, screen.now))
            .transpose()
            .map_err(Failure::Call)
    };
    let request = GetProfileRequest {
        lookup: Some(args.who.lookup()?),
        as_of: time(&args.as_of)?,
        known_at: time(&args.known_at)?,
        ..GetProfileRequest::default()
    };
    let mut client = ProfileServiceClient::new(args.target.connect()?);
    let answer = client
        .get_profile(request)
        .await
        .map_err(|status| args.who.failed(&status))?
        .into_inner();
    if args.json {
        emit(&Printer::new("GetProfileResponse")?.pretty(&answer)?)?;
    } else {
        let beside = Beside {
            next: args.next().await?,
            segments: args.segments().await?,
        };
        let answered = args.who.answered(answer.answered_by);
        let lines = lines(&answer, answered, &beside, &screen);
        screen.print(&lines)?;
    }
    Ok(())
}

impl GetArgs {
    /// The segments that the customer is in now; none where a time is asked for. The profile is shown also where they cannot be asked
    /// for.
    async fn segments(&self) -> Result<Vec<String>, Failure> {
        if self.as_of.is_some() || self.known_at.is_some() {
            return Ok(Vec::new());
        }
        let request = GetSegmentsRequest {
            lookup: Some(self.who.lookup()?),
            ..GetSegmentsRequest::default()
        };
        let channel = self.target.connect()?;
        let answer = SegmentServiceClient::new(channel)
            .get_segments(request)
            .await;
        let memberships = match answer {
            Ok(answer) => answer.into_inner().memberships,
            Err(failed) => {
                let why = status::describe(&failed);
                say(format_args!("segments are not shown: {why}"));
                Vec::new()
            }
        };
        let inside = memberships
            .into_iter()
            .filter(|one| one.status() == MembershipStatus::Member);
        Ok(inside.map(|one| one.segment).collect())
    }

    /// What to do next in the places that are asked for; nothing is reserved or written.
    async fn next(&self) -> Result<Vec<PlacementDecision>, Failure> {
        if self.on.is_empty() {
            return Ok(Vec::new());
        }
        let request = GetNextBestActionsRequest {
            lookup: Some(self.who.lookup()?),
            placements: super::next::places(&self.on, 1)?,
            dry_run: true,
            ..GetNextBestActionsRequest::default()
        };
        let mut client = NextBestActionServiceClient::new(self.target.connect()?);
        let answer = client.get_next_best_actions(request).await;
        let answer = answer.map_err(|failed| Failure::Call(status::describe(&failed)))?;
        Ok(answer.into_inner().decision.unwrap_or_default().placements)
    }
}

/// What is known besides the profile.
#[derive(Debug, Default)]
struct Beside {
    /// What to do next, where that was asked for.
    next: Vec<PlacementDecision>,
    /// The segments that the customer is in.
    segments: Vec<String>,
}

/// What the parts are made of.
struct View<'a> {
    answer: &'a GetProfileResponse,
    profile: &'a Profile,
    /// The identifier that answered, when several were asked for.
    answered: Option<&'a str>,
    beside: &'a Beside,
    screen: &'a Screen,
    /// Columns of the body of a part.
    room: usize,
}

/// The whole screen.
fn lines(
    answer: &GetProfileResponse,
    answered: Option<&str>,
    beside: &Beside,
    screen: &Screen,
) -> Vec<Line> {
    let unknown = Profile::default();
    let view = View {
        answer,
        profile: answer.profile.as_ref().unwrap_or(&unknown),
        answered,
        beside,
        screen,
        room: screen.width - GUTTER,
    };
    // In the order in which somebody on the phone needs them.
    let blocks = [
        header::who(&view),
        next::next(&view),
        lately::tickets(&view),
        [feelings::feelings(&view), worth::risk(&view)].concat(),
        lately::latest(&view),
        [
            standing::orders(&view),
            worth::value(&view),
            standing::surveys(&view),
            standing::consents(&view),
            standing::segments(&view),
            standing::facts(&view),
        ]
        .concat(),
        header::origin(&view),
    ];
    let mut lines: Vec<Line> = Vec::new();
    for block in blocks.into_iter().filter(|block| !block.is_empty()) {
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        lines.extend(block);
    }
    lines
}

/// A part: its name beside its first line, the others below.
fn part(name: &str, tone: Tone, body: Vec<Line>) -> Vec<Line> {
    let mut name = Some(name);
    body.into_iter()
        .map(|line| {
            let label = Line::default().with(tone, name.take().unwrap_or_default());
            label.padded(GUTTER).then(line)
        })
        .collect()
}

/// Plain words, broken where they have to be.
fn prose(words: &str, columns: usize) -> Vec<Line> {
    let lines = text::wrap(words, columns);
    lines.iter().map(|line| Line::of(line)).collect()
}

/// How many more there are than are shown.
fn more(all: usize, shown: usize, what: &str) -> Option<Line> {
    let left = all.checked_sub(shown).filter(|left| *left > 0)?;
    Some(Line::default().with(Tone::Faint, &format!("and {left} more{what}")))
}
