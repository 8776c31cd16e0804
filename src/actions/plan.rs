//! What a change would make of a catalogue: pure.
//!
//! What must stay true: a plan is made from the catalogue that it changes and nothing else, and everything that is wrong is told at
//! once. What says the same as before is no change, so that saying it again makes no version and no revision.

use super::{Fate, Touched};
use crate::next_best_action::{
    catalogue::{
        Findings, Language, Names, Path, Snapshot, Violation,
        check::{self, Known, Part},
        digest::of_action,
        names::{Exhausted, Kind, MOST_CHANNELS, MOST_PURPOSES, Numbered},
        reason, take_apart,
    },
    model::{Definition, Move, Policy, Segment, Status, Valid},
};
use crate::storage::actions::{New, Standing};

/// A change that is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A new action.
    Create {
        /// What it says.
        definition: Box<Definition>,
        /// Whether it is offered at once.
        activate: bool,
    },
    /// A new version of an action.
    Update {
        /// What it says; its id says of which action.
        definition: Box<Definition>,
        /// The version that is expected to be the newest.
        expected: Option<u32>,
    },
    /// An action is to stand elsewhere.
    Move {
        /// The action.
        action: String,
        /// Where to.
        tried: Move,
    },
    /// Everything that some texts say.
    Import {
        /// The texts.
        documents: Vec<String>,
    },
}

/// What is to be written.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    pub(super) policy: Option<Valid<Policy>>,
    pub(super) segments: Vec<(Valid<Segment>, i32)>,
    pub(super) versions: Vec<New>,
    pub(super) standings: Vec<Standing>,
    pub(super) names: Vec<Numbered>,
    pub(super) touched: Vec<Touched>,
}

impl Plan {
    /// Whether there is anything to write.
    pub(super) fn changes(&self) -> bool {
        self.policy.is_some() || !self.segments.is_empty() || !self.standings.is_empty()
    }

    fn touch(&mut self, action: &str, version: u32, status: Status, fate: Fate) {
        if fate != Fate::Unchanged {
            self.standings.push(Standing {
                action: action.to_owned(),
                version,
                status,
            });
        }
        self.touched.push(Touched {
            action: action.to_owned(),
            version,
            status,
            fate,
        });
    }
}

/// Why a change is not made.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum No {
    /// It breaks rules.
    Invalid(Vec<Violation>),
    /// There is no such action.
    Unknown(String),
    /// It does not fit what is there.
    Refused(&'static str, String),
}

/// What a change would make of the catalogue in force; none: there is none yet.
pub(super) fn plan(current: Option<&Snapshot>, change: &Change) -> Result<Plan, No> {
    match change {
        Change::Import { documents } => import(current, documents),
        Change::Create {
            definition,
            activate,
        } => create(needed(current)?, definition, *activate),
        Change::Update {
            definition,
            expected,
        } => update(needed(current)?, definition, *expected),
        Change::Move { action, tried } => moved(needed(current)?, action, *tried),
    }
}

fn needed(current: Option<&Snapshot>) -> Result<&Snapshot, No> {
    current.ok_or_else(|| {
        let text = "there is no policy yet: import one first, see docs/actions.md";
        No::Refused("policy_missing", text.to_owned())
    })
}

/// Everything that is wrong with a definition that would be an action of a catalogue; nothing when it may be one.
pub(super) fn violations(
    current: &Snapshot,
    definition: &Definition,
    status: Status,
) -> Vec<Violation> {
    alone(current, definition, status).err().unwrap_or_default()
}

fn alone(
    current: &Snapshot,
    definition: &Definition,
    status: Status,
) -> Result<Valid<Definition>, Vec<Violation>> {
    let actions = newest(current);
    let segments = segments(current);
    let names: Vec<&str> = segments.iter().map(|s| s.name.as_str()).collect();
    let known = Known {
        policy: Some(current.policy()),
        actions: &actions,
        segments: &names,
    };
    let language = Language::with(segments.iter().copied(), []);
    let policy = current.policy();
    check::action_alone(definition.clone(), status, &known, policy, &language)
}

fn newest(current: &Snapshot) -> Vec<(&Definition, Status)> {
    let all = current.actions().iter();
    all.map(|(version, status)| (version.definition.get(), *status))
        .collect()
}

pub(super) fn segments(current: &Snapshot) -> Vec<&Segment> {
    let all = current.parts().segments.iter();
    all.map(|(segment, _)| segment.get()).collect()
}

fn create(current: &Snapshot, definition: &Definition, activate: bool) -> Result<Plan, No> {
    if current.named(&definition.id).is_some() {
        let text = format!("there is an action {} already", definition.id);
        return Err(No::Refused("action_exists", text));
    }
    let status = if activate {
        Status::Active
    } else {
        Status::Draft
    };
    let definition = alone(current, definition, status).map_err(No::Invalid)?;
    let mut plan = Plan {
        names: number(current, &definition)?,
        ..Plan::default()
    };
    plan.touch(&definition.get().id, 1, status, Fate::Created);
    plan.versions.push(New {
        digest: of_action(definition.get()),
        definition,
        number: 1,
    });
    Ok(plan)
}

