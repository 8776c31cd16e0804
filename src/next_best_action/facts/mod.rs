//! A customer as rules see them: what a profile says at a moment, and what a call says besides.
//!
//! What must stay true:
//!
//! - A value is the one that `GetProfile` shows of the same state, in the unit that `docs/criteria.md` says; both come from
//!   the same functions. Figures are rounded to six decimals, money is in units of its currency.
//! - While nothing happens, a value changes no sooner than its [`Changes`](crate::criteria::schema::Changes) say. What is felt
//!   and what is bought are as of the tenant's day, the risk of leaving is as of the hour of UTC. A document is as of the
//!   hour throughout: where days begin within an hour, it shows a new day from the next full hour on.
//! - What takes time is computed when it is first asked for, and once. Getting a value again allocates nothing.
//! - Of a customer of whom nothing is known, everything has the value that a profile without interactions has.

mod activity;
mod call;
mod consent;
mod contacts;
mod currency;
mod feelings;
mod identity;
mod offers;
mod orders;
mod situation;
mod surveys;
#[cfg(test)]
pub(crate) mod tests;
mod traits;
mod worth;

use std::sync::LazyLock;

pub use call::{Asked, Call};
pub use identity::Identity;

use crate::{
    criteria::{Attribute, AttributeId, Facts, Moment, Value},
    experience::Purchasing,
    profile::{State, survivorship::Rules},
    proto::state::v1 as stored,
};

/// What a profile is seen with, besides itself.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// When it is, and the tenant's zone.
    pub moment: Moment,
    /// To what levels of feelings are drawn while little is known, -1 to 1: what `GetProfile` takes.
    pub prior: f64,
    /// Which values of traits survive.
    pub rules: &'a Rules,
    /// How the tenant's customers buy, where that was fitted.
    pub model: Option<&'a Purchasing>,
    /// Whether the customer is in each segment that has been worked out, sorted by name.
    pub segments: &'a [(String, bool)],
}

/// A customer at a moment.
#[derive(Debug)]
pub struct Customer<'a> {
    known: bool,
    state: &'a State,
    identity: Identity<'a>,
    around: Surroundings<'a>,
    traits: traits::Survivors,
    feelings: feelings::Felt,
    worth: worth::Worth,
}

/// The state of who is not known.
static NOTHING: LazyLock<State> = LazyLock::new(State::default);

impl<'a> Customer<'a> {
    /// A customer by their state, none when they are not known, and their identifiers. Nothing is computed yet.
    #[must_use]
    pub fn new(state: Option<&'a State>, identity: Identity<'a>, around: Surroundings<'a>) -> Self {
        Self {
            known: state.is_some(),
            state: state.unwrap_or(&NOTHING),
            identity,
            around,
            traits: traits::Survivors::default(),
            feelings: feelings::Felt::default(),
            worth: worth::Worth::default(),
        }
    }

    fn core(&self) -> &stored::State {
        self.state.core()
    }
}

impl Facts for Customer<'_> {
    fn moment(&self) -> Moment {
        self.around.moment
    }

    fn get(&self, attribute: &Attribute) -> Value<'_> {
        use AttributeId as Id;
        let core = self.core();
        match attribute.id() {
            Id::Known | Id::Anonymous | Id::HasIdentifier | Id::IdentifierCount | Id::Segment => {
                self.identified(attribute)
            }
            Id::Trait => self.trait_value(attribute.text(0)),
            Id::FirstSeen
            | Id::LastSeen
            | Id::Interactions
            | Id::InteractionsByDepartment
            | Id::InteractionsByChannel
            | Id::InteractionsByType
            | Id::LastDepartment
            | Id::LastChannel
            | Id::LastType => activity::get(core, attribute),
            Id::OrderCount
            | Id::CancelledOrderCount
            | Id::OrderDays
            | Id::FirstOrder
            | Id::LastOrder
            | Id::Spend
            | Id::Returned
            | Id::TicketCount
            | Id::OpenTickets
            | Id::LastTicket
            | Id::OpenSince => orders::get(core, attribute),
            Id::SurveyLatest
            | Id::SurveyAnswered
            | Id::SurveyCount
            | Id::SurveyMean
            | Id::SurveyRecentMean => surveys::get(core, attribute, self.today()),
            Id::SentimentLevel
            | Id::SentimentEvidence
            | Id::SentimentTrend
            | Id::SentimentWorst
            | Id::Effort => self.felt(attribute.id()),
            Id::LastFeeling
            | Id::LastLabel
            | Id::LastPolarity
            | Id::LastIntent
            | Id::TopicLevel
            | Id::SignalCount
            | Id::LastSignal => feelings::told(core, attribute),
            Id::PAlive
            | Id::ExpectedOrders
            | Id::LifetimeValue
            | Id::RecencyScore
            | Id::FrequencyScore
            | Id::MoneyScore
            | Id::LeavingRisk
            | Id::LeavingReason => self.worth(attribute.id()),
            Id::Consent => consent::get(&core.consents, attribute),
            Id::LastContact | Id::Contacts => contacts::get(core, attribute, self.today()),
            Id::OpenComplaints => self.open_complaints(),
            Id::OffersShown | Id::LastOffer | Id::LastOutcome => {
                offers::get(&core.offers, attribute)
            }
            // What belongs to a call is not known without one.
            Id::Context
            | Id::Channel
            | Id::Placement
            | Id::Locale
            | Id::LocalHour
            | Id::DayOfWeek => Value::Missing,
        }
    }
}

/// A count.
fn count(number: u64) -> Value<'static> {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

/// An instant, where there is one.
fn time(at: Option<i64>) -> Value<'static> {
    at.map_or(Value::Missing, |at| Value::Time(crate::clock::Micros(at)))
}

/// A figure, where there is one.
fn figure(figure: Option<f64>) -> Value<'static> {
    figure.map_or(Value::Missing, Value::rounded)
}
