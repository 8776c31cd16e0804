//! `call`: any method of any service that has reflection, with JSON in and JSON out; for a machine without grpcurl.
//!
//! What must stay true: nothing is known here of the API at hand, the service describes itself. Input may be anything: it
//! is refused with what is wrong and where, and never takes the program down.

mod describe;
mod input;
mod names;
mod reflection;
mod wire;

use std::{path::PathBuf, time::Duration};

use clap::Args;
use prost::bytes::Bytes;
use prost_reflect::{DynamicMessage, MethodDescriptor};
use tokio::sync::mpsc;
use tonic::{Request, Status};

use super::{
    Failure, client, json, status,
    terminal::{self, text},
};
use input::Input;
pub use wire::Raw;
use wire::Wire;

/// What to call, with what.
#[derive(Args, Debug)]
pub struct CallArgs {
    /// The method: package.Service/Method, or less of it where that is enough, such as `GetProfile`.
    #[arg(required_unless_present_any = ["list", "describe"], value_name = "METHOD")]
    method: Option<String>,

    /// The request as JSON of the protocol, @FILE to read it from, or - for standard input; an empty message when not
    /// given. A method that takes a stream takes any number, one after another.
    #[arg(value_name = "JSON|@FILE|-")]
    input: Option<String>,

    #[command(flatten)]
    target: client::Target,

    /// List the services with their methods.
    #[arg(long, conflicts_with_all = ["method", "describe"])]
    list: bool,

    /// Describe a service, a method, a message or an enum.
    #[arg(long, value_name = "NAME", conflicts_with = "method")]
    describe: Option<String>,

    /// Give up after so many seconds.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    max_time: Option<Duration>,
}

fn seconds(text: &str) -> Result<Duration, &'static str> {
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|time| !time.is_zero())
        .ok_or("must be a number of seconds greater than 0")
}

/// `call`.
pub(super) async fn call(args: &CallArgs) -> Result<(), Failure> {
    let Some(most) = args.max_time else {
        return work(args).await;
    };
    match tokio::time::timeout(most, work(args)).await {
        Ok(result) => result,
        Err(_) => Err(Failure::Call(format!(
            "given up after {} s (--max-time)",
            most.as_secs_f64()
        ))),
    }
}

async fn work(args: &CallArgs) -> Result<(), Failure> {
    let mut wire = Wire::new(args.target.connect()?);
    let pool = reflection::load(&mut wire).await?;
    if args.list {
        return print(&describe::list(&pool));
    }
    if let Some(name) = &args.describe {
        return print(&describe::named(&pool, name)?);
    }
    let method = names::method(&pool, args.method.as_deref().unwrap_or_default())?;
    let input = match args.input.as_deref() {
        None => Input::Text(String::new()),
        Some("-") => Input::Stdin,
        Some(text) => match text.strip_prefix('@') {
            Some(path) => Input::File(PathBuf::from(path)),
            None => Input::Text(text.to_owned()),
        },
    };
    exchange(&mut wire, &method, input, args.max_time).await
}

/// Sends what is given and prints what comes, as it comes.
async fn exchange(
    wire: &mut Wire,
    method: &MethodDescriptor,
    input: Input,
    most: Option<Duration>,
) -> Result<(), Failure> {
    let mut messages = input::messages(input, method.input());
    if !method.is_client_streaming() {
        let only = only(&mut messages, method).await?;
        let (sender, receiver) = mpsc::channel(1);
        sender.try_send(Ok(only)).map_err(|_| lost())?;
        messages = receiver;
    }
    let (outbound, refused) = input::outbound(messages);
    let mut request = Request::new(outbound);
    if let Some(most) = most {
        request.set_timeout(most);
    }
    let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
    tokio::select! {
        result = receive(wire, request, &path, method) => result,
        Ok(wrong) = refused => Err(Failure::Call(wrong)),
    }
}

fn lost() -> Failure {
    Failure::Call("the request was lost on its way".to_owned())
}

/// The one message of a method that takes one. Nothing given is an empty one.
async fn only(
    messages: &mut mpsc::Receiver<Result<DynamicMessage, String>>,
    method: &MethodDescriptor,
) -> Result<DynamicMessage, Failure> {
    let first = messages.recv().await.transpose().map_err(Failure::Call)?;
    if messages
        .recv()
        .await
        .transpose()
        .map_err(Failure::Call)?
        .is_some()
    {
        let text = format!("{} takes one message, and more were given", method.name());
        return Err(Failure::Call(text));
    }
    Ok(first.unwrap_or_else(|| DynamicMessage::new(method.input())))
}

async fn receive(
    wire: &mut Wire,
    request: Request<impl tokio_stream::Stream<Item = Bytes> + Send + 'static>,
    path: &str,
    method: &MethodDescriptor,
) -> Result<(), Failure> {
    let failed = |status: Status| Failure::Call(status::describe(&status));
    let mut answers = wire.call(request, path).await?;
    while let Some(answer) = answers.message().await.map_err(failed)? {
        let answer = DynamicMessage::decode(method.output(), answer).map_err(|error| {
            Failure::Call(format!(
                "the answer is no {}: {error}",
                method.output().full_name()
            ))
        })?;
        // Streams are for programs, a single answer is for people.
        let shown = if method.is_server_streaming() {
            json::line(&answer)?
        } else {
            json::pretty(&answer)?
        };
        if !terminal::emit(&shown)? {
            break;
        }
    }
    Ok(())
}

/// Prints what a service says of itself.
fn print(lines: &[String]) -> Result<(), Failure> {
    for line in lines {
        if !terminal::emit(&format!("{}\n", text::visible(line)))? {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_positive_number_of_seconds() {
        assert_eq!(seconds("0.25"), Ok(Duration::from_millis(250)));
        for wrong in ["0", "-1", "nan", "inf", "1e300", "", "1s"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
