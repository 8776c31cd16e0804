//! What every connection is held to, and how many calls there may be.
//!
//! What must stay true: one connection has a bounded part of everything: calls under way, headers, calls begun and taken back.
//! A connection grows old, so that clients spread over instances that came later, and over credentials that are good.

use std::{sync::Arc, time::Duration};

use tonic::transport;

use crate::{
    auth::Authenticator,
    config::Settings,
    grpc::layers::admission::{Admission, Most},
    ingest::gate::Gate,
};

/// HTTP/2 pings, so that half-open connections are noticed.
pub(super) const KEEPALIVE: Duration = Duration::from_secs(30);

/// How long a ping may stay without an answer.
const PONG: Duration = Duration::from_secs(20);

/// Calls and streams of one connection at a time; its client holds back what is more.
const STREAMS: u32 = 200;

/// Bytes of the headers of a call.
const HEADER_BYTES: u32 = 16 << 10;

/// Calls that a connection may have begun and taken back before anybody looked at them; one that does more of it is closed.
const RESETS: usize = 64;

/// How long a connection begins calls on the certificate that it was made with. Then its client connects again, which it does
/// by itself, and shows what is good by then.
const CREDENTIAL_AGE: Duration = Duration::from_hours(1);

/// How many calls are let in.
pub(super) fn admission(settings: &Settings, gate: &Arc<Gate>) -> Admission {
    let connections = usize::try_from(settings.database.connections).unwrap_or(usize::MAX);
    let most = Most {
        calls: settings.limits.calls,
        heavy: settings.limits.heavy_calls.min(connections / 2),
    };
    Admission::new(most, Arc::clone(gate))
}

/// What every connection is held to.
pub(super) fn transport(settings: &Settings, authenticator: &Authenticator) -> transport::Server {
    let mut age = settings.limits.connection_age;
    if authenticator.is_of_connections() {
        age = age.min(CREDENTIAL_AGE);
    }
    transport::Server::builder()
        .accept_http1(true)
        .http2_keepalive_interval(Some(KEEPALIVE))
        .http2_keepalive_timeout(Some(PONG))
        .max_connection_age(age)
        .max_concurrent_streams(STREAMS)
        .http2_max_header_list_size(HEADER_BYTES)
        .http2_max_pending_accept_reset_streams(Some(RESETS))
        .http2_max_local_error_reset_streams(Some(RESETS))
}
