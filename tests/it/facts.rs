//! Traits: provenance, losers, and the rules by which one value survives.

use customer_profile::proto::v1::{
    Interaction, ListTraitsRequest, ProfileTrait, trait_value::Kind,
};

use crate::harness::{Database, Service, make, service::of_tenant};

const WHO: &str = "email=a@example.com";

/// What a source says of one trait.
fn says(source: &str, event_id: &str, seconds: i64, name: &str, kind: Kind) -> Interaction {
    Interaction {
        source: source.into(),
        department: format!("{source}_desk"),
        ..make::stating(event_id, seconds, WHO, &[(name, kind)])
    }
}

async fn shown(service: &Service, name: &str) -> ProfileTrait {
    let profile = service.profile(WHO).await;
    let found = profile.traits.into_iter().find(|t| t.name == name);
    found.unwrap_or_else(|| panic!("no trait {name}"))
}

fn kind(shown: &ProfileTrait) -> Kind {
    shown.value.clone().unwrap().kind.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trait_says_where_it_came_from_and_what_lost() {
    let service = Service::start().await;
    let results = service
        .record_all(vec![
            says("crm", "1", 10, "city", make::text("Osaka")),
            says("shop", "2", 30, "city", make::text("Kyoto")),
            says("crm", "3", 20, "city", make::text("Nara")),
            says("app", "4", 5, "city", Kind::Unset(true)),
            says("app", "5", 5, "name", make::text("Hana")),
        ])
        .await;
    let city = shown(&service, "city").await;
    assert_eq!(kind(&city), make::text("Kyoto"));
    assert_eq!((city.rule.as_str(), city.losers_total), ("newest", 2));
    let provenance = city.provenance.unwrap();
    assert_eq!(provenance.interaction_id, results[1].interaction_id);
    assert_eq!(
        (provenance.source.as_str(), provenance.department.as_str()),
        ("shop", "shop_desk")
    );
    assert_eq!(provenance.occurred_at, make::at(30));
    let lost: Vec<_> = city
        .losers
        .iter()
        .map(|l| {
            (
                l.provenance.as_ref().unwrap().source.as_str(),
                l.value.clone().unwrap().kind.unwrap(),
            )
        })
        .collect();
    assert_eq!(
        lost,
        [("crm", make::text("Nara")), ("app", Kind::Unset(true))]
    );
    // To know that there is none is knowing more than nothing.
    service
        .record_one(says("app", "6", 40, "city", Kind::Unset(true)))
        .await;
    assert_eq!(kind(&shown(&service, "city").await), Kind::Unset(true));
    service.assert_agrees().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configured_rule_chooses_and_a_change_of_rules_needs_no_rewrite() {
    let database = Database::new().await;
    let numbers = [
        ("crm", "1", 10, 5),
        ("shop", "2", 20, 9),
        ("app", "3", 30, 7),
        ("till", "4", 40, 5),
    ];
    let service = Service::with(database.clone(), &[]).await;
    let all = numbers
        .iter()
        .map(|(source, event, at, n)| says(source, event, *at, "size", Kind::Integer(*n)))
        .chain([says("till", "5", 50, "size", Kind::Integer(6))]);
    service.record_all(all.collect()).await;
    let version = service.profile(WHO).await.version;
    let digest = service.digest("default").await;
    service.stop().await;
    for (rule, shown_rule, wanted) in [
        ("newest", "newest", 6),
        ("oldest", "oldest", 5),
        ("smallest", "smallest", 5),
        ("largest", "largest", 9),
        ("source_priority:erp,app,shop", "source_priority", 7),
        ("department_priority:shop_desk", "department_priority", 9),
        ("most_frequent", "most_frequent", 6),
    ] {
        let setting = "CUSTOMER_PROFILE_TENANT_DEFAULTS__SURVIVORSHIP__SIZE";
        let service = Service::with(database.clone(), &[(setting, rule)]).await;
        let size = shown(&service, "size").await;
        assert_eq!(kind(&size), Kind::Integer(wanted), "{rule}");
        assert_eq!((size.rule.as_str(), size.losers_total), (shown_rule, 3));
        assert_eq!(service.profile(WHO).await.version, version);
        assert_eq!(service.digest("default").await, digest, "{rule}");
        service.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_union_shows_the_values_of_all_sources_sorted_and_once() {
    let setting = [(
        "CUSTOMER_PROFILE_TENANTS__OTHER__SURVIVORSHIP__TAGS",
        "set_union",
    )];
    let service = Service::with(Database::new().await, &setting).await;
    let all = vec![
        says("crm", "1", 10, "tags", make::list(&["vip", "b2b"])),
        says("shop", "2", 20, "tags", make::text("sale")),
        says("app", "3", 30, "tags", make::list(&["vip"])),
        says("app", "4", 40, "none", Kind::Unset(true)),
    ];
    service.record_of("other", all).await;
    let request = of_tenant("other", crate::harness::calls::getting(WHO));
    let profile = service
        .profiles()
        .get_profile(request)
        .await
        .unwrap()
        .into_inner()
        .profile
        .unwrap();
    let tags = profile.traits.iter().find(|t| t.name == "tags").unwrap();
    assert_eq!(kind(tags), make::list(&["b2b", "sale", "vip"]));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_losers_than_a_profile_shows_are_listed_whole() {
    let service = Service::start().await;
    let all: Vec<Interaction> = (0..40)
        .map(|n| {
            let source = format!("s{n:02}");
            says(&source, "1", n, "name", make::text(&format!("n{n}")))
        })
        .collect();
    service.record_all(all).await;
    let name = shown(&service, "name").await;
    assert_eq!((name.losers.len(), name.losers_total), (16, 39));
    let request = ListTraitsRequest {
        lookup: make::by(WHO),
        ..ListTraitsRequest::default()
    };
    let traits = service
        .profiles()
        .list_traits(request)
        .await
        .unwrap()
        .into_inner()
        .traits;
    assert_eq!(traits[0].losers.len(), 39);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_of_value_comes_back_as_it_was_said() {
    let service = Service::start().await;
    let kinds = [
        ("a", make::text("カナ")),
        ("b", Kind::Integer(i64::MIN)),
        ("c", Kind::Decimal("-12.5".into())),
        ("d", Kind::Boolean(false)),
        ("e", Kind::Date("1984-02-29".into())),
        ("f", Kind::Time(make::at(7).unwrap())),
        ("g", make::list(&["b", "a"])),
        ("h", Kind::Unset(true)),
    ];
    service.record_one(make::stating("1", 0, WHO, &kinds)).await;
    let traits = service.profile(WHO).await.traits;
    let found: Vec<_> = traits.iter().map(|t| (t.name.as_str(), kind(t))).collect();
    assert_eq!(found, kinds);
    service.stop().await;
}
