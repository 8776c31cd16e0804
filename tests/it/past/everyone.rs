//! The past of everyone.

use std::collections::BTreeSet;

use customer_profile::proto::v1::{
    Interaction, Profile, SentimentSummary, retract_interactions_request::Selection,
};
use prost_types::Timestamp;
use sqlx::Connection as _;

use super::{At, asking, merge, now, separate, undo};
use crate::harness::{Random, Service, calls::retracting, population};

/// Every identifier that was ever seen.
async fn everyone(service: &Service) -> Vec<String> {
    let mut connection = service.database.connect().await;
    let found = "SELECT namespace || '=' || value FROM identities ORDER BY 1";
    let found = sqlx::query_scalar(found).fetch_all(&mut connection).await;
    connection.close().await.unwrap();
    found.unwrap()
}

/// A profile without what differs between stores and times: how a customer feels fades, what was felt stays.
fn said(mut profile: Profile) -> Profile {
    let felt = profile.sentiment.take();
    // Risks fade and days go by; what they are made of is compared.
    profile.value = None;
    profile.leaving_risk = None;
    Profile {
        profile_id: String::new(),
        version: 0,
        sentiment: felt.map(|summary| SentimentSummary {
            count: summary.count,
            negative: summary.negative,
            neutral: summary.neutral,
            positive: summary.positive,
            abstained: summary.abstained,
            last: summary.last,
            signals: summary.signals,
            ..SentimentSummary::default()
        }),
        ..profile
    }
}

/// How many of all identifiers have another profile at a time than somebody says they had.
async fn differences(service: &Service, at: At, told: &Service) -> (usize, usize) {
    let everyone = everyone(service).await;
    let (mut client, mut reference) = (service.profiles(), told.profiles());
    let mut differ = 0;
    for who in &everyone {
        let then = client.get_profile(asking(who, at)).await.unwrap();
        let expected = reference.get_profile(asking(who, (None, None))).await;
        let [then, expected] = [then, expected.unwrap()].map(|a| a.into_inner().profile.map(said));
        differ += usize::from(then != expected);
    }
    (differ, everyone.len())
}

fn seconds(interaction: &Interaction) -> i64 {
    interaction.occurred_at.unwrap().seconds
}

#[tokio::test(flavor = "multi_thread")]
async fn everyone_was_who_they_would_be_had_only_that_been_told() {
    let all = population::interactions(77, 450, 40);
    let mut times: Vec<i64> = all.iter().map(seconds).collect();
    times.sort_unstable();
    let cut = times[times.len() * 2 / 3];
    let service = Service::start().await;
    // What is told first is a mixture of early and late.
    let (first, second): (Vec<_>, Vec<_>) = (0..all.len()).partition(|n| n % 3 != 0);
    let some = |of: &[usize]| of.iter().map(|n| all[*n].clone()).collect::<Vec<_>>();
    service.record_all(some(&first)).await;
    let known = now().await;
    service.record_all(some(&second)).await;

    let at = Some(Timestamp {
        seconds: cut,
        nanos: 0,
    });
    let by_then = |of: Vec<Interaction>| {
        let early = of.into_iter().filter(|one| seconds(one) <= cut);
        early.collect::<Vec<_>>()
    };
    for (asked, told) in [
        ((at, None), by_then(all.clone())),
        ((None, known), some(&first)),
        ((at, known), by_then(some(&first))),
    ] {
        let reference = Service::start().await;
        reference.record_all(told).await;
        let (differ, all) = differences(&service, asked, &reference).await;
        assert!(differ == 0 && all > 100, "{differ} of {all} at {asked:?}");
        // A check that cannot fail says nothing.
        let (differ, _) = differences(&service, (None, None), &reference).await;
        assert!(differ > 50, "{differ} of {all} changed since {asked:?}");
        reference.stop().await;
    }
    service.stop().await;
}

/// Tells of people, and makes decisions about them and retractions, none of which has to succeed.
async fn random_story(service: &Service, random: &mut Random) -> usize {
    let all = population::interactions(78, 300, 24);
    service.record_all(all.clone()).await;
    let everyone = everyone(service).await;
    let mut done = 0;
    for n in 0..40 {
        let (one, other) = (
            random.pick(&everyone).clone(),
            random.pick(&everyone).clone(),
        );
        let operation = format!("op-{n}");
        let made = match random.below(4) {
            0 | 1 => merge(service, &operation, [&one, &other]).await,
            2 => separate(service, &operation, &one).await,
            _ => undo(service, &operation, &format!("op-{}", random.below(n + 1))).await,
        };
        done += usize::from(made.is_ok());
    }
    let gone: Vec<Interaction> = all.into_iter().step_by(11).collect();
    for (n, one) in gone.iter().enumerate() {
        let mut request = retracting(&format!("retract-{n}"), &[&one.event_id]);
        if let Some(Selection::References(of)) = &mut request.selection {
            of.references[0].source.clone_from(&one.source);
        }
        service.retract(request).await.unwrap();
    }
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn as_of_now_everyone_is_who_they_are() {
    let service = Service::start().await;
    let mut random = Random::new(4_711);
    let done = random_story(&service, &mut random).await;
    assert!(done > 15, "{done} decisions");
    let at = now().await;
    let mut parted = BTreeSet::new();
    let mut client = service.profiles();
    let mut get = async |who: &str, at: At| {
        let answer = client.get_profile(asking(who, at)).await.unwrap();
        answer.into_inner().profile.unwrap()
    };
    for who in everyone(&service).await {
        let today = get(&who, (None, None)).await;
        parted.insert(today.profile_id.clone());
        for asked in [(at, None), (None, at)] {
            let then = get(&who, asked).await;
            let expected = Profile {
                version: 0,
                ..today.clone()
            };
            assert_eq!(then, expected, "{who} at {asked:?}");
        }
    }
    assert!(parted.len() > 10, "{} profiles", parted.len());
    service.assert_agrees().await;
    service.stop().await;
}
