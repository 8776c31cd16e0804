//! Redis Streams as a sink: one stream a bucket, bounded.
//!
//! What must stay true: the number of the bucket is the hash tag of the stream's name, so that on a cluster keys of a consumer that name
//! it too lie beside the stream, and one transaction or script of theirs can hold both.

use redis::{Cmd, Pipeline};
use tokio::sync::Mutex;

use super::{
    Sink, SinkError,
    event::{BUCKETS, Event},
};
use crate::{
    cache::redis::{Unusable, connect},
    config::Secret,
};

/// Events that are sent at a time.
const TOGETHER: usize = 200;

/// Where events go, and how many are kept there.
#[derive(Clone, Debug)]
pub struct Options {
    /// Redis: addresses between commas, as of the caches.
    pub url: Secret<String>,
    /// What the names of streams begin with.
    pub prefix: String,
    /// About how many events each stream keeps.
    pub kept: u64,
}

/// Streams in Redis.
#[derive(Debug)]
pub struct RedisStreams {
    options: Options,
    lane: Mutex<Option<connect::Lane>>,
}

impl RedisStreams {
    /// Connects when it is first used.
    ///
    /// # Errors
    /// When the address is none.
    pub fn new(options: Options) -> Result<Self, Unusable> {
        connect::clients(options.url.expose())?;
        Ok(Self {
            options,
            lane: Mutex::new(None),
        })
    }

    fn add(&self, event: &Event) -> Cmd {
        let mut command = Cmd::new();
        command
            .arg("XADD")
            .arg(stream(&self.options.prefix, event.bucket));
        command.arg("MAXLEN").arg("~");
        command.arg(self.options.kept).arg("*");
        command.arg("event").arg(&event.body);
        command
    }
}

/// The name of the stream of a bucket.
fn stream(prefix: &str, bucket: u64) -> String {
    format!("{prefix}:feed:{{{bucket}}}")
}

impl Sink for RedisStreams {
    const NAME: &'static str = "redis";

    async fn put(&self, events: &[Event]) -> Result<(), SinkError> {
        let mut held = self.lane.lock().await;
        if held.is_none() {
            *held = connect::lanes(self.options.url.expose(), 1).await?.pop();
        }
        let lane = held.as_mut().ok_or("there is no address")?;
        for bucket in 0..BUCKETS {
            let of_bucket: Vec<&Event> = events.iter().filter(|e| e.bucket == bucket).collect();
            for some in of_bucket.chunks(TOGETHER) {
                let mut pipeline = Pipeline::with_capacity(some.len());
                for event in some {
                    pipeline.add_command(self.add(event));
                }
                let taken: Result<Vec<String>, _> = pipeline.query_async(lane).await;
                if let Err(error) = taken {
                    // With a new connection.
                    *held = None;
                    return Err(error.into());
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_is_the_hash_tag_of_its_stream() {
        assert_eq!(stream("shop", 15), "shop:feed:{15}");
    }
}
