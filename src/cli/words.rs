//! What the protocol says, in the words of people. Texts come out as they came in; whoever prints them makes them visible.

use rust_decimal::Decimal;

use super::terminal::{Line, Tone, Zone};
use crate::proto::v1::{
    Consent, ConsentChange, ConsentState, Direction, Money, Subject, SubjectKind, SubjectStatus,
    SurveyScale, TraitValue, trait_value::Kind,
};

/// What the arrows mean.
pub(super) const ARROWS: &str = "← from the customer, → to the customer";

/// "1 order", "2 orders".
pub(super) fn count(n: i64, noun: &str) -> String {
    format!(
        "{}{noun}{}",
        thousands(&format!("{n} ")),
        if n == 1 { "" } else { "s" }
    )
}

/// Who spoke.
pub(super) fn arrow(direction: Direction) -> &'static str {
    match direction {
        Direction::Inbound => "←",
        Direction::Outbound => "→",
        Direction::Unspecified => " ",
    }
}

/// What happened, from the dotted name of its type and what it is about: "order placed #A-1001".
pub(super) fn happening(r#type: &str, subject: Option<&Subject>) -> String {
    let mut words = r#type.replace(['.', '_', '-'], " ");
    let Some(subject) = subject else { return words };
    let kind = kind_name(subject.kind());
    // "ticket opened" names the ticket already; a survey is about one.
    if r#type.split('.').next() != Some(kind) {
        words.push_str(", ");
        words.push_str(kind);
    }
    words.push_str(if subject.kind() == SubjectKind::Order {
        " #"
    } else {
        " "
    });
    words.push_str(&subject.id);
    match subject.status() {
        SubjectStatus::Unspecified => (),
        status => {
            words.push_str(", ");
            words.push_str(status_name(status));
        }
    }
    words
}

fn kind_name(kind: SubjectKind) -> &'static str {
    match kind {
        SubjectKind::Unspecified => "subject",
        SubjectKind::Order => "order",
        SubjectKind::Ticket => "ticket",
        SubjectKind::Campaign => "campaign",
        SubjectKind::Decision => "decision",
        SubjectKind::Session => "session",
        SubjectKind::Subscription => "subscription",
        SubjectKind::Product => "product",
    }
}

/// Where something stands.
pub(super) fn status_name(status: SubjectStatus) -> &'static str {
    match status {
        SubjectStatus::Unspecified => "of unknown status",
        SubjectStatus::Open => "open",
        SubjectStatus::Pending => "pending",
        SubjectStatus::Closed => "closed",
        SubjectStatus::Cancelled => "cancelled",
    }
}

/// An amount in its currency's own unit, by the number of digits that ISO 4217 gives it: "12,800 JPY".
pub(super) fn money(money: &Money) -> String {
    let digits = iso_currency::Currency::from_code(&money.currency)
        .and_then(iso_currency::Currency::exponent)
        .unwrap_or_default();
    let amount = Decimal::new(money.minor_units, u32::from(digits));
    format!("{} {}", thousands(&amount.to_string()), money.currency)
}

/// A number with a comma at every third of its whole digits.
fn thousands(number: &str) -> String {
    let begin = number.find(|c: char| c.is_ascii_digit()).unwrap_or(0);
    let (sign, digits) = number.split_at(begin);
    let end = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    let (whole, rest) = digits.split_at(end);
    let mut grouped = sign.to_owned();
    for (n, digit) in whole.chars().enumerate() {
        if n > 0 && (whole.len() - n).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + rest
}

/// The value of a trait.
pub(super) fn value(value: Option<&TraitValue>, zone: Zone) -> String {
    match value.and_then(|v| v.kind.as_ref()) {
        Some(Kind::Text(text) | Kind::Decimal(text) | Kind::Date(text)) => text.clone(),
        Some(Kind::Integer(number)) => number.to_string(),
        Some(Kind::Boolean(true)) => "yes".to_owned(),
        Some(Kind::Boolean(false)) => "no".to_owned(),
        Some(Kind::Time(at)) => zone.minute(Some(at)),
        Some(Kind::List(list)) => list.values.join(", "),
        Some(Kind::Unset(_)) => "none".to_owned(),
        None => "unknown".to_owned(),
    }
}

/// A survey scale with its range.
pub(super) fn scale(scale: SurveyScale) -> &'static str {
    match scale {
        SurveyScale::Unspecified => "unknown scale",
        SurveyScale::Nps => "NPS 0-10",
        SurveyScale::Csat5 => "CSAT 1-5",
        SurveyScale::Csat7 => "CSAT 1-7",
        SurveyScale::Csat10 => "CSAT 1-10",
        SurveyScale::Ces7 => "ease 1-7",
        SurveyScale::Ces5 => "effort 1-5",
        SurveyScale::Stars5 => "stars 1-5",
    }
}

