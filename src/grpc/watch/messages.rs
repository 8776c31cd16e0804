//! What is told of a profile: messages, and the profiles in them as their caller may see them.

use std::{collections::HashMap, sync::Arc};

use super::session::Session;
use crate::{
    cache::rule::{Token, Wish},
    error::Error,
    feed::{Change, place::Mark},
    grpc::profile_service::show,
    ids::ProfileId,
    lookup::Who,
    proto::v1::{
        Profile, ProfileChange, ProfileChangeKind, WatchProgress, watch_profiles_response::Event,
    },
    storage::{outbox::Kind, profile_documents::Document},
    telemetry::names,
};

/// Profiles as they are now.
pub(super) type Documents = HashMap<ProfileId, Arc<Document>>;

impl Session {
    /// Profiles that are read at a time.
    pub(super) const PROFILES: usize = 16;

    /// Reads some profiles, with everything up to a position in them; none where they are not to be carried.
    pub(super) async fn documents(
        &self,
        ids: impl Iterator<Item = ProfileId>,
        position: i64,
    ) -> Result<Documents, Error> {
        if self.mask.is_none() {
            return Ok(Documents::new());
        }
        let mut ids: Vec<ProfileId> = ids.collect();
        ids.sort_unstable();
        ids.dedup();
        let who: Vec<Who> = ids.iter().map(|id| Who::Id(*id)).collect();
        let wish = Wish {
            tokens: vec![Token {
                position,
                anchor: None,
            }],
            bound: self.api.max_staleness,
            allow_stale: false,
        };
        let found = self.api.reader.find_many(&self.tenant.id, &who, &wish);
        let found = self
            .api
            .seats
            .read(Box::pin(self.api.within(found)))
            .await?;
        let found = found.into_iter().filter_map(|answer| answer.found);
        Ok(found
            .map(|(document, _)| (document.profile.id, document))
            .collect())
    }

    async fn shown(&self, document: &Document) -> Result<(Profile, Vec<String>), Error> {
        let Some(mask) = self.mask else {
            return Ok((Profile::default(), Vec::new()));
        };
        let sight = self.api.sight(&self.caller);
        let shown = show(&self.api, &self.tenant, &sight, mask, document).await?;
        Ok((shown, sight.masked(mask)))
    }

    /// A change.
    pub(super) async fn changed(
        &self,
        change: &Change,
        documents: &Documents,
    ) -> Result<Event, Error> {
        let sight = self.api.sight(&self.caller);
        let (row, mut kind) = (&change.row, kind(change.row.kind));
        let (mut joined, mut parted) = (Vec::new(), Vec::new());
        if sight.may_see_all_facts() {
            (joined, parted) = (row.joined.clone(), row.parted.clone());
            if row.is_of_segments() {
                kind = ProfileChangeKind::Segments;
            }
        }
        let mut told = ProfileChange {
            profile_id: change.row.profile.to_string(),
            version: change.row.version,
            kind: kind.into(),
            joined,
            parted,
            feelings_changed: row.felt && sight.may_see_feelings(),
            written_at: Some(change.row.written_at.to_proto()),
            merged_into: change
                .merged_into
                .map_or_else(String::new, |into| into.to_string()),
            ..ProfileChange::default()
        };
        if let Some(document) = documents.get(&change.row.profile) {
            let (profile, masked) = self.shown(document).await?;
            told.profile = Some(profile);
            told.masked_fields = masked;
        }
        Ok(Event::Change(told))
    }

    /// A profile of a snapshot; nothing when it is no longer there, which is told as a change.
    pub(super) async fn there(
        &self,
        id: ProfileId,
        version: i64,
        documents: &Documents,
    ) -> Result<Option<Event>, Error> {
        let mut told = ProfileChange {
            profile_id: id.to_string(),
            version,
            kind: ProfileChangeKind::Snapshot.into(),
            ..ProfileChange::default()
        };
        if self.mask.is_some() {
            let Some(document) = documents.get(&id) else {
                return Ok(None);
            };
            let (profile, masked) = self.shown(document).await?;
            told.version = document.profile.version;
            told.profile = Some(profile);
            told.masked_fields = masked;
        }
        Ok(Some(Event::Change(told)))
    }

    /// How far it is.
    pub(super) fn progressed(mark: &Mark, snapshot_complete: bool) -> Event {
        Event::Progress(WatchProgress {
            as_of: Some(mark.as_of.to_proto()),
            snapshot_complete,
        })
    }

    pub(super) fn count(event: Option<&Event>) {
        let what = match event {
            Some(Event::Change(change)) => match change.kind() {
                ProfileChangeKind::Unspecified => "unspecified",
                ProfileChangeKind::Snapshot => "snapshot",
                ProfileChangeKind::Created => "created",
                ProfileChangeKind::Updated => "updated",
                ProfileChangeKind::Merged => "merged",
                ProfileChangeKind::MergedAway => "merged_away",
                ProfileChangeKind::Split => "split",
                ProfileChangeKind::Emptied => "emptied",
                ProfileChangeKind::Segments => "segments",
            },
            _ => "progress",
        };
        metrics::counter!(names::FEED_MESSAGES, "kind" => what).increment(1);
    }
}

fn kind(kind: Kind) -> ProfileChangeKind {
    match kind {
        Kind::Created => ProfileChangeKind::Created,
        Kind::Updated => ProfileChangeKind::Updated,
        Kind::Merged => ProfileChangeKind::Merged,
        Kind::MergedAway => ProfileChangeKind::MergedAway,
        Kind::Split => ProfileChangeKind::Split,
        Kind::Emptied => ProfileChangeKind::Emptied,
    }
}
