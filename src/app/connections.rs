//! Connections as they come: how many there are at a time, and that each of them says what it speaks.
//!
//! What must stay true: a connection holds its place from being accepted to being dropped, handshakes and queues included,
//! so that no more than the limit are open; who comes beyond it is closed at once, and those who are there are kept; a
//! connection that could not be accepted ends nothing. Nobody looks at the first bytes of a connection with a deadline
//! but this, because telling HTTP/2 from HTTP/1 has none; once they have come, it costs a comparison a read.

use std::{
    io,
    path::Path,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::{Stream, StreamExt as _};
use metrics::{counter, gauge};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::UnixListener,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{self, Instant, Sleep},
};
use tonic::transport::server::Connected;

use crate::{
    clock::Clock,
    telemetry::{limiter::Limiter, names},
};

/// How long a connection may take until it has said what it speaks.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// How long to wait after a connection could not be accepted: file descriptors may have run out.
const PAUSE: Duration = Duration::from_millis(50);

/// Lines a second that are logged of connections that were refused.
const LINES: u32 = 2;

/// What HTTP/2 begins with. HTTP/1 differs from it within its method.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Lets in at most so many connections at a time.
pub fn bounded<S, C>(
    incoming: S,
    most: usize,
) -> impl Stream<Item = io::Result<Connection<C>>> + Send + 'static
where
    S: Stream<Item = io::Result<C>> + Send + 'static,
    C: Send + 'static,
{
    let places = Arc::new(Semaphore::new(most));
    let mut limiter = Limiter::new(LINES);
    incoming.filter_map(move |next| {
        let place = next.as_ref().ok().and_then(|_| Place::of(&places));
        let suppressed = match (&next, &place) {
            (Ok(_), Some(_)) => None,
            _ => limiter.admit(Clock::system().now()),
        };
        async move {
            match (next, place) {
                (Ok(connection), Some(place)) => Some(Ok(Connection {
                    inner: connection,
                    silence: None,
                    _place: Some(place),
                })),
                (Ok(_), None) => {
                    refuse("crowded");
                    if let Some(suppressed) = suppressed {
                        tracing::warn!(most, suppressed, "a connection too many was closed");
                    }
                    None
                }
                (Err(error), _) => {
                    if let Some(suppressed) = suppressed {
                        tracing::warn!(%error, suppressed, "a connection could not be accepted");
                    }
                    time::sleep(PAUSE).await;
                    None
                }
            }
        }
    })
}

/// Closes connections that have not said what they speak in time.
pub fn attentive<S, C>(
    incoming: S,
    patience: Duration,
) -> impl Stream<Item = io::Result<Connection<C>>> + Send + 'static
where
    S: Stream<Item = io::Result<C>> + Send + 'static,
    C: Send + 'static,
{
    incoming.map(move |next| {
        next.map(|connection| Connection {
            inner: connection,
            silence: Some(Silence {
                deadline: Instant::now() + patience,
                sleep: None,
                said: 0,
            }),
            _place: None,
        })
    })
}

fn refuse(reason: &'static str) {
    counter!(names::CONNECTIONS_REFUSED, "reason" => reason).increment(1);
}

/// A connection that is counted, or that has to say something.
#[derive(Debug)]
pub struct Connection<C> {
    inner: C,
    silence: Option<Silence>,
    _place: Option<Place>,
}

/// One of the connections that there may be.
#[derive(Debug)]
struct Place(#[expect(dead_code, reason = "is there to be dropped")] OwnedSemaphorePermit);

impl Place {
    fn of(places: &Arc<Semaphore>) -> Option<Self> {
        let permit = Arc::clone(places).try_acquire_owned().ok()?;
        gauge!(names::CONNECTIONS).increment(1.0);
        Some(Self(permit))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        gauge!(names::CONNECTIONS).decrement(1.0);
    }
}

/// What lasts until a connection has said what it speaks.
#[derive(Debug)]
struct Silence {
    deadline: Instant,
    /// There once a read had to wait, which it need not for a client whose words came with its connection.
    sleep: Option<Pin<Box<Sleep>>>,
    /// Bytes of the preface that have come.
    said: usize,
}

impl Silence {
    /// Whether the first bytes are told by now: all of the preface, or something else.
    fn is_broken_by(&mut self, bytes: &[u8]) -> bool {
        let rest = &PREFACE[self.said..];
        self.said += bytes.len().min(rest.len());
        self.said == PREFACE.len() || !rest.starts_with(bytes)
    }

    fn poll_deadline(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let deadline = self.deadline;
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(time::sleep_until(deadline)));
        sleep.as_mut().poll(context)
    }
}

impl<C: Connected> Connected for Connection<C> {
    type ConnectInfo = C::ConnectInfo;

    fn connect_info(&self) -> C::ConnectInfo {
        self.inner.connect_info()
    }
}

impl<C: AsyncRead + Unpin> AsyncRead for Connection<C> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.inner).poll_read(context, buffer);
        let Some(silence) = &mut this.silence else {
            return read;
        };
        if read.is_pending() {
            ready!(silence.poll_deadline(context));
            refuse("silent");
            this.silence = None;
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        if silence.is_broken_by(&buffer.filled()[before..]) {
            this.silence = None;
        }
        read
    }
}

impl<C: AsyncWrite + Unpin> AsyncWrite for Connection<C> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

/// Listens on a unix socket, in place of one that a killed process left.
pub(super) fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    if std::os::unix::net::UnixStream::connect(path).is_err() {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => (),
        }
    }
    UnixListener::bind(path)
}
