//! What a store must say of a set of interactions and decisions, computed from the set alone: no database, no batches, no
//! order.

use std::collections::{HashMap, HashSet};

use customer_profile::{
    calendar::Zone,
    clock::Clock,
    decide::frozen::{self, Frozen},
    grpc::validate,
    identity::{HashSecret, Keyed, Normalised, Region, Rules, resolve::Assertion, whole::Told},
    ids::{DecisionId, IdentityKey, InteractionId, TenantId},
    ingest::Prepared,
    profile::{
        digest::{Population, of_profile},
        fold::fold,
    },
    proto::v1::{Analysis, Interaction},
    sentiment::{Listening, Reader},
    storage::decisions::{self, Decision},
};
use prost::Message as _;
use sqlx::Row as _;
use uuid::Uuid;

use super::{Database, cluster::SECRET, make};

/// What a set of interactions comes to.
pub struct Expected {
    pub digest: String,
    pub profiles: u64,
    /// The keys of each person.
    pub partition: Vec<Vec<Uuid>>,
}

/// The interactions as they are recorded, each once.
fn prepare(interactions: &[Interaction]) -> Vec<Prepared> {
    let tenant = TenantId::default_tenant();
    let secret = HashSecret::new(SECRET.as_bytes()).unwrap();
    let listening = Listening::default();
    let context = validate::Context {
        tenant: &tenant,
        region: Region::JP,
        now: Clock::system().now(),
        secret: &secret,
        rules: &Rules::default(),
    };
    let mut prepared: HashMap<InteractionId, Prepared> = HashMap::new();
    for message in interactions {
        let mut one = validate::interaction(message.clone(), &context).unwrap();
        one.analyses.extend(listening.hear(&one.message));
        let known = prepared.entry(one.id).or_insert_with(|| one.clone());
        assert_eq!(known.body_hash, one.body_hash, "two contents of one name");
    }
    prepared.into_values().collect()
}

/// An identifier, as namespace=value, with its key in the default tenant.
pub fn keyed(text: &str) -> Keyed {
    let mut prepared = prepare(&[make::seen("keyed", 0, &[text])]);
    prepared.pop().unwrap().identifiers.pop().unwrap()
}

/// The identifier under which an interaction is folded.
pub fn anchor_of(interaction: &Interaction) -> Normalised {
    let mut prepared = prepare(std::slice::from_ref(interaction));
    prepared
        .pop()
        .unwrap()
        .identifiers
        .swap_remove(0)
        .identifier
}

/// Every decision of the default tenant, as recorded.
pub async fn recorded_decisions(database: &Database) -> Vec<Decision> {
    let mut connection = database.connect().await;
    let first = DecisionId::from_uuid(Uuid::nil());
    decisions::after(
        &mut connection,
        &TenantId::default_tenant(),
        first,
        1_000_000,
    )
    .await
    .unwrap()
}

/// Tells what the decisions in force say.
fn tell(told: &mut Told, decisions: &[Decision]) {
    let frozen: Vec<(&Decision, Frozen)> = decisions
        .iter()
        .map(|decision| (decision, frozen::read(decision).unwrap()))
        .collect();
    let undone: HashSet<DecisionId> = frozen
        .iter()
        .filter_map(|(_, said)| match said {
            Frozen::Undo { of } => Some(*of),
            Frozen::Merge { .. } | Frozen::Separation { .. } => None,
        })
        .collect();
    let stands = |decision: &Decision| !undone.contains(&decision.id);
    let voided: HashSet<DecisionId> = frozen
        .iter()
        .filter(|(decision, _)| stands(decision))
        .filter_map(|(_, said)| match said {
            Frozen::Merge { voids, .. } => Some(voids.clone()),
            Frozen::Separation { .. } | Frozen::Undo { .. } => None,
        })
        .flatten()
        .collect();
    for (decision, said) in &frozen {
        if !stands(decision) || voided.contains(&decision.id) {
            continue;
        }
        for (key, other) in said.assertions() {
            told.assertion(Assertion {
                key,
                other,
                made_at: decision.made_at,
                decision: decision.id,
            });
        }
        for (key, side) in said.sides() {
            told.side(key, decision.id, side);
        }
    }
}

/// The digest and the partition of a set of interactions.
pub fn expected(interactions: &[Interaction]) -> Expected {
    expected_of(interactions, &[], &Rules::default())
}

/// The same under some rules, of interactions that the default rules let in.
pub fn expected_under(interactions: &[Interaction], rules: &Rules) -> Expected {
    expected_of(interactions, &[], rules)
}

