//! Decisions on customers whom caches have.

use customer_profile::proto::v1::{GetNextBestActionsResponse, ReadSource};
use prost_types::FieldMask;

use super::{HERO, LETTER, SIDE, WHO, actions, asking, assert_replays, decide, decided, shop};
use crate::harness::{Database, Service, make, wait::until};

fn source(answer: &GetNextBestActionsResponse) -> ReadSource {
    answer.read_info.as_ref().unwrap().source()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_instance_reserved_counts_though_the_customer_is_kept_here() {
    let database = Database::new().await;
    let one = shop(database.clone()).await;
    let two = Service::with(database, &[]).await;
    one.record_one(make::seen("1", 0, &[WHO])).await;
    // The first decision writes down the group, and so changes the profile.
    decided(&one, WHO, "first", &[LETTER]).await;
    until("both keep the customer", async || {
        let here = decided(&one, WHO, "", &[LETTER]).await;
        let there = decided(&two, WHO, "", &[LETTER]).await;
        source(&here) == ReadSource::Memory && source(&there) == ReadSource::Memory
    })
    .await;
    let bought = decided(&one, WHO, "sold-1", &[HERO]).await;
    assert_eq!(actions(&bought), ["upsell"]);
    let next = decided(&two, WHO, "sold-2", &[HERO]).await;
    assert_eq!(actions(&next), ["home"], "it may be shown once");
    for id in ["sold-1", "sold-2"] {
        assert_replays(&two, id).await;
    }
    one.assert_agrees().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_profile_that_was_decided_on_is_shown_from_where_it_was_kept() {
    let service = shop(Database::new().await).await;
    service.record_one(make::seen("1", 0, &[WHO])).await;
    decided(&service, WHO, "first", &[SIDE]).await;
    let ask = async || {
        let mut request = asking(Some(WHO), "", &[SIDE]);
        request.profile_mask = Some(FieldMask::default());
        decide(&service, request).await.unwrap()
    };
    let from_primary = ask().await;
    until("the caches are used", async || {
        source(&ask().await) == ReadSource::Memory
    })
    .await;
    let kept = ask().await;
    assert_eq!(source(&kept), ReadSource::Memory);
    assert_eq!(kept.profile, from_primary.profile);
    assert_eq!(kept.answered_by, Some(0));
    let token = |answer: &GetNextBestActionsResponse| {
        let info = answer.read_info.clone().unwrap();
        info.token
    };
    assert!(!token(&kept).is_empty(), "it proves what was seen");
    // What is written is seen by who brings its token, and by who decides here afterwards.
    service.record_one(make::seen("2", 1, &[WHO])).await;
    let after = ask().await.profile.unwrap();
    assert!(after.version > kept.profile.unwrap().version);
}
