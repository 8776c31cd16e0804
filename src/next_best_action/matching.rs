//! How many customers the rules of actions let through.
//!
//! What must stay true: a customer is held against the rules with the very facts that a decision about them would be made from, but
//! for what only a call says (its context and locale), which is not known. A rule that asks for the placement or the channel is held
//! against every placement that the action may fill, and says the best of what it says there.

use super::{
    catalogue::Snapshot,
    decide::{Inputs, Prepared},
    gates::Judge as _,
    keys::{RuleIndex, Verdict},
    situation::{Page, Questions, Told},
};

/// How many customers a rule, or all rules together, let through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// So many.
    pub passed: u64,
    /// So many not.
    pub failed: u64,
    /// Of so many it could not be told.
    pub unknown: u64,
}

impl Counts {
    fn add(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Pass => self.passed += 1,
            Verdict::Fail => self.failed += 1,
            Verdict::Unknown => self.unknown += 1,
        }
    }

    /// Customers that were looked at.
    #[must_use]
    pub const fn sampled(self) -> u64 {
        self.passed + self.failed + self.unknown
    }
}

/// A rule of an action with its counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleCounts {
    /// Where it stands in the definition, for example `eligibility[0]`.
    pub path: String,
    /// Its name.
    pub name: String,
    /// Its counts.
    pub counts: Counts,
    rule: RuleIndex,
}

/// The rules of an action with their counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfAction {
    /// In the order of the definition.
    pub rules: Vec<RuleCounts>,
    /// All of them together.
    pub all: Counts,
    /// Places of the page where it is asked.
    places: Vec<usize>,
}

/// Counts the customers that the rules of some actions let through.
#[derive(Clone, Debug)]
pub struct Matching {
    page: Vec<Page>,
    actions: Vec<OfAction>,
}

impl Matching {
    /// Of actions of a catalogue, by their ids; one that is not there, or is retired, has no rules.
    #[must_use]
    pub fn of(catalogue: &Snapshot, questions: &Questions, actions: &[String]) -> Self {
        let places = &catalogue.policy().placements;
        let page: Vec<Page> = places
            .iter()
            .map(|place| Page {
                placement: place.name.clone(),
                channel: place.channel.clone(),
                count: 1,
            })
            .collect();
        let of = |id: &String| of_action(catalogue, questions, id);
        Self {
            actions: actions.iter().map(of).collect(),
            page,
        }
    }

    /// The page that customers are to be asked about: every placement of the policy.
    #[must_use]
    pub fn page(&self) -> &[Page] {
        &self.page
    }

    /// Adds a customer, by the inputs of a decision about that page.
    pub fn add(&mut self, catalogue: &Snapshot, questions: &Questions, inputs: &Inputs) {
        let told = Told::new(catalogue, questions, inputs, &self.page);
        for action in &mut self.actions {
            let mut all = None;
            let mut each = vec![None; action.rules.len()];
            for wanted in action
                .places
                .iter()
                .filter_map(|at| inputs.placements.get(*at))
            {
                let mut here = Verdict::Pass;
                for (rule, best) in action.rules.iter().zip(&mut each) {
                    let verdict = told.judge(rule.rule, wanted);
                    here = worse(here, verdict);
                    *best = Some(better(*best, verdict));
                }
                all = Some(better(all, here));
            }
            for (rule, best) in action.rules.iter_mut().zip(each) {
                rule.counts.add(best.unwrap_or(Verdict::Unknown));
            }
            action.all.add(all.unwrap_or(Verdict::Unknown));
        }
    }

    /// What was counted, in the order of the actions.
    #[must_use]
    pub fn into_actions(self) -> Vec<OfAction> {
        self.actions
    }
}

/// Both must hold.
fn worse(one: Verdict, other: Verdict) -> Verdict {
    match (one, other) {
        (Verdict::Fail, _) | (_, Verdict::Fail) => Verdict::Fail,
        (Verdict::Unknown, _) | (_, Verdict::Unknown) => Verdict::Unknown,
        (Verdict::Pass, Verdict::Pass) => Verdict::Pass,
    }
}

/// Either may hold.
fn better(one: Option<Verdict>, other: Verdict) -> Verdict {
    match (one, other) {
        (None, verdict) => verdict,
        (Some(Verdict::Pass), _) | (_, Verdict::Pass) => Verdict::Pass,
        (Some(Verdict::Unknown), _) | (_, Verdict::Unknown) => Verdict::Unknown,
        (Some(Verdict::Fail), Verdict::Fail) => Verdict::Fail,
    }
}

fn of_action(catalogue: &Snapshot, questions: &Questions, id: &str) -> OfAction {
    let key = catalogue.named(id).map(|(version, _)| version.key());
    let actions = catalogue.engine().actions();
    let found = key.and_then(|key| actions.binary_search_by_key(&key, |a| a.key).ok());
    let Some(action) = found.and_then(|at| actions.get(at)) else {
        return OfAction {
            rules: Vec::new(),
            all: Counts::default(),
            places: Vec::new(),
        };
    };
    let gates = [
        ("eligibility", &action.eligibility),
        ("applicability", &action.applicability),
        ("suitability", &action.suitability),
    ];
    let mut rules = Vec::new();
    let mut of_page = false;
    for (gate, indices) in gates {
        for (at, rule) in indices.iter().enumerate() {
            let named = catalogue.rule(*rule);
            of_page |= named.is_some_and(|named| questions.is_of_page(named.distinct));
            rules.push(RuleCounts {
                path: format!("{gate}[{at}]"),
                name: named.map_or("", |named| named.name).to_owned(),
                counts: Counts::default(),
                rule: *rule,
            });
        }
    }
    let mut places = places(catalogue, action);
    if !of_page {
        // Wherever it is asked, it says the same.
        places.truncate(1);
    }
    OfAction {
        rules,
        all: Counts::default(),
        places,
    }
}

/// Places of the policy that an action may fill; of one that may fill none the first, so that its rules are held against something.
fn places(catalogue: &Snapshot, action: &Prepared) -> Vec<usize> {
    let names = catalogue.names();
    let places = catalogue.policy().placements.iter().enumerate();
    let fits = |placement: &str, channel: &str| {
        let key = super::keys::PlacementKey::of(placement);
        let channel = names.channel(channel);
        channel.is_some_and(|channel| action.channels.holds(channel))
            && (action.placements.is_empty() || action.placements.contains(&key))
    };
    let mut fitting: Vec<usize> = places
        .filter(|(_, place)| fits(&place.name, &place.channel))
        .map(|(at, _)| at)
        .collect();
    if fitting.is_empty() && !catalogue.policy().placements.is_empty() {
        fitting.push(0);
    }
    fitting
}
