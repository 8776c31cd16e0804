//! What has to hold of a customer at the very moment at which an interaction is recorded.
//!
//! What must stay true: a guard sees the merged state of the profile that the interaction's anchor lies in, with everything
//! that comes before it in its batch, under the profile's lock. What it lets through is recorded on that state; what it does
//! not let through leaves no trace. A batch without guards pays nothing.

use std::{collections::HashSet, fmt, sync::Arc};

use sqlx::PgConnection;

use super::{
    failure::Failure,
    model::Prepared,
    plan::{Context, Known},
    record::Item,
};
use crate::{
    ids::{IdentityKey, ProfileId},
    profile::State,
    storage::{identities, profiles},
};

/// A condition on a customer's state.
#[derive(Clone)]
pub struct Guard(Arc<dyn Fn(&State) -> bool + Send + Sync>);

impl Guard {
    /// Lets through where the condition holds.
    #[must_use]
    pub fn new(holds: impl Fn(&State) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(holds))
    }

    /// Whether it lets through.
    #[must_use]
    pub fn admits(&self, state: &State) -> bool {
        (self.0)(state)
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guard")
    }
}

/// A profile, or an identifier that lies in none yet.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Node {
    Profile(ProfileId),
    New(IdentityKey),
}

/// Profiles that a batch brings together, with what they come to; none when that cannot be told without more reading.
struct Set {
    nodes: HashSet<Node>,
    state: Option<State>,
}

/// The places among `new` of the items whose guards do not let them through.
#[must_use]
pub(super) fn refused(
    context: Context<'_>,
    items: &[Item],
    new: &[usize],
    known: &Known,
) -> Vec<usize> {
    if new.iter().all(|n| items[*n].guard.is_none()) {
        return Vec::new();
    }
    let mut sets: Vec<Set> = Vec::new();
    let mut refused = Vec::new();
    for n in new {
        let Item {
            prepared, guard, ..
        } = &items[*n];
        let mut set = gather(&mut sets, prepared, known);
        let state = set.state.as_ref();
        let admitted = guard
            .as_ref()
            .is_none_or(|guard| state.is_some_and(|state| guard.admits(state)));
        if admitted {
            let fact = prepared.fact(context.region, context.zone);
            set.state = set
                .state
                .and_then(|mut state| state.add(fact).ok().map(|()| state));
        } else {
            refused.push(*n);
        }
        sets.push(set);
    }
    refused
}

/// Takes the sets that an interaction touches out of the list, as one.
fn gather(sets: &mut Vec<Set>, item: &Prepared, known: &Known) -> Set {
    let mut all = Set {
        nodes: HashSet::new(),
        state: Some(State::default()),
    };
    let identifiers = item.identifiers.iter();
    let wanted: Vec<Node> = identifiers
        .map(|identifier| {
            let stored = known.identities.get(&identifier.key);
            stored.map_or(Node::New(identifier.key), |s| Node::Profile(s.profile))
        })
        .collect();
    let (touched, others): (Vec<Set>, Vec<Set>) = std::mem::take(sets)
        .into_iter()
        .partition(|set| wanted.iter().any(|node| set.nodes.contains(node)));
    *sets = others;
    for set in touched {
        all.join(set.nodes, set.state);
    }
    for node in wanted {
        if !all.nodes.contains(&node) {
            let state = match node {
                Node::Profile(id) => known.profiles.get(&id).map(|profile| profile.state.clone()),
                Node::New(_) => Some(State::default()),
            };
            all.join(HashSet::from([node]), state);
        }
    }
    all
}

impl Set {
    fn join(&mut self, nodes: HashSet<Node>, state: Option<State>) {
        self.nodes.extend(nodes);
        let mine = self.state.take();
        self.state = mine.zip(state).and_then(|(mine, theirs)| {
            // Whichever has its subjects at hand goes into the other.
            let (mut into, from) = if mine.subjects_are_beside() {
                (mine, theirs)
            } else {
                (theirs, mine)
            };
            into.merge(from).ok().map(|()| into)
        });
    }
}

/// Whether the guard of an item lets it through, by the profile that its anchor lies in.
pub(super) async fn admitted(
    connection: &mut PgConnection,
    context: Context<'_>,
    item: &Item,
) -> Result<bool, Failure> {
    let (Some(guard), Some(anchor)) = (&item.guard, item.prepared.anchor()) else {
        return Ok(true);
    };
    let found = identities::profiles_of(connection, context.tenant, &[anchor]).await?;
    let Some((_, profile)) = found.into_iter().next() else {
        return Ok(guard.admits(&State::default()));
    };
    let wanted = profiles::Wanted::row(profile);
    let profiles = profiles::load(connection, context.tenant, &[wanted]).await?;
    let state = profiles.first().map(|profile| &profile.state);
    Ok(state.is_some_and(|state| guard.admits(state)))
}
