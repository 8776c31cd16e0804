//! Level 2: learned with the situations of decisions, judged by what was decided, and heard only then.

use customer_profile::{
    calendar::Day,
    proto::v1::{
        ActionOutcome, ActionStats, CandidateFate, ChosenAction, ContextualLevel,
        GetActionStatsRequest, PriorityTerms, PropensityLevel, RecordOutcomesRequest,
    },
};
use futures_util::{StreamExt as _, stream};
use sqlx::{Executor as _, PgConnection};

use super::{
    HERO, assert_replays, client, decided, explained, happened, import, learn, tell, tenant,
};
use crate::harness::{Database, Service, make};

const AT_ONCE: usize = 16;

/// Two offers of one worth that look alike while customers are not looked at.
const CATALOGUE: &str = r"
catalogue: 1
policy:
  default_locale: en
  time_zone: Asia/Tokyo
  worth: {currency: JPY, point: 1, floor: 100}
  groups:
    - {name: home, issue: serve}
    - {name: offers, issue: sell}
  channels:
    - {name: web, reach: inbound, pending: 1h}
  placements:
    - {name: hero, channel: web, fallback: home}
  holdouts: {salt: test, epoch: 1, universal: 0.0, random: 0.0}
  exploration: {epsilon: 0.1}
segments:
  - {name: buyers, description: Bought before., rule: order_count > 0}
actions:
  - id: home
    description: The front page.
    issue: serve
    group: home
    channels: [web]
    value: {points: 1}
    attribution_days: 1
    texts: {en: {title: Welcome}}
  - id: more
    description: For those who bought.
    issue: sell
    group: offers
    channels: [web]
    value: {currency: JPY, minor_units: 5000}
    attribution_days: 1
    prior: {propensity: 0.5, evidence: 50}
    texts: {en: {title: More}}
  - id: first
    description: For those who did not yet.
    issue: sell
    group: offers
    channels: [web]
    value: {currency: JPY, minor_units: 5000}
    attribution_days: 1
    prior: {propensity: 0.5, evidence: 50}
    texts: {en: {title: First}}
";

fn buys(person: usize) -> bool {
    person.is_multiple_of(2)
}

fn accepts(person: usize, action: &str) -> bool {
    let suits = match action {
        "more" => buys(person),
        "first" => !buys(person),
        _ => return false,
    };
    // Eight of ten where it suits, two where not.
    (person / 2 % 10 < 8) == suits
}

/// Decides for people and tells what came of it; what each was offered.
async fn offered(service: &Service, people: std::ops::Range<usize>) -> Vec<ChosenAction> {
    let who = |n: usize| format!("email=p{n}@example.com");
    let seen = people.clone().map(|n| {
        if buys(n) {
            make::order(&format!("o{n}"), 0, &who(n), &format!("O{n}"), 900)
        } else {
            make::seen(&format!("s{n}"), 0, &[&who(n)])
        }
    });
    service.record_all(seen.collect()).await;
    let deciding = people.clone().map(|n| async move {
        let answer = decided(service, &who(n), &format!("d{n}"), &[HERO]).await;
        let mut placements = answer.decision.unwrap().placements;
        placements.remove(0).actions.remove(0)
    });
    let chosen: Vec<ChosenAction> = stream::iter(deciding).buffered(AT_ONCE).collect().await;
    let mut outcomes = Vec::new();
    for (n, chosen) in people.zip(&chosen) {
        let id = format!("d{n}");
        let shown = happened(&format!("i{n}"), &id, "", ActionOutcome::Impression);
        outcomes.push(shown);
        if accepts(n, &chosen.action_id) {
            let yes = happened(&format!("y{n}"), &id, "", ActionOutcome::Accepted);
            outcomes.push(yes);
        }
    }
    for some in outcomes.chunks(500) {
        let request = RecordOutcomesRequest {
            outcomes: some.to_vec(),
        };
        client(service).record_outcomes(request).await.unwrap();
    }
    // Decisions that reserve nothing are stored within a second.
    tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
    chosen
}

