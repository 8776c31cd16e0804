//! | file | what is in it |
//! |---|---|
//! | `offers` | offers and complaints |
//! | `examples` | single attributes of made-up customers |
//! | `consents` | consent, beside the gate of it |
//! | `contacts` | contacts, counted another way |
//! | `time` | what time changes, and when |
//! | `speed` | how long it takes |
//!
//! That values are those of documents is tested where documents are made, in `src/lookup/document/tests.rs`.

mod consents;
mod contacts;
mod examples;
mod offers;
mod speed;
mod time;

use crate::{
    criteria::{Attribute, Rule, Use},
    experience::Purchasing,
    proto::state::v1::ValueModel,
};

/// An attribute as it is written.
pub(crate) fn attribute(text: &str) -> Attribute {
    let rule = Rule::parse(&format!("has({text})"), Use::Decision).unwrap();
    rule.attributes()[0].clone()
}

/// How the customers of a shop buy.
pub(crate) fn model(currency: &str) -> Purchasing {
    Purchasing::of(&ValueModel {
        day: 20_000,
        customers: 1_000,
        purchases: vec![0.6, 5.0, 0.8, 2.5],
        spending: vec![6.0, 4.0, 150.0],
        currency: currency.to_owned(),
        recency_cuts: vec![10, 40, 100, 400],
        frequency_cuts: vec![1, 2, 3, 4],
        money_cuts: vec![10, 200, 600, 1_500],
        ..ValueModel::default()
    })
}

/// Every attribute of a profile, as rules about the interactions that tests make up would have it.
pub(super) const ATTRIBUTES: &[&str] = &[
    "known",
    "anonymous",
    "has_identifier(\"email\")",
    "identifier_count",
    "first_seen",
    "last_seen",
    "trait[\"city\"]",
    "trait[\"size\"]",
    "segment(\"vip\")",
    "interactions",
    "interactions_by_department(\"sales\")",
    "interactions_by_channel(\"web\")",
    "interactions_by_type(\"order.placed\")",
    "last_department",
    "last_channel",
    "last_type",
    "order_count",
    "cancelled_order_count",
    "order_days",
    "first_order",
    "last_order",
    "spend(\"JPY\")",
    "returned(\"USD\")",
    "ticket_count",
    "open_tickets",
    "open_complaints",
    "last_ticket",
    "open_since",
    "survey_latest(\"nps\")",
    "survey_answered(\"csat_5\")",
    "survey_count(\"nps\")",
    "survey_mean(\"nps\")",
    "survey_recent_mean(\"nps\", 1)",
    "survey_recent_mean(\"csat_5\", 24)",
    "sentiment_level",
    "sentiment_evidence",
    "sentiment_trend",
    "sentiment_worst",
    "last_feeling",
    "last_label",
    "last_polarity",
    "last_intent",
    "effort",
    "topic_level(\"delivery\")",
    "signal_count(\"leaving\")",
    "last_signal(\"topic:delivery\")",
    "p_alive",
    "expected_orders",
    "lifetime_value",
    "recency_score",
    "frequency_score",
    "money_score",
    "leaving_risk",
    "leaving_reason",
    "consent(\"marketing\")",
    "consent(\"profiling\", \"email\")",
    "last_contact(\"web\")",
    "contacts(\"web\", 1)",
    "contacts(\"phone\", 365)",
    "offers_shown(\"spring\")",
    "last_offer(\"spring\")",
    "last_outcome(\"spring\")",
];

#[test]
fn the_list_of_attributes_is_whole() {
    use crate::criteria::{AttributeId, schema::Scope};
    let listed: Vec<AttributeId> = ATTRIBUTES.iter().map(|text| attribute(text).id()).collect();
    for id in AttributeId::ALL {
        let of_profiles = id.definition().scope == Scope::Profile;
        assert_eq!(listed.contains(id), of_profiles, "{id:?}");
    }
}
