//! What rules may say of a customer to a caller.

use super::Sight;
use crate::config::Facts;

impl Sight<'_> {
    /// Whether a caller may see the value of an attribute, by its text in rules.
    pub(in crate::grpc) fn may_see_fact(&self, attribute: &str) -> bool {
        let (name, rest) = attribute.split_once('(').unwrap_or((attribute, ""));
        let facts = match name {
            "trait" => {
                let named = rest.split('"').nth(1).unwrap_or_default();
                return self.may_see_trait(named);
            }
            "has_identifier" | "identifier_count" => Facts::Identifiers,
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
            | "money_score" => Facts::Orders,
            "ticket_count" | "open_tickets" | "open_complaints" | "last_ticket" | "open_since" => {
                Facts::Tickets
            }
            "consent" => Facts::Consents,
            name if name.starts_with("survey_") => Facts::Surveys,
            "effort" | "topic_level" | "signal_count" | "last_signal" | "last_feeling"
            | "last_label" | "last_polarity" | "last_intent" | "leaving_risk"
            | "leaving_reason" => Facts::Sentiment,
            name if name.starts_with("sentiment_") => Facts::Sentiment,
            // A segment may rest on anything.
            "segment" => {
                return self.all_traits()
                    && [
                        Facts::Orders,
                        Facts::Tickets,
                        Facts::Surveys,
                        Facts::Sentiment,
                        Facts::Consents,
                        Facts::Timeline,
                    ]
                    .into_iter()
                    .all(|facts| self.require(facts).is_ok());
            }
            "context" | "channel" | "placement" | "locale" | "local_hour" | "day_of_week"
            | "known" | "anonymous" => return true,
            _ => Facts::Timeline,
        };
        let visible = self.require(facts).is_ok();
        visible && (facts != Facts::Identifiers || self.all_namespaces())
    }
}