async fn belief(service: &Service, action: &str) -> ContextualLevel {
    let request = GetActionStatsRequest::default();
    let answer = client(service).get_action_stats(request).await.unwrap();
    let answer = answer.into_inner();
    let of = |one: &&ActionStats| one.action_id == action;
    let found = answer.actions.iter().find(of).unwrap();
    found.channels[0].belief.unwrap().contextual()
}

/// How many were offered what suits them.
fn suited(people: std::ops::Range<usize>, chosen: &[ChosenAction]) -> usize {
    let pairs = people.zip(chosen);
    let suits =
        pairs.filter(|(n, chosen)| chosen.action_id == if buys(*n) { "more" } else { "first" });
    suits.count()
}

/// The weights of a snapshot, as stored.
async fn weights(database: &mut PgConnection, snapshot: u64) -> Vec<u8> {
    sqlx::query_scalar("SELECT contextual FROM action_models WHERE snapshot = $1")
        .bind(i64::try_from(snapshot).unwrap())
        .fetch_one(database)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_situation_is_heard_once_it_was_shown_to_bring_more() {
    let database = Database::new().await;
    let mut connection = database.connect().await;
    let service = Service::with(database, &[]).await;
    import(&service, "first", CATALOGUE).await;
    let level = |chosen: &ChosenAction| chosen.terms.as_ref().map(PriorityTerms::level);

    let before = offered(&service, 0..900).await;
    let contextual = Some(PropensityLevel::Contextual);
    assert!(before.iter().all(|chosen| level(chosen) != contextual));
    let suits = suited(0..900, &before);
    assert!((300..600).contains(&suits), "nobody knows yet: {suits}");
    assert_eq!(belief(&service, "more").await, ContextualLevel::TooFew);
    learn(&service, 1).await;
    assert_eq!(belief(&service, "home").await, ContextualLevel::TooFew);
    assert_eq!(
        belief(&service, "more").await,
        ContextualLevel::NotEvaluated
    );

    // It is known, but nobody has shown that it helps.
    let unheard = offered(&service, 900..1_500).await;
    assert!(unheard.iter().all(|chosen| level(chosen) != contextual));
    learn(&service, 9).await;
    assert_eq!(belief(&service, "more").await, ContextualLevel::Speaks);

    let heard = offered(&service, 1_500..1_600).await;
    let suits = suited(1_500..1_600, &heard);
    assert!(suits >= 80, "{suits} of 100");
    let by_situation = heard.iter().filter(|chosen| level(chosen) == contextual);
    assert!(by_situation.count() >= 80);
    for n in [0, 899, 900, 1_500, 1_599] {
        assert_replays(&service, &format!("d{n}")).await;
    }
    let why = explained(&service, "d1500").await;
    let candidates = why.placements.iter().flat_map(|placed| &placed.candidates);
    let mut believed = candidates.filter(|candidate| {
        candidate.fate() != CandidateFate::Gated && candidate.action_id != "home"
    });
    assert!(believed.all(|candidate| {
        let terms = candidate.terms.as_ref().unwrap();
        let within = terms.propensity_low..terms.propensity_high;
        terms.level() == PropensityLevel::Contextual && within.contains(&terms.propensity)
    }));

    // What is taken back is folded anew, to the same weights as from the beginning.
    for n in (0..900)
        .filter(|n| accepts(*n, &before[*n].action_id))
        .take(30)
    {
        let id = format!("d{n}");
        let no = happened(&format!("n{n}"), &id, "", ActionOutcome::Rejected);
        tell(&service, no).await;
    }
    let corrected = learn(&service, 10).await;
    let folded_on = weights(&mut connection, corrected).await;
    for statement in [
        "DELETE FROM action_models WHERE snapshot = (SELECT max(snapshot) FROM action_models)",
        "UPDATE action_models SET contextual = NULL, standing = NULL",
    ] {
        connection.execute(statement).await.unwrap();
    }
    let desk = service.server().desk();
    let tenant = tenant(&service).await;
    let closed = Day(desk.closed(&tenant).0 + 11);
    let anew = desk.learn(&tenant, closed).await.unwrap().unwrap();
    assert_eq!(weights(&mut connection, anew).await, folded_on);
}
