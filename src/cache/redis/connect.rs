//! Connections to Redis: those for values, and the one on which changes are heard of.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use futures_util::StreamExt as _;
use redis::{
    Client, ConnectionInfo, IntoConnectionInfo as _, RedisError,
    aio::{ConnectionManager, ConnectionManagerConfig},
    cluster::ClusterClient,
    cluster_async::ClusterConnection,
    io::tcp::TcpSettings,
};
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
    Cluster(ClusterConnection),
}

impl std::fmt::Debug for Lane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Alone(_) => "Alone(..)",
            Self::Cluster(_) => "Cluster(..)",
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

/// Connections to a Redis, or to the cluster that it belongs to.
///
/// # Errors
/// When the address is none, or nobody answers there.
pub(crate) async fn lanes(url: &str, connections: usize) -> Result<Vec<Lane>, RedisError> {
    let nodes = clients(url)?;
    let Some(first) = nodes.first().cloned() else {
        return Ok(Vec::new());
    };
    let config = || {
        ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(CONNECT))
            .set_min_delay(Duration::from_millis(20))
            .set_max_delay(AGAIN)
    };
    let client = Client::open(first)?;
    let mut probe = ConnectionManager::new_with_config(client.clone(), config()).await?;
    let said: String = asked(&mut probe, &["INFO", "cluster"]).await?;
    let is_cluster = nodes.len() > 1 || said.contains("cluster_enabled:1");
    let mut lanes = Vec::with_capacity(connections);
    if is_cluster {
        let cluster = ClusterClient::builder(nodes)
            .connection_timeout(CONNECT)
            .response_timeout(CONNECT)
            .retries(2)
            .tcp_settings(TcpSettings::default().set_nodelay(true))
            .build()?;
        for _ in 0..connections {
            lanes.push(Lane::Cluster(cluster.get_async_connection().await?));
        }
    } else {
        for _ in 0..connections {
            let lane = ConnectionManager::new_lazy_with_config(client.clone(), config())?;
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
}
