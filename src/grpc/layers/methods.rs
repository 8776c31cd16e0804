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

/// How long a call may take, where it is not the second of [`Method::objective`]. A stream takes as long as it likes.
const OBJECTIVES: [(&str, Option<Duration>); 24] = [
    ("StreamInteractions", None),
    ("WatchProfiles", None),
    ("GetProfile", Some(Duration::from_millis(50))),
    ("ListIdentifiers", Some(Duration::from_millis(50))),
    ("ListTraits", Some(Duration::from_millis(50))),
    ("GetNextBestActions", Some(Duration::from_millis(50))),
    ("AnalyzeText", Some(Duration::from_millis(50))),
    ("GetSegments", Some(Duration::from_millis(50))),
    ("BatchGetProfiles", Some(Duration::from_millis(250))),
    ("ListInteractions", Some(Duration::from_millis(250))),
    ("GetSentimentHistory", Some(Duration::from_millis(250))),
    ("SearchProfiles", Some(Duration::from_millis(250))),
    ("ReplayDecision", Some(Duration::from_millis(250))),
    ("ExplainDecision", Some(Duration::from_millis(250))),
    ("ExplainIdentity", Some(Duration::from_secs(5))),
    ("SuggestMerges", Some(Duration::from_secs(5))),
    ("RetractInteractions", Some(Duration::from_secs(5))),
    ("GetExperienceMetrics", Some(Duration::from_secs(5))),
    ("GetActionStats", Some(Duration::from_secs(5))),
    ("PreviewSegment", Some(Duration::from_secs(5))),
    ("GetLift", Some(Duration::from_secs(5))),
    ("EvaluatePolicy", Some(Duration::from_secs(30))),
    ("PreviewRules", Some(Duration::from_mins(10))),
    ("ReanalyzeInteractions", Some(Duration::from_mins(10))),
];

/// One method, with its series; those of a code begin with its first call.
pub struct Method {
    /// Name of its service with the package.
    pub service: SharedString,
    /// Its own name.
    pub name: SharedString,
    /// Both, as OpenTelemetry names a span of it.
    pub full: String,
    /// How long a call of it may take, as the service sees it: one that takes longer is logged and its trace is kept. The
    /// two that alerts rest on are in `docs/alerts.md`.
    pub objective: Option<Duration>,
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
        let own = OBJECTIVES.iter().find(|(of, _)| *of == name);
        Self {
            objective: own.map_or(Some(Duration::from_secs(1)), |(_, objective)| *objective),
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
pub struct Methods(Arc<All>);

#[derive(Debug)]
struct All {
    known: HashMap<String, Arc<Method>>,
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
        Self(Arc::new(All {
            known,
            other: Arc::new(Method::new("other", "other")),
        }))
    }

    /// The methods by path.
    pub fn all(&self) -> impl Iterator<Item = (&str, &Method)> {
        let known = self.0.known.iter();
        known.map(|(path, method)| (path.as_str(), &**method))
    }

    /// The method of a path.
    #[must_use]
    pub fn of(&self, path: &str) -> Arc<Method> {
        Arc::clone(self.0.known.get(path).unwrap_or(&self.0.other))
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
    fn objectives_are_of_methods_of_the_api_and_streams_have_none() {
        let methods = Methods::of_the_api();
        for (name, objective) in OBJECTIVES {
            let found = methods
                .0
                .known
                .values()
                .find(|method| &*method.name == name);
            assert_eq!(
                found.map(|method| method.objective),
                Some(objective),
                "{name}"
            );
        }
        let stream = methods.of("/customer_profile.v1.InteractionService/StreamInteractions");
        assert_eq!(stream.objective, None);
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
