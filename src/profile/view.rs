//! What a profile shows: its state under the rules of the moment, as the API's message.

use super::{
    model::State,
    stamp::{Stamp, Stamped as _},
    survivorship::{Candidate, Rules, survive},
};
use crate::{
    clock::Micros,
    proto::{
        state::v1::{self as stored, Amount, Survey, Ticket, Totals, TraitFact},
        v1::{
            Consent, ConsentState, Identifier, InteractionCount, Money, OpenTicket, OrderSummary,
            Profile, ProfileTrait, SentimentSummary, SurveyScale, SurveySummary, TicketSummary,
            Touchpoint, TraitCandidate, TraitProvenance,
        },
    },
    sentiment::history::{self, Dated, HALF_LIFE_DAYS, Known, Moment},
};

/// Identifiers shown in a profile.
pub const IDENTIFIERS: usize = 256;
/// Traits shown in a profile.
pub const TRAITS: usize = 256;
/// Losing values shown with a trait of a profile.
pub const LOSERS: usize = 16;

impl State {
    /// Fills in everything that a profile shows of its state; id, version and identifiers are the caller's. Traits are
    /// those that `admits` the name of, so that a list that is cut holds as many of them as it can. What the customer feels
    /// is as of a moment.
    #[must_use]
    pub fn show(&self, rules: &Rules, moment: Moment, admits: impl Fn(&str) -> bool) -> Profile {
        let core = self.core();
        let names = trait_groups(&core.traits);
        let totals = core.totals.as_ref();
        Profile {
            known: true,
            traits: names
                .iter()
                .filter(|facts| facts.first().is_some_and(|fact| admits(&fact.name)))
                .take(TRAITS)
                .filter_map(|facts| show_trait(facts, rules, LOSERS))
                .collect(),
            traits_total: length(names.len()),
            interaction_counts: core
                .counters
                .iter()
                .map(|counter| InteractionCount {
                    department: counter.department.clone(),
                    channel: counter.channel.clone(),
                    r#type: counter.r#type.clone(),
                    count: signed(counter.count),
                })
                .collect(),
            interactions_total: signed(core.interactions),
            orders: show_orders(totals, &core.returned),
            tickets: totals.filter(|t| t.tickets > 0).map(show_tickets),
            surveys: core.surveys.iter().map(show_survey).collect(),
            consents: core.consents.iter().map(show_consent).collect(),
            touchpoints: core.touches.iter().map(show_touch).collect(),
            first_seen: core.first_at.map(time),
            last_seen: core.last_at.map(time),
            sentiment: show_feelings(core, moment),
            ..Profile::default()
        }
    }

    /// All traits with every value that lost, in the order of their names, from the first name after `after`.
    pub fn show_traits<'a>(
        &'a self,
        rules: &'a Rules,
        after: Option<&'a str>,
    ) -> impl Iterator<Item = ProfileTrait> + 'a {
        trait_groups(&self.core().traits)
            .into_iter()
            .filter(move |facts| {
                facts
                    .first()
                    .is_some_and(|f| after.is_none_or(|after| f.name.as_str() > after))
            })
            .filter_map(|facts| show_trait(facts, rules, usize::MAX))
    }

    /// How many traits there are.
    #[must_use]
    pub fn traits_total(&self) -> i32 {
        length(trait_groups(&self.core().traits).len())
    }

    /// The surviving value of one trait.
    #[must_use]
    pub fn surviving(&self, name: &str, rules: &Rules) -> Option<crate::proto::v1::TraitValue> {
        let facts = trait_groups(&self.core().traits)
            .into_iter()
            .find(|facts| facts.first().is_some_and(|f| f.name == name))?;
        survive(rules.of(name), facts).map(|s| s.value)
    }
}

/// The facts of each trait; facts are sorted by name, so those of one name stand together.
fn trait_groups(facts: &[TraitFact]) -> Vec<&[TraitFact]> {
    facts.chunk_by(|a, b| a.name == b.name).collect()
}

fn show_trait(facts: &[TraitFact], rules: &Rules, losers: usize) -> Option<ProfileTrait> {
    let name = &facts.first()?.name;
    let rule = rules.of(name);
    let survivor = survive(rule, facts)?;
    let (winner, lost) = survivor.ranking.split_first()?;
    Some(ProfileTrait {
        name: name.clone(),
        value: Some(survivor.value),
        provenance: Some(provenance(winner)),
        rule: rule.to_string(),
        losers: lost
            .iter()
            .take(losers)
            .map(|candidate| TraitCandidate {
                value: candidate.statement.value.clone(),
                provenance: Some(provenance(candidate)),
            })
            .collect(),
        losers_total: length(lost.len()),
    })
}

