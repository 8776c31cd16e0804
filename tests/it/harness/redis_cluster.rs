//! A Redis Cluster of a test's own: three nodes, each with a third of the slots, without replicas.

use std::{net::TcpListener, process::Command};

use redis::{Cmd, FromRedisValue, cluster::ClusterClient};

use super::{redis::Redis, skipped, wait::until};

/// The nodes with their ports.
pub struct RedisCluster {
    nodes: Vec<(Redis, u16)>,
}

/// Slots of a cluster.
const SLOTS: u32 = 16_384;

const NODES: u32 = 3;

/// Ports that nobody has in this moment.
fn free_ports(count: usize) -> Vec<u16> {
    let bound = (0..count).map(|_| TcpListener::bind(("127.0.0.1", 0)).unwrap());
    let bound: Vec<TcpListener> = bound.collect();
    let ports = bound.iter().map(|one| one.local_addr().unwrap().port());
    ports.collect()
}

impl RedisCluster {
    /// Starts one that has come together; none where the program is too old, of which it is said then.
    pub async fn start(name: &str) -> Option<Self> {
        let program = customer_profile::embedded::redis::program()
            .expect("scripts/setup.sh installs redis-server");
        let said = Command::new(program).arg("--version").output().unwrap();
        let said = String::from_utf8(said.stdout).unwrap();
        let version = said
            .split("v=")
            .nth(1)
            .and_then(|rest| rest.split('.').next());
        let major = version.and_then(|major| major.parse::<u32>().ok());
        if major.is_none_or(|major| major < 7) {
            skipped("redis-server is older than 7");
            return None;
        }
        Some(Self::started(name).await)
    }

    async fn started(name: &str) -> Self {
        let mut nodes = Vec::new();
        for n in 0..NODES {
            let ports = free_ports(2);
            let [port, bus] = [ports[0].to_string(), ports[1].to_string()];
            let arguments = [
                "--port",
                &port,
                "--bind",
                "127.0.0.1",
                "--cluster-enabled",
                "yes",
                "--cluster-port",
                &bus,
                "--cluster-node-timeout",
                "2000",
            ];
            let node = Redis::start_with(&format!("{name}-{n}"), &arguments);
            let (first, end) = (n * SLOTS / NODES, (n + 1) * SLOTS / NODES);
            let (first, last) = (first.to_string(), (end - 1).to_string());
            node.ask::<String>(&["CLUSTER", "ADDSLOTSRANGE", &first, &last])
                .await;
            let epoch = (n + 1).to_string();
            node.ask::<String>(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch])
                .await;
            nodes.push((node, ports[0], bus));
        }
        let (_, port, bus) = &nodes[0];
        let port = port.to_string();
        for (node, ..) in &nodes[1..] {
            node.ask::<String>(&["CLUSTER", "MEET", "127.0.0.1", &port, bus])
                .await;
        }
        for (node, ..) in &nodes {
            until("the cluster has come together", async || {
                let said: String = node.ask(&["CLUSTER", "INFO"]).await;
                said.contains("cluster_state:ok") && said.contains("cluster_known_nodes:3")
            })
            .await;
        }
        let nodes = nodes.into_iter().map(|(node, port, _)| (node, port));
        Self {
            nodes: nodes.collect(),
        }
    }

    /// The address of a node.
    pub fn url_of(&self, node: usize) -> String {
        format!("redis://127.0.0.1:{}", self.nodes[node].1)
    }

    /// What each node answers to a command.
    pub async fn ask<T: FromRedisValue>(&self, words: &[&str]) -> Vec<T> {
        let mut answers = Vec::new();
        for (node, _) in &self.nodes {
            answers.push(node.ask(words).await);
        }
        answers
    }

    /// What the cluster answers to a command, whichever node it is for.
    pub async fn ask_any<T: FromRedisValue>(&self, words: &[&str]) -> T {
        let client = ClusterClient::new(vec![self.url_of(0)]).unwrap();
        let mut connection = client.get_async_connection().await.unwrap();
        let mut command = Cmd::new();
        for word in words {
            command.arg(word);
        }
        command.query_async(&mut connection).await.unwrap()
    }
}
