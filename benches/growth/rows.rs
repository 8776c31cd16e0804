//! The rows of people, made by what ingest makes them with.
//!
//! What must stay true: nothing is worked out here. An interaction is checked, read and keyed as a call's is (`grpc::validate`,
//! `sentiment::Listening`), the gate of ingest says that it takes the fast path, and `ingest::plan` says what is written; here
//! that is put into the columns that `storage` puts it into. So a row differs from an ingested one in what ingest draws or
//! reads from a clock, and in nothing else; `equal` compares them.

use std::{
    collections::HashMap,
    ops::Range,
    sync::{Mutex, PoisonError},
};

use customer_profile::{
    clock::Clock,
    grpc::validate,
    identity::{HashSecret, Members},
    ids::{IdentityKey, ProfileId},
    ingest::{
        Prepared,
        admission::Gate,
        plan::{self, Known, Writes},
    },
    proto::v1::{Analysis, Interaction},
    storage::{
        analyses, identities,
        identities::{beside, neighbours_bytes, standing_code},
        interactions::Place,
        outbox::Change,
        profiles,
    },
    tenants::Tenant,
};

use crate::{binary::Rows, people::life};

/// Makes the rows of a tenant's people.
pub(crate) struct Maker {
    tenant: Tenant,
    secret: HashSecret,
    /// What was made of a text, which is the same whenever it is read in the same way.
    heard: Mutex<HashMap<Text, Option<Analysis>>>,
}

/// A text and all that its reading depends on: channel, type, direction.
type Text = (String, String, String, i32);

/// What is stored of some people, by table.
pub(crate) struct Block {
    pub(crate) event_keys: Rows,
    pub(crate) interactions: Rows,
    pub(crate) analyses: Rows,
    pub(crate) identities: Rows,
    pub(crate) links: Rows,
    pub(crate) traits: Rows,
    pub(crate) profiles: Rows,
    /// Of the outbox, whose rows also have the transaction that writes them.
    pub(crate) changes: Vec<Change>,
}

impl Maker {
    pub(crate) fn new(tenant: Tenant, secret: HashSecret) -> Self {
        Self {
            tenant,
            secret,
            heard: Mutex::default(),
        }
    }

    pub(crate) fn tenant(&self) -> &str {
        self.tenant.id.as_str()
    }

    /// The rows of the people of these numbers.
    pub(crate) fn block(&self, people: Range<usize>) -> Block {
        let mut block = Block {
            event_keys: Rows::new(5),
            interactions: Rows::new(6),
            analyses: Rows::new(7),
            identities: Rows::new(12),
            links: Rows::new(7),
            traits: Rows::new(3),
            profiles: Rows::new(10),
            changes: Vec::new(),
        };
        let (mut items, mut traits) = (Vec::new(), Vec::new());
        for person in people {
            let of_one: Vec<Prepared> = life(person).into_iter().map(|m| self.prepare(m)).collect();
            let writes = self.plan(&of_one);
            self.add(&mut block, &writes);
            traits.extend(writes.index.added);
            block.changes.extend(writes.changes);
            items.extend(of_one);
        }
        traits.sort_unstable();
        traits.dedup();
        for (index_key, identity) in traits {
            let mut row = block.traits.row();
            row.text(self.tenant()).uuid(index_key).key(identity);
        }
        for item in &items {
            self.add_item(&mut block, item);
        }
        // In the order in which they are claimed.
        items.sort_unstable_by_key(|item| item.id);
        for item in &items {
            let mut row = block.event_keys.row();
            row.text(self.tenant())
                .uuid(item.id.as_uuid())
                .uuid(item.body_hash)
                .key(item.anchor().unwrap())
                .time(item.occurred_at);
        }
        block
    }

    /// An interaction as a call leaves it to the queue.
    fn prepare(&self, message: Interaction) -> Prepared {
        let context = validate::Context {
            tenant: &self.tenant.id,
            region: self.tenant.region,
            now: Clock::system().now(),
            secret: &self.secret,
            rules: &self.tenant.resolution,
        };
        let mut prepared = validate::interaction(message, &context).unwrap();
        prepared.analyses.extend(self.hear(&prepared.message));
        prepared
    }

