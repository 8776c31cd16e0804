//! Accepting connections and shaking hands with them.
//!
//! What must stay true: the loop that accepts never waits for a handshake; a handshake has ten seconds; of those under way
//! the oldest goes when there are too many, because a good client's is short, so that strangers who open connections and
//! say nothing keep nobody out; each connection gets the certificates that are current when it comes.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{Stream, StreamExt as _};
use metrics::counter;
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::{mpsc, watch},
    task::{AbortHandle, JoinSet},
    time,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;

use crate::{
    auth::Peer,
    clock::Clock,
    telemetry::{limiter::Limiter, names},
};

/// How long a handshake may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Handshakes under way at most.
const MOST: usize = 512;

/// Connections that shook hands and wait to be served.
const WAITING: usize = 64;

/// How long to wait after a connection could not be accepted: file descriptors may have run out.
const PAUSE: Duration = Duration::from_millis(50);

/// Lines a second that are logged of what failed.
const LINES: u32 = 2;

/// A connection that shook hands.
#[derive(Debug)]
pub struct Secured<C> {
    stream: TlsStream<C>,
    peer: Peer,
}

impl<C> Secured<C> {
    fn new(stream: TlsStream<C>) -> Self {
        let certificates = stream.get_ref().1.peer_certificates();
        let peer = Peer::of(certificates.and_then(<[_]>::first));
        Self { stream, peer }
    }
}

impl<C> Connected for Secured<C> {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl<C: AsyncRead + AsyncWrite + Unpin> AsyncRead for Secured<C> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<C: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Secured<C> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// Why a connection did not come to be, as the label of the metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failed {
    Timeout,
    Certificate,
    Protocol,
    Closed,
    Crowded,
}

impl Failed {
    const fn reason(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Certificate => "certificate",
            Self::Protocol => "protocol",
            Self::Closed => "closed",
            Self::Crowded => "crowded",
        }
    }

    fn of(error: &io::Error) -> Self {
        let inner = error.get_ref().and_then(|e| e.downcast_ref());
        match inner {
            Some(rustls::Error::InvalidCertificate(_)) => Self::Certificate,
            Some(_) => Self::Protocol,
            None => Self::Closed,
        }
    }
}

/// Counts what failed, and logs some of it. A stranger's words are in neither.
#[derive(Clone, Debug)]
struct Complaints(Arc<Mutex<Limiter>>);

impl Complaints {
    fn of(&self, failed: Failed) {
        let reason = failed.reason();
        counter!(names::TLS_HANDSHAKES_FAILED, "reason" => reason).increment(1);
        if let Some(suppressed) = self.admit() {
            tracing::warn!(reason, suppressed, "a TLS handshake failed");
        }
    }

    fn of_accepting(&self, error: &io::Error) {
        if let Some(suppressed) = self.admit() {
            tracing::warn!(%error, suppressed, "a connection could not be accepted");
        }
    }

    fn admit(&self) -> Option<u64> {
        let mut limiter = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        limiter.admit(Clock::system().now())
    }
}

/// Shakes hands with everyone who comes; answers with those with whom it succeeded. It ends, and with it the listening,
/// when the answer is dropped.
pub fn accept<S, C>(
    incoming: S,
    current: watch::Receiver<Arc<ServerConfig>>,
) -> ReceiverStream<io::Result<Secured<C>>>
where
    S: Stream<Item = io::Result<C>> + Send + 'static,
    C: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(WAITING);
    tokio::spawn(listen(incoming, current, sender));
    ReceiverStream::new(receiver)
}

async fn listen<S, C>(
    incoming: S,
    current: watch::Receiver<Arc<ServerConfig>>,
    sender: mpsc::Sender<io::Result<Secured<C>>>,
) where
    S: Stream<Item = io::Result<C>> + Send + 'static,
    C: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let complaints = Complaints(Arc::new(Mutex::new(Limiter::new(LINES))));
    let mut incoming = std::pin::pin!(incoming);
    let mut under_way = UnderWay::default();
    loop {
        let connection = tokio::select! {
            () = sender.closed() => break,
            next = incoming.next() => match next {
                Some(Ok(connection)) => connection,
                Some(Err(error)) => {
                    complaints.of_accepting(&error);
                    time::sleep(PAUSE).await;
                    continue;
                }
                None => break,
            },
        };
        if under_way.make_room() {
            complaints.of(Failed::Crowded);
        }
        let acceptor = TlsAcceptor::from(Arc::clone(&current.borrow()));
        let (sender, complaints) = (sender.clone(), complaints.clone());
        under_way.begin(async move {
            match time::timeout(PATIENCE, acceptor.accept(connection)).await {
                // Who drains takes no more.
                Ok(Ok(stream)) => drop(sender.send(Ok(Secured::new(stream))).await),
                Ok(Err(error)) => complaints.of(Failed::of(&error)),
                Err(_) => complaints.of(Failed::Timeout),
            }
        });
    }
}

/// Handshakes that have begun, the oldest first. Dropping it ends them.
#[derive(Default)]
struct UnderWay {
    tasks: JoinSet<()>,
    begun: VecDeque<AbortHandle>,
}

impl UnderWay {
    /// Lets go of those that ended; of the oldest, too, when there is no room left. Whether that was so.
    fn make_room(&mut self) -> bool {
        while self.tasks.try_join_next().is_some() {}
        if self.tasks.len() < MOST {
            if self.begun.len() >= 2 * MOST {
                self.begun.retain(|handshake| !handshake.is_finished());
            }
            return false;
        }
        while let Some(oldest) = self.begun.pop_front() {
            if !oldest.is_finished() {
                oldest.abort();
                return true;
            }
        }
        false
    }

    fn begin(&mut self, handshake: impl Future<Output = ()> + Send + 'static) {
        let handle = self.tasks.spawn(handshake);
        self.begun.push_back(handle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn of_too_many_handshakes_the_oldest_goes() {
        let mut under_way = UnderWay::default();
        for _ in 0..MOST {
            assert!(!under_way.make_room());
            under_way.begin(std::future::pending());
        }
        for _ in 0..3 * MOST {
            assert!(under_way.make_room());
            under_way.begin(std::future::pending());
            tokio::task::yield_now().await;
        }
        // One that was let go of is counted until it noticed.
        assert!(under_way.begun.len() <= 2 * MOST && under_way.tasks.len() <= MOST + 2);
    }

    #[tokio::test]
    async fn handshakes_that_end_leave_nothing_behind() {
        let mut under_way = UnderWay::default();
        for _ in 0..10 * MOST {
            assert!(!under_way.make_room());
            under_way.begin(std::future::ready(()));
            tokio::task::yield_now().await;
        }
        assert!(under_way.begun.len() <= 2 * MOST);
    }

    #[test]
    fn failures_are_told_apart_by_what_the_operator_would_do() {
        let tls =
            |error: rustls::Error| Failed::of(&io::Error::new(io::ErrorKind::InvalidData, error));
        let expired = rustls::Error::InvalidCertificate(rustls::CertificateError::Expired);
        assert_eq!(tls(expired), Failed::Certificate);
        assert_eq!(tls(rustls::Error::NoApplicationProtocol), Failed::Protocol);
        let gone = io::Error::from(io::ErrorKind::UnexpectedEof);
        assert_eq!(Failed::of(&gone), Failed::Closed);
    }
}
