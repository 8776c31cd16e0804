//! Asking tier after tier what a look-up needs.

use std::{collections::HashSet, sync::Arc, time::Duration};

use super::{
    Who,
    counted::{Counted, SHARED},
    gathered::{Gathered, Needs, Seen},
    reader::{Answer, Reader},
};
use crate::{
    cache::{
        local::Entry,
        redis::Value,
        rule::{Facts, Why, Wish},
        sealed::{Epoch, Kind, document_name, entry_name, turn_name},
        settled::Ask,
    },
    ids::{self, IdentityKey, ProfileId, TenantId},
    proto::v1::ReadSource,
    storage::profile_documents::Document,
    telemetry::names,
};

/// How long one of several instances may read for all.
const TURN: Duration = Duration::from_secs(1);

/// How long the others wait for it.
const WAIT: Duration = TURN;

/// A tier, the nearest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The process.
    Memory,
    /// Redis.
    Redis,
    /// A replica of the database.
    Replica,
    /// The primary.
    Primary,
}

impl Source {
    /// For spans and metrics.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Redis => "redis",
            Self::Replica => "replica",
            Self::Primary => "primary",
        }
    }
}

impl From<Source> for ReadSource {
    fn from(source: Source) -> Self {
        match source {
            Source::Memory => Self::Memory,
            Source::Redis => Self::Redis,
            Source::Replica => Self::Replica,
            Source::Primary => Self::Primary,
        }
    }
}

type Found = Option<(Arc<Document>, Option<usize>)>;

/// Look-ups on their way.
pub(super) struct Sought<'a> {
    pub(super) reader: &'a Reader,
    pub(super) tenant: &'a TenantId,
    pub(super) who: &'a [Who],
    pub(super) wish: &'a Wish,
    pub(super) epoch: Epoch,
    pub(super) began: Duration,
    pub(super) gathered: Gathered,
    pub(super) answers: Vec<Option<(Found, Source)>>,
    pub(super) counted: Counted,
    /// How far what was used is behind.
    behind: Duration,
    /// What Redis does not have yet.
    pub(super) fresh: Vec<Value>,
}

/// A turn at reading for all: its name, and whose it is.
pub(super) type Turn = (String, String);

