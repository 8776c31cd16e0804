//! Analysing stored texts anew, while others record, merge and retract, and while it is killed.

use std::{sync::Arc, time::Duration};

use customer_profile::{
    clock::Clock,
    ids::{self, TenantId},
    ingest::{
        reanalyze::{Came, Work, run},
        record::{Item, record},
    },
    lookup::Who,
    past::{self, EVER, Then},
    profile::feelings::counted,
    proto::v1::{
        AnalysisMethod, Interaction, MergeProfilesRequest, ReanalyzeInteractionsRequest,
        ReanalyzeInteractionsResponse, SeparateIdentifiersRequest,
    },
    sentiment::{Analysis, Feeling, Label, Language, Options, Reader},
    storage::reanalyses,
    tenants::Tenants,
};
use tonic::{Code, Request};

use crate::{
    harness::{
        Database, Service,
        calls::retracting,
        in_full, make, population,
        process::program,
        pure::{self, Heard, keyed},
        refused::{assert_invalid, refused},
        say, send,
        service::{tenants, with_metadata},
        wait::until,
    },
    imports::{printed, run as run_program},
};

/// What a text says by its bytes and a factor, so that it is always the same, and of each version another thing.
fn reading(text: &str, factor: u32) -> Analysis {
    let sum: u32 = text.bytes().map(u32::from).sum::<u32>() * factor;
    let mut analysis = Analysis::empty(Language::Japanese);
    if sum.is_multiple_of(5) {
        return analysis;
    }
    let polarity = i16::try_from(sum % 2_001).unwrap() - 1_000;
    analysis.feeling = Some(Feeling {
        polarity,
        label: match polarity {
            250.. => Label::Positive,
            ..=-250 => Label::Negative,
            _ => Label::Neutral,
        },
        confidence: 700,
        probabilities: [200, 300, 500],
    });
    analysis.leaving = sum.is_multiple_of(3);
    analysis
}

pub const OLD: Reader = Reader {
    version: 11,
    read: |text: &str, _: &Options<'_>| reading(text, 1),
};

pub const NEW: Reader = Reader {
    version: 12,
    read: |text: &str, _: &Options<'_>| reading(text, 7),
};

pub async fn ask(service: &Service, operation: &str) -> ReanalyzeInteractionsResponse {
    let request = ReanalyzeInteractionsRequest {
        operation_id: operation.into(),
    };
    let answer = service.sentiments().reanalyze_interactions(request).await;
    answer.unwrap().into_inner()
}

pub async fn done(service: &Service, operation: &str) -> ReanalyzeInteractionsResponse {
    let mut last = ReanalyzeInteractionsResponse::default();
    until("all is analysed anew", async || {
        last = ask(service, operation).await;
        assert!((0.0..=1.0).contains(&last.progress));
        last.done
    })
    .await;
    last
}

/// How many analyses of the built-in analyzer are stored, of a version.
async fn stored(database: &Database, version: u32) -> i64 {
    let mut connection = database.connect().await;
    sqlx::query_scalar("SELECT count(*) FROM analyses WHERE method = 3 AND version = $1")
        .bind(i32::try_from(version).unwrap())
        .fetch_one(&mut connection)
        .await
        .unwrap()
}

fn number(length: usize) -> i64 {
    i64::try_from(length).unwrap()
}

/// Records as a release did that read no texts.
async fn record_unread(service: &Service, interactions: &[Interaction]) {
    let opened = service.server().opened();
    let tenant = opened.tenants.open(&TenantId::default_tenant()).await;
    let tenant = tenant.unwrap();
    let prepared = pure::unread(interactions).into_iter();
    let items: Vec<Item> = prepared
        .map(|prepared| Item::plain(prepared, None))
        .collect();
    let context = tenant.context(&opened.secret);
    for items in items.chunks(200) {
        record(&opened.storage, context, items, Duration::from_mins(1))
            .await
            .unwrap();
    }
}

