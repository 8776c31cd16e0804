//! The other side: what someone would write by hand who knows in advance what to write.
//!
//! The same rows change as in the service: for each interaction its event key and itself are inserted, its identity (two
//! for every fourth, and their link at both ends), its profile and an outbox row are written. States are bytes of the
//! length they have in the service. Nothing is read, checked, hashed, folded or locked. Batches of 200 by UNNEST, on as
//! many connections as the service has writers.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use sqlx::{Connection as _, PgConnection, Row as _};
use uuid::Uuid;

use crate::{
    stage::Stage,
    workload::{self, scatter},
};

const BATCH: u64 = 200;
const WRITERS: u64 = 2;

/// What is known of a person beforehand.
struct Person {
    anchor: Uuid,
    email: Uuid,
    profile: Uuid,
    home: Uuid,
    summary: Vec<u8>,
    state: Vec<u8>,
    version: i64,
}

pub(crate) struct Baseline {
    people: std::sync::Arc<Vec<Person>>,
    event: u64,
}

const PEOPLE: &str = "
SELECT l.identity_key AS anchor, l.other_key AS email, p.profile_id, p.home, p.summary, p.state, p.version
FROM links AS l
JOIN identities AS i ON i.tenant = l.tenant AND i.identity_key = l.identity_key
JOIN profiles AS p ON p.tenant = i.tenant AND p.profile_id = i.profile_id
WHERE l.anchored";

impl Baseline {
    pub(crate) async fn load(stage: &Stage) -> Self {
        let mut connection = stage.connect("baseline").await;
        let rows = sqlx::query(PEOPLE)
            .fetch_all(&mut connection)
            .await
            .unwrap();
        let people = rows
            .iter()
            .map(|row| Person {
                anchor: row.get("anchor"),
                email: row.get("email"),
                profile: row.get("profile_id"),
                home: row.get("home"),
                summary: row.get("summary"),
                state: row.get("state"),
                version: row.get("version"),
            })
            .collect();
        Self {
            people: std::sync::Arc::new(people),
            event: 1 << 50,
        }
    }

    /// Writes batches until the time is up; answers with how many interactions were written.
    pub(crate) async fn run(&mut self, stage: &Stage, limit: Duration) -> u64 {
        let until = Instant::now() + limit;
        let mut writers = Vec::new();
        for writer in 0..WRITERS {
            let mut connection = stage.connect("baseline").await;
            let people = std::sync::Arc::clone(&self.people);
            let first = self.event + (writer << 30);
            writers.push(tokio::spawn(async move {
                let mut written = 0;
                while Instant::now() < until {
                    let batch = Batch::new(&people, first + written, writer);
                    batch.write(&mut connection).await;
                    written += BATCH;
                }
                written
            }));
        }
        self.event += 1 << 40;
        let mut written = 0;
        for writer in writers {
            written += writer.await.unwrap();
        }
        written
    }
}

#[derive(Default)]
struct Batch {
    events: Vec<Uuid>,
    anchors: Vec<Uuid>,
    times: Vec<DateTime<Utc>>,
    keys: Vec<String>,
    bodies: Vec<Vec<u8>>,
    identities: Vec<Uuid>,
    states: Vec<Option<Vec<u8>>>,
    link_ends: Vec<Uuid>,
    link_others: Vec<Uuid>,
    profiles: Vec<Uuid>,
    homes: Vec<Uuid>,
    summaries: Vec<Vec<u8>>,
    versions: Vec<i64>,
    merged: Vec<Vec<u8>>,
}

