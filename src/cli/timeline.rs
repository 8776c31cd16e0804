//! `timeline`: what happened with one customer, newest first, a line each with what was said below.

use clap::{Args, ValueEnum};

use super::{
    Failure, client,
    json::Printer,
    say,
    terminal::{
        Line, Look, Screen, Tone, emit,
        table::{Column, Table},
        text,
    },
    who::Who,
    words,
};
use crate::proto::v1::{
    Direction, Interaction, ListInteractionsRequest, RecordedInteraction, Subject, SubjectKind,
    interaction_service_client::InteractionServiceClient,
};

/// Interactions of a page.
const PAGE: i32 = 100;
/// Columns before what was said.
const INDENT: usize = 20;

/// Whose timeline, and what of it.
#[derive(Args, Debug)]
pub struct TimelineArgs {
    #[command(flatten)]
    who: Who,

    #[command(flatten)]
    target: client::Target,

    #[command(flatten)]
    look: Look,

    /// Only this department; may be given several times, like the next two.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    department: Vec<String>,

    /// Only this channel.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    channel: Vec<String>,

    /// Only this type.
    #[arg(long = "type", value_delimiter = ',', value_name = "TYPE")]
    types: Vec<String>,

    /// Only what is about this, as kind=id: order, ticket, campaign, decision, session, subscription or product.
    #[arg(long, value_name = "KIND=ID", value_parser = subject)]
    about: Option<Subject>,

    /// Only what came from the customer, or went to the customer.
    #[arg(long, value_enum, value_name = "WAY")]
    direction: Option<Way>,

    /// Only at or after this time: a day, which begins at midnight in --time-zone, or RFC 3339.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,

    /// Only before this time.
    #[arg(long, value_name = "TIME")]
    before: Option<String>,

    /// At most this many.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..), value_name = "N")]
    limit: u64,

    /// All of them.
    #[arg(long, conflicts_with = "limit")]
    all: bool,

    /// Print what was said in full, and the names of interactions in their systems.
    #[arg(long)]
    full: bool,

    /// Print each interaction as JSON of the protocol, one a line.
    #[arg(long)]
    json: bool,
}

/// Who spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Way {
    /// The customer.
    Inbound,
    /// The business.
    Outbound,
}

fn subject(text: &str) -> Result<Subject, String> {
    let (kind, id) = text.split_once('=').ok_or("must be kind=id")?;
    let name = format!("SUBJECT_KIND_{}", kind.to_ascii_uppercase());
    let kind = SubjectKind::from_str_name(&name)
        .filter(|kind| *kind != SubjectKind::Unspecified)
        .ok_or("is about no known kind")?;
    Ok(Subject {
        kind: kind.into(),
        id: id.to_owned(),
        status: 0,
    })
}

impl TimelineArgs {
    fn request(&self) -> Result<ListInteractionsRequest, Failure> {
        let time = |text: &Option<String>| {
            let read = text.as_deref().map(|text| self.look.time_zone.read(text));
            read.transpose().map_err(Failure::Call)
        };
        Ok(ListInteractionsRequest {
            lookup: Some(self.who.lookup()?),
            departments: self.department.clone(),
            channels: self.channel.clone(),
            types: self.types.clone(),
            subject: self.about.clone(),
            direction: match self.direction {
                None => Direction::Unspecified,
                Some(Way::Inbound) => Direction::Inbound,
                Some(Way::Outbound) => Direction::Outbound,
            }
            .into(),
            occurred_from: time(&self.from)?,
            occurred_before: time(&self.before)?,
            ..ListInteractionsRequest::default()
        })
    }
}

/// `timeline`.
pub(super) async fn timeline(args: &TimelineArgs) -> Result<(), Failure> {
    let mut request = args.request()?;
    let mut client = InteractionServiceClient::new(args.target.connect()?);
    let screen = args.look.screen();
    let show = Shower::new(&screen, args.full);
    let json = Printer::new("Interaction")?;
    let mut left = if args.all { u64::MAX } else { args.limit };
    let mut first = true;
    loop {
        request.page_size = i32::try_from(left).map_or(PAGE, |left| left.min(PAGE));
        let page = client
            .list_interactions(request.clone())
            .await
            .map_err(|status| args.who.failed(&status))?
            .into_inner();
        if std::mem::take(&mut first) {
            masked(&page.masked_fields);
            if !args.json && !page.interactions.is_empty() && !screen.print(&[show.head()])? {
                return Ok(());
            }
        }
        for recorded in &page.interactions {
            let unknown = Interaction::default();
            let interaction = recorded.interaction.as_ref().unwrap_or(&unknown);
            let read = if args.json {
                emit(&json.line(interaction)?)?
            } else {
                screen.print(&show.lines(recorded))?
            };
            if !read {
                return Ok(());
            }
            left -= 1;
        }
        if page.next_page_token.is_empty() {
            return Ok(());
        }
        if left == 0 {
            say(format_args!(
                "there may be more: --limit or --all shows them"
            ));
            return Ok(());
        }
        request.page_token = page.next_page_token;
    }
}

/// Says what an answer leaves out.
pub(super) fn masked(fields: &[String]) {
    if !fields.is_empty() {
        let fields = fields.join(", ");
        say(format_args!("not shown to you: {}", text::visible(&fields)));
    }
}

/// Makes lines of interactions.
struct Shower<'a> {
    screen: &'a Screen,
    table: Table<5>,
    full: bool,
}