/// Of all analyses those of one method and version.
fn only(heard: &Heard, version: u32) -> Heard {
    let of_version = |(id, all): (&_, &Vec<_>)| {
        let kept: Vec<customer_profile::proto::v1::Analysis> = all
            .iter()
            .filter(|one: &&customer_profile::proto::v1::Analysis| one.model_version == version)
            .cloned()
            .collect();
        (!kept.is_empty()).then_some((*id, kept))
    };
    heard.iter().filter_map(of_version).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_model_reads_everything_while_others_record_merge_and_retract() {
    let (count, people) = if in_full() {
        (9_000, 1_500)
    } else {
        (900, 120)
    };
    let all = population::interactions(91, 2 * count, people);
    let (before, meanwhile) = all.split_at(count);
    let (unread, read) = before.split_at(count / 3);
    let old = Service::reading(Database::new().await, &[], OLD).await;
    record_unread(&old, unread).await;
    let batches = read.chunks(200).map(<[_]>::to_vec).collect();
    let tally = send::unary(old.interactions(), batches).await;
    assert_eq!(tally.others, Vec::<String>::new());
    old.assert_agrees().await;
    let database = old.database.clone();
    let was = pure::stored_analyses(&database).await;
    old.stop().await;

    let new = Service::reading(database.clone(), &[], NEW).await;
    let other = Service::reading(database.clone(), &[], NEW).await;
    let first = ask(&new, "anew").await;
    assert_eq!((first.model_version, first.done), (NEW.version, false));
    let sending: Vec<_> = meanwhile
        .chunks(count / 4)
        .enumerate()
        .map(|(n, part)| {
            let by = if n % 2 == 0 { &new } else { &other };
            let batches: Vec<_> = part.chunks(15).map(<[_]>::to_vec).collect();
            tokio::spawn(send::unary(by.interactions(), batches))
        })
        .collect();
    let mut retracted = 0;
    for n in 0..12 {
        let merge = MergeProfilesRequest {
            operation_id: format!("merge {n}"),
            reason: "a test".into(),
            target: make::by(&format!("customer_id=C-{:06}", 7 * n + 1)),
            source: make::by(&format!("email=person{}@mail.example.jp", 9 * n + 3)),
            dry_run: false,
        };
        // Some are refused, which is as good.
        let _ = new.identities().merge_profiles(merge).await;
        let separate = SeparateIdentifiersRequest {
            operation_id: format!("separate {n}"),
            reason: "a test".into(),
            identifiers: vec![make::identifier(&format!(
                "email=person{}@example.com",
                5 * n
            ))],
            ..SeparateIdentifiersRequest::default()
        };
        let _ = other.identities().separate_identifiers(separate).await;
        let one = &before[n * (count / 12)];
        retracted += retract(&new, one).await;
    }
    assert_eq!(retracted, 12);
    for sent in sending {
        assert_eq!(sent.await.unwrap().others, Vec::<String>::new());
    }
    let ended = done(&new, "anew").await;
    say(format_args!("re-analysis: {ended:?}"));
    assert!(ended.analyzed > number(count / 10) && ended.identifiers > 0);

    let gone: Vec<&str> = (0..12)
        .map(|n| before[n * (count / 12)].event_id.as_str())
        .collect();
    let left: Vec<Interaction> = all
        .iter()
        .filter(|one| !gone.contains(&one.event_id.as_str()))
        .cloned()
        .collect();
    let texts = pure::read_by(&left, NEW);
    let heard = pure::stored_analyses(&database).await;
    let newest = only(&heard, NEW.version);
    for (id, wanted) in &texts {
        assert_eq!(newest.get(id), Some(wanted), "every text is read");
    }
    let decisions = pure::recorded_decisions(&database).await;
    assert!(decisions.len() > 5);
    let expected = pure::expected_hearing(&left, &decisions, &texts);
    assert_eq!(new.digest("default").await, expected.digest);
    new.assert_agrees().await;
    let olds = stored(&database, OLD.version).await;
    assert_eq!(olds, number(was.len()), "no fact went");

    // Asked again, it is as it was; another finds nothing to do.
    assert_eq!(ask(&other, "anew").await, ended);
    let second = done(&other, "another").await;
    assert_eq!((second.analyzed, second.identifiers > 0), (0, true));
    assert_eq!(new.digest("default").await, expected.digest);
    new.stop().await;
    other.stop().await;
}

pub async fn retract(service: &Service, one: &Interaction) -> usize {
    use customer_profile::proto::v1::retract_interactions_request::Selection;
    let mut request = retracting(&format!("retract {}", one.event_id), &[&one.event_id]);
    if let Some(Selection::References(of)) = &mut request.selection {
        of.references[0].source.clone_from(&one.source);
    }
    let answer = service.retract(request).await.unwrap();
    usize::try_from(answer.retracted).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_killed_is_taken_up_and_nothing_is_done_twice() {
    let count = if in_full() { 6_000 } else { 1_500 };
    let interactions = population::interactions(92, count, count / 10);
    let service = Service::reading(Database::new().await, &[], OLD).await;
    let batches = interactions.chunks(300).map(<[_]>::to_vec).collect();
    send::unary(service.interactions(), batches).await;
    let opened = service.server().opened();
    let tenant = TenantId::default_tenant();
    let version = i32::try_from(NEW.version).unwrap();
    let mut connection = opened.storage.acquire().await.unwrap();
    reanalyses::begin(&mut connection, &tenant, "anew", version)
        .await
        .unwrap();
    drop(connection);

    // The service is of the older release, and leaves it alone.
    let newer: Arc<Tenants> = Arc::new(tenants(&opened.storage, NEW));
    let holder = ids::draw_instance_id();
    let mut kills = 0;
    let mut pause = 20;
    loop {
        let (storage, secret) = (opened.storage.clone(), opened.secret.clone());
        let (newer, tenant) = (Arc::clone(&newer), tenant.clone());
        let work = tokio::spawn(async move {
            let tenant = newer.open(&tenant).await.unwrap();
            let work = Work {
                operation: "anew",
                listening: &tenant.listening,
                holder,
            };
            run(&storage, tenant.context(&secret), work).await.unwrap()
        });
        let abort = work.abort_handle();
        let killer = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            abort.abort();
        });
        let ended = work.await;
        killer.abort();
        match ended {
            Ok(came) => {
                assert_eq!(came, Came::ToTheEnd);
                break;
            }
            Err(_) => kills += 1,
        }
        pause += pause / 4;
        service.assert_agrees().await;
        assert!(kills < 200, "it comes on");
    }
    let heard = pure::read_by(&interactions, NEW);
    let progress = ask(&service, "anew").await;
    say(format_args!("killed {kills} times: {progress:?}"));
    assert!(kills > 0);
    assert_eq!(progress.analyzed, number(heard.len()), "each text once");
    assert_eq!(
        stored(&service.database, NEW.version).await,
        progress.analyzed
    );
    let expected = pure::expected_hearing(&interactions, &[], &heard);
    assert_eq!(service.digest("default").await, expected.digest);
    service.assert_agrees().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_known_before_stays_known_as_it_was() {
    const WHO: &str = "customer_id=ana-1";
    let service = Service::reading(Database::new().await, &[], OLD).await;
    let said = Interaction {
        text: Some("nobody answers".into()),
        ..make::seen("1", 10, &[WHO, "email=ana@example.com"])
    };
    let profile = service.record_one(said.clone()).await;
    let version = service.profile(WHO).await.version;
    tokio::time::sleep(Duration::from_millis(10)).await;
    let before = Clock::system().now();
    tokio::time::sleep(Duration::from_millis(10)).await;
    let database = service.database.clone();
    service.stop().await;

    let service = Service::reading(database, &[], NEW).await;
    assert_eq!(done(&service, "anew").await.analyzed, 1);
    let now = service.profile(WHO).await;
    assert_eq!(now.profile_id, profile);
    assert!(now.version > version, "a change like any other");
    let opened = service.server().opened();
    let tenant = opened.tenants.open(&TenantId::default_tenant()).await;
    let tenant = tenant.unwrap();
    let feeling = async |known| {
        let mut snapshot = opened.storage.begin_snapshot().await.unwrap();
        let context = past::Context {
            tenant: &tenant.id,
            region: tenant.region,
            zone: tenant.zone,
            rules: &tenant.resolution,
        };
        let then = Then {
            occurred: EVER,
            known,
        };
        let who = Who::Identifiers(vec![Some(keyed(WHO).key)]);
        let past = past::find(&mut snapshot, context, &who, then).await;
        let past = past.unwrap().unwrap();
        past.state.core().last_feeling.as_ref().unwrap().polarity
    };
    let judged = |reader: Reader| {
        let heard = pure::read_by(std::slice::from_ref(&said), reader);
        let analyses = heard.values().next().unwrap();
        let counts = counted(&said, analyses).unwrap();
        assert_eq!(counts.method, AnalysisMethod::BuiltIn);
        i32::from(counts.polarity)
    };
    assert_ne!(judged(OLD), judged(NEW));
    assert_eq!(feeling(before).await, judged(OLD));
    assert_eq!(feeling(EVER).await, judged(NEW));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_starts_it_waits_and_says_what_came_of_it() {
    let service = Service::reading(Database::new().await, &[], NEW).await;
    let said = Interaction {
        text: Some("nobody answers".into()),
        ..make::seen("1", 10, &["customer_id=ana-1"])
    };
    record_unread(&service, &[said]).await;
    let command = |more: &[&str]| {
        let mut command = program();
        command
            .args(["reanalyze", "--operation-id", "by hand"])
            .args(more)
            .env("CUSTOMER_PROFILE_URL", &service.url);
        command
    };
    let text = printed(command(&[])).await;
    assert_eq!(
        text,
        "model 12: 1 text analysed anew, 1 identifier looked at, done\n"
    );
    let json = printed(command(&["--json", "--no-wait"])).await;
    assert!(json.contains("\"done\": true"), "{json}");
    let mut without = command(&[]);
    without.args(["--to", "http://127.0.0.1:1"]);
    assert!(!run_program(without).await.status.success());
    service.assert_agrees().await;

    let request = |id: &str| ReanalyzeInteractionsRequest {
        operation_id: id.into(),
    };
    let mut client = service.sentiments();
    let empty = client.reanalyze_interactions(request("")).await;
    assert_invalid(&empty.unwrap_err(), &[("operation_id", "required")]);
    let metadata = [("x-permissions", "read,steward")];
    let denied: Request<_> = with_metadata(request("x"), &metadata);
    let denied = client.reanalyze_interactions(denied).await.unwrap_err();
    refused(&denied, Code::PermissionDenied, "permission_denied");
    service.stop().await;
}
