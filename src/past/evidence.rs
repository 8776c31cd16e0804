//! What a search into the past is handed: identifiers, and links as of then.
//!
//! What must stay true:
//!
//! - A link as of then is counted from the interactions at its anchor. It is taken as it is stored where all of it was seen
//!   by then.
//! - Whether an identifier was a hub, or shared, is told by its links as of then. Where its links of today make it neither, it
//!   was neither. The links of others are read only until they prove a hub, since a hub may have any number.

use std::collections::{BTreeSet, HashMap, HashSet};

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Budget, Context, Then, Times, decisions::Decided, spend, states::states};
use crate::{
    clock::Micros,
    error::Error,
    identity::{
        Link, Neighbours, Normalised, Rules, Standing,
        resolve::{Graph, Node, Territory},
        rules::Shared,
        standing::{meet, standing},
    },
    ids::{IdentityKey, ProfileId},
    profile::State,
    storage::{
        identities::{self, Identity},
        identity_cards::Card,
        past::{self, After, EVER},
    },
};

/// Links of an identifier that are read first, and at most at a time.
const FIRST: usize = 64;
const MOST: usize = 4_096;

/// Identifiers whose links are read at a time.
const AT_ONCE: usize = 64;

/// What was read of the past.
pub(super) struct Evidence<'a> {
    connection: &'a mut PgConnection,
    pub(super) context: Context<'a>,
    then: Then,
    budget: Budget,
    /// What a search looks at.
    pub(super) graph: Graph,
    /// Identifiers that were looked for, as they are now.
    now: HashMap<IdentityKey, Option<Identity>>,
    /// Of anchors: the links that their interactions gave by then, that to themselves among them.
    given: HashMap<IdentityKey, HashMap<IdentityKey, Link>>,
    /// All links as of then, of identifiers that are no hubs.
    links: HashMap<IdentityKey, Vec<Link>>,
    /// Ends of links as of then: they were there.
    seen: HashSet<IdentityKey>,
    decided: Decided,
}

const fn nil() -> IdentityKey {
    IdentityKey::from_uuid(Uuid::nil())
}

impl<'a> Evidence<'a> {
    pub(super) fn new(connection: &'a mut PgConnection, context: Context<'a>, then: Then) -> Self {
        Self {
            connection,
            context,
            then,
            budget: Budget::default(),
            graph: Graph::default(),
            now: HashMap::new(),
            given: HashMap::new(),
            links: HashMap::new(),
            seen: HashSet::new(),
            decided: Decided::default(),
        }
    }

    /// Whether everything that occurred by then counts, whenever it arrived.
    fn knows_all(&self) -> bool {
        self.then.known >= EVER
    }

    /// An identifier of which something is told that occurred by then, as it is now.
    fn identity(&self, key: IdentityKey) -> Option<&Identity> {
        let identity = self.now.get(&key)?.as_ref()?;
        (identity.present && identity.first_seen <= self.then.occurred).then_some(identity)
    }

    /// The profile that holds an identifier today.
    pub(super) fn lies_in(&self, key: IdentityKey) -> Option<ProfileId> {
        self.identity(key).map(|identity| identity.profile)
    }

    /// Puts identifiers into the graph.
    pub(super) async fn nodes(&mut self, keys: &BTreeSet<IdentityKey>) -> Result<(), Error> {
        if keys.is_empty() {
            return Ok(());
        }
        self.identities(keys.iter().copied()).await?;
        let here: Vec<IdentityKey> = keys
            .iter()
            .copied()
            .filter(|key| self.identity(*key).is_some())
            .collect();
        let doubtful: Vec<IdentityKey> = here
            .iter()
            .copied()
            .filter(|key| {
                let unseen = !self.knows_all() && !self.seen.contains(key);
                let identity = self.identity(*key);
                unseen || identity.is_some_and(|i| may_be_none_of_one(self.context.rules, i))
            })
            .collect();
        let standings = self.read_links(&doubtful).await?;
        if !self.knows_all() {
            let alone = doubtful
                .iter()
                .copied()
                .filter(|key| self.links.get(key).is_some_and(Vec::is_empty));
            let alone: Vec<IdentityKey> = alone.collect();
            self.read_given(alone).await?;
        }
        let (tenant, then) = (self.context.tenant, self.then);
        self.decided
            .read(self.connection, tenant, &here, then, &mut self.budget)
            .await?;
        for key in keys {
            let territory = Territory::New(*key);
            let Some(identity) = self.identity(*key).filter(|_| self.was_there(*key)) else {
                self.graph.know(territory, []);
                continue;
            };
            let node = Node {
                identifier: identity.identifier.clone(),
                first_seen: identity.first_seen,
                standing: standings.get(key).copied().unwrap_or_default(),
                sides: self.decided.sides(*key),
                territory,
            };
            self.graph.put(*key, node);
        }
        Ok(())
    }

