//! Calls with bytes that no generated client would send.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use customer_profile::cli::call::Raw;
use futures_util::Stream;
use http_body::Frame;
use tonic::{
    Request, Status, body::Body, client::Grpc, codegen::http::uri::PathAndQuery, transport::Channel,
};
use tower::Service as _;

/// A unary call with these bytes as its message.
pub async fn unary(channel: Channel, path: &'static str, message: Bytes) -> Result<Bytes, Status> {
    unary_with(channel, path, Request::new(message)).await
}

/// The same with metadata.
pub async fn unary_with(
    channel: Channel,
    path: &'static str,
    request: Request<Bytes>,
) -> Result<Bytes, Status> {
    let mut client = Grpc::new(channel);
    client.ready().await.unwrap();
    let path = PathAndQuery::from_static(path);
    let response = client.unary(request, path, Raw).await?;
    Ok(response.into_inner())
}

/// The first answer to a call with these bytes as its message, which may be answered by many.
pub async fn first(channel: Channel, path: &'static str, message: Bytes) -> Result<Bytes, Status> {
    let mut client = Grpc::new(channel);
    client.ready().await.unwrap();
    let path = PathAndQuery::from_static(path);
    let response = client
        .server_streaming(Request::new(message), path, Raw)
        .await?;
    let first = response.into_inner().message().await?;
    Ok(first.expect("an answer"))
}

/// A bidirectional call with these bytes as its messages; answers with how many messages came and how it ended.
pub async fn stream(
    channel: Channel,
    path: &'static str,
    messages: impl Stream<Item = Bytes> + Send + 'static,
) -> (usize, Result<(), Status>) {
    let mut client = Grpc::new(channel);
    client.ready().await.unwrap();
    let path = PathAndQuery::from_static(path);
    let mut answers = match client.streaming(Request::new(messages), path, Raw).await {
        Ok(response) => response.into_inner(),
        Err(status) => return (0, Err(status)),
    };
    let mut came = 0;
    loop {
        match answers.message().await {
            Ok(Some(_)) => came += 1,
            Ok(None) => return (came, Ok(())),
            Err(status) => return (came, Err(status)),
        }
    }
}

/// A call whose message is announced with more bytes than come; ends when the service ends it.
pub async fn half_sent(mut channel: Channel, path: &'static str, announced: u32, sent: Bytes) {
    let mut head = vec![0];
    head.extend(announced.to_be_bytes());
    let request = http::Request::post(path)
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Body::new(Half([head.into(), sent].into())))
        .unwrap();
    std::future::poll_fn(|context| channel.poll_ready(context))
        .await
        .unwrap();
    // Whether it is refused or cut off, it is over.
    let _ = channel.call(request).await;
}

/// Some bytes, and then nothing, without an end.
struct Half(VecDeque<Bytes>);

impl http_body::Body for Half {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match self.0.pop_front() {
            Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            None => Poll::Pending,
        }
    }
}
