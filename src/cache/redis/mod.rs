//! The tier that instances have in common: Redis, alone or as a cluster.
//!
//! What must stay true: no call waits for it longer than its budget, and nothing fails because of it: an answer that does not
//! come, or is not ours, is as if nothing were kept. One that fails is left alone for a while. A value never takes the place of
//! a newer one (`NEWER`), whoever writes it and however late.

pub(crate) mod connect;

use std::{
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use redis::{Cmd, FromRedisValue, RedisError, RedisFuture, Script, aio::ConnectionLike};

use super::{
    memory::Changed,
    rule::Age,
    sealed::{CHANNEL, Epoch, Kind, Seal},
};
use crate::{
    breaker::{Admission, Breaker, End, Shown},
    config::Secret,
    ids::TenantId,
    telemetry::names,
};

use connect::Lane;

/// Puts a value in the place of an older one or of none. KEYS: its name. ARGV: its age, the rest of it, milliseconds to live.
const NEWER: &str = "
local held = redis.call('GETRANGE', KEYS[1], 0, 31)
if #held == 32 and held >= ARGV[1] then
    return 0
end
redis.call('SET', KEYS[1], ARGV[1] .. ARGV[2], 'PX', ARGV[3])
return 1";

/// Gives a turn back, if it is still ours. KEYS: its name. ARGV: whose.
const GIVE_BACK: &str = "
if redis.call('GET', KEYS[1]) == ARGV[1] then
    return redis.call('DEL', KEYS[1])
end
return 0";

/// Values that are put at a time.
const TOGETHER: usize = 64;

/// Bytes of values after which no more are put at a time.
const BYTES: usize = 1 << 20;

/// How to reach and use it.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it is: addresses between commas, `redis://`, `rediss://` or `unix://`. Of a cluster any of its nodes will do.
    pub url: Secret<String>,
    /// Connections for values.
    pub connections: usize,
    /// The longest that a call waits for it.
    pub budget: Duration,
    /// How long it is left alone after it failed; longer when it goes on failing.
    pub pause: Duration,
}

