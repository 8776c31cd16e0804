//! Suggestions through the API: who is proposed, to whom, why, and until when.

mod generated;

use customer_profile::proto::v1::{
    MergeProfilesRequest, MergeSuggestion, SeparateIdentifiersRequest, SuggestMergesRequest,
    SuggestMergesResponse, SuggestionAgreement, SuggestionField, UndoDecisionRequest,
};
use tonic::Code;

use crate::harness::{
    Database, Service, calls::retracting, make, refused::refused, service::of_tenant,
    service::with_metadata,
};

const KANJI: &str = "email=taka@example.com";
const LATIN: &str = "email=takahashi.t@example.org";

/// What a system says of someone.
fn person(id: &str, who: &str, facts: &[(&str, &str)]) -> customer_profile::proto::v1::Interaction {
    let facts: Vec<_> = facts
        .iter()
        .map(|(name, value)| (*name, make::text(value)))
        .collect();
    make::stating(id, 0, who, &facts)
}

fn in_kanji(id: &str) -> customer_profile::proto::v1::Interaction {
    let facts = [
        ("full_name", "髙橋　隆"),
        ("full_name_kana", "ﾀｶﾊｼ ﾀｶｼ"),
        ("birth_date", "1980-05-03"),
        ("city", "渋谷区"),
    ];
    person(id, KANJI, &facts)
}

fn in_latin(id: &str) -> customer_profile::proto::v1::Interaction {
    let facts = [
        ("full_name", "Takashi TAKAHASHI"),
        ("birth_date", "1980-05-03"),
        ("city", "渋谷区"),
    ];
    person(id, LATIN, &facts)
}

async fn ask(service: &Service, request: SuggestMergesRequest) -> SuggestMergesResponse {
    let answer = service.identities().suggest_merges(request).await;
    answer.unwrap().into_inner()
}

async fn like(service: &Service, who: &str) -> SuggestMergesResponse {
    let request = SuggestMergesRequest {
        lookup: make::by(who),
        ..SuggestMergesRequest::default()
    };
    ask(service, request).await
}

/// All pairs of the tenant, page by page.
async fn all(service: &Service, page_size: i32) -> Vec<MergeSuggestion> {
    let mut request = SuggestMergesRequest {
        page_size,
        ..SuggestMergesRequest::default()
    };
    let mut pairs = Vec::new();
    loop {
        let page = ask(service, request.clone()).await;
        assert!(page.suggestions.len() <= usize::try_from(page_size).unwrap());
        assert!(page.profiles_looked_at <= page.profiles_total);
        pairs.extend(page.suggestions);
        if page.next_page_token.is_empty() {
            assert_eq!(page.profiles_looked_at, page.profiles_total);
            return pairs;
        }
        request.page_token = page.next_page_token;
    }
}

