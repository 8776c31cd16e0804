//! Compiles the protocol files without protoc, and writes the descriptor set that reflection serves.

use std::{env, error::Error, fs, path::PathBuf};

use protox::prost::Message as _;

const ROOT: &str = "proto";
const FILES: [&str; 9] = [
    "customer_profile/v1/interaction_service.proto",
    "customer_profile/v1/profile_service.proto",
    "customer_profile/v1/identity_service.proto",
    "customer_profile/v1/sentiment_service.proto",
    "customer_profile/v1/next_best_action_service.proto",
    "customer_profile/v1/segment_service.proto",
    "customer_profile/state/v1/state.proto",
    "customer_profile/state/v1/decision.proto",
    "customer_profile/state/v1/catalogue.proto",
];

/// Files whose descriptors are served: the API alone, not what is stored.
const SERVED: usize = 6;

/// The service that operators implement and we call. It is no part of the API: not served, and decoded without the weighing
/// that requests need.
const ANALYZER: &str = "customer_profile/analyzer/v1/analyzer.proto";

/// The service whose answers hold profiles, generated once more for the server: with answers in which they are bytes.
const LOOKUPS: &str = "customer_profile/v1/profile_service.proto";

/// Messages whose fields are personal data; their `Debug` is written by hand and shows none.
const PERSONAL: [&str; 24] = [
    ".customer_profile.v1.Interaction",
    ".customer_profile.v1.Identifier",
    ".customer_profile.v1.TraitValue",
    ".customer_profile.v1.TextList",
    ".customer_profile.v1.ProfileIdentifier",
    ".customer_profile.v1.IdentityCut",
    ".customer_profile.v1.IdentityDecision",
    ".customer_profile.v1.ExplainIdentityResponse",
    ".customer_profile.v1.RetractInteractionsRequest",
    ".customer_profile.v1.AnalyzeTextRequest",
    ".customer_profile.v1.LastFeeling",
    ".customer_profile.v1.SentimentItem",
    ".customer_profile.v1.GetSentimentHistoryResponse",
    ".customer_profile.v1.SentimentSummary",
    ".customer_profile.v1.SegmentFact",
    ".customer_profile.v1.GetSegmentsResponse",
    ".customer_profile.state.v1.LastFeeling",
    ".customer_profile.state.v1.ConsentFact",
    ".customer_profile.state.v1.Summary",
    ".customer_profile.state.v1.DecisionInputs",
    ".customer_profile.state.v1.DecisionFact",
    ".customer_profile.state.v1.FactTexts",
    ".customer_profile.state.v1.CachedProfile",
    ".customer_profile.state.v1.CachedIdentifier",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={ROOT}");
    println!("cargo::rerun-if-changed=migrations");
    let out = PathBuf::from(env::var("OUT_DIR")?);

    // A decoder has to know what it decodes.
    let mut names = tonic_prost_build::Config::new();
    names.enable_type_names();
    let descriptors = protox::compile(FILES, [ROOT])?;
    tonic_prost_build::configure()
        .bytes(".")
        .skip_debug(PERSONAL)
        .codec_path("crate::grpc::codec::Codec")
        .compile_fds_with_config(descriptors, names)?;

    // Messages of the API are those above; what is generated of them here is not used.
    let analyzer = out.join("analyzer");
    fs::create_dir_all(&analyzer)?;
    tonic_prost_build::configure()
        .out_dir(&analyzer)
        .extern_path(".customer_profile.v1", "crate::proto::v1")
        .skip_debug([".customer_profile.analyzer.v1.CustomerText"])
        .compile_fds(protox::compile([ANALYZER], [ROOT])?)?;

    // Look-ups answer with profiles that were encoded before. What is generated of this service above is not used.
    let lookups = out.join("served");
    fs::create_dir_all(&lookups)?;
    tonic_prost_build::configure()
        .out_dir(&lookups)
        .build_client(false)
        .extern_path(".customer_profile.v1", "crate::proto::v1")
        .extern_path(
            ".customer_profile.v1.GetProfileResponse",
            "crate::grpc::replies::GetProfileResponse",
        )
        .extern_path(
            ".customer_profile.v1.BatchGetProfilesResponse",
            "crate::grpc::replies::BatchGetProfilesResponse",
        )
        .codec_path("crate::grpc::codec::Codec")
        .compile_fds(protox::compile([LOOKUPS], [ROOT])?)?;

    let mut served = protox::Compiler::new([ROOT])?;
    served.include_imports(true).include_source_info(false);
    for file in &FILES[..SERVED] {
        served.open_file(file)?;
    }
    fs::write(
        out.join("descriptors.bin"),
        served.file_descriptor_set().encode_to_vec(),
    )?;
    Ok(())
}
