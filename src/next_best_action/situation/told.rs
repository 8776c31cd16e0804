//! What rules say of the facts of a decision.

use std::cell::Cell;

use super::{Page, Questions, questions::borrowed};
use crate::{
    criteria::{self, Attribute, AttributeId, Facts, Moment, Value},
    next_best_action::{
        catalogue::Snapshot,
        decide::{self, Inputs, Wanted},
        gates::{Judge, Shown},
        keys::{RuleIndex, Verdict},
    },
};

/// The facts of a decision, as its rules see them. Each rule is asked once, but for those that ask for the placement.
#[derive(Debug)]
pub struct Told<'a> {
    catalogue: &'a Snapshot,
    questions: &'a Questions,
    page: &'a [Page],
    moment: Moment,
    /// By the places of the questions.
    values: Vec<Option<&'a decide::Value>>,
    /// By the places of the different rules.
    known: Vec<Cell<Option<Verdict>>>,
}

impl<'a> Told<'a> {
    /// Of the inputs of a decision.
    #[must_use]
    pub fn new(
        catalogue: &'a Snapshot,
        questions: &'a Questions,
        inputs: &'a Inputs,
        page: &'a [Page],
    ) -> Self {
        let mut values = vec![None; questions.places()];
        for fact in &inputs.facts {
            let place = usize::try_from(fact.attribute).ok();
            if let Some(value) = place.and_then(|place| values.get_mut(place)) {
                *value = Some(&fact.value);
            }
        }
        Self {
            catalogue,
            questions,
            page,
            moment: Moment {
                now: inputs.at,
                zone: inputs.calendar,
            },
            values,
            known: vec![Cell::new(None); catalogue.distinct_rules().len()],
        }
    }

    fn ask(&self, rule: &criteria::Rule, wanted: &Wanted) -> Verdict {
        match rule.evaluate(&View { told: self, wanted }) {
            criteria::Verdict::Pass => Verdict::Pass,
            criteria::Verdict::Fail => Verdict::Fail,
            criteria::Verdict::Unknown(_) => Verdict::Unknown,
        }
    }
}

impl Judge for Told<'_> {
    fn judge(&self, rule: RuleIndex, wanted: &Wanted) -> Verdict {
        // A rule that is not there was never checked, so nothing passes it.
        let Some(named) = self.catalogue.rule(rule) else {
            return Verdict::Unknown;
        };
        if self.questions.is_of_page(named.distinct) {
            return self.ask(named.rule, wanted);
        }
        let Some(known) = self.known.get(named.distinct) else {
            return self.ask(named.rule, wanted);
        };
        known.get().unwrap_or_else(|| {
            let verdict = self.ask(named.rule, wanted);
            known.set(Some(verdict));
            verdict
        })
    }

    fn show(&self, rule: RuleIndex, wanted: &Wanted) -> Shown {
        let Some(named) = self.catalogue.rule(rule) else {
            return Shown::default();
        };
        let view = View { told: self, wanted };
        let values = named.rule.attributes().iter();
        let missing = match named.rule.evaluate(&view) {
            criteria::Verdict::Unknown(cause) => Some(named.rule.because(cause)),
            criteria::Verdict::Pass | criteria::Verdict::Fail => None,
        };
        Shown {
            name: named.name.to_owned(),
            text: named.rule.text().to_owned(),
            values: values
                .map(|attribute| (attribute.to_string(), view.get(attribute).to_string()))
                .collect(),
            missing,
        }
    }
}

/// The facts for a placement.
struct View<'a, 't> {
    told: &'t Told<'a>,
    wanted: &'t Wanted,
}

impl Facts for View<'_, '_> {
    fn moment(&self) -> Moment {
        self.told.moment
    }

    fn get(&self, attribute: &Attribute) -> Value<'_> {
        let told = self.told;
        match attribute.id() {
            AttributeId::Channel => {
                let name = told.catalogue.names().channel_name(self.wanted.channel);
                name.map_or(Value::Missing, Value::Text)
            }
            AttributeId::Placement => {
                let of = |page: &&Page| page.key() == self.wanted.placement;
                let page = told.page.iter().find(of);
                page.map_or(Value::Missing, |page| Value::Text(&page.placement))
            }
            _ => {
                let place = told.catalogue.attribute(attribute);
                let place = place.and_then(|place| usize::try_from(place).ok());
                let value = place.and_then(|place| told.values.get(place).copied().flatten());
                value.map_or(Value::Missing, borrowed)
            }
        }
    }
}