/// The values of the first identifiers of a pair, sorted.
fn ends(pair: &MergeSuggestion) -> [String; 2] {
    let value = |profile: &Option<customer_profile::proto::v1::SuggestedProfile>| {
        profile.as_ref().unwrap().identifiers[0].value.clone()
    };
    let mut ends = [value(&pair.first), value(&pair.second)];
    ends.sort();
    ends
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_in_two_writings_is_proposed_with_reasons_until_told_otherwise() {
    let service = Service::start().await;
    service.record_all(vec![in_kanji("1"), in_latin("2")]).await;
    let found = like(&service, KANJI).await;
    assert_eq!((found.suggestions.len(), found.suggestions_total), (1, 1));
    let pair = &found.suggestions[0];
    assert_eq!(ends(pair), ["taka@example.com", "takahashi.t@example.org"]);
    assert!((850..=1_000).contains(&pair.score), "{pair:?}");
    assert!(pair.merge_allowed && pair.merge_refused_because.is_empty());
    let reasons: Vec<_> = pair
        .reasons
        .iter()
        .map(|reason| (reason.field(), reason.agreement()))
        .collect();
    assert!(reasons.contains(&(SuggestionField::BirthDate, SuggestionAgreement::Exact)));
    assert!(
        reasons
            .iter()
            .any(|(field, _)| *field == SuggestionField::GivenName)
    );
    assert_eq!(like(&service, LATIN).await.suggestions[0].score, pair.score);
    assert_eq!(all(&service, 1).await.len(), 1);
    service.assert_agrees().await;

    // Someone else's word is needed for another threshold and another tenant.
    let certain = SuggestMergesRequest {
        threshold: Some(1_000),
        ..SuggestMergesRequest::default()
    };
    assert!(ask(&service, certain).await.suggestions.is_empty());
    let elsewhere = of_tenant("other", SuggestMergesRequest::default());
    let elsewhere = service
        .identities()
        .suggest_merges(elsewhere)
        .await
        .unwrap();
    assert!(elsewhere.into_inner().suggestions.is_empty());

    // A retraction takes away what was known, and the suggestion with it.
    service.retract(retracting("r", &["2"])).await.unwrap();
    assert!(like(&service, KANJI).await.suggestions.is_empty());
    service.assert_agrees().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_pair_vanishes_and_comes_back_with_an_undo() {
    let service = Service::start().await;
    service.record_all(vec![in_kanji("1"), in_latin("2")]).await;
    let before = service.digest("default").await;
    let profiles = [service.profile(KANJI).await, service.profile(LATIN).await];
    let reject = SeparateIdentifiersRequest {
        operation_id: "no".into(),
        reason: "father and son".into(),
        identifiers: vec![make::identifier(KANJI)],
        apart_from: make::by(LATIN),
        ..SeparateIdentifiersRequest::default()
    };
    let answer = (service.identities())
        .separate_identifiers(reject.clone())
        .await
        .unwrap();
    assert_eq!(answer.into_inner().outcome.unwrap().parts.len(), 2);
    let again = service.identities().separate_identifiers(reject).await;
    assert!(again.unwrap().into_inner().outcome.unwrap().repeated);
    // Nothing moved.
    assert_eq!(service.digest("default").await, before);
    for (who, profile) in [KANJI, LATIN].iter().zip(&profiles) {
        assert_eq!(service.profile(who).await.profile_id, profile.profile_id);
    }
    assert!(like(&service, KANJI).await.suggestions.is_empty());
    assert!(all(&service, 20).await.is_empty());
    service.assert_agrees().await;
    // It holds against what links say later.
    service
        .record_one(make::seen("3", 9, &[LATIN, "cookie=k"]))
        .await;
    service
        .record_one(make::seen("4", 10, &[KANJI, "cookie=k"]))
        .await;
    let apart = [service.profile(KANJI).await, service.profile(LATIN).await];
    assert_ne!(apart[0].profile_id, apart[1].profile_id);
    service.assert_agrees().await;
    service.retract(retracting("r", &["3", "4"])).await.unwrap();
    let undo = UndoDecisionRequest {
        operation_id: "after all".into(),
        reason: "a test".into(),
        decision_operation_id: "no".into(),
        dry_run: false,
    };
    service.identities().undo_decision(undo).await.unwrap();
    assert_eq!(like(&service, KANJI).await.suggestions.len(), 1);
    assert_eq!(service.digest("default").await, before);
    service.assert_agrees().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_pair_is_merged_also_against_a_rejection() {
    let service = Service::start().await;
    service.record_all(vec![in_kanji("1"), in_latin("2")]).await;
    let reject = SeparateIdentifiersRequest {
        operation_id: "no".into(),
        identifiers: vec![make::identifier(LATIN)],
        apart_from: make::by(KANJI),
        ..SeparateIdentifiersRequest::default()
    };
    let same = SeparateIdentifiersRequest {
        operation_id: "same".into(),
        apart_from: make::by(LATIN),
        ..reject.clone()
    };
    let same = service.identities().separate_identifiers(same).await;
    refused(
        &same.unwrap_err(),
        Code::FailedPrecondition,
        "already_one_profile",
    );
    let mut nobody = reject.clone();
    nobody.apart_from = make::by("cookie=nobody");
    let nobody = service.identities().separate_identifiers(nobody).await;
    refused(&nobody.unwrap_err(), Code::NotFound, "not_found");
    let done = service.identities().separate_identifiers(reject).await;
    done.unwrap();
    let accept = MergeProfilesRequest {
        operation_id: "yes".into(),
        target: make::by(KANJI),
        source: make::by(LATIN),
        ..MergeProfilesRequest::default()
    };
    let merged = service.identities().merge_profiles(accept).await.unwrap();
    let merged = merged.into_inner().outcome.unwrap();
    assert_eq!((merged.parts.len(), merged.separations_changed), (1, 1));
    assert!(like(&service, KANJI).await.suggestions.is_empty());
    assert!(all(&service, 20).await.is_empty());
    service.assert_agrees().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_two_identifiers_say_together_is_found_and_a_rule_keeps_apart() {
    let service = Service::start().await;
    let (one, two) = ("cookie=one", "phone=090-1234-5678");
    let spread = "cookie=hanako";
    let facts = [("full_name", "佐々木 花子"), ("birth_date", "1991-02-03")];
    service
        .record_all(vec![
            // A name here and a birth date there, of one profile.
            person("1", spread, &facts[..1]),
            person("2", one, &facts[1..]),
            make::seen("3", 5, &[spread, one]),
            person("4", "email=sasaki@example.org", &facts),
            // A digit is wrong, and the kana say the same.
            person(
                "5",
                two,
                &[
                    ("full_name", "ササキ　ハナコ"),
                    ("birth_date", "1991-02-13"),
                ],
            ),
            person(
                "6",
                "phone=090-1234-5679",
                &[("full_name", "ささき はなこ")],
            ),
        ])
        .await;
    let found = like(&service, spread).await;
    assert_eq!(found.profiles_unindexed, 1, "no identifier says both");
    assert_eq!(
        like(&service, "email=sasaki@example.org")
            .await
            .profiles_unindexed,
        0
    );
    let found: Vec<[String; 2]> = found.suggestions.iter().map(ends).collect();
    let pair = ["hanako", "sasaki@example.org"];
    assert!(found.iter().any(|ends| *ends == pair), "{found:?}");
    let by_phone = like(&service, two).await;
    let typo = by_phone.suggestions.iter().find(|pair| {
        let mut reasons = pair.reasons.iter();
        reasons.any(|r| {
            (r.field(), r.agreement()) == (SuggestionField::Phone, SuggestionAgreement::Typo)
        })
    });
    assert!(typo.is_some(), "{by_phone:?}");
    // Going through all finds that pair from the side that can see it, once.
    let walked: Vec<[String; 2]> = all(&service, 2).await.iter().map(ends).collect();
    assert_eq!(walked.iter().filter(|ends| **ends == pair).count(), 1);
    let mut unique = walked.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), walked.len(), "{walked:?}");
    // Two numbers of a register that gives each customer one.
    service
        .record_all(vec![
            make::seen("7", 6, &["customer_id=a", spread]),
            make::seen("8", 6, &["customer_id=b", "email=sasaki@example.org"]),
        ])
        .await;
    let found = like(&service, spread).await;
    let found: Vec<[String; 2]> = found.suggestions.iter().map(ends).collect();
    assert!(
        !found.contains(&["a".to_owned(), "b".to_owned()]),
        "{found:?}"
    );
    service.assert_agrees().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_many_have_is_passed_over_and_counted() {
    let service = Service::start().await;
    let facts = [("full_name", "佐藤 太郎"), ("birth_date", "1985-06-07")];
    let crowd = (0..60).map(|n| person(&n.to_string(), &format!("cookie=c{n}"), &facts));
    service.record_all(crowd.collect()).await;
    let found = like(&service, "cookie=c7").await;
    assert!(found.suggestions.is_empty());
    assert!(found.blocks_skipped > 0);
    let page = ask(&service, SuggestMergesRequest::default()).await;
    assert!(page.suggestions.is_empty() && page.next_page_token.is_empty());
    assert!(page.blocks_skipped >= 60, "{}", page.blocks_skipped);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pairs_are_given_once_whatever_the_size_of_a_page() {
    let service = Service::start().await;
    let mut interactions = Vec::new();
    for group in 0..8 {
        let birth = format!("19{}0-05-0{}", group + 1, group + 1);
        let name = format!("Anna{} Miller", ["Bea", "Cora", "Dina", "Elsa"][group % 4]);
        let facts = [("full_name", name.as_str()), ("birth_date", birth.as_str())];
        for one in 0..5 {
            let (id, who) = (format!("{group}-{one}"), format!("cookie=g{group}n{one}"));
            interactions.push(person(&id, &who, &facts));
        }
    }
    service.record_all(interactions).await;
    let sorted = |pairs: Vec<MergeSuggestion>| {
        let mut ends: Vec<_> = pairs.iter().map(ends).collect();
        ends.sort();
        ends
    };
    let whole = sorted(all(&service, 100).await);
    assert_eq!(whole.len(), 8 * 10);
    for size in [1, 3, 7] {
        assert_eq!(sorted(all(&service, size).await), whole, "{size}");
    }
    // A token is of its filters.
    let first = SuggestMergesRequest {
        page_size: 3,
        ..SuggestMergesRequest::default()
    };
    let token = ask(&service, first).await.next_page_token;
    let other = SuggestMergesRequest {
        page_token: token,
        threshold: Some(900),
        ..SuggestMergesRequest::default()
    };
    let other = service.identities().suggest_merges(other).await;
    refused(&other.unwrap_err(), Code::InvalidArgument, "invalid");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_see_what_it_is_computed_from_is_refused() {
    let department = |what: &str| format!("CUSTOMER_PROFILE_DEPARTMENTS__MARKETING__{what}");
    for (what, hidden) in [
        ("HIDDEN", "identifiers"),
        ("HIDDEN", "traits"),
        ("HIDDEN_TRAITS", "full_name_kana"),
        ("HIDDEN_NAMESPACES", "cookie"),
    ] {
        let name = department(what);
        let settings = [(name.as_str(), hidden)];
        let service = Service::with(Database::new().await, &settings).await;
        service.record_all(vec![in_kanji("1"), in_latin("2")]).await;
        let request = SuggestMergesRequest::default();
        let request = with_metadata(request, &[("x-department", "marketing")]);
        let status = service.identities().suggest_merges(request).await;
        refused(&status.unwrap_err(), Code::PermissionDenied, "field_masked");
        let request = SuggestMergesRequest::default();
        let request = with_metadata(request, &[("x-department", "support")]);
        service.identities().suggest_merges(request).await.unwrap();
        service.stop().await;
    }
}