    /// Whether an identifier was in an interaction by then. It is one that has been.
    fn was_there(&self, key: IdentityKey) -> bool {
        let anchored = || self.given.get(&key).is_some_and(|given| !given.is_empty());
        let linked = || self.links.get(&key).is_none_or(|links| !links.is_empty());
        self.knows_all() || self.seen.contains(&key) || linked() || anchored()
    }

    /// Puts the links and assertions of identifiers into the graph.
    pub(super) async fn open(&mut self, keys: &BTreeSet<IdentityKey>) -> Result<(), Error> {
        let unread: Vec<IdentityKey> = keys
            .iter()
            .copied()
            .filter(|key| !self.links.contains_key(key))
            .collect();
        self.read_links(&unread).await?;
        for key in keys {
            let links = self.links.get(key).cloned().unwrap_or_default();
            self.seen.extend(links.iter().map(|link| link.other));
            self.graph.set_links_of(*key, links);
            let asserted = self.decided.assertions(*key);
            self.graph.set_assertions_of(*key, asserted);
            self.graph.know(Territory::New(*key), [*key]);
        }
        Ok(())
    }

    /// Reads identifiers that were not looked for yet.
    async fn identities(
        &mut self,
        keys: impl IntoIterator<Item = IdentityKey>,
    ) -> Result<(), Error> {
        let mut wanted: Vec<IdentityKey> = keys
            .into_iter()
            .filter(|key| !self.now.contains_key(key))
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        if wanted.is_empty() {
            return Ok(());
        }
        spend(&mut self.budget.identifiers, wanted.len())?;
        let asked: Vec<identities::Wanted> = wanted
            .iter()
            .copied()
            .map(identities::Wanted::row)
            .collect();
        let found = identities::load(self.connection, self.context.tenant, &asked).await?;
        self.now.extend(wanted.into_iter().map(|key| (key, None)));
        self.now.extend(found.into_iter().map(|i| (i.key, Some(i))));
        Ok(())
    }

    /// Reads what the interactions of anchors gave by then.
    async fn read_given(
        &mut self,
        anchors: impl IntoIterator<Item = IdentityKey>,
    ) -> Result<(), Error> {
        let mut wanted: Vec<IdentityKey> = anchors
            .into_iter()
            .filter(|anchor| !self.given.contains_key(anchor))
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        for some in wanted.chunks(AT_ONCE) {
            let each = i64::try_from(self.budget.interactions + 1).unwrap_or(i64::MAX);
            let (tenant, then) = (self.context.tenant, self.then);
            let found = past::given(self.connection, tenant, some, then, each).await?;
            for anchor in some {
                self.given.insert(*anchor, HashMap::new());
            }
            for link in found {
                if link.key == link.other {
                    let seen = usize::try_from(link.seen).unwrap_or(usize::MAX);
                    spend(&mut self.budget.interactions, seen)?;
                }
                self.given
                    .entry(link.key)
                    .or_default()
                    .insert(link.other, link);
            }
        }
        Ok(())
    }

    /// Reads the links as of then of identifiers, and says what they were by them. Those of hubs are not kept.
    async fn read_links(
        &mut self,
        keys: &[IdentityKey],
    ) -> Result<HashMap<IdentityKey, Standing>, Error> {
        let mut standings = HashMap::new();
        let mut found: HashMap<IdentityKey, Vec<Link>> = HashMap::new();
        let mut open: Vec<After> = keys.iter().map(|key| (*key, nil())).collect();
        let mut each = FIRST;
        while !open.is_empty() {
            let mut again = Vec::new();
            for some in open.chunks(AT_ONCE * FIRST / each) {
                for (key, page) in self.pages(some, each).await? {
                    let last = page.iter().map(|link| link.other).max();
                    let full = page.len() == each;
                    let links = found.entry(key).or_default();
                    // As they are now, they may prove it without any interaction being read.
                    let so_far = links.iter().chain(&page);
                    if self.knows_all() && self.standing(key, so_far)? == Standing::Hub {
                        standings.insert(key, Standing::Hub);
                        continue;
                    }
                    let page = self.as_of_then(page).await?;
                    let links = found.entry(key).or_default();
                    links.extend(page);
                    let now = self.standing(key, links.iter())?;
                    standings.insert(key, now);
                    match last.filter(|_| full && now != Standing::Hub) {
                        Some(last) => again.push((key, last)),
                        None if now == Standing::Hub => (),
                        None => {
                            let links = std::mem::take(links);
                            self.links.insert(key, links);
                        }
                    }
                }
            }
            open = again;
            each = (each * 16).min(MOST);
        }
        Ok(standings)
    }

