//! What a service says of itself, by reflection v1, or v1alpha where that is all there is. Their messages are the same.

use std::collections::{BTreeMap, BTreeSet};

use prost::{Message as _, bytes::Bytes};
use prost_reflect::DescriptorPool;
use prost_types::FileDescriptorProto;
use tonic::{Code, Request};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, ServerReflectionResponse,
    server_reflection_request::MessageRequest as Ask,
    server_reflection_response::MessageResponse as Answer,
};

use super::{
    Failure, status,
    wire::{Refused, Wire},
};

/// The versions, best first.
const METHODS: [&str; 2] = [
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];
/// Files that one service may be described in.
const FILES: usize = 10_000;

fn odd(what: impl std::fmt::Display) -> Refused {
    Refused::Answer(what.to_string())
}

/// Everything that a service describes.
pub(super) async fn load(wire: &mut Wire) -> Result<DescriptorPool, Failure> {
    let (method, services) = services(wire).await?;
    let mut files: BTreeMap<String, FileDescriptorProto> = BTreeMap::new();
    for service in services {
        let told = ask(wire, method, Ask::FileContainingSymbol(service)).await;
        match told.and_then(descriptors) {
            // A service that is listed and not described cannot be called; the others can.
            Err(Refused::Answer(_)) => (),
            Err(Refused::Status(status)) if status.code() == Code::NotFound => (),
            Ok(found) => files.extend(found),
            Err(refused) => return Err(refused.into()),
        }
    }
    complete(wire, method, &mut files).await?;
    let mut pool = DescriptorPool::new();
    pool.add_file_descriptor_protos(files.into_values())
        .map_err(odd)?;
    Ok(pool)
}

/// The version of reflection that answers, and the services that it lists.
async fn services(wire: &mut Wire) -> Result<(&'static str, Vec<String>), Failure> {
    let mut refused = None;
    for method in METHODS {
        match ask(wire, method, Ask::ListServices(String::new())).await {
            Ok(Answer::ListServicesResponse(list)) => {
                let names = list.service.into_iter().map(|service| service.name);
                return Ok((method, names.collect()));
            }
            Ok(_) => return Err(odd("no list of services").into()),
            Err(Refused::Status(status)) if status.code() == Code::Unimplemented => {
                refused = Some(status);
            }
            Err(other) => return Err(other.into()),
        }
    }
    let status = refused.map_or_else(String::new, |status| status::describe(&status));
    Err(Failure::Call(format!(
        "the service has no reflection: {status}"
    )))
}

/// Fetches what the files import, until nothing is missing.
async fn complete(
    wire: &mut Wire,
    method: &'static str,
    files: &mut BTreeMap<String, FileDescriptorProto>,
) -> Result<(), Failure> {
    loop {
        let imported = files.values().flat_map(|file| file.dependency.iter());
        let missing: BTreeSet<String> = imported
            .filter(|name| !files.contains_key(*name))
            .cloned()
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        if files.len() + missing.len() > FILES {
            return Err(odd(format_args!("more than {FILES} files")).into());
        }
        for name in missing {
            let told = ask(wire, method, Ask::FileByFilename(name.clone())).await;
            match told.and_then(descriptors) {
                Ok(found) => files.extend(found),
                // Everyone knows Google's own.
                Err(refused) => match DescriptorPool::global().get_file_by_name(&name) {
                    Some(file) => {
                        let encoded = file.encode_to_vec();
                        let file = FileDescriptorProto::decode(encoded.as_slice()).map_err(odd)?;
                        files.insert(name.clone(), file);
                    }
                    None => return Err(refused.into()),
                },
            }
            if !files.contains_key(&name) {
                return Err(odd(format_args!("no file {name}")).into());
            }
        }
    }
}

/// One question, one answer.
async fn ask(wire: &mut Wire, method: &str, question: Ask) -> Result<Answer, Refused> {
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(question),
    };
    let question = Bytes::from(request.encode_to_vec());
    let request = Request::new(tokio_stream::once(question));
    let mut answers = wire.call(request, method).await?;
    let answer = answers.message().await?.ok_or_else(|| odd("no answer"))?;
    let answer = ServerReflectionResponse::decode(answer).map_err(odd)?;
    match answer.message_response {
        Some(Answer::ErrorResponse(error)) => Err(Refused::Answer(error.error_message)),
        Some(answer) => Ok(answer),
        None => Err(odd("an empty answer")),
    }
}

fn descriptors(answer: Answer) -> Result<Vec<(String, FileDescriptorProto)>, Refused> {
    let Answer::FileDescriptorResponse(files) = answer else {
        return Err(odd("no file where one was asked for"));
    };
    files
        .file_descriptor_proto
        .iter()
        .map(|bytes| {
            let file = FileDescriptorProto::decode(bytes.as_slice()).map_err(odd)?;
            Ok((file.name().to_owned(), file))
        })
        .collect()
}
