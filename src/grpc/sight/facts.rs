//! What rules may say of a customer to a caller.
//!
//! What must stay true: nothing is looser here than where a profile shows the same ([`Sight::restrict`]).

use super::Sight;
use crate::config::Facts;

impl Sight<'_> {
    /// Whether a caller may see the value of an attribute, by its text in rules: `name`, `name(..)` or `name[..]`.
    pub(in crate::grpc) fn may_see_fact(&self, attribute: &str) -> bool {
        let end = attribute.find(['(', '[']).unwrap_or(attribute.len());
        let (name, rest) = attribute.split_at(end);
        let argument = rest.split('"').nth(1).unwrap_or_default();
        let may = |facts: &[Facts]| facts.iter().all(|facts| !self.hides(*facts));
        match name {
            "trait" => self.may_see_trait(argument),
            "has_identifier" | "identifier_count" => self.identifiers() && self.all_namespaces(),
            // Worked out from the namespaces.
            "anonymous" => self.all_namespaces(),
            "known" | "context" | "channel" | "placement" | "locale" | "local_hour"
            | "day_of_week" => true,
            "order_count"
            | "cancelled_order_count"
            | "order_days"
            | "first_order"
            | "last_order"
            | "spend"
            | "returned"
            | "p_alive"
            | "expected_orders"
            | "lifetime_value"
            | "recency_score"
            | "frequency_score"
            | "money_score" => may(&[Facts::Orders]),
            "ticket_count" | "open_tickets" | "last_ticket" | "open_since" => {
                may(&[Facts::Tickets])
            }
            // Complaints are found in what was written as well.
            "open_complaints" => may(&[Facts::Tickets]) && self.may_see_feelings(),
            "consent" => may(&[Facts::Consents]),
            "leaving_risk" | "leaving_reason" => self.may_see_risks(),
            "effort" | "topic_level" | "signal_count" => self.may_see_feelings(),
            "last_signal" | "last_feeling" | "last_label" | "last_polarity" | "last_intent" => {
                may(&[Facts::Timeline]) && self.may_see_feelings()
            }
            name if name.starts_with("survey_") => may(&[Facts::Surveys]),
            name if name.starts_with("sentiment_") => self.may_see_feelings(),
            "interactions_by_type" => {
                let of = |matter: &super::Matter| matter.is_of(argument, None);
                may(&[Facts::Timeline]) && !self.without().iter().any(of)
            }
            "interactions_by_department"
            | "interactions_by_channel"
            | "last_department"
            | "last_channel"
            | "last_type" => may(&[Facts::Timeline]) && self.without().is_empty(),
            // A segment may rest on anything.
            "segment" => {
                let all = [
                    Facts::Orders,
                    Facts::Tickets,
                    Facts::Surveys,
                    Facts::Sentiment,
                    Facts::Consents,
                    Facts::Timeline,
                ];
                may(&all) && self.all_traits() && self.identifiers() && self.all_namespaces()
            }
            _ => may(&[Facts::Timeline]),
        }
    }
}