/// A mean with one digit after the point.
pub(super) fn mean(sum: i64, count: i64) -> Option<String> {
    let mean = Decimal::from(sum).checked_div(Decimal::from(count))?;
    Some(format!("{:.1}", mean.round_dp(1)))
}

/// A tiny histogram: one bar for each value, `_` where there is none.
pub(super) fn bars(counts: &[i64]) -> String {
    const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = i128::from(counts.iter().copied().max().unwrap_or_default());
    let bar = |count: &i64| {
        let level = i128::from(*count) * 8 / most.max(1);
        match usize::try_from(level) {
            Ok(level) if *count > 0 => LEVELS[level.saturating_sub(1).min(7)],
            _ => '_',
        }
    };
    counts.iter().take(11).map(bar).collect()
}

/// What a consent is about: "marketing by email".
pub(super) fn consent(of: &Consent) -> String {
    let channel = if of.channel.is_empty() {
        "any channel"
    } else {
        &of.channel
    };
    let mut words = format!("{} by {channel}", of.purpose);
    if let Some(address) = &of.address {
        words.push_str(" to ");
        words.push_str(&address.value);
    }
    words
}

/// A consent given or taken back: "denied marketing by email".
pub(super) fn consent_change(change: &ConsentChange) -> Line {
    let about = Consent {
        purpose: change.purpose.clone(),
        channel: change.channel.clone().unwrap_or_default(),
        address: change.address.clone(),
        ..Consent::default()
    };
    Line::default()
        .with(consent_tone(change.state()), consent_state(change.state()))
        .plain(&format!(" {}", consent(&about)))
}

/// How what was said about a purpose should look.
pub(super) fn consent_tone(state: ConsentState) -> Tone {
    match state {
        ConsentState::Granted => Tone::Good,
        ConsentState::Denied => Tone::Bad,
        ConsentState::Unspecified => Tone::Notice,
    }
}

/// How a number of open tickets should look.
pub(super) fn open_tone(open: i64) -> Tone {
    if open > 0 { Tone::Notice } else { Tone::Plain }
}

/// What was said about a purpose.
pub(super) fn consent_state(state: ConsentState) -> &'static str {
    match state {
        ConsentState::Granted => "granted",
        ConsentState::Denied => "denied",
        ConsentState::Unspecified => "unclear",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(kind: SubjectKind, id: &str, status: SubjectStatus) -> Subject {
        Subject {
            kind: kind.into(),
            id: id.into(),
            status: status.into(),
        }
    }

    #[test]
    fn what_happened_reads_like_a_sentence() {
        let order = subject(SubjectKind::Order, "A-1001", SubjectStatus::Unspecified);
        let ticket = subject(SubjectKind::Ticket, "T-1", SubjectStatus::Unspecified);
        let pending = subject(SubjectKind::Ticket, "T-1", SubjectStatus::Pending);
        let campaign = subject(SubjectKind::Campaign, "spring", SubjectStatus::Unspecified);
        for (r#type, subject, words) in [
            ("order.placed", Some(&order), "order placed #A-1001"),
            (
                "ticket.replied",
                Some(&pending),
                "ticket replied T-1, pending",
            ),
            (
                "survey.answered",
                Some(&ticket),
                "survey answered, ticket T-1",
            ),
            (
                "message.sent",
                Some(&campaign),
                "message sent, campaign spring",
            ),
            ("session.signed_in", None, "session signed in"),
        ] {
            assert_eq!(happening(r#type, subject), words);
        }
    }

    #[test]
    fn amounts_have_their_digits_and_separators() {
        for (currency, minor_units, shown) in [
            ("JPY", 12_800, "12,800 JPY"),
            ("JPY", 0, "0 JPY"),
            ("EUR", 6_450, "64.50 EUR"),
            ("USD", -123_456_789, "-1,234,567.89 USD"),
            ("KWD", 1_000, "1.000 KWD"),
            ("???", 1_000, "1,000 ???"),
            ("USD", i64::MIN, "-92,233,720,368,547,758.08 USD"),
        ] {
            let currency = currency.into();
            assert_eq!(
                money(&Money {
                    currency,
                    minor_units
                }),
                shown
            );
        }
        assert_eq!(count(1, "order"), "1 order");
        assert_eq!(count(12_345, "order"), "12,345 orders");
    }

    #[test]
    fn surveys_are_a_mean_and_bars() {
        assert_eq!(mean(19, 2).unwrap(), "9.5");
        assert_eq!(mean(i64::MAX, i64::MIN).unwrap(), "-1.0");
        assert_eq!(mean(1, 0), None);
        assert_eq!(bars(&[0, 1, 0, 2, 8]), "_▁_▂█");
        assert_eq!(bars(&[0, 3]), "_█");
        assert_eq!(bars(&[i64::MAX, i64::MIN, 1]), "█_▁");
    }
}