/// Why Redis cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cache.redis_url or relay.redis_url is not the address of a Redis")]
pub struct Unusable(#[from] RedisError);

/// A value to keep.
#[derive(Debug)]
pub struct Value {
    /// Whose.
    pub tenant: TenantId,
    /// Its name.
    pub name: String,
    /// What orders it.
    pub age: Age,
    /// What it is.
    pub kind: Kind,
    /// What is in it.
    pub contents: Vec<u8>,
    /// How long it lives.
    pub lifetime: Duration,
}

/// Redis.
#[derive(Debug)]
pub struct Tier {
    options: Options,
    seal: Seal,
    lanes: RwLock<Vec<Lane>>,
    breaker: Mutex<Breaker>,
    begun: Instant,
    newer: Script,
    give_back: Script,
}

impl Tier {
    /// Not yet connected: [`Self::keep_connected`] does that.
    ///
    /// # Errors
    /// When the address is none.
    pub fn new(options: Options, seal: Seal) -> Result<Arc<Self>, Unusable> {
        connect::clients(options.url.expose())?;
        let tier = Self {
            breaker: Mutex::new(Breaker::new(options.pause)),
            options,
            seal,
            lanes: RwLock::default(),
            begun: Instant::now(),
            newer: Script::new(NEWER),
            give_back: Script::new(GIVE_BACK),
        };
        tier.show(Shown::Closed);
        Ok(Arc::new(tier))
    }

    /// Whether it has been reached.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        let lanes = self.lanes.read().unwrap_or_else(PoisonError::into_inner);
        !lanes.is_empty()
    }

    /// Whether it has been reached and is not left alone.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        let breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = breaker.shown();
        drop(breaker);
        shown == Shown::Closed && self.is_connected()
    }

    fn lane(&self, name: &str) -> Option<Lane> {
        let hash = name.bytes().fold(0_usize, |hash, byte| {
            hash.wrapping_mul(31).wrapping_add(usize::from(byte))
        });
        let lanes = self.lanes.read().unwrap_or_else(PoisonError::into_inner);
        lanes.get(hash.checked_rem(lanes.len())?).cloned()
    }

    /// Reads values of a tenant; those that are none of ours are left out.
    pub async fn get(
        &self,
        tenant: &TenantId,
        names: &[String],
    ) -> Option<Vec<Option<(Kind, Vec<u8>)>>> {
        if names.is_empty() {
            return Some(Vec::new());
        }
        let lanes: Option<Vec<Lane>> = names.iter().map(|name| self.lane(name)).collect();
        let asked = names.iter().zip(lanes?).map(|(name, mut lane)| async move {
            let mut command = Cmd::new();
            command.arg("GET").arg(name);
            command.query_async::<Option<Vec<u8>>>(&mut lane).await
        });
        let answers = self.call("get", join_all(asked), |answers| {
            answers.iter().all(Result::is_ok)
        });
        let answers = answers.await?;
        let opened = names.iter().zip(answers).map(|(name, answer)| {
            let value = answer.ok().flatten()?;
            let (kind, contents) = self.seal.open((tenant, name), &value)?;
            Some((kind, contents.to_vec()))
        });
        Some(opened.collect())
    }

    /// Keeps values, unless newer ones are there: some at a time, so that many do not take the budget of each other, nor keep others
    /// on the same connections waiting. Where some are not taken the rest is not tried.
    pub async fn put(&self, values: &[Value]) {
        for some in portions(values) {
            if !self.put_some(some).await {
                return;
            }
        }
    }

    async fn put_some(&self, values: &[Value]) -> bool {
        let asked = values.iter().filter_map(|value| {
            let mut lane = self.lane(&value.name)?;
            let whose = (&value.tenant, value.name.as_str());
            let sealed = self
                .seal
                .seal(whose, value.age, value.kind, &value.contents);
            let life = u64::try_from(value.lifetime.as_millis()).unwrap_or(u64::MAX);
            let mut script = self.newer.key(&value.name);
            script.arg(value.age.text()).arg(sealed).arg(life.max(1));
            Some(async move { script.invoke_async::<i64>(&mut lane).await })
        });
        let all_well = |answers: &Vec<Result<_, _>>| answers.iter().all(Result::is_ok);
        let answers = self.call("put", join_all(asked), all_well).await;
        answers.as_ref().is_some_and(all_well)
    }

    /// Whether it is our turn to do what only one of all should do. No answer is a yes.
    pub async fn take_turn(&self, name: &str, whose: &str, at_most: Duration) -> bool {
        let Some(mut lane) = self.lane(name) else {
            return true;
        };
        let life = u64::try_from(at_most.as_millis()).unwrap_or(u64::MAX);
        let mut command = Cmd::new();
        command.arg("SET").arg(name).arg(whose);
        command.arg("NX").arg("PX").arg(life);
        let asked = async move { command.query_async::<Option<String>>(&mut lane).await };
        let answer = self.call("turn", asked, Result::is_ok).await;
        !matches!(answer, Some(Ok(None)))
    }

    /// Gives a turn back.
    pub async fn give_back(&self, name: &str, whose: &str) {
        let Some(mut lane) = self.lane(name) else {
            return;
        };
        let mut script = self.give_back.key(name);
        script.arg(whose);
        let asked = async move { script.invoke_async::<i64>(&mut lane).await };
        self.call("turn", asked, Result::is_ok).await;
    }

    /// Tells other instances of changes.
    pub async fn tell(&self, epoch: Epoch, changes: &[Changed]) {
        let Some(mut lane) = self.lane(CHANNEL) else {
            return;
        };
        let message = self.seal.tell(epoch, changes);
        let mut command = Cmd::new();
        command.arg(lane.publish()).arg(CHANNEL).arg(message);
        let asked = async move { command.query_async::<i64>(&mut lane).await };
        self.call("publish", asked, Result::is_ok).await;
    }

    /// A call within its budget, unless Redis is left alone.
    async fn call<T>(
        &self,
        operation: &'static str,
        work: impl Future<Output = T>,
        well: impl FnOnce(&T) -> bool,
    ) -> Option<T> {
        let admission = self.with_breaker(Breaker::admit)?;
        let mut turn = Turn {
            tier: self,
            admission: Some(admission),
        };
        let began = Instant::now();
        let answer = tokio::time::timeout(self.options.budget, work).await.ok();
        let went_well = answer.as_ref().is_some_and(well);
        turn.end(if went_well { End::Well } else { End::Badly });
        let outcome = match (&answer, went_well) {
            (_, true) => "ok",
            (Some(_), false) => "failed",
            (None, _) => "timeout",
        };
        metrics::histogram!(names::REDIS_SECONDS, "operation" => operation, "outcome" => outcome)
            .record(began.elapsed().as_secs_f64());
        answer
    }

    fn with_breaker<T>(&self, work: impl FnOnce(&mut Breaker, Duration) -> T) -> T {
        let mut breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        let before = breaker.shown();
        let done = work(&mut breaker, self.begun.elapsed());
        let after = breaker.shown();
        drop(breaker);
        if before != after {
            self.show(after);
            match after {
                Shown::Open if before == Shown::Closed => {
                    tracing::warn!("redis does not answer in time and is left alone for a while");
                }
                Shown::Closed => tracing::info!("redis answers again"),
                Shown::Open | Shown::Probing => (),
            }
        }
        done
    }

    #[expect(clippy::unused_self, reason = "it is what this tier is")]
    fn show(&self, now: Shown) {
        for (state, label) in [
            (Shown::Closed, "closed"),
            (Shown::Open, "open"),
            (Shown::Probing, "probing"),
        ] {
            metrics::gauge!(names::REDIS_BREAKER, "state" => label)
                .set(f64::from(u8::from(state == now)));
        }
    }
}

