//! `suggest`: profiles that look as if they were one person's, why, and what a steward would run to say so or not.

use clap::Args;
use serde_json::json;

use super::{
    Failure, client,
    json::{Printer, escaped},
    say, status,
    terminal::{Line, Look, Screen, Tone, emit},
    who::Who,
    words,
};
use crate::proto::v1::{
    MergeSuggestion, SuggestMergesRequest, SuggestMergesResponse, SuggestedProfile,
    SuggestionAgreement, SuggestionField, SuggestionReason,
    identity_service_client::IdentityServiceClient,
};

/// Pairs of a page.
const PAGE: u64 = 100;

/// Whose look-alikes to list.
#[derive(Args, Debug)]
pub struct SuggestArgs {
    /// A profile id, or identifiers as namespace=value, in order of trust; everybody when there is none.
    #[arg(num_args = 0..=8, value_name = "IDENTIFIER")]
    who: Vec<String>,

    /// Leave out pairs less likely than this: thousandths, 1 to 1000.
    #[arg(long, value_parser = clap::value_parser!(i32).range(1..=1_000), value_name = "N")]
    threshold: Option<i32>,

    /// At most this many.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..), value_name = "N")]
    limit: u64,

    #[command(flatten)]
    target: client::Target,

    #[command(flatten)]
    look: Look,

    /// Print each pair as JSON of the protocol, one a line.
    #[arg(long)]
    json: bool,
}

/// `suggest`.
pub(super) async fn suggest(args: &SuggestArgs) -> Result<(), Failure> {
    let who = Who {
        who: args.who.clone(),
    };
    let lookup = match args.who.as_slice() {
        [] => None,
        _ => Some(who.lookup()?),
    };
    let mut request = SuggestMergesRequest {
        lookup,
        threshold: args.threshold,
        ..SuggestMergesRequest::default()
    };
    let mut client = IdentityServiceClient::new(args.target.connect()?);
    let screen = args.look.screen();
    let json = Printer::new("MergeSuggestion")?;
    let (mut left, mut skipped) = (args.limit, 0);
    loop {
        request.page_size = i32::try_from(left.min(PAGE)).unwrap_or(i32::MAX);
        let answer = client.suggest_merges(request.clone()).await;
        let page = answer
            .map_err(|status| match args.who.as_slice() {
                [] => Failure::Call(status::describe(&status)),
                _ => who.failed(&status),
            })?
            .into_inner();
        skipped += page.blocks_skipped;
        for pair in &page.suggestions {
            let read = if args.json {
                emit(&json.line(pair)?)?
            } else {
                screen.print(&lines(pair, &screen))?
            };
            if !read {
                return Ok(());
            }
            left = left.saturating_sub(1);
        }
        if page.next_page_token.is_empty() || left == 0 {
            remarks(args, &page, left, skipped);
            return Ok(());
        }
        request.page_token = page.next_page_token;
    }
}

fn remarks(args: &SuggestArgs, last: &SuggestMergesResponse, left: u64, skipped: i32) {
    let more = u64::try_from(last.suggestions_total).is_ok_and(|total| total > args.limit);
    if left == args.limit {
        say(format_args!("nobody looks alike"));
    } else if more || (left == 0 && !last.next_page_token.is_empty()) {
        say(format_args!("there may be more: --limit shows them"));
    }
    if skipped > 0 {
        let values = words::count(i64::from(skipped), "value");
        say(format_args!(
            "{values} passed over, since too many have them"
        ));
    }
}

/// A pair, and what to do about it.
fn lines(pair: &MergeSuggestion, screen: &Screen) -> Vec<Line> {
    let (Some(first), Some(second)) = (&pair.first, &pair.second) else {
        return Vec::new();
    };
    let score = format!("{} of 1,000", pair.score);
    let mut lines = vec![Line::default().with(Tone::Strong, &score)];
    lines.push(profile(first));
    lines.push(profile(second));
    let reasons: Vec<String> = pair.reasons.iter().map(reason).collect();
    lines.push(Line::of(&format!("  {}", reasons.join(", "))));
    let mut lines: Vec<Line> = lines.into_iter().map(|l| l.cut(screen.width)).collect();
    if pair.merge_allowed {
        lines.push(command(
            "one person",
            "MergeProfiles",
            &merge(first, second),
        ));
    } else {
        let why = format!("  cannot be merged: {}", pair.merge_refused_because);
        lines.push(Line::of(&why).cut(screen.width));
    }
    let separate = separate(first, second);
    lines.push(command("two people", "SeparateIdentifiers", &separate));
    lines.push(Line::default());
    lines
}

fn profile(profile: &SuggestedProfile) -> Line {
    let mut line = Line::of("  ").with(Tone::Faint, &profile.profile_id);
    for identifier in &profile.identifiers {
        line = line
            .with(Tone::Faint, &format!("  {} ", identifier.namespace))
            .plain(&identifier.value);
    }
    let total = usize::try_from(profile.identifiers_total).unwrap_or_default();
    match total.saturating_sub(profile.identifiers.len()) {
        0 => line,
        more => line.with(Tone::Faint, &format!("  and {more} more")),
    }
}

