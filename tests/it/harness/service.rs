//! The service, in this process, over a real socket.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::Arc,
};

use customer_profile::{
    app::{Opened, Schema, Server, open},
    calendar::Zone,
    cli::client,
    config::Settings,
    identity::Region,
    ids::TenantId,
    ingest::gate::Class,
    proto::v1::{
        identity_service_client::IdentityServiceClient,
        interaction_service_client::InteractionServiceClient,
        next_best_action_service_client::NextBestActionServiceClient,
        profile_service_client::ProfileServiceClient, segment_service_client::SegmentServiceClient,
        sentiment_service_client::SentimentServiceClient,
    },
    sentiment::{Listening, Reader},
    storage::Storage,
    telemetry::metrics::Metrics,
    tenants::{Configured, Tenants},
    verify,
};
use tonic::{Request, metadata::MetadataMap, transport::Channel};

use super::{Database, cluster::SECRET};

/// A serving process inside this one.
pub struct Service {
    pub database: Database,
    pub settings: Settings,
    pub url: String,
    server: Option<Server>,
}

/// Settings of a test, as environment variables; later ones win.
pub fn settings(database: &Database, more: &[(&str, &str)]) -> Settings {
    let mut variables: BTreeMap<String, String> = [
        ("DATABASE_URL", database.url().as_str()),
        ("CUSTOMER_PROFILE_HASH_SECRET", SECRET),
        ("CUSTOMER_PROFILE_LISTEN__METRICS", "127.0.0.1:0"),
        ("CUSTOMER_PROFILE_LISTEN__GRPC", "127.0.0.1:0"),
        ("REDIS_URL", "off"),
        ("HOME", "/nonexistent"),
        // Many services on one disk, without optimisation: how long storing takes is no word on how many may be let in.
        ("CUSTOMER_PROFILE_INGEST__TARGET_MS", "1000"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into();
    for (key, value) in more {
        variables.insert((*key).to_owned(), (*value).to_owned());
    }
    Settings::load(None, variables).unwrap()
}

/// Tenants as the defaults have them, but for what reads their texts.
pub fn tenants(storage: &Storage, reader: Reader) -> Tenants {
    let defaults = Configured {
        region: Region::JP,
        time_zone: Zone::TOKYO,
        rules: Arc::default(),
        listening: Arc::new(Listening {
            reader,
            ..Listening::default()
        }),
        resolution: Arc::default(),
    };
    let resolve_limit = Settings::default().ingest.resolve_limit;
    Tenants::new(storage.clone(), defaults, HashMap::new(), resolve_limit)
}

impl Service {
    /// On a database of its own.
    pub async fn start() -> Self {
        Self::with(Database::new().await, &[]).await
    }

    /// On a given database, with more settings.
    pub async fn with(database: Database, more: &[(&str, &str)]) -> Self {
        Self::opened(database, more, |_| ()).await
    }

    /// The same, of a release whose texts are read by another reader.
    pub async fn reading(database: Database, more: &[(&str, &str)], reader: Reader) -> Self {
        let other = |opened: &mut Opened| {
            opened.tenants = Arc::new(tenants(&opened.storage, reader));
        };
        Self::opened(database, more, other).await
    }

    async fn opened(
        database: Database,
        more: &[(&str, &str)],
        change: impl FnOnce(&mut Opened),
    ) -> Self {
        let settings = settings(&database, more);
        let mut opened = open(&settings, Schema::Check).await.unwrap();
        change(&mut opened);
        let metrics = Metrics::install().unwrap();
        let server = Server::start(&settings, opened, metrics).await.unwrap();
        let url = match server.grpc.clone().unwrap() {
            customer_profile::config::Address::Tcp(address) => format!("http://{address}"),
            customer_profile::config::Address::Unix(path) => format!("unix:{}", path.display()),
        };
        Self {
            database,
            settings,
            url,
            server: Some(server),
        }
    }

    /// A connection of its own.
    pub fn channel(&self) -> Channel {
        client::channel(&self.url).unwrap()
    }

    pub fn interactions(&self) -> InteractionServiceClient<Channel> {
        InteractionServiceClient::new(self.channel())
    }

    pub fn profiles(&self) -> ProfileServiceClient<Channel> {
        ProfileServiceClient::new(self.channel())
    }

    pub fn identities(&self) -> IdentityServiceClient<Channel> {
        IdentityServiceClient::new(self.channel())
    }

    pub fn sentiments(&self) -> SentimentServiceClient<Channel> {
        SentimentServiceClient::new(self.channel())
    }

    pub fn actions(&self) -> NextBestActionServiceClient<Channel> {
        NextBestActionServiceClient::new(self.channel())
    }

    pub fn segments(&self) -> SegmentServiceClient<Channel> {
        SegmentServiceClient::new(self.channel())
    }

    /// Where `/metrics` is.
    pub fn metrics_url(&self) -> String {
        let address = self.server.as_ref().unwrap().metrics.unwrap();
        format!("http://{address}")
    }

    pub fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    /// Interactions that wait to be stored.
    pub fn waiting(&self) -> usize {
        let gate = self.server().gate();
        gate.load(Class::Small).0 + gate.load(Class::Bulk).0
    }

    /// The digest of a tenant.
    pub async fn digest(&self, tenant: &str) -> String {
        let tenants = [TenantId::parse(tenant).unwrap()];
        let observer: verify::Observer = Arc::new(|_| ());
        let opened = self.server().opened();
        verify::digest(&opened.storage, &tenants, &observer)
            .await
            .unwrap()
            .finish()
    }

    /// What recomputing a tenant finds.
    pub async fn verify(&self, tenant: &str) -> verify::Report {
        let tenant = TenantId::parse(tenant).unwrap();
        let observer: verify::Observer = Arc::new(|_| ());
        let opened = self.server().opened();
        verify::verify(&opened.storage, &opened.secret, &tenant, &observer)
            .await
            .unwrap()
    }

    /// Drains.
    pub async fn stop(mut self) {
        self.server.take().unwrap().drain().await;
    }

    /// Where a socket file of a test may lie.
    pub fn socket_file(name: &str) -> PathBuf {
        super::cluster::scratch().join(name)
    }
}

/// A request with metadata.
pub fn with_metadata<T>(message: T, metadata: &[(&'static str, &str)]) -> Request<T> {
    let mut request = Request::new(message);
    let map: &mut MetadataMap = request.metadata_mut();
    for (key, value) in metadata {
        map.insert(*key, value.parse().unwrap());
    }
    request
}

/// A request of a tenant.
pub fn of_tenant<T>(tenant: &str, message: T) -> Request<T> {
    with_metadata(message, &[("x-tenant-id", tenant)])
}
