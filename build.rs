//! Compiles the protocol files without protoc, and writes the descriptor set that reflection serves.

use std::{env, error::Error, fs, path::PathBuf};

use protox::prost::Message as _;

const ROOT: &str = "proto";
const FILES: [&str; 5] = [
    "customer_profile/v1/interaction_service.proto",
    "customer_profile/v1/profile_service.proto",
    "customer_profile/v1/identity_service.proto",
    "customer_profile/v1/sentiment_service.proto",
    "customer_profile/state/v1/state.proto",
];

/// Files whose descriptors are served: the API alone, not what is stored.
const SERVED: usize = 4;

/// The service that operators implement and we call. It is no part of the API: not served, and decoded without the weighing
/// that requests need.
const ANALYZER: &str = "customer_profile/analyzer/v1/analyzer.proto";

/// Messages whose fields are personal data; their `Debug` is written by hand and shows none.
const PERSONAL: [&str; 17] = [
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
    ".customer_profile.state.v1.LastFeeling",
    ".customer_profile.state.v1.ConsentFact",
    ".customer_profile.state.v1.Summary",
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
