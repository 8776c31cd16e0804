//! The least that a call can cost: a bare tonic server, a process of its own on a unix socket as the service is, that reads no
//! message and answers with bytes that it was given.

use std::{
    collections::HashMap,
    convert::Infallible,
    future::{Ready, ready},
    path::{Path, PathBuf},
    pin::Pin,
    process::{Command, Stdio},
    sync::Arc,
    task::{Context, Poll},
};

use prost::bytes::Bytes;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::{
    Request, Response, Status,
    body::Body,
    server::{NamedService, UnaryService},
};

use crate::{
    load::Raw,
    stage::{Process, answers},
};

const COMMAND: &str = "answer-with-bytes";

/// The server.
pub(crate) struct Empty {
    /// Where it is called.
    pub(crate) url: String,
    _process: Process,
}

impl Empty {
    /// Starts this program once more, to answer calls of `/Empty/NAME` with the bytes of each name.
    pub(crate) async fn start(scratch: &Path, answer: &[(&str, Bytes)]) -> Self {
        let directory = scratch.join("answers");
        std::fs::create_dir_all(&directory).unwrap();
        for (name, bytes) in answer {
            std::fs::write(directory.join(name), bytes).unwrap();
        }
        let socket = scratch.join("empty.sock");
        let process = Command::new(std::env::current_exe().unwrap())
            .arg(COMMAND)
            .args([&socket, &directory])
            .stdin(Stdio::null())
            .spawn();
        let process = Process(process.unwrap());
        answers(&socket).await;
        Self {
            url: format!("unix:{}", socket.display()),
            _process: process,
        }
    }
}

/// Whether this process is the server: then it serves until it is ended, or whoever started it is gone.
pub(crate) async fn served() -> bool {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, command, socket, directory] = arguments.as_slice() else {
        return false;
    };
    if command != COMMAND {
        return false;
    }
    let parent = std::os::unix::process::parent_id();
    let orphaned = async move {
        while std::os::unix::process::parent_id() == parent {
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
    };
    let files = std::fs::read_dir(PathBuf::from(directory)).unwrap();
    let answers = files.map(|file| {
        let file = file.unwrap();
        let path = format!("/Empty/{}", file.file_name().display());
        (path, Bytes::from(std::fs::read(file.path()).unwrap()))
    });
    let listener = tokio::net::UnixListener::bind(socket).unwrap();
    tonic::transport::Server::builder()
        .add_service(Answers(Arc::new(answers.collect())))
        .serve_with_incoming_shutdown(UnixListenerStream::new(listener), orphaned)
        .await
        .unwrap();
    true
}

#[derive(Clone)]
struct Answers(Arc<HashMap<String, Bytes>>);

impl NamedService for Answers {
    const NAME: &'static str = "Empty";
}

type Answering = Pin<Box<dyn Future<Output = Result<http::Response<Body>, Infallible>> + Send>>;

impl tower::Service<http::Request<Body>> for Answers {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Answering {
        let answer = self.0.get(request.uri().path()).cloned();
        Box::pin(async move {
            let answer = Answer(answer.unwrap_or_default());
            Ok(tonic::server::Grpc::new(Raw).unary(answer, request).await)
        })
    }
}

struct Answer(Bytes);

impl UnaryService<Bytes> for Answer {
    type Response = Bytes;
    type Future = Ready<Result<Response<Bytes>, Status>>;

    fn call(&mut self, _: Request<Bytes>) -> Self::Future {
        ready(Ok(Response::new(std::mem::take(&mut self.0))))
    }
}
