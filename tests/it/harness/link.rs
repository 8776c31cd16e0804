//! An address in front of a server: it can be slow, and lead to another server from one moment to the next, as the address of a
//! service does at a failover.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
};

/// The address. Connections end with it.
pub struct Link {
    port: u16,
    ways: Arc<Ways>,
}

struct Ways {
    /// The socket of the server.
    to: Mutex<PathBuf>,
    /// How long each piece of an answer is held back.
    delay_ms: AtomicU64,
    /// Changes when everybody has to connect again.
    cut: watch::Sender<u64>,
}

impl Link {
    /// One that leads to the server behind a socket.
    pub async fn to(socket: &Path) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let ways = Arc::new(Ways {
            to: Mutex::new(socket.to_owned()),
            delay_ms: AtomicU64::new(0),
            cut: watch::channel(0).0,
        });
        let behind = Arc::downgrade(&ways);
        let mut over = ways.cut.subscribe();
        tokio::spawn(async move {
            loop {
                let client = tokio::select! {
                    accepted = listener.accept() => accepted.unwrap().0,
                    changed = over.changed() => {
                        if changed.is_err() {
                            return;
                        }
                        continue;
                    }
                };
                let Some(ways) = behind.upgrade() else {
                    return;
                };
                tokio::spawn(carry(client, ways));
            }
        });
        Self { port, ways }
    }

    /// What a service is given for its Redis.
    pub fn redis_url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// What a service is given for its database.
    pub fn url(&self, user: &str) -> String {
        let port = self.port;
        format!("postgres://{user}@127.0.0.1:{port}/postgres?sslmode=disable")
    }

    /// Leads to another server; whoever is connected has to connect again.
    pub fn lead_to(&self, socket: &Path) {
        socket.clone_into(&mut self.ways.to.lock().unwrap());
        self.ways.cut.send_modify(|cuts| *cuts += 1);
    }

    /// Holds each piece of an answer back.
    pub fn delay(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).unwrap();
        self.ways.delay_ms.store(millis, Ordering::Relaxed);
    }
}

async fn carry(mut client: TcpStream, ways: Arc<Ways>) {
    let to = ways.to.lock().unwrap().clone();
    let mut cut = ways.cut.subscribe();
    let Ok(mut server) = UnixStream::connect(to).await else {
        return;
    };
    let _ = client.set_nodelay(true);
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let asked = tokio::io::copy(&mut from_client, &mut to_server);
    let answered = async {
        let mut piece = vec![0; 64 << 10];
        loop {
            let read = from_server.read(&mut piece).await.unwrap_or_default();
            let delay = ways.delay_ms.load(Ordering::Relaxed);
            if delay > 0 {
                tokio::time::sleep(Duration::from_millis(delay)).await;
            }
            if read == 0 || to_client.write_all(&piece[..read]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        _ = asked => (),
        () = answered => (),
        _ = cut.changed() => (),
    }
}
