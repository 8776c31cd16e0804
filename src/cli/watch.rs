//! `watch`: what changes, a line each, until it is interrupted.
//!
//! What must stay true: a watch that the service ends, or whose connection breaks, goes on with the last token by itself; whoever
//! interrupts it is told the token with which to go on.

use std::time::Duration;

use clap::Args;
use tonic::{Code, Status, Streaming};

use super::{
    Failure, client,
    json::Printer,
    say, status,
    terminal::{
        Line, Look, Screen, Tone, emit,
        table::{Column, Table},
    },
    who::Who,
};
use crate::proto::v1::{
    ProfileChange, ProfileChangeKind, WatchProfilesRequest, WatchProfilesResponse,
    profile_service_client::ProfileServiceClient, watch_profiles_response::Event,
};

/// How long it waits before it goes on.
const PAUSE: Duration = Duration::from_secs(1);

/// Whose changes, and from where on.
#[derive(Args, Debug)]
pub struct WatchArgs {
    /// A profile id, or identifiers as namespace=value, in order of trust.
    #[arg(num_args = 1..=8, required_unless_present_any = ["all", "segment"], conflicts_with_all = ["all", "segment"], value_name = "IDENTIFIER")]
    who: Vec<String>,

    /// Every profile of the tenant.
    #[arg(long, conflicts_with = "segment")]
    all: bool,

    /// The members of a segment, who comes into it and who goes from it.
    #[arg(long, value_name = "SEGMENT")]
    segment: Option<String>,

    /// Go on after this token, which an earlier watch of the same named.
    #[arg(long, value_name = "TOKEN")]
    from: Option<String>,

    #[command(flatten)]
    what: What,

    /// Print each message as JSON of the protocol, one a line.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    target: client::Target,

    #[command(flatten)]
    look: Look,
}

/// What is told besides changes from now on.
#[derive(Args, Clone, Copy, Debug)]
struct What {
    /// First what is there, then what changes.
    #[arg(long)]
    snapshot: bool,

    /// With --json, carry the profile as it is.
    #[arg(long, requires = "json")]
    with_profile: bool,

    /// End once everything that has happened is told.
    #[arg(long)]
    until_now: bool,
}

/// `watch`.
pub(super) async fn watch(args: &WatchArgs) -> Result<(), Failure> {
    let who = Who {
        who: args.who.clone(),
    };
    let mut request = WatchProfilesRequest {
        lookup: if args.who.is_empty() {
            None
        } else {
            Some(who.lookup()?)
        },
        segment: args.segment.clone().unwrap_or_default(),
        resume_token: args.from.clone().unwrap_or_default(),
        snapshot: args.what.snapshot,
        with_profile: args.what.with_profile,
        until_now: args.what.until_now,
        field_mask: None,
    };
    let mut client = ProfileServiceClient::new(args.target.connect()?);
    let screen = args.look.screen();
    let show = Shower::new(&screen, args.json)?;
    let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
    let mut heard = false;
    loop {
        let ended = tokio::select! {
            ended = async {
                let stream = client.watch_profiles(request.clone()).await?.into_inner();
                heard = true;
                tell(stream, &show, &mut request.resume_token).await
            } => ended,
            _ = &mut interrupted => Ok(Told::Interrupted),
        };
        match ended {
            Ok(Told::NobodyReads) => return Ok(()),
            Ok(Told::Everything | Told::Interrupted) => break,
            Ok(Told::Failed(failure)) => return Err(failure),
            // Who was never heard may not be there at all.
            Err(status) if heard && status.code() == Code::Unavailable => {
                tokio::select! {
                    () = tokio::time::sleep(PAUSE) => (),
                    _ = &mut interrupted => break,
                }
            }
            Err(status) if args.all => return Err(Failure::Call(status::describe(&status))),
            Err(status) => return Err(who.failed(&status)),
        }
    }
    if !request.resume_token.is_empty() {
        let token = &request.resume_token;
        say(format_args!("go on with --from {token}"));
    }
    Ok(())
}

