//! What gates without rules looked at, named as rules would name it.

use super::{gates::standing_in_words, show::Shown};
use crate::{
    clock::Micros,
    next_best_action::{
        empathy::Upset,
        gates::{Gate, GateReport},
    },
    proto::v1::{GateValue, TraitValue, trait_value::Kind},
};

/// Whether the caller may see what the values of an attribute tell.
pub(super) fn sees(shown: &Shown<'_>, attribute: &str) -> bool {
    shown.values && shown.sight.may_see_fact(attribute)
}

/// The attribute that tells whether somebody is upset in a way.
pub(super) const fn grounds(upset: Upset) -> &'static str {
    match upset {
        Upset::OpenComplaint | Upset::ComplaintNotKnown => "open_complaints",
        // What texts say of leaving is what they say of feelings.
        Upset::Leaving | Upset::LowLevel => "sentiment_level",
    }
}

/// What a gate looked at, passed or not; values that are hidden, or not known, are absent.
pub(super) fn values(shown: &Shown<'_>, report: &GateReport) -> Vec<GateValue> {
    match report.gate {
        Gate::Empathy => mood(shown),
        Gate::Consent => consents(shown, report),
        Gate::Contact => contact(shown, report),
        Gate::QuietHours => vec![hour(shown)],
        _ => Vec::new(),
    }
}

fn value(name: impl Into<String>, kind: Option<Kind>) -> GateValue {
    GateValue {
        name: name.into(),
        value: kind.map(|kind| TraitValue { kind: Some(kind) }),
    }
}

fn mood(shown: &Shown<'_>) -> Vec<GateValue> {
    let mood = &shown.inputs.mood;
    let (complaints, feelings) = (
        sees(shown, "open_complaints"),
        sees(shown, "sentiment_level"),
    );
    let number = |number: f64| Kind::Decimal(format!("{number:.3}"));
    let open = mood.open_complaint.filter(|_| complaints);
    let leaving = mood.leaving_at.filter(|_| feelings);
    let level = mood.level.filter(|_| feelings);
    vec![
        value("open_complaint", open.map(Kind::Boolean)),
        value(
            "said_that_they_leave",
            leaving.map(Micros::to_proto).map(Kind::Time),
        ),
        value("sentiment_level", level.map(number)),
        value(
            "sentiment_evidence",
            feelings.then(|| number(mood.feelings)),
        ),
    ]
}

fn consents(shown: &Shown<'_>, report: &GateReport) -> Vec<GateValue> {
    let names = shown.ready.catalogue.names();
    let seen = sees(shown, "consent");
    let each = report.purposes.iter().map(|(purpose, standing)| {
        let purpose = names.purpose_name(*purpose).unwrap_or_default();
        let said = seen.then(|| Kind::Text(standing_in_words(*standing).to_owned()));
        value(format!("consent(\"{purpose}\")"), said)
    });
    each.collect()
}

/// Of each cap that binds, how many contacts count.
fn contact(shown: &Shown<'_>, report: &GateReport) -> Vec<GateValue> {
    let each = report.contact.iter().filter_map(|one| {
        let policy = shown.ready.catalogue.contact(one.policy)?;
        let counted = i64::from(one.allowance.counted);
        Some(value(
            policy.name.clone(),
            shown.values.then_some(Kind::Integer(counted)),
        ))
    });
    each.collect()
}

fn hour(shown: &Shown<'_>) -> GateValue {
    let inputs = shown.inputs;
    let hour = inputs.zone.map(|zone| zone.minute_of_day(inputs.at) / 60);
    value(
        "local_hour",
        hour.map(|hour| Kind::Integer(i64::from(hour))),
    )
}
