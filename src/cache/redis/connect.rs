//! Connections to Redis: those for values, and the one on which changes are heard of.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use futures_util::StreamExt as _;
use redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, FromRedisValue as _, IntoConnectionInfo as _,
    ProtocolVersion, PushInfo, PushKind, RedisError,
    aio::{ConnectionManager, ConnectionManagerConfig},
    cluster::{ClusterClient, ClusterClientBuilder},
    cluster_async::ClusterConnection,
    io::tcp::TcpSettings,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Tier, asked};
use crate::cache::sealed::CHANNEL;

/// The longest that making a connection may take.
const CONNECT: Duration = Duration::from_secs(1);

/// How long to wait between two tries.
const AGAIN: Duration = Duration::from_millis(500);

/// A connection that many calls share.
#[derive(Clone)]
pub(crate) enum Lane {
    /// To a Redis.
    Alone(ConnectionManager),
    /// To a cluster.
    Cluster {
        connection: ClusterConnection,
        /// Whether it tells of changes within the shard of the channel alone, rather than on every node: from version 7 on.
        sharded: bool,
    },
}

impl Lane {
    /// By what command others are told.
    pub(super) const fn publish(&self) -> &'static str {
        match self {
            Self::Cluster { sharded: true, .. } => "SPUBLISH",
            Self::Alone(_) | Self::Cluster { .. } => "PUBLISH",
        }
    }
}

impl std::fmt::Debug for Lane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Alone(_) => "Alone(..)",
            Self::Cluster { .. } => "Cluster(..)",
        })
    }
}

/// The nodes that an address names.
pub(crate) fn clients(url: &str) -> Result<Vec<ConnectionInfo>, RedisError> {
    let nodes = url.split(',').map(|node| {
        let tcp = TcpSettings::default().set_nodelay(true);
        let info = node.trim().into_connection_info()?;
        Ok(info.set_tcp_settings(tcp))
    });
    nodes.collect()
}

/// What a Redis says of itself.
async fn info(node: ConnectionInfo) -> Result<String, RedisError> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT))
        .set_response_timeout(Some(CONNECT));
    let client = Client::open(node)?;
    let mut probe = client
        .get_multiplexed_async_connection_with_config(&config)
        .await?;
    asked(&mut probe, &["INFO"]).await
}

/// What the first of some nodes that answers says; nothing when there are none.
async fn first_info(nodes: &[ConnectionInfo]) -> Result<Option<String>, RedisError> {
    let mut said = Ok(None);
    for node in nodes {
        said = info(node.clone()).await.map(Some);
        if said.is_ok() {
            break;
        }
    }
    said
}

/// Whether a Redis that says this of itself knows channels that are of one shard.
fn knows_shards(said: &str) -> bool {
    let version = said
        .lines()
        .find_map(|line| line.strip_prefix("redis_version:"));
    let major = version.and_then(|version| version.split('.').next()?.parse::<u32>().ok());
    major.is_some_and(|major| major >= 7)
}

fn cluster(nodes: Vec<ConnectionInfo>) -> ClusterClientBuilder {
    ClusterClient::builder(nodes)
        .connection_timeout(CONNECT)
        .response_timeout(CONNECT)
        .retries(2)
        .tcp_settings(TcpSettings::default().set_nodelay(true))
}

/// Connections to a Redis, or to the cluster that it belongs to.
///
/// # Errors
/// When the address is none, or nobody answers there.
pub(crate) async fn lanes(url: &str, connections: usize) -> Result<Vec<Lane>, RedisError> {
    let nodes = clients(url)?;
    let (Some(first), Some(said)) = (nodes.first().cloned(), first_info(&nodes).await?) else {
        return Ok(Vec::new());
    };
    let mut lanes = Vec::with_capacity(connections);
    if nodes.len() > 1 || said.contains("cluster_enabled:1") {
        let cluster = cluster(nodes).build()?;
        let sharded = knows_shards(&said);
        for _ in 0..connections {
            let connection = cluster.get_async_connection().await?;
            lanes.push(Lane::Cluster {
                connection,
                sharded,
            });
        }
    } else {
        let client = Client::open(first)?;
        for _ in 0..connections {
            let config = ConnectionManagerConfig::new()
                .set_connection_timeout(Some(CONNECT))
                .set_response_timeout(Some(CONNECT))
                .set_min_delay(Duration::from_millis(20))
                .set_max_delay(AGAIN);
            let lane = ConnectionManager::new_lazy_with_config(client.clone(), config)?;
            lanes.push(Lane::Alone(lane));
        }
    }
    Ok(lanes)
}

