//! What the settings of access become: a way of telling callers, TLS, and looking after their files.
//!
//! What must stay true: everything is read and found good before a port opens.

use std::{io, path::PathBuf, sync::Arc};

use futures_util::future::BoxFuture;
use rustls::ServerConfig;
use tokio::sync::watch;

use super::reload::{Contents, Watched};
use crate::{
    auth::{
        Authenticator, Callers, Grant,
        jwt::{
            Verifier,
            claims::Expected,
            jwks::{Keys, KeysError},
        },
    },
    clock::Clock,
    config::{Auth, AuthMode, Jwt, Settings, Tls},
    tls::{Files, TlsError},
};

/// Why access cannot be set up. All of it is for the operator to mend.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// A file is not there.
    #[error("{}: cannot be read: {source}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The keys cannot be used.
    #[error("{}: {source}", path.display())]
    Keys {
        /// Where they are.
        path: PathBuf,
        /// Why not.
        source: KeysError,
    },
    /// The certificates cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Access as the settings want it.
pub(super) struct Access {
    /// How callers are told.
    pub(super) authenticator: Authenticator,
    /// The certificates that are current, when there is TLS.
    pub(super) tls: Option<watch::Receiver<Arc<ServerConfig>>>,
    /// Work that looks after files, without end.
    pub(super) watchers: Vec<BoxFuture<'static, ()>>,
}

impl Access {
    /// Of a service that only its own process can reach: its caller is the operator, who needs no credential.
    pub(super) fn own() -> Self {
        Self {
            authenticator: Authenticator::Believing,
            tls: None,
            watchers: Vec::new(),
        }
    }

    /// Reads the files of the settings.
    pub(super) async fn load(settings: &Settings) -> Result<Self, AccessError> {
        let mut access = Self::own();
        access.authenticator = match settings.auth.mode {
            AuthMode::None => Authenticator::Believing,
            AuthMode::Jwt => access.tokens(&settings.auth.jwt).await?,
            AuthMode::Mtls => Authenticator::Certificates(Arc::new(callers(&settings.auth))),
        };
        access.add_tls(&settings.tls).await?;
        if settings.auth.mode == AuthMode::Jwt
            && access.tls.is_none()
            && !settings.listen.grpc.is_local()
        {
            tracing::warn!(
                "tokens are readable on the wire: auth.mode is jwt, and {} is served without TLS; right only where \
                 something else encrypts the network",
                settings.listen.grpc
            );
        }
        Ok(access)
    }

    async fn tokens(&mut self, jwt: &Jwt) -> Result<Authenticator, AccessError> {
        let files = Watched {
            name: "jwks",
            paths: jwt.jwks_file.iter().cloned().collect(),
        };
        let contents = read(&files).await?;
        let keys = keys(&contents).map_err(|source| AccessError::Keys {
            path: jwt.jwks_file.clone().unwrap_or_default(),
            source,
        })?;
        let expected = Expected {
            issuer: jwt.issuer.clone(),
            audience: jwt.audience.clone(),
            leeway: i64::try_from(jwt.leeway.as_micros()).unwrap_or_default(),
            tenant_claim: jwt.tenant_claim.clone(),
            permissions_claim: jwt.permissions_claim.clone(),
            department_claim: jwt.department_claim.clone(),
        };
        let verifier = Arc::new(Verifier::new(expected, keys, Clock::system()));
        let looked_after = Arc::clone(&verifier);
        let watcher = files.watch(contents, move |contents| {
            let keys = keys_or_text(contents)?;
            looked_after.replace(keys);
            Ok(())
        });
        self.watchers.push(Box::pin(watcher));
        Ok(Authenticator::Tokens(verifier))
    }

    async fn add_tls(&mut self, tls: &Tls) -> Result<(), AccessError> {
        let (Some(certificates), Some(key)) = (&tls.cert_file, &tls.key_file) else {
            return Ok(());
        };
        let mut paths = vec![certificates.clone(), key.clone()];
        paths.extend(tls.client_ca_file.clone());
        let files = Watched { name: "tls", paths };
        let contents = read(&files).await?;
        let (sender, receiver) = watch::channel(config(&contents)?);
        let watcher = files.watch(contents, move |contents| {
            let config = config(contents).map_err(|error| error.to_string())?;
            sender.send_replace(config);
            Ok(())
        });
        self.watchers.push(Box::pin(watcher));
        self.tls = Some(receiver);
        Ok(())
    }
}

async fn read(watched: &Watched) -> Result<Contents, AccessError> {
    let read = watched.read().await;
    read.map_err(|(path, source)| AccessError::File { path, source })
}

fn keys(contents: &Contents) -> Result<Keys, KeysError> {
    Keys::parse(contents.first().map_or(&[], Vec::as_slice))
}

fn keys_or_text(contents: &Contents) -> Result<Keys, String> {
    keys(contents).map_err(|error| error.to_string())
}

fn config(contents: &Contents) -> Result<Arc<ServerConfig>, TlsError> {
    let file = |n: usize| contents.get(n).map_or(&[] as &[u8], Vec::as_slice);
    Files {
        certificates: file(0),
        key: file(1),
        client_roots: contents.get(2).map(Vec::as_slice),
    }
    .config()
}

fn callers(auth: &Auth) -> Callers {
    let callers = auth.callers.iter().filter_map(|(name, caller)| {
        let grant = Grant {
            name: Arc::from(name.as_str()),
            tenants: caller.tenants.clone(),
            permissions: caller.permissions,
            department: caller.department.as_deref().map(Arc::from),
        };
        Some((caller.san.clone()?, grant))
    });
    Callers::new(callers)
}