fn reason(reason: &SuggestionReason) -> String {
    let field = match reason.field() {
        SuggestionField::FamilyName => "family name",
        SuggestionField::GivenName => "given name",
        SuggestionField::BirthDate => "birth date",
        SuggestionField::Address => "address",
        SuggestionField::Phone => "phone",
        SuggestionField::Email => "e-mail",
        SuggestionField::Unspecified => "something",
    };
    let agreement = match reason.agreement() {
        SuggestionAgreement::Exact => "the same",
        SuggestionAgreement::ExactCommon => "the same, but frequent",
        SuggestionAgreement::Close => "the same in substance",
        SuggestionAgreement::Typo => "one slip apart",
        SuggestionAgreement::Near => "alike in part",
        SuggestionAgreement::Different | SuggestionAgreement::Unspecified => "different",
    };
    format!("{field} {agreement}")
}

fn merge(first: &SuggestedProfile, second: &SuggestedProfile) -> serde_json::Value {
    json!({
        "operationId": format!("one-{}-{}", first.profile_id, second.profile_id),
        "reason": "suggested",
        "target": {"profileId": first.profile_id},
        "source": {"profileId": second.profile_id},
    })
}

fn separate(first: &SuggestedProfile, second: &SuggestedProfile) -> serde_json::Value {
    let identifiers = first.identifiers.iter();
    let identifiers: Vec<_> = identifiers
        .map(|i| json!({"namespace": i.namespace, "value": i.value}))
        .collect();
    json!({
        "operationId": format!("two-{}-{}", first.profile_id, second.profile_id),
        "reason": "suggested, and not the same",
        "identifiers": identifiers,
        "apartFrom": {"profileId": second.profile_id},
    })
}

/// What to run. It is not cut, so that it can be copied whole.
fn command(says: &str, method: &str, request: &serde_json::Value) -> Line {
    Line::default()
        .with(Tone::Faint, &format!("  {says}: "))
        .plain(&format!(
            "customer-profile call {method} '{}'",
            quotable(&request.to_string())
        ))
}

/// JSON that means the same and can stand between single quotes of a shell: what customers wrote must not end them, nor
/// hide what is run.
fn quotable(json: &str) -> String {
    let unsound = |c: char| c == '\'' || (!c.is_ascii() && !c.is_alphanumeric()) || c == '\u{7f}';
    escaped(json, unsound)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cli::terminal::{Zone, text},
        clock::Micros,
        proto::v1::Identifier,
    };

    fn side(id: &str, value: &str) -> SuggestedProfile {
        SuggestedProfile {
            profile_id: id.into(),
            version: 1,
            identifiers: vec![Identifier {
                namespace: "email".into(),
                value: value.into(),
            }],
            identifiers_total: 3,
        }
    }

    fn pair(value: &str) -> MergeSuggestion {
        let reason = |field: SuggestionField, agreement: SuggestionAgreement| SuggestionReason {
            field: field.into(),
            agreement: agreement.into(),
            ..SuggestionReason::default()
        };
        MergeSuggestion {
            first: Some(side("a", value)),
            second: Some(side("b", "b@example.com")),
            score: 973,
            reasons: vec![
                reason(SuggestionField::FamilyName, SuggestionAgreement::Close),
                reason(SuggestionField::Phone, SuggestionAgreement::Typo),
            ],
            merge_allowed: true,
            merge_refused_because: String::new(),
        }
    }

    fn shown(pair: &MergeSuggestion, width: usize) -> Vec<String> {
        let screen = Screen {
            width,
            colour: false,
            zone: Zone::parse("UTC").unwrap(),
            now: Micros(0),
        };
        let lines = lines(pair, &screen);
        lines.iter().map(|line| line.render(false)).collect()
    }

    #[test]
    fn a_pair_comes_with_its_reasons_and_both_answers() {
        assert_eq!(
            shown(&pair("花@example.com"), 100),
            [
                "973 of 1,000",
                "  a  email 花@example.com  and 2 more",
                "  b  email b@example.com  and 2 more",
                "  family name the same in substance, phone one slip apart",
                "  one person: customer-profile call MergeProfiles '{\"operationId\":\"one-a-b\",\"reason\":\"suggested\",\
                 \"source\":{\"profileId\":\"b\"},\"target\":{\"profileId\":\"a\"}}'",
                "  two people: customer-profile call SeparateIdentifiers '{\"apartFrom\":{\"profileId\":\"b\"},\
                 \"identifiers\":[{\"namespace\":\"email\",\"value\":\"花@example.com\"}],\"operationId\":\"two-a-b\",\
                 \"reason\":\"suggested, and not the same\"}'",
                "",
            ]
        );
        let mut refused = pair("x");
        refused.merge_allowed = false;
        refused.merge_refused_because = "together they are too many".into();
        let lines = shown(&refused, 100);
        assert_eq!(lines[4], "  cannot be merged: together they are too many");
        for line in shown(&refused, 40).iter().take(5) {
            assert!(text::width(line) <= 40, "{line}");
        }
    }

    #[test]
    fn what_customers_wrote_stays_between_the_quotes() {
        let nasty = "'; rm -rf / #\u{1b}\u{202e}😀\\\"花";
        let json = quotable(&json!({ "value": nasty }).to_string());
        assert!(!json.contains('\''));
        assert!(json.chars().all(|c| !c.is_control() && c != '\u{202e}'));
        let back: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(back["value"], nasty);
        let lines = shown(&pair(nasty), 300);
        assert_eq!(lines[5].matches('\'').count(), 2, "{}", lines[5]);
    }
}