impl Batch {
    fn new(people: &[Person], first: u64, writer: u64) -> Self {
        use prost::Message as _;
        let mut batch = Self::default();
        let count = u64::try_from(people.len()).unwrap();
        let mut seen = std::collections::HashSet::new();
        for event in first..first + BATCH {
            // Each writer has people of its own, so that no two wait for each other.
            let mut index = scatter(event) % count;
            index -= index % WRITERS;
            index = (index + writer).min(count - 1);
            let person = &people[usize::try_from(index).unwrap()];
            let body = workload::interaction(event, index).encode_to_vec();
            batch
                .events
                .push(Uuid::from_u64_pair(scatter(event), event));
            batch.anchors.push(person.anchor);
            batch.times.push(
                DateTime::from_timestamp(
                    1_750_000_000 + i64::try_from(event % 10_000_000).unwrap(),
                    0,
                )
                .unwrap(),
            );
            let both = event.is_multiple_of(4);
            batch.keys.push(if both {
                format!("{{{},{}}}", person.anchor, person.email)
            } else {
                format!("{{{}}}", person.anchor)
            });
            batch.bodies.push(body);
            // A row is written once by a statement, as in the service.
            if !seen.insert(index) {
                continue;
            }
            let mut state = person.state.clone();
            state.extend_from_slice(&[0; 60]);
            batch.identities.push(person.anchor);
            batch.states.push(Some(state.clone()));
            if both {
                batch.identities.push(person.email);
                batch.states.push(None);
                batch.link_ends.extend([person.anchor, person.email]);
                batch.link_others.extend([person.email, person.anchor]);
            }
            batch.profiles.push(person.profile);
            batch.homes.push(person.home);
            batch.summaries.push(person.summary.clone());
            batch
                .versions
                .push(person.version + 1 + i64::try_from(event & 0xffff_ffff_ffff).unwrap());
            batch.merged.push(state);
        }
        batch
    }

    async fn write(self, connection: &mut PgConnection) {
        let mut transaction = connection.begin().await.unwrap();
        let position = self.versions.first().copied().unwrap_or_default();
        sqlx::query(EVENT_KEYS)
            .bind(&self.events)
            .bind(&self.anchors)
            .bind(&self.times)
            .execute(&mut *transaction)
            .await
            .unwrap();
        sqlx::query(INTERACTIONS)
            .bind(&self.anchors)
            .bind(&self.times)
            .bind(&self.events)
            .bind(&self.keys)
            .bind(&self.bodies)
            .execute(&mut *transaction)
            .await
            .unwrap();
        sqlx::query(IDENTITIES)
            .bind(&self.identities)
            .bind(&self.states)
            .execute(&mut *transaction)
            .await
            .unwrap();
        sqlx::query(LINKS)
            .bind(&self.link_ends)
            .bind(&self.link_others)
            .execute(&mut *transaction)
            .await
            .unwrap();
        sqlx::query(PROFILES)
            .bind(&self.profiles)
            .bind(&self.versions)
            .bind(&self.homes)
            .bind(&self.summaries)
            .bind(&self.merged)
            .execute(&mut *transaction)
            .await
            .unwrap();
        sqlx::query(OUTBOX)
            .bind(&self.profiles)
            .bind(&self.versions)
            .bind(position)
            .execute(&mut *transaction)
            .await
            .unwrap();
        transaction.commit().await.unwrap();
    }
}

const EVENT_KEYS: &str = "
INSERT INTO event_keys (tenant, event_key, body_hash, anchor, occurred_at)
SELECT 'default', event, event, anchor, at
FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS given (event, anchor, at)
ON CONFLICT DO NOTHING";

const INTERACTIONS: &str = "
INSERT INTO interactions (tenant, anchor, occurred_at, interaction_id, identity_keys, body)
SELECT 'default', anchor, at, event, keys::uuid[], body
FROM unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::text[], $5::bytea[]) AS given (anchor, at, event, keys, body)";

const IDENTITIES: &str = "
UPDATE identities AS stored
SET last_seen = now(), state = coalesce(given.state, stored.state)
FROM unnest($1::uuid[], $2::bytea[]) AS given (key, state)
WHERE stored.tenant = 'default' AND stored.identity_key = given.key";

const LINKS: &str = "
UPDATE links AS stored
SET last_seen = now(), seen = stored.seen + 1
FROM unnest($1::uuid[], $2::uuid[]) AS given (key, other)
WHERE stored.tenant = 'default' AND stored.identity_key = given.key AND stored.other_key = given.other";

const PROFILES: &str = "
UPDATE profiles AS stored
SET version = given.version, home = given.home, summary = given.summary, state = given.state
FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::bytea[], $5::bytea[]) AS given (id, version, home, summary, state)
WHERE stored.tenant = 'default' AND stored.profile_id = given.id";

const OUTBOX: &str = "
INSERT INTO outbox (tenant, profile_id, version, position, kind)
SELECT 'default', id, version, $3, 2
FROM unnest($1::uuid[], $2::bigint[]) AS given (id, version)";
