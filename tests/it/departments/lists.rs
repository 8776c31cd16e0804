//! Lists of which a part is hidden: no page is shorter for it, and no total tells how much it is.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn pages_pass_over_hidden_identifiers_and_traits() {
    let service = Service::with(
        Database::new().await,
        &[
            (
                "CUSTOMER_PROFILE_DEPARTMENTS__B__HIDDEN_NAMESPACES",
                "social_handle, device_id",
            ),
            ("CUSTOMER_PROFILE_DEPARTMENTS__B__HIDDEN_TRAITS", "t1, t2"),
        ],
    )
    .await;
    let mut sent = Vec::new();
    for n in 0..40 {
        let (email, device, cookie) = (
            format!("social_handle=h{n}"),
            format!("device_id=d{n}"),
            format!("cookie=k{n}"),
        );
        sent.push(make::seen(
            &n.to_string(),
            n,
            &[WHO, &email, &device, &cookie],
        ));
    }
    for n in 0..5 {
        let name = format!("t{n}");
        sent.push(make::stating(
            &name.clone(),
            100,
            WHO,
            &[(&name, make::text("x"))],
        ));
    }
    service.record_all(sent).await;
    let (mut token, mut seen, mut pages) = (String::new(), Vec::new(), 0);
    loop {
        let request = ListIdentifiersRequest {
            lookup: make::by(WHO),
            page_size: 7,
            page_token: token,
            ..ListIdentifiersRequest::default()
        };
        let page = service
            .profiles()
            .list_identifiers(as_of("b", request))
            .await;
        let page = page.unwrap().into_inner();
        pages += 1;
        seen.extend(page.identifiers.into_iter().map(|i| (i.namespace, i.value)));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!((seen.len(), pages), (41, 6));
    assert!(
        seen.iter()
            .all(|(namespace, _)| namespace == "cookie" || namespace == "customer_id")
    );
    let request = ListTraitsRequest {
        lookup: make::by(WHO),
        page_size: 2,
        ..ListTraitsRequest::default()
    };
    let page = service.profiles().list_traits(as_of("b", request)).await;
    let page = page.unwrap().into_inner();
    let names: Vec<&str> = page.traits.iter().map(|t| &*t.name).collect();
    assert_eq!((names, page.total), (vec!["t0", "t3"], 0));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_cut_after_what_is_hidden_is_left_out() {
    let hidden: Vec<String> = (0..60).map(|n| format!("a{n:03}")).collect();
    let hidden = hidden.join(", ");
    let service = Service::with(
        Database::new().await,
        &[
            (
                "CUSTOMER_PROFILE_DEPARTMENTS__B__HIDDEN_NAMESPACES",
                "social_handle",
            ),
            ("CUSTOMER_PROFILE_DEPARTMENTS__B__HIDDEN_TRAITS", &hidden),
        ],
    )
    .await;
    // 40 e-mail addresses, which are stronger than 300 cookies; 60 traits that are hidden before 300 that are not.
    let mut sent = Vec::new();
    for n in 0..300 {
        let (email, cookie) = (format!("social_handle=h{}", n % 40), format!("cookie=k{n}"));
        sent.push(make::seen(&n.to_string(), n, &[WHO, &email, &cookie]));
    }
    let names: Vec<String> = (0..60)
        .map(|n| format!("a{n:03}"))
        .chain((0..300).map(|n| format!("b{n:03}")))
        .collect();
    for part in names.chunks(60) {
        let traits: Vec<_> = part.iter().map(|n| (&**n, make::text("x"))).collect();
        sent.push(make::stating(&part[0], 1_000, WHO, &traits));
    }
    service.record_all(sent).await;
    let shown = |profile: &Profile| {
        let of = |namespace| {
            let identifiers = profile.identifiers.iter();
            identifiers.filter(|i| i.namespace == namespace).count()
        };
        let open = profile.traits.iter().filter(|t| t.name.starts_with('b'));
        let traits = (profile.traits.len(), open.count());
        (
            (of("customer_id"), of("social_handle"), of("cookie")),
            traits,
        )
    };
    let mut profiles = service.profiles();
    let mut identities = service.identities();
    for (department, identifiers, traits) in [
        ("sales", (1, 40, 215), (256, 196)),
        ("b", (1, 0, 255), (256, 256)),
    ] {
        let request = GetProfileRequest {
            lookup: make::by(WHO),
            ..GetProfileRequest::default()
        };
        let got = profiles.get_profile(as_of(department, request)).await;
        let got = got.unwrap().into_inner().profile.unwrap();
        assert_eq!(shown(&got), (identifiers, traits), "{department}");

        let request = BatchGetProfilesRequest {
            lookups: vec![make::by("cookie=none").unwrap(), make::by(WHO).unwrap()],
            ..BatchGetProfilesRequest::default()
        };
        let batch = profiles
            .batch_get_profiles(as_of(department, request))
            .await;
        let results = batch.unwrap().into_inner().results;
        assert_eq!(results[1].profile.as_ref(), Some(&got));

        let request = SearchProfilesRequest {
            last_seen_from: make::at(0),
            ..SearchProfilesRequest::default()
        };
        let found = profiles.search_profiles(as_of(department, request)).await;
        assert_eq!(
            found.unwrap().into_inner().profiles,
            std::slice::from_ref(&got)
        );

        let request = ExplainIdentityRequest {
            lookup: make::by(WHO),
            ..ExplainIdentityRequest::default()
        };
        let why = identities
            .explain_identity(as_of(department, request))
            .await;
        let mut why = why.unwrap().into_inner();
        for identifier in &mut why.identifiers {
            // Only an explanation says these.
            (identifier.hub, identifier.shared) = (None, None);
            (identifier.contested, identifier.apart) = (None, None);
        }
        assert_eq!(why.identifiers, got.identifiers);
    }
    service.stop().await;
}