/// A call that has to end.
struct Turn<'a> {
    tier: &'a Tier,
    admission: Option<Admission>,
}

impl Turn<'_> {
    fn end(&mut self, end: End) {
        if let Some(admission) = self.admission.take() {
            self.tier
                .with_breaker(|breaker, now| breaker.ended(admission, end, now));
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.end(End::Unknown);
    }
}

impl ConnectionLike for Lane {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, redis::Value> {
        match self {
            Self::Alone(connection) => connection.req_packed_command(command),
            Self::Cluster { connection, .. } => connection.req_packed_command(command),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a redis::Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<redis::Value>> {
        match self {
            Self::Alone(connection) => connection.req_packed_commands(pipeline, offset, count),
            Self::Cluster { connection, .. } => {
                connection.req_packed_commands(pipeline, offset, count)
            }
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Alone(connection) => connection.get_db(),
            Self::Cluster { connection, .. } => connection.get_db(),
        }
    }
}

/// What Redis answered to a command.
async fn asked<T: FromRedisValue>(
    lane: &mut impl ConnectionLike,
    words: &[&str],
) -> Result<T, RedisError> {
    let mut command = Cmd::new();
    for word in words {
        command.arg(word);
    }
    command.query_async(lane).await
}

/// Values as they are put: some at a time.
fn portions(mut values: &[Value]) -> impl Iterator<Item = &[Value]> {
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |value: &&Value| {
            let fits = bytes < BYTES;
            bytes += value.contents.len();
            fits
        };
        let count = values.iter().take(TOGETHER).take_while(fits).count();
        let (some, rest) = values.split_at(count);
        values = rest;
        (!some.is_empty()).then_some(some)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_put_some_at_a_time() {
        let value = |bytes: usize| Value {
            tenant: TenantId::default_tenant(),
            name: String::new(),
            age: Age {
                version: 1,
                position: 1,
            },
            kind: Kind::Document,
            contents: vec![0; bytes],
            lifetime: Duration::from_secs(1),
        };
        let sizes = |values: &[Value]| portions(values).map(<[_]>::len).collect::<Vec<_>>();
        assert_eq!(sizes(&[]), [0; 0]);
        let small: Vec<Value> = (0..150).map(|_| value(10)).collect();
        assert_eq!(sizes(&small), [64, 64, 22]);
        let large: Vec<Value> = (0..5).map(|_| value(BYTES / 2)).collect();
        assert_eq!(sizes(&large), [2, 2, 1]);
        assert_eq!(sizes(&[value(3 * BYTES), value(1)]), [1, 1]);
    }
}