    fn hear(&self, message: &Interaction) -> Option<Analysis> {
        let text: Text = (
            message.text.clone()?,
            message.channel.clone(),
            message.r#type.clone(),
            message.direction,
        );
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let listening = &self.tenant.listening;
        let analysis = heard.entry(text).or_insert_with(|| listening.hear(message));
        analysis.clone()
    }

    /// What is written of one person of whom nothing is stored.
    fn plan(&self, items: &[Prepared]) -> Writes {
        let context = self.tenant.context(&self.secret);
        let items: Vec<&Prepared> = items.iter().collect();
        let nobody = Known::default();
        let mut gate = Gate::new(context, &nobody);
        assert!(
            gate.doubtful(&items).is_empty(),
            "no link changes a standing"
        );
        for item in &items {
            gate.admit(item).unwrap();
        }
        let mut writes = plan::plan(&items, Known::default(), context, ProfileId::draw).unwrap();
        let new: Vec<_> = writes.links.iter().map(|l| (l.key, l.other)).collect();
        writes.count_new_links(&new);
        let others = writes.moves.len() + writes.former.len() + writes.index.removed.len();
        assert!(
            writes.profiles.len() == 1 && others == 0,
            "one new profile and nothing else"
        );
        writes
    }

    fn add(&self, block: &mut Block, writes: &Writes) {
        for write in &writes.identities {
            self.add_identity(&mut block.identities, write);
        }
        for link in &writes.links {
            let mut row = block.links.row();
            row.text(self.tenant())
                .key(link.key)
                .key(link.other)
                .boolean(link.anchored)
                .time(link.first_seen)
                .time(link.last_seen)
                .long(link.seen);
        }
        for write in &writes.profiles {
            self.add_profile(&mut block.profiles, write);
        }
    }

    fn add_identity(&self, rows: &mut Rows, write: &identities::Write) {
        let state = write.state.as_ref();
        rows.row()
            .text(self.tenant())
            .key(write.key)
            .text(&write.identifier.namespace)
            .text(&write.identifier.value)
            .uuid(write.profile.as_uuid())
            .time(write.first_seen)
            .time(write.last_seen)
            .bytes(state.map(|encoded| encoded.state.as_slice()))
            .bytes(beside(state))
            .short(standing_code(write.standing))
            .boolean(write.apart)
            .bytes(Some(&neighbours_bytes(&write.neighbours)));
    }

    fn add_profile(&self, rows: &mut Rows, write: &profiles::Write) {
        let members = write.members.as_ref().map(Members::encode);
        let day = write.last_seen.unwrap().day();
        rows.row()
            .text(self.tenant())
            .uuid(write.id.as_uuid())
            .long(write.version)
            .key(write.home_key)
            .bytes(Some(&write.summary()))
            .integer(day)
            .bytes(Some(&write.state.state))
            .bytes(Some(&members.unwrap()))
            .bytes(beside(Some(&write.state)))
            .long(write.rules);
    }

    fn add_item(&self, block: &mut Block, item: &Prepared) {
        let anchor = item.anchor().unwrap();
        let keys: Vec<IdentityKey> = item.identifiers.iter().map(|i| i.key).collect();
        block
            .interactions
            .row()
            .text(self.tenant())
            .key(anchor)
            .time(item.occurred_at)
            .uuid(item.id.as_uuid())
            .keys(&keys)
            .bytes(Some(&item.body));
        let place = Place {
            occurred_at: item.occurred_at,
            id: item.id,
            anchor,
        };
        for analysis in &item.analyses {
            let new = analyses::New::of(place, analysis);
            block
                .analyses
                .row()
                .text(self.tenant())
                .key(anchor)
                .time(item.occurred_at)
                .uuid(item.id.as_uuid())
                .short(new.method)
                .integer(new.version)
                .bytes(Some(&new.body));
        }
    }
}
