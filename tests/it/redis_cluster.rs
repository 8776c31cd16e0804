//! What the caches and the relay do with a Redis Cluster of three nodes.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use customer_profile::{
    cache::{
        memory::Changed,
        redis::{Options, Tier, Value},
        rule::Age,
        sealed::{Epoch, Kind, Seal},
    },
    config::Secret,
    identity::HashSecret,
    ids::{ProfileId, TenantId},
    proto::v1::{GetProfileResponse, ReadSource},
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::harness::{
    Database, Service,
    calls::getting,
    cluster::SECRET,
    make,
    redis_cluster::RedisCluster,
    wait::{in_time, until},
};

fn seal() -> Seal {
    Seal::new(&HashSecret::new(SECRET.as_bytes()).unwrap())
}

/// A tier on some nodes, and what it hears.
struct Instance {
    tier: Arc<Tier>,
    heard: mpsc::UnboundedReceiver<Vec<u8>>,
    stop: CancellationToken,
}

impl Instance {
    async fn start(url: String) -> Self {
        let options = Options {
            url: Secret::new(url),
            connections: 2,
            budget: Duration::from_secs(5),
            pause: Duration::from_millis(100),
        };
        let tier = Tier::new(options, seal()).unwrap();
        let (hear, heard) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let hearing = move |message: &[u8]| {
            // Nobody may listen any more.
            let _ = hear.send(message.to_vec());
        };
        tokio::spawn(Arc::clone(&tier).keep_connected(hearing, stop.clone()));
        until("it is connected", async || tier.is_connected()).await;
        Self { tier, heard, stop }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn value(name: &str, version: i64) -> Value {
    Value {
        tenant: TenantId::default_tenant(),
        name: name.into(),
        age: Age {
            version,
            position: 9,
        },
        kind: Kind::Document,
        contents: version.to_string().into_bytes(),
        lifetime: Duration::from_mins(1),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn values_turns_and_messages_find_their_nodes() {
    let Some(cluster) = RedisCluster::start("cluster_tier").await else {
        return;
    };
    // Nobody answers at the first of the addresses.
    let away = format!("redis://127.0.0.1:1,{}", cluster.url_of(0));
    let one = Instance::start(away).await;
    let mut two = Instance::start(cluster.url_of(2)).await;
    let tenant = TenantId::default_tenant();

    let names: Vec<String> = (0..200).map(|n| format!("cp1:test:{n}")).collect();
    let put = async |instance: &Instance, version| {
        let values: Vec<Value> = names.iter().map(|name| value(name, version)).collect();
        instance.tier.put(&values).await;
    };
    put(&one, 2).await;
    put(&two, 1).await;
    let held = two.tier.get(&tenant, &names).await.unwrap();
    let newer = Some((Kind::Document, b"2".to_vec()));
    assert!(held.iter().all(|held| *held == newer), "none is older");
    put(&two, 3).await;
    let held = one.tier.get(&tenant, &names).await.unwrap();
    let newest = Some((Kind::Document, b"3".to_vec()));
    assert!(held.iter().all(|held| *held == newest));
    let on_nodes: Vec<i64> = cluster.ask(&["DBSIZE"]).await;
    assert!(on_nodes.iter().all(|names| *names > 20), "{on_nodes:?}");

    let turn = Duration::from_mins(1);
    assert!(one.tier.take_turn("cp1:turn", "one", turn).await);
    assert!(!two.tier.take_turn("cp1:turn", "two", turn).await);
    one.tier.give_back("cp1:turn", "one").await;
    assert!(two.tier.take_turn("cp1:turn", "two", turn).await);

    let epoch = Epoch(7);
    let change = Changed {
        profile: ProfileId::from_uuid(Uuid::from_u128(1)),
        version: 3,
        position: 4,
    };
    // Within its shard alone, which one node has.
    until("it listens", async || {
        let listening: Vec<Vec<String>> = cluster.ask(&["PUBSUB", "SHARDCHANNELS"]).await;
        listening.iter().flatten().count() == 1
    })
    .await;
    let message = async |instance: &mut Instance| {
        loop {
            one.tier.tell(epoch, &[change]).await;
            let waited = Duration::from_millis(200);
            if let Ok(message) = tokio::time::timeout(waited, instance.heard.recv()).await {
                return message.unwrap();
            }
        }
    };
    let heard = in_time("a message", message(&mut two)).await;
    assert_eq!(seal().hear(epoch, &heard), Some(vec![change]));
    let on_all: Vec<Vec<String>> = cluster.ask(&["PUBSUB", "CHANNELS"]).await;
    assert_eq!(on_all.iter().flatten().count(), 0);
}

fn source(response: &GetProfileResponse) -> ReadSource {
    response.read_info.as_ref().unwrap().source()
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_share_reads_and_the_relay_fills_its_streams() {
    let Some(cluster) = RedisCluster::start("cluster_service").await else {
        return;
    };
    let (all, relay) = (
        [0, 1, 2].map(|node| cluster.url_of(node)).join(","),
        cluster.url_of(1),
    );
    let settings = [
        ("REDIS_URL", all.as_str()),
        ("CUSTOMER_PROFILE_CACHE__REDIS_TIMEOUT_MS", "1000"),
        ("CUSTOMER_PROFILE_RELAY__REDIS_URL", relay.as_str()),
        ("CUSTOMER_PROFILE_RELAY__PREFIX", "shop"),
    ];
    let database = Database::new().await;
    let mut services = Vec::new();
    for _ in 0..2 {
        let service = Service::with(database.clone(), &settings).await;
        until("redis is connected", async || {
            let caches = service.server().reader().caches();
            caches.redis().unwrap().is_connected()
        })
        .await;
        services.push(service);
    }
    let [one, two] = &services[..] else {
        panic!("two instances");
    };
    let mut seen = BTreeSet::new();
    let who: Vec<String> = (0..20).map(|n| format!("email=c{n}@example.com")).collect();
    for who in &who {
        one.record_one(make::seen(who, 0, &[who])).await;
        let mut ask = one.profiles();
        ask.get_profile(getting(who)).await.unwrap();
    }
    for who in &who {
        let answer = two.profiles().get_profile(getting(who)).await;
        seen.insert(source(&answer.unwrap().into_inner()));
    }
    assert!(seen.contains(&ReadSource::Redis), "{seen:?}");

    let mut events = 0;
    until("the relay has handed over all", async || {
        events = 0;
        for bucket in 0..16 {
            let stream = format!("shop:feed:{{{bucket}}}");
            events += cluster.ask_any::<usize>(&["XLEN", &stream]).await;
        }
        events >= who.len()
    })
    .await;
    assert_eq!(events, who.len());
    for service in services {
        service.stop().await;
    }
}
