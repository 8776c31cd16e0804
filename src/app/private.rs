//! The private Postgres of a process, started again when it dies.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sqlx::postgres::PgConnectOptions;

use crate::embedded::postgres::{Error, Options, PrivatePostgres, socket_of_running};

/// A private server, or the one that another process of ours runs on the same directory.
#[derive(Clone, Debug)]
pub struct Private {
    server: Arc<Mutex<Option<PrivatePostgres>>>,
    options: Options,
    socket: PathBuf,
}

/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// The longest pause between two tries to start it again.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

impl Private {
    /// Starts a server below a directory, or joins the one that runs there.
    ///
    /// # Errors
    /// When there is no server and none can be started.
    pub async fn start(data_dir: &Path) -> Result<Self, Error> {
        let options = Options::durable(data_dir.join("postgres"));
        let started = start(options.clone()).await;
        let (server, socket) = match started {
            Ok(server) => {
                let socket = server.socket_dir().to_owned();
                (Some(server), socket)
            }
            Err(in_use @ Error::InUse { .. }) => match socket_of_running(&options.data_dir) {
                Some(socket) => (None, socket),
                None => return Err(in_use),
            },
            Err(other) => return Err(other),
        };
        Ok(Self {
            server: Arc::new(Mutex::new(server)),
            options,
            socket,
        })
    }

    /// How to connect to it.
    #[must_use]
    pub fn connect_options(&self) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(&self.socket)
            .username("postgres")
            .database("postgres")
    }

    /// Process id of the server, when it is ours.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        server.as_ref().map(PrivatePostgres::pid)
    }

    /// Looks after the server until the process ends: one that died is started again.
    pub async fn look_after(self) {
        loop {
            tokio::time::sleep(LOOK).await;
            let Some(dead) = self.take_dead() else {
                continue;
            };
            tracing::error!("the private database died, it is started again");
            // Letting go of the dead one releases its directory.
            let freed = tokio::task::spawn_blocking(move || drop(dead)).await;
            if let Err(error) = freed {
                tracing::error!(%error, "letting go of the private database failed");
            }
            let server = self.start_again().await;
            *self.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(server);
            tracing::info!("the private database is back");
        }
    }

    /// Starts a server, however often it takes: what keeps it from starting, a full disk or another command that has
    /// the directory for a moment, may pass, and nobody else would look after it then.
    async fn start_again(&self) -> PrivatePostgres {
        let mut pause = LOOK;
        loop {
            match start(self.options.clone()).await {
                Ok(server) => return server,
                Err(error) => {
                    tracing::error!(%error, "the private database does not start, it is tried again");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    fn take_dead(&self) -> Option<PrivatePostgres> {
        let mut server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        let dead = server.as_mut().is_some_and(|running| !running.is_running());
        if dead { server.take() } else { None }
    }

    /// Stops the server, if it is ours.
    pub async fn stop(&self) {
        let server = self
            .server
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(server) = server {
            match tokio::task::spawn_blocking(move || server.stop()).await {
                Ok(Ok(())) => (),
                Ok(Err(error)) => tracing::error!(%error, "the private database did not stop"),
                Err(error) => tracing::error!(%error, "stopping the private database failed"),
            }
        }
    }
}

async fn start(options: Options) -> Result<PrivatePostgres, Error> {
    tokio::task::spawn_blocking(move || PrivatePostgres::start(options))
        .await
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
}