fn update(current: &Snapshot, definition: &Definition, expected: Option<u32>) -> Result<Plan, No> {
    let Some((version, status)) = current.named(&definition.id) else {
        return Err(No::Unknown(definition.id.clone()));
    };
    if status == Status::Retired {
        return Err(retired());
    }
    if expected.is_some_and(|expected| expected != version.number) {
        let text = format!("version {} is the newest", version.number);
        return Err(No::Refused("version_not_newest", text));
    }
    let definition = alone(current, definition, status).map_err(No::Invalid)?;
    let digest = of_action(definition.get());
    let id = definition.get().id.clone();
    let mut plan = Plan::default();
    if digest == version.digest {
        plan.touch(&id, version.number, status, Fate::Unchanged);
        return Ok(plan);
    }
    plan.names = number(current, &definition)?;
    let number = version.number.saturating_add(1);
    plan.touch(&id, number, status, Fate::Updated);
    plan.versions.push(New {
        definition,
        number,
        digest,
    });
    Ok(plan)
}

fn retired() -> No {
    let text = "a retired action takes no new version and is not offered again";
    No::Refused("action_retired", text.to_owned())
}

/// Numbers for what an action names first.
fn number(current: &Snapshot, definition: &Valid<Definition>) -> Result<Vec<Numbered>, No> {
    let mut names = current.names().clone();
    names
        .number(current.policy(), std::iter::once(definition.get()))
        .map_err(|exhausted| No::Invalid(vec![used_up(exhausted, "definition")]))
}

/// That there is no number left.
fn used_up(Exhausted(kind): Exhausted, root: &str) -> Violation {
    let root = Path::Root.key(root);
    let mut found = Findings::default();
    match kind {
        Kind::Channel => {
            let text = format!("more than {MOST_CHANNELS} channels would have been named ever");
            found.add(root.key("channels"), reason::TOO_MANY, text);
        }
        Kind::Purpose => {
            let text = format!("more than {MOST_PURPOSES} purposes would have been named ever");
            found.add(root.key("consent"), reason::TOO_MANY, text);
        }
    }
    let mut found = found.finish(()).err().unwrap_or_default();
    found.swap_remove(0)
}

fn moved(current: &Snapshot, action: &str, tried: Move) -> Result<Plan, No> {
    let Some((version, status)) = current.named(action) else {
        return Err(No::Unknown(action.to_owned()));
    };
    let after = status
        .after(tried)
        .map_err(|illegal| No::Refused("status_not_reachable", illegal.to_string()))?;
    let mut found = Findings::default();
    let root = Path::Root;
    let part = Part {
        text: None,
        definition: version.definition.get(),
        status: after,
    };
    let actions = newest(current);
    let known = Known {
        policy: Some(current.policy()),
        actions: &actions,
        segments: &[],
    };
    check::whole(
        root.key("policy"),
        current.policy(),
        &[part],
        &known,
        &mut found,
    );
    match found.finish(()) {
        Err(wrong) if wrong.iter().all(|v| v.reason == reason::FALLBACK_NOT_SAFE) => {
            let text = "it is shown where there is nothing else: name another fallback first";
            return Err(No::Refused("action_is_fallback", text.to_owned()));
        }
        Err(wrong) => return Err(No::Invalid(wrong)),
        Ok(()) => {}
    }
    let mut plan = Plan::default();
    plan.touch(action, version.number, after, Fate::Moved);
    Ok(plan)
}

fn import(current: Option<&Snapshot>, documents: &[String]) -> Result<Plan, No> {
    let texts: Vec<&str> = documents.iter().map(String::as_str).collect();
    let decoded = take_apart(&texts);
    let stored = current.map(segments).unwrap_or_default();
    let actions = current.map(newest).unwrap_or_default();
    let names: Vec<&str> = stored.iter().map(|s| s.name.as_str()).collect();
    let known = Known {
        policy: current.map(Snapshot::policy),
        actions: &actions,
        segments: &names,
    };
    let language = Language::with(stored.iter().copied(), decoded.segments());
    let import = decoded.check(&known, &language).map_err(No::Invalid)?;
    let mut plan = Plan::default();
    let policy = import.policy.as_ref().map(Valid::get);
    let policy = policy.or(known.policy);
    let mut numbers = current.map_or_else(Names::default, |c| c.names().clone());
    if let Some(policy) = policy {
        let definitions = import.actions.iter().map(|(d, _)| d.get());
        plan.names = numbers
            .number(policy, definitions)
            .map_err(|exhausted| No::Invalid(vec![used_up(exhausted, "documents")]))?;
    }
    plan.policy = import
        .policy
        .filter(|policy| current.is_none_or(|c| c.policy() != policy.get()));
    for segment in import.segments {
        let before = current.and_then(|c| {
            let all = c.parts().segments.iter();
            all.clone()
                .find(|(known, _)| known.get().name == segment.get().name)
        });
        match before {
            Some((known, _)) if known.get() == segment.get() => {}
            Some((_, version)) => plan.segments.push((segment, version.saturating_add(1))),
            None => plan.segments.push((segment, 1)),
        }
    }
    for (definition, status) in import.actions {
        let digest = of_action(definition.get());
        let id = definition.get().id.clone();
        let before = current.and_then(|c| c.named(&id));
        let (number, fate) = match before {
            None => (1, Fate::Created),
            Some((version, _)) if version.digest != digest => {
                (version.number.saturating_add(1), Fate::Updated)
            }
            Some((version, before)) if before != status => (version.number, Fate::Moved),
            Some((version, _)) => (version.number, Fate::Unchanged),
        };
        plan.touch(&id, number, status, fate);
        if matches!(fate, Fate::Created | Fate::Updated) {
            plan.versions.push(New {
                definition,
                number,
                digest,
            });
        }
    }
    Ok(plan)
}
