//! Changes as events of `CloudEvents` 1.0, in its structured JSON form. Pure.
//!
//! What must stay true: an event says the same however often it is made, and its id names the version; nothing in it holds a
//! position. A profile has one bucket for ever, so its events keep their order.

use serde_json::{Value, json};

use crate::{
    clock::Micros,
    feed::Change,
    ids::{ProfileId, TenantId},
    storage::outbox::Kind,
};

/// Streams that the changes of a store are spread over.
pub const BUCKETS: u64 = 16;

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Which of the streams it belongs to.
    pub bucket: u64,
    /// JSON.
    pub body: String,
}

/// The bucket of a profile: the last eight bytes of its id, as a number, modulo [`BUCKETS`].
#[must_use]
pub fn bucket(profile: ProfileId) -> u64 {
    profile.as_uuid().as_u64_pair().1 % BUCKETS
}

/// A change of a tenant as an event.
#[must_use]
pub fn event(tenant: &TenantId, change: &Change) -> Event {
    let row = &change.row;
    let kind = match row.kind {
        Kind::Created => "created",
        Kind::Updated if row.is_of_segments() => "segments",
        Kind::Updated => "updated",
        Kind::Merged => "merged",
        Kind::MergedAway => "merged_away",
        Kind::Split => "split",
        Kind::Emptied => "emptied",
    };
    let profile = row.profile.to_string();
    let mut data = json!({ "profileId": profile, "version": row.version.to_string() });
    if let (Some(into), Value::Object(data)) = (change.merged_into, &mut data) {
        data.insert("mergedInto".to_owned(), into.to_string().into());
    }
    if let Value::Object(data) = &mut data {
        for (name, segments) in [("joined", &row.joined), ("parted", &row.parted)] {
            if !segments.is_empty() {
                data.insert(name.to_owned(), segments.as_slice().into());
            }
        }
        if row.felt {
            data.insert("feelingsChanged".to_owned(), true.into());
        }
    }
    let time = row.written_at.to_datetime().unwrap_or_default();
    let body = json!({
        "specversion": "1.0",
        "id": format!("{profile}/{}", row.version),
        "source": format!("/customer-profile/tenants/{tenant}"),
        "type": format!("customer_profile.profile.{kind}.v1"),
        "subject": profile,
        "time": time.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
        "datacontenttype": "application/json",
        "partitionkey": profile,
        "data": data,
    });
    Event {
        bucket: bucket(row.profile),
        body: body.to_string(),
    }
}

/// Why changes are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// They are not kept for so long as nothing was relayed.
    NotKept,
    /// The database has another history than the one whose changes were relayed.
    OtherHistory,
}

/// Says in every bucket that changes of a tenant may be missing, and others were told that did not happen.
#[must_use]
pub fn gap(tenant: &TenantId, now: Micros, why: Why) -> Vec<Event> {
    let reason = match why {
        Why::NotKept => "not_kept",
        Why::OtherHistory => "other_history",
    };
    let time = now.to_datetime().unwrap_or_default();
    let body = json!({
        "specversion": "1.0",
        "id": format!("gap/{}", now.0),
        "source": format!("/customer-profile/tenants/{tenant}"),
        "type": "customer_profile.feed.gap.v1",
        "time": time.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
        "datacontenttype": "application/json",
        "data": { "reason": reason },
    });
    let body = body.to_string();
    let of = |bucket| Event {
        bucket,
        body: body.clone(),
    };
    (0..BUCKETS).map(of).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        cache::sealed::Run,
        feed::place::{Mark, Place, Stage},
        storage::feed::Row,
    };

    #[test]
    fn an_event_of_segments_has_their_names() {
        let row = Row {
            profile: ProfileId::from_uuid(Uuid::nil()),
            version: 3,
            position: 9,
            kind: Kind::Updated,
            written_at: Micros(0),
            merged_into: None,
            before: None,
            felt: true,
            joined: vec!["vip".into()],
            parted: vec!["idle".into(), "new".into()],
        };
        let change = Change {
            row,
            merged_into: None,
            mark: Mark {
                run: Run(0),
                as_of: Micros(0),
                stage: Stage::Changes(Place::from(0)),
                chain: Vec::new(),
            },
        };
        let event = event(&TenantId::default_tenant(), &change);
        let made: Value = serde_json::from_str(&event.body).unwrap();
        assert_eq!(made["type"], "customer_profile.profile.segments.v1");
        assert_eq!(made["data"]["joined"], json!(["vip"]));
        assert_eq!(made["data"]["parted"], json!(["idle", "new"]));
        assert_eq!(made["data"]["feelingsChanged"], true);
    }

    #[test]
    fn an_event_is_what_the_page_shows() {
        let profile =
            ProfileId::from_uuid(Uuid::from_u128(0x0189_0000_0000_7000_8000_0000_0000_0013));
        let change = Change {
            row: Row {
                profile,
                version: 7,
                position: 12_345,
                kind: Kind::MergedAway,
                written_at: Micros(1_711_000_000_250_000),
                merged_into: None,
                before: None,
                felt: false,
                joined: Vec::new(),
                parted: Vec::new(),
            },
            merged_into: Some(ProfileId::from_uuid(Uuid::nil())),
            mark: Mark {
                run: Run(0),
                as_of: Micros(0),
                stage: Stage::Changes(Place::from(0)),
                chain: Vec::new(),
            },
        };
        let event = event(&TenantId::default_tenant(), &change);
        assert_eq!(event.bucket, 3);
        assert!(!event.body.contains("12345"));
        let page = include_str!("../../docs/feed.md");
        let (_, after) = page.split_once("```json\n").unwrap();
        let shown: Value = serde_json::from_str(after.split_once("```").unwrap().0).unwrap();
        let made: Value = serde_json::from_str(&event.body).unwrap();
        assert_eq!(made, shown);
    }

    #[test]
    fn a_gap_is_told_in_every_bucket_with_its_reason() {
        let tenant = TenantId::default_tenant();
        for (why, reason) in [
            (Why::NotKept, "not_kept"),
            (Why::OtherHistory, "other_history"),
        ] {
            let events = gap(&tenant, Micros(1_711_000_000_250_000), why);
            let buckets: Vec<u64> = events.iter().map(|event| event.bucket).collect();
            assert_eq!(buckets, (0..BUCKETS).collect::<Vec<_>>());
            let made: Value = serde_json::from_str(&events[0].body).unwrap();
            assert_eq!(made["type"], "customer_profile.feed.gap.v1");
            assert_eq!(made["id"], "gap/1711000000250000");
            assert_eq!(made["data"], json!({ "reason": reason }));
            assert!(events.iter().all(|event| event.body == events[0].body));
        }
    }
}
