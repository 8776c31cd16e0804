//! `segments`: which there are, which a customer is in, and how many a rule would let in.

use clap::Args;

use super::{
    Failure, client,
    json::Printer,
    say, status,
    terminal::{Line, Look, Screen, Tone, emit},
    timeline::masked,
    who::Who,
};
use crate::proto::v1::{
    GetSegmentsRequest, GetSegmentsResponse, ListSegmentsRequest, ListSegmentsResponse,
    MembershipStatus, PreviewSegmentRequest, PreviewSegmentResponse,
    segment_service_client::SegmentServiceClient, trait_value::Kind,
};

/// Whose, or of which rule.
#[derive(Args, Debug)]
pub struct SegmentsArgs {
    /// A profile id, or identifiers as namespace=value, in order of trust. Without one, the segments there are.
    #[arg(num_args = 0..=8, value_name = "IDENTIFIER")]
    who: Vec<String>,

    /// Say how many customers this rule would let in. Nothing is written.
    #[arg(long, conflicts_with = "who", value_name = "RULE")]
    preview: Option<String>,

    /// The segment that the rule is for; where there is one of that name, the two are compared.
    #[arg(long, requires = "preview", default_value = "", value_name = "SEGMENT")]
    name: String,

    #[command(flatten)]
    target: client::Target,

    #[command(flatten)]
    look: Look,

    /// Print the answer as JSON of the protocol.
    #[arg(long)]
    json: bool,
}

/// `segments`.
pub(super) async fn segments(args: &SegmentsArgs) -> Result<(), Failure> {
    let mut client = SegmentServiceClient::new(args.target.connect()?);
    let failed = |status: tonic::Status| Failure::Call(status::describe(&status));
    let screen = args.look.screen();
    if let Some(rule) = &args.preview {
        let request = PreviewSegmentRequest {
            rule: rule.clone(),
            name: args.name.clone(),
        };
        let answer = client.preview_segment(request).await.map_err(failed)?;
        let answer = answer.into_inner();
        if args.json {
            emit(&Printer::new("PreviewSegmentResponse")?.pretty(&answer)?)?;
        } else {
            screen.print(&size(&answer))?;
        }
    } else if args.who.is_empty() {
        let answer = client
            .list_segments(ListSegmentsRequest { with_members: true })
            .await;
        let answer = answer.map_err(failed)?.into_inner();
        if args.json {
            emit(&Printer::new("ListSegmentsResponse")?.pretty(&answer)?)?;
        } else if answer.segments.is_empty() {
            say(format_args!("there are no segments"));
        } else {
            screen.print(&listed(&answer))?;
        }
    } else {
        let who = Who {
            who: args.who.clone(),
        };
        let request = GetSegmentsRequest {
            lookup: Some(who.lookup()?),
            explain: true,
            ..GetSegmentsRequest::default()
        };
        let answer = client.get_segments(request).await;
        let answer = answer.map_err(|status| who.failed(&status))?.into_inner();
        if args.json {
            emit(&Printer::new("GetSegmentsResponse")?.pretty(&answer)?)?;
        } else {
            screen.print(&standings(&answer, &screen))?;
        }
        masked(&answer.masked_fields);
    }
    Ok(())
}

fn listed(answer: &ListSegmentsResponse) -> Vec<Line> {
    let mut lines = Vec::new();
    for segment in &answer.segments {
        lines.push(
            Line::default()
                .with(Tone::Strong, &segment.name)
                .with(Tone::Faint, &format!("  version {}", segment.version))
                .with(Tone::Faint, &members(segment.members)),
        );
        if !segment.description.is_empty() {
            lines.push(Line::of("  ").plain(&segment.description));
        }
        for text in segment.rule.lines() {
            lines.push(Line::of("  ").with(Tone::Faint, text));
        }
    }
    lines
}

fn members(members: Option<i64>) -> String {
    match members {
        None => String::new(),
        Some(members @ 10_000..) => format!(", {members} or more in it"),
        Some(members) => format!(", {members} in it"),
    }
}

fn standings(answer: &GetSegmentsResponse, screen: &Screen) -> Vec<Line> {
    let mut lines = Vec::new();
    for one in &answer.memberships {
        let (tone, status) = match one.status() {
            MembershipStatus::Member => (Tone::Good, "in       "),
            MembershipStatus::NotMember => (Tone::Faint, "not in   "),
            MembershipStatus::Unknown | MembershipStatus::Unspecified => (Tone::Faint, "not known"),
        };
        let mut line = Line::default()
            .with(tone, status)
            .plain("  ")
            .with(Tone::Strong, &one.segment);
        if one.until.is_some() {
            let until = screen.zone.minute(one.until.as_ref());
            line = line.with(Tone::Faint, &format!("  until {until} at least"));
        }
        lines.push(line);
        if !one.missing.is_empty() {
            lines.push(Line::of("           ").with(Tone::Faint, &one.missing));
            continue;
        }
        for fact in &one.facts {
            let kind = fact.value.as_ref().and_then(|value| value.kind.as_ref());
            let value = match kind {
                Some(Kind::Text(text)) => text,
                _ => "no value",
            };
            let said = format!("{} is {value}", fact.name);
            lines.push(Line::of("           ").with(Tone::Faint, &said));
        }
    }
    lines
}

fn size(answer: &PreviewSegmentResponse) -> Vec<Line> {
    let whole = if answer.complete {
        "all"
    } else {
        "a sample of"
    };
    let mut lines = vec![
        Line::default().with(Tone::Strong, &answer.rule),
        Line::of(&format!(
            "{} of {whole} {} customers are in it, {} are not; of {} it cannot be told",
            answer.members, answer.sampled, answer.not_members, answer.unknown
        )),
    ];
    if let (Some(share), Some(low), Some(high)) =
        (answer.share, answer.share_low, answer.share_high)
    {
        let percent = |share: f64| format!("{:.1}%", 100.0 * share);
        let (low, high) = (percent(low), percent(high));
        let about = if answer.complete { "" } else { "about " };
        lines.push(Line::of(&format!(
            "{} ({low} to {high}): {about}{} of {about}{}",
            percent(share),
            answer.estimated_members,
            answer.population
        )));
    }
    if let (Some(now), Some(joining), Some(leaving)) =
        (answer.members_now, answer.joining, answer.leaving)
    {
        lines.push(Line::of(&format!(
            "now {now} of them are in it: {joining} would come, {leaving} would leave"
        )));
    }
    if !answer.examples.is_empty() {
        lines.push(
            Line::of("for example").with(Tone::Faint, &format!(" {}", answer.examples.join(" "))),
        );
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_said_in_words() {
        let answer = PreviewSegmentResponse {
            rule: "order_count >= 2".into(),
            sampled: 1_000,
            members: 250,
            not_members: 740,
            unknown: 10,
            share: Some(0.25),
            share_low: Some(0.224),
            share_high: Some(0.278),
            population: 131_907,
            estimated_members: 32_977,
            members_now: Some(240),
            joining: Some(20),
            leaving: Some(10),
            ..PreviewSegmentResponse::default()
        };
        let said: Vec<String> = size(&answer)
            .iter()
            .map(|line| line.render(false))
            .collect();
        assert_eq!(
            said,
            [
                "order_count >= 2",
                "250 of a sample of 1000 customers are in it, 740 are not; of 10 it cannot be told",
                "25.0% (22.4% to 27.8%): about 32977 of about 131907",
                "now 240 of them are in it: 20 would come, 10 would leave",
            ]
        );
    }
}
