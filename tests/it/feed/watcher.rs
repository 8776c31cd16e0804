//! Who watches: keeps what it is told, and complains when that cannot be.

use std::collections::{BTreeMap, BTreeSet};

use customer_profile::proto::v1::{
    Profile, ProfileChange, ProfileChangeKind, WatchProfilesRequest, WatchProfilesResponse,
    watch_profiles_response::Event,
};
use tonic::{Status, Streaming};
use uuid::Uuid;

use crate::harness::{Database, Service, wait::in_time};

/// A profile as far as it was told: its version, and whether it is there.
pub type Known = BTreeMap<Uuid, (i64, bool)>;

/// Everything from now to the end of what is committed, of everybody.
pub fn everything() -> WatchProfilesRequest {
    WatchProfilesRequest {
        until_now: true,
        ..WatchProfilesRequest::default()
    }
}

pub async fn watch(
    service: &Service,
    request: WatchProfilesRequest,
) -> Result<Streaming<WatchProfilesResponse>, Status> {
    let response = service.profiles().watch_profiles(request).await?;
    Ok(response.into_inner())
}

/// All messages of a watch that ends.
pub async fn told(
    service: &Service,
    request: WatchProfilesRequest,
) -> Result<Vec<WatchProfilesResponse>, Status> {
    let mut stream = watch(service, request).await?;
    let mut all = Vec::new();
    while let Some(message) = in_time("the next message", stream.message()).await? {
        all.push(message);
    }
    Ok(all)
}

/// A watch that tells nothing of what was committed before.
pub async fn from_here(
    service: &Service,
    request: WatchProfilesRequest,
) -> Streaming<WatchProfilesResponse> {
    let so_far = WatchProfilesRequest {
        until_now: true,
        ..request.clone()
    };
    let mut so_far = told(service, so_far).await.unwrap();
    let from_here = WatchProfilesRequest {
        resume_token: so_far.pop().unwrap().resume_token,
        ..request
    };
    let mut stream = watch(service, from_here).await.unwrap();
    begins(&mut stream).await;
    stream
}

/// The next change, whatever progress comes before it.
pub async fn next(stream: &mut Streaming<WatchProfilesResponse>) -> (ProfileChange, String) {
    loop {
        let message = in_time("the next change", stream.message()).await;
        let message = message.unwrap().expect("a change");
        if let Some(Event::Change(change)) = message.event {
            return (change, message.resume_token);
        }
    }
}

/// The token with which a stream begins.
pub async fn begins(stream: &mut Streaming<WatchProfilesResponse>) -> String {
    let message = in_time("the first message", stream.message()).await;
    let message = message.unwrap().unwrap();
    assert!(matches!(message.event, Some(Event::Progress(_))));
    message.resume_token
}

/// What a watcher has.
#[derive(Default)]
pub struct Watcher {
    pub known: Known,
    /// The profiles that are there, as they were told last, where they are told.
    pub profiles: BTreeMap<Uuid, Profile>,
    /// Every change that was told: profile and version.
    pub told: BTreeSet<(Uuid, i64)>,
    /// Where a profile went from one version to another: none may lie between.
    steps: Vec<(Uuid, i64, i64)>,
    pub token: String,
    pub streams: usize,
    pub complete: bool,
}

impl Watcher {
    /// A stream begins.
    pub fn begin(&mut self) {
        self.streams += 1;
    }

    pub fn take(&mut self, message: WatchProfilesResponse) {
        assert!(!message.resume_token.is_empty());
        self.token = message.resume_token;
        match message.event.expect("something is told") {
            Event::Progress(progress) => self.complete |= progress.snapshot_complete,
            Event::Change(change) => self.changed(&change),
        }
    }

    fn changed(&mut self, change: &ProfileChange) {
        let id: Uuid = change.profile_id.parse().unwrap();
        let (version, kind) = (change.version, change.kind());
        if kind != ProfileChangeKind::Snapshot {
            self.told.insert((id, version));
        }
        let gone = matches!(
            kind,
            ProfileChangeKind::MergedAway | ProfileChangeKind::Emptied
        );
        if kind == ProfileChangeKind::MergedAway {
            let into: Uuid = change.merged_into.parse().expect("into whom");
            assert_ne!(into, id);
        } else {
            assert_eq!(change.merged_into, "");
        }
        match &change.profile {
            Some(profile) => {
                assert!(profile.version >= version, "{id}: older than the change");
                let held = self.profiles.get(&id).map_or(0, |held| held.version);
                // Who goes on elsewhere may be shown the same again, and nothing older.
                assert!(profile.version >= held || self.streams > 1);
                if profile.version >= held {
                    self.profiles.insert(id, profile.clone());
                }
            }
            None if gone => {
                self.profiles.remove(&id);
            }
            None => {}
        }
        let known = self.known.entry(id).or_insert((0, false));
        // Only who went on from elsewhere, or from a snapshot, is told again.
        let again = self.streams > 1 || self.complete;
        assert!(version > known.0 || again, "{id}: {known:?}, {version}");
        if version > known.0 {
            if kind != ProfileChangeKind::Snapshot {
                self.steps.push((id, known.0, version));
            }
            *known = (version, !gone);
        }
    }

    /// Of one profile no version was told before one that came before it.
    pub fn assert_in_order(&self, kept: &BTreeSet<(Uuid, i64)>) {
        for (id, from, to) in &self.steps {
            let between = kept.range((*id, from + 1)..(*id, *to)).next();
            assert_eq!(between, None, "{id} went from {from} to {to}");
        }
    }

    /// Takes all of a watch that ends.
    pub async fn take_all(&mut self, service: &Service, request: WatchProfilesRequest) {
        self.begin();
        for message in told(service, request).await.unwrap() {
            self.take(message);
        }
    }
}

/// The profiles of a tenant as they are.
pub async fn stored(database: &Database, tenant: &str) -> Known {
    let rows: Vec<(Uuid, i64, bool)> = sqlx::query_as(
        "SELECT profile_id, version, last_day IS NOT NULL FROM profiles WHERE tenant = $1",
    )
    .bind(tenant)
    .fetch_all(&mut database.connect().await)
    .await
    .unwrap();
    rows.into_iter()
        .map(|(id, version, there)| (id, (version, there)))
        .collect()
}

/// Every change of a tenant that is kept.
pub async fn kept(database: &Database, tenant: &str) -> BTreeSet<(Uuid, i64)> {
    sqlx::query_as("SELECT profile_id, version FROM outbox WHERE tenant = $1")
        .bind(tenant)
        .fetch_all(&mut database.connect().await)
        .await
        .unwrap()
        .into_iter()
        .collect()
}
