//! What rules may say of a customer to a caller.
//!
//! What must stay true: nothing is looser here than where a profile shows the same ([`Sight::restrict`]); every attribute that rules
//! may ask for is judged here by name, so that a new one cannot be forgotten.

use super::{Matter, Sight};
use crate::{
    config::Facts,
    criteria::{AttributeId as Id, schema},
};

impl Sight<'_> {
    /// Whether a caller may see the value of an attribute, by its text in rules: `name`, `name(..)` or `name[..]`.
    pub(in crate::grpc) fn may_see_fact(&self, attribute: &str) -> bool {
        let end = attribute.find(['(', '[']).unwrap_or(attribute.len());
        let (name, rest) = attribute.split_at(end);
        let argument = rest.split('"').nth(1).unwrap_or_default();
        schema::find(name).is_some_and(|id| self.may_see(id, argument))
    }

    /// Whether a caller may see the value of every attribute.
    pub(in crate::grpc) fn may_see_all_facts(&self) -> bool {
        let all = [
            Facts::Orders,
            Facts::Tickets,
            Facts::Surveys,
            Facts::Sentiment,
            Facts::Consents,
            Facts::Timeline,
        ];
        all.into_iter().all(|facts| !self.hides(facts))
            && self.all_traits()
            && self.identifiers()
            && self.all_namespaces()
    }

    /// Whether a caller may see an attribute with this first parameter, empty without one.
    fn may_see(&self, id: Id, argument: &str) -> bool {
        let timeline = || !self.hides(Facts::Timeline);
        match id {
            // What a call says.
            Id::Known
            | Id::Context
            | Id::Channel
            | Id::Placement
            | Id::Locale
            | Id::LocalHour
            | Id::DayOfWeek => true,
            Id::HasIdentifier | Id::IdentifierCount => self.identifiers() && self.all_namespaces(),
            // Worked out from the namespaces.
            Id::Anonymous => self.all_namespaces(),
            Id::Trait => self.may_see_trait(argument),
            Id::FirstSeen
            | Id::LastSeen
            | Id::Interactions
            | Id::LastContact
            | Id::Contacts
            | Id::OffersShown
            | Id::LastOffer
            | Id::LastOutcome => timeline(),
            Id::InteractionsByType => {
                let of = |matter: &Matter| matter.is_of(argument, None);
                timeline() && !self.without().iter().any(of)
            }
            Id::InteractionsByDepartment
            | Id::InteractionsByChannel
            | Id::LastDepartment
            | Id::LastChannel
            | Id::LastType => timeline() && self.without().is_empty(),
            Id::OrderCount
            | Id::CancelledOrderCount
            | Id::OrderDays
            | Id::FirstOrder
            | Id::LastOrder
            | Id::Spend
            | Id::Returned
            | Id::PAlive
            | Id::ExpectedOrders
            | Id::LifetimeValue
            | Id::RecencyScore
            | Id::FrequencyScore
            | Id::MoneyScore => !self.hides(Facts::Orders),
            Id::TicketCount | Id::OpenTickets | Id::LastTicket | Id::OpenSince => {
                !self.hides(Facts::Tickets)
            }
            // Complaints are found in what was written as well.
            Id::OpenComplaints => !self.hides(Facts::Tickets) && self.may_see_feelings(),
            Id::SurveyLatest
            | Id::SurveyAnswered
            | Id::SurveyCount
            | Id::SurveyMean
            | Id::SurveyRecentMean => !self.hides(Facts::Surveys),
            Id::SentimentLevel
            | Id::SentimentEvidence
            | Id::SentimentTrend
            | Id::SentimentWorst
            | Id::Effort
            | Id::TopicLevel
            | Id::SignalCount => self.may_see_feelings(),
            Id::LastFeeling
            | Id::LastLabel
            | Id::LastPolarity
            | Id::LastIntent
            | Id::LastSignal => timeline() && self.may_see_feelings(),
            Id::LeavingRisk | Id::LeavingReason => self.may_see_risks(),
            Id::Consent => !self.hides(Facts::Consents),
            // It may rest on anything.
            Id::Segment => self.may_see_all_facts(),
        }
    }
}