/// Why telling ended.
enum Told {
    Everything,
    Interrupted,
    NobodyReads,
    Failed(Failure),
}

async fn tell(
    mut stream: Streaming<WatchProfilesResponse>,
    show: &Shower<'_>,
    token: &mut String,
) -> Result<Told, Status> {
    while let Some(message) = stream.message().await? {
        match show.print(&message) {
            Ok(true) => token.clone_from(&message.resume_token),
            Ok(false) => return Ok(Told::NobodyReads),
            Err(failure) => return Ok(Told::Failed(failure)),
        }
    }
    Ok(Told::Everything)
}

/// Makes lines of messages.
struct Shower<'a> {
    screen: &'a Screen,
    table: Table<4>,
    json: Option<Printer>,
}

impl<'a> Shower<'a> {
    fn new(screen: &'a Screen, json: bool) -> Result<Self, Failure> {
        let column = |least, most, dispensable| Column {
            least,
            most,
            right: false,
            dispensable,
        };
        let columns = [
            column(16, 16, 1),
            column(36, 36, 0),
            column(7, 9, 2),
            column(12, screen.width, 0),
        ];
        let json = json.then(|| Printer::new("WatchProfilesResponse"));
        Ok(Self {
            screen,
            table: Table::new(columns, screen.width),
            json: json.transpose()?,
        })
    }

    /// Answers whether somebody reads on.
    fn print(&self, message: &WatchProfilesResponse) -> Result<bool, Failure> {
        if let Some(json) = &self.json {
            return emit(&json.line(message)?);
        }
        match &message.event {
            Some(Event::Change(change)) => self.screen.print(&[self.line(change)]),
            _ => Ok(true),
        }
    }

    fn line(&self, change: &ProfileChange) -> Line {
        let what = match change.kind() {
            ProfileChangeKind::Unspecified => "changed",
            ProfileChangeKind::Snapshot => "is there",
            ProfileChangeKind::Created => "created",
            ProfileChangeKind::Updated => "updated",
            ProfileChangeKind::Merged => "took in another",
            ProfileChangeKind::MergedAway => "went into ",
            ProfileChangeKind::Split => "came apart",
            ProfileChangeKind::Emptied => "emptied",
            ProfileChangeKind::Segments => "segments",
        };
        let mut what = Line::of(what).with(Tone::Strong, &change.merged_into);
        for (sign, segments) in [("+", &change.joined), ("-", &change.parted)] {
            for segment in segments {
                what = what.with(Tone::Strong, &format!(" {sign}{segment}"));
            }
        }
        if change.feelings_changed {
            what = what.with(Tone::Plain, ", feelings");
        }
        self.table.row([
            Line::of(&self.screen.zone.minute(change.written_at.as_ref())),
            Line::of(&change.profile_id),
            Line::of(&format!("v{}", change.version)),
            what,
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cli::terminal::Zone, clock::Micros};

    #[test]
    fn a_change_is_a_line() {
        let screen = Screen {
            width: 120,
            colour: false,
            zone: Zone::parse("UTC").unwrap(),
            now: Micros(1_711_000_000_000_000),
        };
        let show = Shower::new(&screen, false).unwrap();
        let id = "01890000-0000-7000-8000-000000000000";
        let change = ProfileChange {
            profile_id: id.into(),
            version: 7,
            kind: ProfileChangeKind::MergedAway.into(),
            written_at: Some(Micros(1_711_000_000_000_000).to_proto()),
            merged_into: id.into(),
            ..ProfileChange::default()
        };
        let line = show.line(&change).render(false);
        let wanted = format!("2024-03-21 05:46  {id}  v7");
        assert!(line.starts_with(&wanted), "{line}");
        assert!(line.ends_with(&format!("went into {id}")), "{line}");
    }
}