impl<'a> Sought<'a> {
    pub(super) fn new(
        reader: &'a Reader,
        tenant: &'a TenantId,
        who: &'a [Who],
        wish: &'a Wish,
    ) -> Self {
        Self {
            reader,
            tenant,
            who,
            wish,
            epoch: reader.caches.epoch(),
            began: reader.caches.now(),
            gathered: Gathered::default(),
            answers: vec![None; who.len()],
            counted: Counted::default(),
            behind: Duration::ZERO,
            fresh: Vec::new(),
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.answers.iter().any(Option::is_none)
    }

    /// The answer to the only question.
    pub(super) fn only(self) -> Option<Answer> {
        self.all()?.pop()
    }

    /// The answers, if there are all.
    pub(super) fn all(self) -> Option<Vec<Answer>> {
        let behind = self.behind;
        let answers = self.answers.into_iter();
        let shown = answers.map(|answer| {
            let (found, source) = answer?;
            Some(Answer {
                found,
                source,
                behind,
            })
        });
        shown.collect()
    }

    /// The answer to the only question, and when it was right.
    pub(super) fn first(self) -> Option<(Found, Source, Duration)> {
        let as_of = self.began.saturating_sub(self.behind);
        let (found, source) = self.answers.into_iter().next()??;
        Some((found, source, as_of))
    }

    /// Settles what can be settled, and tells what else is needed; what was missed before is not asked for again.
    pub(super) fn needs(
        &mut self,
        source: Source,
        missed: &HashSet<ProfileId>,
        keys: &HashSet<IdentityKey>,
    ) -> Needs {
        let mut needs = Needs::default();
        for (who, answer) in self.who.iter().zip(&mut self.answers) {
            if answer.is_some() {
                continue;
            }
            match self.gathered.answer(who) {
                Seen::Needs(more) => needs.add(more),
                Seen::Moved(key) => {
                    stale(source, "moved");
                    let holder = self.gathered.entries.remove(&key).flatten();
                    if let Some(holder) = holder {
                        self.gathered.documents.remove(&holder);
                    }
                }
                Seen::Found(document, by) => *answer = Some((Some((document, by)), source)),
                Seen::Unknown => *answer = Some((None, source)),
            }
        }
        needs.keys.retain(|key| !keys.contains(key));
        needs.profiles.retain(|profile| !missed.contains(profile));
        needs
    }

    /// Asks the process's own memory.
    pub(super) fn in_memory(&mut self) {
        self.look_in_memory();
        self.count(Source::Memory);
    }

    /// The same once more, where another read may have ended since: that it was not there has been counted.
    pub(super) fn look_in_memory(&mut self) {
        let Some(local) = self.reader.caches.local() else {
            return;
        };
        if self.wish.bound.is_zero() {
            return;
        }
        let (mut missed, mut keys) = (HashSet::new(), HashSet::new());
        loop {
            let needs = self.needs(Source::Memory, &missed, &keys);
            if needs.is_empty() {
                break;
            }
            for key in needs.keys {
                keys.insert(key);
                if let Some(entry) = local.entry(self.epoch, self.tenant, key) {
                    self.admit_entry(Source::Memory, key, entry);
                }
            }
            for profile in needs.profiles {
                missed.insert(profile);
                if let Some(document) = local.document(self.epoch, self.tenant, profile) {
                    self.admit(Source::Memory, &document, false);
                }
            }
        }
    }

    /// Asks Redis.
    pub(super) async fn in_redis(&mut self) {
        if self.wish.bound.is_zero() {
            return;
        }
        if self.ask_redis(false).await {
            self.count(Source::Redis);
        }
    }

    /// The same once more, for what others may have read meanwhile.
    async fn in_redis_again(&mut self) {
        if !self.wish.bound.is_zero() {
            self.ask_redis(false).await;
            self.count_found(Source::Redis, SHARED);
        }
    }

    /// Answers with whether Redis has answered.
    async fn ask_redis(&mut self, old: bool) -> bool {
        let Some(redis) = self.reader.caches.redis() else {
            return false;
        };
        let (mut missed, mut keys) = (HashSet::new(), HashSet::new());
        loop {
            let needs = self.needs(Source::Redis, &missed, &keys);
            if needs.is_empty() {
                break;
            }
            let entries = needs.keys.iter().map(|key| entry_name(self.epoch, *key));
            let documents = needs.profiles.iter();
            let documents = documents.map(|profile| document_name(self.epoch, *profile));
            let names: Vec<String> = entries.chain(documents).collect();
            let Some(values) = redis.get(self.tenant, &names).await else {
                return false;
            };
            let mut values = values.into_iter();
            for (key, value) in needs.keys.into_iter().zip(values.by_ref()) {
                keys.insert(key);
                if let Some((Kind::LiesIn, contents)) = value
                    && let Ok(profile) = uuid::Uuid::from_slice(&contents)
                {
                    let lies_in = Some(ProfileId::from_uuid(profile));
                    self.gathered.entries.insert(key, lies_in);
                    self.put_entry(key, lies_in);
                }
            }
            for (profile, value) in needs.profiles.into_iter().zip(values) {
                missed.insert(profile);
                let Some((Kind::Document, contents)) = value else {
                    continue;
                };
                let document = match Document::decode(&contents) {
                    Ok(document) if document.profile.id == profile => Arc::new(document.lean()),
                    // Of another release, perhaps.
                    _ => continue,
                };
                if self.admit(Source::Redis, &document, old)
                    && let Some(local) = self.reader.caches.local()
                {
                    local.put_document(self.epoch, self.tenant, &document, contents.len());
                }
            }
        }
        true
    }

    /// Takes what caches have, however old, as long as it is not older than [`crate::cache::rule::OLDEST`].
    pub(super) async fn stale(&mut self) {
        if let Some(local) = self.reader.caches.local() {
            let (mut missed, mut keys) = (HashSet::new(), HashSet::new());
            loop {
                let needs = self.needs(Source::Memory, &missed, &keys);
                if needs.is_empty() {
                    break;
                }
                for key in needs.keys {
                    keys.insert(key);
                    let entry = local.entry(self.epoch, self.tenant, key);
                    if let Some(lies_in @ Some(_)) = entry.map(|entry| entry.lies_in) {
                        self.gathered.entries.insert(key, lies_in);
                    }
                }
                for profile in needs.profiles {
                    missed.insert(profile);
                    if let Some(document) = local.document(self.epoch, self.tenant, profile) {
                        self.admit(Source::Memory, &document, true);
                    }
                }
            }
        }
        // That they have nothing that is fresh has been counted.
        self.count_found(Source::Memory, "hit");
        self.ask_redis(true).await;
        self.count_found(Source::Redis, "hit");
        self.in_replica(Ask::Old).await;
    }

    fn admit_entry(&mut self, source: Source, key: IdentityKey, entry: Entry) {
        if entry.lies_in.is_none() {
            let caches = &self.reader.caches;
            match caches.judge_unknown(self.epoch, entry.position, self.wish, self.began) {
                Ok(behind) => self.behind = self.behind.max(behind),
                Err(why) => return stale(source, why.label()),
            }
        }
        self.gathered.entries.insert(key, entry.lies_in);
    }

    /// Keeps where an identifier lies in this process too: whether it does is asked of the profile whenever it is used.
    fn put_entry(&self, key: IdentityKey, lies_in: Option<ProfileId>) {
        let caches = &self.reader.caches;
        if let Some(local) = caches.local() {
            let position = caches.memory().horizon();
            let (number, entry) = (local.number(key), Entry { lies_in, position });
            local.put_entry(self.epoch, self.tenant, key, entry, number);
        }
    }

    pub(super) fn used(&mut self, as_of: Duration) {
        self.behind = self.behind.max(self.began.saturating_sub(as_of));
    }

    /// Uses a document if it may be served: now, or to who takes old ones.
    fn admit(&mut self, source: Source, document: &Arc<Document>, old: bool) -> bool {
        let judged = if old {
            self.judge_old(document)
        } else {
            self.judge(document)
        };
        match judged {
            Ok(behind) => {
                self.behind = self.behind.max(behind);
                let id = document.profile.id;
                let document = Some(Arc::clone(document));
                self.gathered.documents.insert(id, document);
                true
            }
            Err(why) => {
                stale(source, why.label());
                false
            }
        }
    }

    fn judge(&self, document: &Document) -> Result<Duration, Why> {
        let caches = &self.reader.caches;
        caches.judge(self.epoch, &facts(document), self.wish, self.began)
    }

    fn judge_old(&self, document: &Document) -> Result<Duration, Why> {
        let caches = &self.reader.caches;
        let read_at = self.reader.clock.now().0 - document.read_at.0;
        let age = Duration::from_micros(u64::try_from(read_at).unwrap_or_default());
        caches.judge_old(self.epoch, (&facts(document), age), self.wish, self.began)
    }

    /// Waits for a turn to read for all instances, or for what another reads. Nothing when Redis has it by then, or nobody gives
    /// the turn back.
    pub(super) async fn take_turn(&mut self) -> Option<Turn> {
        let redis = Arc::clone(self.reader.caches.redis()?);
        let name = turn_name(self.epoch, self.tenant, &about(self.who));
        let whose = ids::draw_instance_id().to_string();
        let mut pause = Duration::from_millis(2);
        let began = self.reader.caches.now();
        while !redis.take_turn(&name, &whose, TURN).await {
            if self.reader.caches.now().saturating_sub(began) > WAIT {
                return None;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(16));
            self.in_redis_again().await;
            if !self.is_open() {
                return None;
            }
        }
        // Whoever had it before may have been done just now.
        self.in_redis_again().await;
        Some((name, whose))
    }

    /// Hands what was read from the primary to Redis, and then gives the turn back. Nobody waits for it.
    pub(super) fn keep(&mut self, turn: Option<Turn>) {
        let Some(redis) = self.reader.caches.redis().cloned() else {
            return;
        };
        let fresh = std::mem::take(&mut self.fresh);
        if fresh.is_empty() && turn.is_none() {
            return;
        }
        tokio::spawn(async move {
            if !fresh.is_empty() {
                redis.put(&fresh).await;
            }
            if let Some((name, whose)) = turn {
                redis.give_back(&name, &whose).await;
            }
        });
    }
}

pub(super) fn facts(document: &Document) -> Facts<impl Fn(&IdentityKey) -> bool + '_> {
    Facts {
        profile: document.profile.id,
        version: document.profile.version,
        position: document.position,
        lists: |key: &IdentityKey| document.lists(key),
    }
}

/// Who is asked for, as bytes.
fn about(who: &[Who]) -> Vec<u8> {
    let mut about = Vec::new();
    for who in who {
        match who {
            Who::Id(id) => about.extend(id.as_bytes()),
            Who::Identifiers(keys) => {
                about.extend(keys.iter().flatten().flat_map(|key| *key.as_bytes()));
            }
        }
    }
    about
}

pub(super) fn stale(source: Source, reason: &'static str) {
    metrics::counter!(names::CACHE_STALE, "tier" => source.label(), "reason" => reason)
        .increment(1);
}
