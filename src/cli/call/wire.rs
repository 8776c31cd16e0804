//! Calls with messages as bytes: who calls knows what they mean.

use std::future::poll_fn;

use prost::bytes::{Buf as _, BufMut as _, Bytes};
use tokio_stream::Stream;
use tonic::{
    Request, Status, Streaming,
    client::{Grpc, GrpcService as _},
    codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder},
    transport,
};

use super::{Failure, client::Connection, status, text::visible};

/// The greatest answer that is taken in.
const LARGEST: usize = 256 << 20;

/// Why a call has no answer.
pub(super) enum Refused {
    /// No service is there.
    Unreachable(transport::Error),
    /// The service says why.
    Status(Status),
    /// The service answers what it was not asked.
    Answer(String),
}

impl From<Status> for Refused {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self::Call(match refused {
            Refused::Unreachable(error) => format!("the service cannot be reached: {error}"),
            Refused::Status(status) => status::describe(&status),
            Refused::Answer(text) => {
                format!("the service describes itself badly: {}", visible(&text))
            }
        })
    }
}

/// A connection for calls of any method. All methods look the same on it: messages there, messages back.
pub(super) struct Wire {
    connection: Connection,
}

impl Wire {
    pub(super) fn new(connection: Connection) -> Self {
        Self { connection }
    }

    /// Calls `/package.Service/Method`.
    pub(super) async fn call(
        &mut self,
        request: Request<impl Stream<Item = Bytes> + Send + 'static>,
        path: &str,
    ) -> Result<Streaming<Bytes>, Refused> {
        let connection = &mut self.connection;
        poll_fn(|context| connection.poll_ready(context))
            .await
            .map_err(Refused::Unreachable)?;
        // Names come from descriptors, which are not bound to be good paths.
        let path = path
            .parse()
            .unwrap_or_else(|_| http::uri::PathAndQuery::from_static("/unspeakable"));
        let answer = Grpc::new(connection)
            .accept_compressed(CompressionEncoding::Gzip)
            .max_decoding_message_size(LARGEST)
            .streaming(request, path, Raw)
            .await?;
        Ok(answer.into_inner())
    }
}

/// Leaves bytes as they are.
#[derive(Clone, Copy, Debug, Default)]
pub struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