    /// A page of the links of each identifier, with their other ends.
    async fn pages(
        &mut self,
        after: &[After],
        each: usize,
    ) -> Result<HashMap<IdentityKey, Vec<Link>>, Error> {
        let limit = i64::try_from(each).unwrap_or(i64::MAX);
        let (tenant, then) = (self.context.tenant, self.then);
        let links = past::links(self.connection, tenant, after, then, limit).await?;
        self.identities(links.iter().map(|link| link.other)).await?;
        let mut pages: HashMap<IdentityKey, Vec<Link>> =
            after.iter().map(|(key, _)| (*key, Vec::new())).collect();
        for link in links {
            pages.entry(link.key).or_default().push(link);
        }
        Ok(pages)
    }

    /// Links as they were. One that nobody knew of yet is left out.
    async fn as_of_then(&mut self, links: Vec<Link>) -> Result<Vec<Link>, Error> {
        let whole =
            |link: &Link, this: &Self| this.knows_all() && link.last_seen <= this.then.occurred;
        let anchor = |link: &Link| if link.anchored { link.key } else { link.other };
        let partly = links.iter().filter(|link| !whole(link, self));
        let anchors: Vec<IdentityKey> = partly.map(anchor).collect();
        self.read_given(anchors).await?;
        let then = links.into_iter().filter_map(|link| {
            if whole(&link, self) {
                return Some(link);
            }
            let given = self.given.get(&anchor(&link))?;
            if link.anchored {
                given.get(&link.other).copied()
            } else {
                given.get(&link.key).map(|given| given.reversed())
            }
        });
        Ok(then.collect())
    }

    /// What an identifier was by these links.
    fn standing<'l>(
        &self,
        key: IdentityKey,
        links: impl Iterator<Item = &'l Link>,
    ) -> Result<Standing, Error> {
        let rules = self.context.rules;
        let lost = || Error::bug("reading links", "an end of one is not there");
        let identity = self.identity(key).ok_or_else(lost)?;
        let mut neighbours = Neighbours::default();
        let mut to_unique = Vec::new();
        for link in links {
            let other = self.identity(link.other).ok_or_else(lost)?;
            let namespace = other.identifier.namespace.as_str();
            neighbours.add(namespace);
            if rules.of(namespace).is_unique() {
                to_unique.push((namespace, *link));
            }
        }
        let nobodys = meet(&to_unique);
        Ok(standing(rules, &identity.identifier, &neighbours, nobodys))
    }

    /// What the members of a set held.
    pub(super) async fn states(
        &mut self,
        set: &BTreeSet<IdentityKey>,
    ) -> Result<HashMap<IdentityKey, State>, Error> {
        let anchors: Vec<IdentityKey> = set
            .iter()
            .copied()
            .filter(|key| self.identity(*key).is_some_and(|i| i.has_state))
            .collect();
        let (context, then) = (self.context, self.then);
        states(self.connection, context, then, anchors, &mut self.budget).await
    }

    /// Which times are told of the set that holds an identifier. The links of a hub are not counted.
    pub(super) fn times(&self, key: IdentityKey) -> Times {
        let counted = self.links.contains_key(&key);
        let is_past = |i: &Identity| i.last_seen <= self.then.occurred;
        Times {
            first: counted || self.knows_all(),
            last: counted || self.knows_all() && self.identity(key).is_some_and(is_past),
        }
    }

    /// What is shown of a member that held a state.
    pub(super) fn card(&self, key: IdentityKey, held: Option<&State>) -> Option<Card> {
        let identity = self.identity(key)?;
        let own = held.and_then(|state| {
            let core = state.core();
            Some((Micros(core.first_at?), Micros(core.last_at?)))
        });
        let links = self.links.get(&key);
        let linked = links.into_iter().flatten();
        let spans = linked
            .map(|link| (link.first_seen, link.last_seen))
            .chain(own);
        let span = spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
        let (first_seen, last_seen) = match span {
            Some(span) if links.is_some() => span,
            _ => (identity.first_seen, identity.last_seen),
        };
        Some(Card {
            key,
            identifier: identity.identifier.clone(),
            first_seen,
            last_seen,
        })
    }
}

/// Whether an identifier is or may be a hub or shared by its links of today.
fn may_be_none_of_one(rules: &Rules, identity: &Identity) -> bool {
    let Normalised { namespace, .. } = &identity.identifier;
    let nobodys = rules.of(namespace).shared == Shared::Nobody;
    // A row of an older release says nothing of its neighbours.
    identity.neighbours.total() == 0
        || standing(rules, &identity.identifier, &identity.neighbours, nobodys) != Standing::Own
}