/// The same, of interactions and decisions.
pub fn expected_with(interactions: &[Interaction], decisions: &[Decision]) -> Expected {
    expected_of(interactions, decisions, &Rules::default())
}

/// The same, of interactions and decisions, with the given analyses in place of those that this release makes.
pub fn expected_hearing(
    interactions: &[Interaction],
    decisions: &[Decision],
    heard: &Heard,
) -> Expected {
    let mut prepared = prepare(interactions);
    for one in &mut prepared {
        one.analyses = heard.get(&one.id).cloned().unwrap_or_default();
    }
    expected_from(&prepared, decisions, &Rules::default())
}

/// Analyses by interaction, of each method the newest.
pub type Heard = HashMap<InteractionId, Vec<Analysis>>;

/// What a database holds of them.
pub async fn stored_analyses(database: &Database) -> Heard {
    let mut connection = database.connect().await;
    let rows = sqlx::query(
        "SELECT DISTINCT ON (interaction_id, method) interaction_id, body
         FROM analyses ORDER BY interaction_id, method, version DESC",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let mut heard = Heard::new();
    for row in &rows {
        let body: Vec<u8> = row.get(1);
        let of_one = heard.entry(InteractionId::from_uuid(row.get(0)));
        of_one
            .or_default()
            .push(Analysis::decode(body.as_slice()).unwrap());
    }
    heard
}

/// What somebody's reader makes of interactions.
pub fn read_by(interactions: &[Interaction], reader: Reader) -> Heard {
    let listening = Listening {
        reader,
        ..Listening::default()
    };
    let read = |one: &Prepared| Some((one.id, vec![listening.hear(&one.message)?]));
    prepare(interactions).iter().filter_map(read).collect()
}

/// Interactions as a release recorded them that read no texts.
pub fn unread(interactions: &[Interaction]) -> Vec<Prepared> {
    let mut prepared = prepare(interactions);
    for one in &mut prepared {
        one.analyses.clear();
    }
    prepared
}

fn expected_of(interactions: &[Interaction], decisions: &[Decision], rules: &Rules) -> Expected {
    expected_from(&prepare(interactions), decisions, rules)
}

fn expected_from(prepared: &[Prepared], decisions: &[Decision], rules: &Rules) -> Expected {
    let mut of_anchor: HashMap<IdentityKey, Vec<&Prepared>> = HashMap::new();
    let mut told = Told::default();
    for one in prepared {
        let anchor = one.anchor().unwrap();
        of_anchor.entry(anchor).or_default().push(one);
        told.interaction(one.occurred_at, &one.identifiers);
    }
    tell(&mut told, decisions);
    let whole = told.resolve(rules);
    let mut population = Population::default();
    for set in &whole.sets {
        let fold_of = |keys: &mut dyn Iterator<Item = &IdentityKey>| {
            let theirs = keys.filter_map(|key| of_anchor.get(key)).flatten();
            fold(theirs.map(|one| one.fact(Region::JP, Zone::TOKYO)))
        };
        let mut state = fold_of(&mut set.members.difference(&set.apart));
        for key in &set.apart {
            let held = fold_of(&mut [*key].iter());
            state.merge(held.binding()).unwrap();
        }
        let identifiers: Vec<Normalised> = set
            .members
            .iter()
            .map(|key| whole.graph.node(*key).unwrap().identifier.clone())
            .collect();
        population.add(&of_profile(&identifiers, &state).unwrap());
    }
    Expected {
        digest: population.finish(),
        profiles: population.profiles(),
        partition: sorted(
            whole
                .sets
                .into_iter()
                .map(|set| set.members.into_iter().map(IdentityKey::as_uuid)),
        ),
    }
}

fn sorted(sets: impl Iterator<Item = impl Iterator<Item = Uuid>>) -> Vec<Vec<Uuid>> {
    let mut sets: Vec<Vec<Uuid>> = sets
        .map(|set| {
            let mut set: Vec<Uuid> = set.collect();
            set.sort_unstable();
            set
        })
        .collect();
    sets.sort_unstable();
    sets
}

/// The sets of keys that a database holds as profiles.
pub async fn stored_partition(database: &Database) -> Vec<Vec<Uuid>> {
    let mut connection = database.connect().await;
    let mut profiles: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    let rows = sqlx::query("SELECT profile_id, identity_key FROM identities WHERE present")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    for row in &rows {
        profiles.entry(row.get(0)).or_default().push(row.get(1));
    }
    sorted(profiles.into_values().map(Vec::into_iter))
}