fn provenance(candidate: &Candidate<'_>) -> TraitProvenance {
    let stamp = candidate.statement.stamp();
    TraitProvenance {
        interaction_id: stamp.id().to_string(),
        source: candidate.source.to_owned(),
        department: candidate.statement.department.clone(),
        occurred_at: Some(time(stamp.at)),
    }
}

fn show_orders(totals: Option<&Totals>, returned: &[Amount]) -> Option<OrderSummary> {
    let totals = totals
        .filter(|t| t.orders + t.orders_cancelled > 0)
        .cloned()
        .unwrap_or_default();
    if totals.orders + totals.orders_cancelled == 0 && returned.is_empty() {
        return None;
    }
    let given_back: Vec<Amount> = returned
        .iter()
        .map(|amount| Amount {
            currency: amount.currency.clone(),
            minor_units: amount.minor_units.wrapping_neg(),
        })
        .collect();
    let mut spend = totals.ordered;
    super::merge::add_amounts(&mut spend, given_back);
    Some(OrderSummary {
        count: signed(totals.orders),
        cancelled: signed(totals.orders_cancelled),
        spend: spend.iter().map(money).collect(),
        returned: returned.iter().map(money).collect(),
        first_order_at: totals.first_order_at.map(time),
        last_order_at: totals.last_order_at.map(time),
    })
}

fn money(amount: &Amount) -> Money {
    Money {
        currency: amount.currency.clone(),
        minor_units: amount.minor_units,
    }
}

fn show_tickets(totals: &Totals) -> TicketSummary {
    TicketSummary {
        total: signed(totals.tickets),
        open: signed(totals.tickets_open),
        open_tickets: totals.open.iter().map(show_ticket).collect(),
    }
}

fn show_ticket(ticket: &Ticket) -> OpenTicket {
    OpenTicket {
        ticket_id: ticket.id.clone(),
        status: ticket.status,
        since: Some(time(ticket.at)),
        first_seen: Some(time(ticket.first_at)),
        department: ticket.department.clone(),
        channel: ticket.channel.clone(),
    }
}

fn show_survey(survey: &Survey) -> SurveySummary {
    let low = SurveyScale::try_from(survey.scale)
        .ok()
        .and_then(super::fold::scale_range)
        .map_or(0, |(low, _)| i64::from(low));
    let counts = || survey.histogram.iter().map(|count| signed(*count));
    SurveySummary {
        scale: survey.scale,
        count: counts().sum(),
        sum: counts()
            .zip(low..)
            .map(|(count, value)| count * value)
            .sum(),
        histogram: counts().collect(),
        latest_value: survey.value,
        latest_at: Some(time(survey.at)),
    }
}

fn show_consent(fact: &crate::proto::state::v1::ConsentFact) -> Consent {
    let state = if fact.denied {
        ConsentState::Denied
    } else {
        ConsentState::Granted
    };
    Consent {
        purpose: fact.purpose.clone(),
        channel: fact.channel.clone(),
        address: (!fact.address_namespace.is_empty()).then(|| Identifier {
            namespace: fact.address_namespace.clone(),
            value: fact.address_value.clone(),
        }),
        state: state.into(),
        occurred_at: Some(time(fact.at)),
        source: fact.source.clone(),
        department: fact.department.clone(),
    }
}

fn show_touch(touch: &crate::proto::state::v1::Touch) -> Touchpoint {
    let Stamp { at, .. } = touch.stamp();
    Touchpoint {
        interaction_id: touch.stamp().id().to_string(),
        occurred_at: Some(time(at)),
        department: touch.department.clone(),
        channel: touch.channel.clone(),
        r#type: touch.r#type.clone(),
        direction: touch.direction,
        subject: touch.subject.clone(),
    }
}

fn show_feelings(core: &stored::State, moment: Moment) -> Option<SentimentSummary> {
    if core.feelings.is_empty() {
        return None;
    }
    let days = history::series(core.feelings.iter().map(Dated::from));
    let known = Known {
        series: &days,
        last: core.last_feeling.as_ref(),
        signals: &core.signals,
    };
    Some(history::summary(known, moment, HALF_LIFE_DAYS))
}

fn time(at: i64) -> prost_types::Timestamp {
    Micros(at).to_proto()
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn length(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}
