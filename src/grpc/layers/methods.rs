//! The methods of the API, so that labels and span names are bounded whatever paths callers make up.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use metrics::{Counter, Histogram, SharedString, counter, histogram};
use prost::Message as _;
use prost_types::FileDescriptorSet;
use tonic::Code;

use crate::{proto, telemetry::names};

/// Names of gRPC codes as labels, by number.
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// One method, with its series; those of a code begin with its first call.
pub struct Method {
    /// Name of its service with the package.
    pub service: SharedString,
    /// Its own name.
    pub name: SharedString,
    /// Both, as OpenTelemetry names a span of it.
    pub full: String,
    seconds: OnceLock<Histogram>,
    calls: [OnceLock<Counter>; CODES.len()],
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.full)
    }
}

impl Method {
    fn new(service: &str, name: &str) -> Self {
        Self {
            service: SharedString::from(service.to_owned()),
            name: SharedString::from(name.to_owned()),
            full: format!("{service}/{name}"),
            seconds: OnceLock::new(),
            calls: Default::default(),
        }
    }

    /// Counts a call.
    pub fn observe(&self, code: Code, took: Duration) {
        let labels = || (self.service.clone(), self.name.clone());
        let seconds = self.seconds.get_or_init(|| {
            let (service, method) = labels();
            histogram!(names::GRPC_REQUEST_SECONDS, "service" => service, "method" => method)
        });
        seconds.record(took);
        let number = usize::try_from(i32::from(code)).unwrap_or_default();
        if let (Some(calls), Some(code)) = (self.calls.get(number), CODES.get(number)) {
            let calls = calls.get_or_init(|| {
                let (service, method) = labels();
                counter!(
                    names::GRPC_REQUESTS,
                    "service" => service, "method" => method, "code" => *code
                )
            });
            calls.increment(1);
        }
    }
}

/// The methods of the API by path, and one for all others.
#[derive(Clone, Debug)]
pub struct Methods {
    known: Arc<HashMap<String, Arc<Method>>>,
    other: Arc<Method>,
}

impl Methods {
    /// The methods of the descriptors that reflection serves.
    #[must_use]
    pub fn of_the_api() -> Self {
        let files = FileDescriptorSet::decode(proto::DESCRIPTORS).unwrap_or_default();
        let mut known = HashMap::new();
        for file in &files.file {
            for service in &file.service {
                let service_name = format!("{}.{}", file.package(), service.name());
                for method in &service.method {
                    let method = Method::new(&service_name, method.name());
                    known.insert(format!("/{}", method.full), Arc::new(method));
                }
            }
        }
        Self {
            known: Arc::new(known),
            other: Arc::new(Method::new("other", "other")),
        }
    }

    /// The method of a path.
    #[must_use]
    pub fn of(&self, path: &str) -> Arc<Method> {
        Arc::clone(self.known.get(path).unwrap_or(&self.other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_those_of_the_protocol_and_all_others_are_one() {
        let methods = Methods::of_the_api();
        let get = methods.of("/customer_profile.v1.ProfileService/GetProfile");
        assert_eq!(get.full, "customer_profile.v1.ProfileService/GetProfile");
        for made_up in ["/customer_profile.v1.ProfileService/x", "/", "", "/x/y"] {
            assert_eq!(methods.of(made_up).full, "other/other");
        }
    }

    #[test]
    fn every_code_has_its_name() {
        for (number, name) in CODES.iter().enumerate() {
            let code = Code::from(i32::try_from(number).unwrap());
            let shown = format!("{code:?}").to_uppercase();
            assert_eq!(shown, name.replace('_', ""));
        }
    }
}