impl<'a> Shower<'a> {
    fn new(screen: &'a Screen, full: bool) -> Self {
        let column = |least, most, dispensable| Column {
            least,
            most,
            right: false,
            dispensable,
        };
        let columns = [
            column(16, 16, 0),
            column(1, 1, 1),
            column(9, 11, 2),
            column(6, 8, 3),
            column(18, screen.width, 0),
        ];
        Self {
            screen,
            table: Table::new(columns, screen.width),
            full,
        }
    }

    fn head(&self) -> Line {
        let zone = format!("WHEN ({})", self.screen.zone.name(self.screen.now));
        self.table.head([&zone, "", "BY", "CHANNEL", "WHAT"])
    }

    fn lines(&self, recorded: &RecordedInteraction) -> Vec<Line> {
        let unknown = Interaction::default();
        let interaction = recorded.interaction.as_ref().unwrap_or(&unknown);
        let mut lines = vec![self.table.row([
            Line::of(&self.screen.zone.minute(interaction.occurred_at.as_ref())),
            Line::of(words::arrow(interaction.direction())),
            Line::of(&interaction.department),
            Line::of(&interaction.channel),
            what(interaction),
        ])];
        let room = self.screen.width - INDENT;
        let mut below = Vec::new();
        if let Some(said) = interaction.text.as_deref().filter(|t| !t.trim().is_empty()) {
            if self.full {
                below.extend(text::wrap(said, room).iter().map(|line| Line::of(line)));
            } else {
                below.push(Line::of(said.trim()).cut(room));
            }
        }
        if self.full {
            let name = format!("{} {}", interaction.source, interaction.event_id);
            below.push(Line::default().with(Tone::Faint, &name).cut(room));
        }
        let blank = Line::of(&" ".repeat(INDENT));
        lines.extend(below.into_iter().map(|line| blank.clone().then(line)));
        lines
    }
}

/// What happened, with its amount, scores and consents.
fn what(interaction: &Interaction) -> Line {
    let words = words::happening(&interaction.r#type, interaction.subject.as_ref());
    let mut line = Line::of(&words);
    if let Some(money) = &interaction.money {
        line = line.plain(", ").with(Tone::Strong, &words::money(money));
    }
    for score in &interaction.survey_scores {
        let scale = words::scale(score.scale());
        line = line
            .plain(&format!(", {scale}: "))
            .with(Tone::Strong, &score.value.to_string());
    }
    for change in &interaction.consent_changes {
        line = line.plain(", ").then(words::consent_change(change));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cli::terminal::Zone,
        clock::Micros,
        proto::v1::{ConsentChange, ConsentState, Money, SurveyScale, SurveyScore},
    };

    fn screen(width: usize) -> Screen {
        Screen {
            width,
            colour: false,
            zone: Zone::parse("+09:00").unwrap(),
            now: Micros(1_711_000_000_000_000),
        }
    }

    fn shown(interaction: Interaction, full: bool, width: usize) -> Vec<String> {
        let screen = screen(width);
        let recorded = RecordedInteraction {
            interaction: Some(interaction),
            ..RecordedInteraction::default()
        };
        let lines = Shower::new(&screen, full).lines(&recorded);
        lines.iter().map(|line| line.render(false)).collect()
    }

    fn ticket() -> Interaction {
        Interaction {
            source: "desk".into(),
            event_id: "desk-501".into(),
            occurred_at: Some(prost_types::Timestamp {
                seconds: 1_710_241_500,
                nanos: 0,
            }),
            department: "support".into(),
            channel: "email".into(),
            r#type: "ticket.opened".into(),
            direction: Direction::Inbound.into(),
            subject: subject("ticket=T-201").ok(),
            text: Some("急須のふたが欠けていました。\n交換していただけますか。".into()),
            ..Interaction::default()
        }
    }

    #[test]
    fn an_interaction_is_a_line_and_what_was_said() {
        assert_eq!(
            shown(ticket(), false, 70),
            [
                "2024-03-12 20:05  ←  support      email     ticket opened T-201",
                "                    急須のふたが欠けていました。↵交換していただけます…",
            ]
        );
        assert_eq!(
            shown(ticket(), true, 64),
            [
                "2024-03-12 20:05  ←  support      email     ticket opened T-201",
                "                    急須のふたが欠けていました。",
                "                    交換していただけますか。",
                "                    desk desk-501",
            ]
        );
    }

    #[test]
    fn amounts_scores_and_consents_stand_behind_what_happened() {
        let interaction = Interaction {
            r#type: "x.happened".into(),
            money: Some(Money {
                currency: "JPY".into(),
                minor_units: 4_980,
            }),
            survey_scores: vec![SurveyScore {
                scale: SurveyScale::Nps.into(),
                value: 9,
                question: None,
            }],
            consent_changes: vec![ConsentChange {
                purpose: "marketing".into(),
                state: ConsentState::Denied.into(),
                channel: Some("email".into()),
                address: None,
            }],
            ..Interaction::default()
        };
        let what = what(&interaction).render(false);
        assert_eq!(
            what,
            "x happened, 4,980 JPY, NPS 0-10: 9, denied marketing by email"
        );
    }

    #[test]
    fn every_line_fits_its_width() {
        for width in 40..130 {
            for full in [false, true] {
                for line in shown(ticket(), full, width) {
                    assert!(text::width(&line) <= width, "{width}: {line}");
                }
            }
            assert!(Shower::new(&screen(width), false).head().width() <= width);
        }
    }

    #[test]
    fn what_it_is_about_has_a_kind_and_an_id() {
        assert_eq!(subject("order=A=1").unwrap().id, "A=1");
        for wrong in ["order", "unspecified=1", "nonsense=1"] {
            assert!(subject(wrong).is_err(), "{wrong}");
        }
    }
}