impl Tier {
    /// Connects, again when need be, until told to stop; then goes on hearing of changes.
    pub async fn keep_connected(
        self: Arc<Self>,
        heard: impl Fn(&[u8]) + Send + Sync,
        stop: CancellationToken,
    ) {
        let work = async {
            while let Err(error) = self.connect().await {
                tracing::warn!(error = %error.category(), "redis cannot be reached, it is tried again");
                tokio::time::sleep(AGAIN).await;
            }
            tracing::info!("redis is connected");
            loop {
                // Whatever ends it: what was missed meanwhile is in the outbox.
                if let Err(error) = self.listen(&heard).await {
                    tracing::debug!(error = %error.category(), "hearing of changes from redis ended");
                }
                tokio::time::sleep(AGAIN).await;
            }
        };
        stop.run_until_cancelled(work).await;
    }

    async fn connect(&self) -> Result<(), RedisError> {
        let lanes = lanes(self.options.url.expose(), self.options.connections).await?;
        *self.lanes.write().unwrap_or_else(PoisonError::into_inner) = lanes;
        Ok(())
    }

    async fn listen(&self, heard: &(impl Fn(&[u8]) + Send + Sync)) -> Result<(), RedisError> {
        let lane = self.lane(CHANNEL);
        if matches!(lane, Some(Lane::Cluster { sharded: true, .. })) {
            return self.listen_in_shard(heard).await;
        }
        for node in clients(self.options.url.expose())? {
            let client = Client::open(node)?;
            let connecting = tokio::time::timeout(CONNECT, client.get_async_pubsub());
            let Ok(Ok(mut connection)) = connecting.await else {
                continue;
            };
            connection.subscribe(CHANNEL).await?;
            let mut messages = connection.on_message();
            while let Some(message) = messages.next().await {
                heard(message.get_payload_bytes());
            }
            return Ok(());
        }
        Ok(())
    }

    /// Hears what is told within the shard of the channel, from the node that has it.
    async fn listen_in_shard(
        &self,
        heard: &(impl Fn(&[u8]) + Send + Sync),
    ) -> Result<(), RedisError> {
        let (tell, mut told) = mpsc::unbounded_channel::<PushInfo>();
        let cluster = cluster(clients(self.options.url.expose())?)
            .use_protocol(ProtocolVersion::RESP3)
            .push_sender(tell)
            .build()?;
        let mut connection = cluster.get_async_connection().await?;
        connection.ssubscribe(CHANNEL).await?;
        while let Some(push) = told.recv().await {
            match push.kind {
                // Its channel, and what is said.
                PushKind::SMessage => {
                    if let Some(said) = push.data.into_iter().nth(1) {
                        heard(&Vec::<u8>::from_redis_value(said)?);
                    }
                }
                // With a new connection; the channel may be elsewhere by then.
                PushKind::Disconnection | PushKind::SUnsubscribe => break,
                _ => (),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_of_one_shard_are_used_where_they_are_known() {
        for (said, knows) in [
            ("# Server\r\nredis_version:7.0.15\r\nos:Linux\r\n", true),
            ("redis_version:10.2.0\r\n", true),
            ("redis_version:6.2.14\r\n", false),
            ("redis_version:\r\n", false),
            ("", false),
        ] {
            assert_eq!(knows_shards(said), knows, "{said}");
        }
    }

    #[tokio::test]
    async fn one_node_that_is_away_is_not_all_of_them() {
        let nodes = clients("redis://127.0.0.1:1, redis://127.0.0.1:2").unwrap();
        assert_eq!(nodes.len(), 2);
        assert!(first_info(&nodes).await.is_err());
        assert_eq!(first_info(&[]).await.unwrap(), None);
    }
}
