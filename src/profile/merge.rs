//! `⊕`: the merge of two states of disjoint sets of interactions.

use std::mem;

use super::{
    complaints, contacts, feelings,
    model::{Slot, State, SubjectsBeside, TOUCHES},
    offers, sorted,
    stamp::Stamped as _,
    subjects,
};
use crate::proto::state::v1::{Amount, ConsentFact, Survey, Touch, TraitFact, TraitStatement};

impl State {
    /// Adds another state to this one.
    ///
    /// # Errors
    /// When the other side's subjects are not loaded, or this side's are not and the other has any. Nothing is changed
    /// then.
    pub fn merge(&mut self, other: Self) -> Result<(), SubjectsBeside> {
        self.merge_subjects(other.subjects)?;
        let (mine, mut theirs) = (&mut self.core, other.core);
        feelings::merge(mine, &mut theirs);
        offers::merge(mine, &mut theirs);
        complaints::merge(mine, &mut theirs);
        mine.interactions += theirs.interactions;
        mine.first_at = earliest(mine.first_at, theirs.first_at);
        mine.last_at = mine.last_at.max(theirs.last_at);
        sorted::merge(
            &mut mine.traits,
            theirs.traits,
            |a, b| (&a.name, &a.source).cmp(&(&b.name, &b.source)),
            combine_traits,
        );
        sorted::merge(
            &mut mine.counters,
            theirs.counters,
            |a, b| {
                (&a.department, &a.channel, &a.r#type).cmp(&(&b.department, &b.channel, &b.r#type))
            },
            |a, b| a.count += b.count,
        );
        merge_touches(&mut mine.touches, theirs.touches);
        sorted::merge(
            &mut mine.surveys,
            theirs.surveys,
            |a, b| a.scale.cmp(&b.scale),
            combine_surveys,
        );
        sorted::merge(
            &mut mine.consents,
            theirs.consents,
            |a, b| consent_key(a).cmp(&consent_key(b)),
            combine_consents,
        );
        add_amounts(&mut mine.returned, theirs.returned);
        contacts::merge(&mut mine.contacts, theirs.contacts);
        Ok(())
    }

    /// Merges the subjects and brings the totals up to date.
    fn merge_subjects(&mut self, theirs: Slot) -> Result<(), SubjectsBeside> {
        match (&mut self.subjects, theirs) {
            (Slot::Held(mine), Slot::Held(theirs)) => {
                if !theirs.orders.is_empty() || !theirs.tickets.is_empty() {
                    subjects::merge(mine, theirs);
                    self.core.totals = subjects::totals(mine);
                }
                Ok(())
            }
            (Slot::Beside, Slot::Held(theirs))
                if theirs.orders.is_empty() && theirs.tickets.is_empty() =>
            {
                Ok(())
            }
            _ => Err(SubjectsBeside),
        }
    }
}

/// The lesser of what there is.
pub(super) fn earliest<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

fn combine_traits(mine: &mut TraitFact, theirs: TraitFact) {
    let mut statements: Vec<TraitStatement> = [
        mine.first.take(),
        mine.latest.take(),
        theirs.first,
        theirs.latest,
    ]
    .into_iter()
    .flatten()
    .collect();
    statements.sort_by_key(TraitStatement::stamp);
    mine.latest = statements.pop();
    mine.first = statements.into_iter().next().filter(|first| {
        mine.latest
            .as_ref()
            .is_some_and(|l| l.stamp() != first.stamp())
    });
}

/// Both lists are newest first; the latest of the union are kept, which are among the latest of each.
fn merge_touches(mine: &mut Vec<Touch>, theirs: Vec<Touch>) {
    if let [only] = theirs.as_slice()
        && mine.len() == TOUCHES
        && mine.last().is_some_and(|last| only.stamp() < last.stamp())
    {
        return;
    }
    let mut touches = mem::take(mine);
    sorted::merge(
        &mut touches,
        theirs,
        |a, b| b.stamp().cmp(&a.stamp()),
        |_, _| (),
    );
    touches.truncate(TOUCHES);
    *mine = touches;
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "called like the other combinations"
)]
fn combine_surveys(mine: &mut Survey, theirs: Survey) {
    if mine.histogram.len() < theirs.histogram.len() {
        mine.histogram.resize(theirs.histogram.len(), 0);
    }
    for (count, more) in mine.histogram.iter_mut().zip(&theirs.histogram) {
        *count += more;
    }
    let (old, new) = (mine.stamp(), theirs.stamp());
    if new > old {
        (mine.at, mine.id_hi, mine.id_lo) = (new.at, new.id_hi, new.id_lo);
        mine.value = theirs.value;
    } else if new == old {
        mine.value = mine.value.min(theirs.value);
    }
}

fn consent_key(fact: &ConsentFact) -> (&str, &str, &str, &str) {
    (
        &fact.purpose,
        &fact.channel,
        &fact.address_namespace,
        &fact.address_value,
    )
}

/// The newest word counts; among words of one instant the denial, then the greater id.
fn combine_consents(mine: &mut ConsentFact, theirs: ConsentFact) {
    let order = |fact: &ConsentFact| (fact.at, fact.denied, fact.id_hi, fact.id_lo);
    if order(&theirs) > order(mine) {
        *mine = theirs;
    }
}

/// Adds amounts by currency.
///
/// The sum wraps: an amount is at most 10^12, so this takes nine million of the largest in one currency, and a sum that
/// stopped at the end would depend on order.
pub(super) fn add_amounts(mine: &mut Vec<Amount>, theirs: Vec<Amount>) {
    sorted::merge(
        mine,
        theirs,
        |a, b| a.currency.cmp(&b.currency),
        |a, b| a.minor_units = a.minor_units.wrapping_add(b.minor_units),
    );
}

impl State {
    /// What of a state that is lent to no profile binds all the same: denials that were given for an address.
    #[must_use]
    pub fn binding(&self) -> Self {
        let denial = |fact: &&ConsentFact| fact.denied && !fact.address_value.is_empty();
        let mut binding = Self::default();
        binding.core.consents = self.core.consents.iter().filter(denial).cloned().collect();
        binding
    }
}
