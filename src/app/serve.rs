//! A serving process: bound, running, drained.

mod parts;

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use futures_util::Stream;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    task::JoinHandle,
};
use tokio_stream::wrappers::UnixListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::{
    Endpoint,
    server::{Connected, TcpIncoming},
};
use tower::service_fn;

use super::{
    access::{Access, AccessError},
    background, caches,
    connections::{self, PATIENCE},
    health,
    open::Opened,
    routes::routes,
    transport::{KEEPALIVE, admission, transport},
};
use crate::{
    actions::Catalogues,
    analyzer::{External, Unusable},
    cache,
    clock::Clock,
    config::{Address, Settings},
    embedded::redis::PrivateRedis,
    feed::seats::Seats,
    grpc::{
        Api,
        layers::{layers, web},
        page_token::PageTokenKey,
        profile_service::Profiles,
        resume_token::ResumeTokenKey,
        token::TokenKey,
    },
    ingest::{self, Ingest, batcher::Writers, gate::Gate},
    lookup::Reader,
    offering::{
        Desk,
        logbook::{Keeper, Logbook},
    },
    telemetry::{http as pages, metrics::Metrics},
    tls,
};

/// Why a process cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// An address cannot be had.
    #[error(
        "cannot listen on {address}: {source} (listen.grpc and listen.metrics choose other addresses)"
    )]
    Bind {
        /// Which one.
        address: String,
        /// Why not.
        source: io::Error,
    },
    /// Who may call cannot be told.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The external analyzer cannot be called.
    #[error(transparent)]
    Analyzer(#[from] Unusable),
    /// Redis cannot be called.
    #[error(transparent)]
    Redis(#[from] cache::redis::Unusable),
    /// Reflection could not be built.
    #[error("the descriptors are broken: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The transport failed.
    #[error("serving failed: {0}")]
    Transport(#[from] tonic::transport::Error),
}

impl ServeError {
    /// Whether the operator has to change the configuration (exit code 64).
    #[must_use]
    pub fn is_configuration(&self) -> bool {
        matches!(self, Self::Access(_) | Self::Analyzer(_) | Self::Redis(_))
    }
}

/// A serving process.
#[derive(Debug)]
pub struct Server {
    /// Where gRPC listens; absent when it serves only this process.
    pub grpc: Option<Address>,
    /// Where metrics are.
    pub metrics: Option<SocketAddr>,
    socket_file: Option<PathBuf>,
    opened: Opened,
    api: Arc<Api>,
    writers: Writers,
    keeper: Keeper,
    serving: JoinHandle<Result<(), tonic::transport::Error>>,
    /// Ends background work and the metrics page.
    background: CancellationToken,
    last: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
    drain_timeout: Duration,
}

/// How much longer than the database may take is waited for it.
const GRACE: Duration = Duration::from_secs(1);

impl Server {
    /// Takes the addresses of the settings and serves, to those whom the settings let in.
    ///
    /// # Errors
    /// When an address cannot be had, or files of keys or certificates cannot be used.
    pub async fn start(
        settings: &Settings,
        opened: Opened,
        metrics: Metrics,
    ) -> Result<Self, ServeError> {
        let access = Access::load(settings).await?;
        let most = settings.limits.connections;
        match &settings.listen.grpc {
            Address::Tcp(address) => {
                let incoming = TcpIncoming::bind(*address)
                    .map_err(|source| bind_error(address, source))?
                    .with_nodelay(Some(true))
                    .with_keepalive(Some(KEEPALIVE));
                let bound = incoming
                    .local_addr()
                    .map_err(|source| bind_error(address, source))?;
                let incoming = connections::bounded(incoming, most);
                let mut server = Self::secure(settings, opened, metrics, access, incoming).await?;
                server.grpc = Some(Address::Tcp(bound));
                Ok(server)
            }
            Address::Unix(path) => {
                let listener = connections::bind_unix(path)
                    .map_err(|source| bind_error(&path.display(), source))?;
                let incoming = connections::bounded(UnixListenerStream::new(listener), most);
                let mut server = Self::secure(settings, opened, metrics, access, incoming).await?;
                server.grpc = Some(Address::Unix(path.clone()));
                server.socket_file = Some(path.clone());
                Ok(server)
            }
        }
    }

    /// Serves with TLS where there is TLS. A handshake has a deadline of its own.
    async fn secure<S, C>(
        settings: &Settings,
        opened: Opened,
        metrics: Metrics,
        mut access: Access,
        incoming: S,
    ) -> Result<Self, ServeError>
    where
        S: Stream<Item = io::Result<C>> + Send + 'static,
        C: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
        C::ConnectInfo: Clone + Send + Sync + 'static,
    {
        if let Some(current) = access.tls.take() {
            let incoming = connections::attentive(tls::accept(incoming, current), PATIENCE);
            Self::run(settings, opened, Some(metrics), access, incoming).await
        } else {
            let incoming = connections::attentive(incoming, PATIENCE);
            Self::run(settings, opened, Some(metrics), access, incoming).await
        }
    }

    /// Serves this process alone, and connects to it. Whoever can call is this process, so no credential is asked for,
    /// whatever the settings say.
    ///
    /// # Errors
    /// When the connection cannot be made.
    pub async fn in_process(
        settings: &Settings,
        opened: Opened,
    ) -> Result<(Self, tonic::transport::Channel), ServeError> {
        let (sender, receiver) =
            tokio::sync::mpsc::channel::<io::Result<tokio::io::DuplexStream>>(1);
        let incoming = tokio_stream::wrappers::ReceiverStream::new(receiver);
        let server = Self::run(settings, opened, None, Access::own(), incoming).await?;
        let connector = service_fn(move |_: http::Uri| {
            let sender = sender.clone();
            async move {
                let (near, far) = tokio::io::duplex(1 << 20);
                sender
                    .send(Ok(far))
                    .await
                    .map_err(|_| io::Error::from(io::ErrorKind::ConnectionRefused))?;
                Ok::<_, io::Error>(hyper_util::rt::TokioIo::new(near))
            }
        });
        let channel = Endpoint::from_static("http://in-process")
            .connect_with_connector(connector)
            .await?;
        Ok((server, channel))
    }

    async fn run<S, C>(
        settings: &Settings,
        opened: Opened,
        metrics: Option<Metrics>,
        access: Access,
        incoming: S,
    ) -> Result<Self, ServeError>
    where
        S: Stream<Item = io::Result<C>> + Send + 'static,
        C: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
        C::ConnectInfo: Clone + Send + Sync + 'static,
    {
        // One more for look-ups and health.
        opened.storage.warm(settings.ingest.writers + 1).await;
        let (ingest, writers) =
            Ingest::start(&opened.storage, &opened.secret, ingest_options(settings));
        let analyzer = background::analyzer(settings)?;
        let (logbook, keeper) = Logbook::start(&opened.storage);
        let private_redis = match metrics {
            Some(_) => caches::private(settings).await,
            // Nobody but this process asks, and not for long.
            None => None,
        };
        let redis_url = private_redis.as_ref().map(PrivateRedis::url);
        let reader = caches::reader(settings, &opened, redis_url)?;
        let api = Arc::new(api(
            settings,
            &opened,
            (Arc::new(ingest), analyzer),
            (logbook, reader.clone()),
        ));
        let (reporter, health) = tonic_health::server::health_reporter();
        health::begin(&reporter).await;
        let routes = routes(&api)?.add_service(health).prepare();
        let background = CancellationToken::new();
        let last = CancellationToken::new();
        let (ready, is_ready) = watch::channel(false);
        let watched = health::Watched {
            storage: opened.storage.clone(),
            reader: reader.clone(),
            reporter,
            ready,
        };
        let mut tasks = vec![tokio::spawn(watched.watch(api.draining.clone()))];
        tasks.extend(background::start(settings, &opened, &api, &background)?);
        tasks.extend(caches::start(&reader, &opened, &background));
        if let Some(redis) = private_redis {
            let looking = caches::look_after(redis, settings.clone(), background.clone());
            tasks.push(tokio::spawn(looking));
        }
        for watcher in access.watchers {
            let stop = background.clone();
            tasks.push(tokio::spawn(async move {
                stop.run_until_cancelled(watcher).await;
            }));
        }
        let mut bound = None;
        if let (Some(address), Some(metrics)) = (settings.listen.metrics, metrics) {
            let page = pages::Server::bind(address, metrics, is_ready)
                .await
                .map_err(|source| bind_error(&address, source))?;
            bound = page.local_addr().ok();
            tasks.push(tokio::spawn(page.serve(last.clone())));
        }
        if let Some(private) = opened.private.clone() {
            let stop = background.clone();
            tasks.push(tokio::spawn(async move {
                stop.run_until_cancelled(private.look_after()).await;
            }));
        }
        let origins = web::Origins::new(settings.web.allowed_origins.clone());
        let (pages, translation) = web::layers(&origins);
        let admission = admission(settings, api.ingest.gate());
        let serving = transport(settings, &access.authenticator)
            .layer(pages)
            .layer(translation)
            .layer(layers(
                access.authenticator,
                Arc::new(Profiles(Arc::clone(&api))),
                admission,
                settings.limits.request_bytes,
            ))
            .add_routes(routes)
            .serve_with_incoming_shutdown(incoming, api.draining.clone().cancelled_owned());
        Ok(Self {
            grpc: None,
            metrics: bound,
            socket_file: None,
            opened,
            api,
            writers,
            keeper,
            serving: tokio::spawn(serving),
            background,
            last,
            tasks,
            drain_timeout: settings.drain.timeout,
        })
    }

    /// Waits until serving ends by itself, which it does only when the transport fails.
    pub async fn failed(&mut self) {
        match (&mut self.serving).await {
            Ok(Ok(())) => tracing::error!("serving ended"),
            Ok(Err(error)) => tracing::error!(%error, "serving failed"),
            Err(error) => tracing::error!(%error, "serving ended badly"),
        }
    }

    /// Drains: streams end, calls finish, everything accepted is answered, then the database is let go.
    pub async fn drain(self) {
        self.api.draining.cancel();
        if !self.serving.is_finished() {
            let abort = self.serving.abort_handle();
            if tokio::time::timeout(self.drain_timeout, self.serving)
                .await
                .is_err()
            {
                tracing::warn!("calls did not finish in time and were cut off");
                abort.abort();
            }
        }
        self.background.cancel();
        let (last, mut tasks) = (self.last, self.tasks);
        // The writers end when nothing can reach them any more. A call that was cut off may hold on for a moment.
        let weak = Arc::downgrade(&self.api);
        drop(self.api);
        let deadline = tokio::time::Instant::now() + self.drain_timeout;
        while weak.strong_count() > 0 && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        last.cancel();
        for task in tasks.drain(..) {
            if let Err(error) = task.await {
                tracing::error!(%error, "background work ended badly");
            }
        }
        if tokio::time::timeout(self.drain_timeout, self.writers.drained())
            .await
            .is_err()
        {
            tracing::error!("the writers did not finish in time");
        }
        if tokio::time::timeout(self.drain_timeout, self.keeper.drained())
            .await
            .is_err()
        {
            tracing::error!("decisions were not all stored in time");
        }
        self.opened.close().await;
        if let Some(path) = self.socket_file {
            // Nobody minds a socket file that is gone already.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// How long a call or a batch waits for the database.
pub(super) fn patience(settings: &Settings) -> Duration {
    settings.database.acquire_timeout + settings.database.statement_timeout + GRACE
}

fn ingest_options(settings: &Settings) -> ingest::Options {
    ingest::Options {
        writers: settings.ingest.writers,
        batch_items: settings.ingest.batch_items,
        linger: settings.ingest.linger,
        queue_items: settings.ingest.queue_items,
        target: settings.ingest.target,
        queue_kib: settings.ingest.queue_mib * 1024,
        patience: patience(settings),
    }
}

fn api(
    settings: &Settings,
    opened: &Opened,
    (ingest, analyzer): (Arc<Ingest>, Option<External>),
    (logbook, reader): (Logbook, Reader),
) -> Api {
    let mut store = [0; 4];
    store.copy_from_slice(&opened.store.id.as_bytes()[..4]);
    let catalogues = Arc::new(Catalogues::new(opened.storage.clone()));
    let clock = Clock::system();
    let desk = Desk::new(
        (&opened.storage, reader.clone()),
        (Arc::clone(&ingest), Arc::clone(&opened.tenants)),
        Arc::clone(&catalogues),
        logbook,
        clock,
    );
    Api {
        storage: opened.storage.clone(),
        reader,
        max_staleness: settings.reads.max_staleness,
        ingest,
        desk: Arc::new(desk),
        analyzer,
        tenants: Arc::clone(&opened.tenants),
        catalogues,
        secret: opened.secret.clone(),
        policies: settings.departments.clone(),
        clock,
        tokens: TokenKey::new(&opened.secret),
        page_tokens: PageTokenKey::new(&opened.secret),
        resume_tokens: ResumeTokenKey::new(&opened.secret, store),
        seats: Arc::new(Seats::new(
            settings.limits.watches,
            settings.limits.watches_of_caller,
            settings.outbox.keep,
        )),
        preview_identifiers: settings.limits.preview_identifiers,
        previews: Arc::new(tokio::sync::Semaphore::new(1)),
        store,
        stream_window: settings.ingest.stream_window,
        patience: patience(settings),
        draining: CancellationToken::new(),
    }
}

fn bind_error(address: &dyn std::fmt::Display, source: io::Error) -> ServeError {
    ServeError::Bind {
        address: address.to_string(),
        source,
    }
}
