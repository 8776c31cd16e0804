//! Answers whose profiles are encoded already, so that what was shown once is sent again as it is.
//!
//! What must stay true: on the wire they are the messages of the same names of the protocol, a field for a field; a message
//! within a message and its bytes are written alike.

use prost::bytes::Bytes;

use crate::proto::v1::ReadInfo;

/// `GetProfileResponse`.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub struct GetProfileResponse {
    /// The profile.
    #[prost(bytes = "bytes", optional, tag = "1")]
    pub profile: Option<Bytes>,
    /// Which of the identifiers asked for answered.
    #[prost(int32, optional, tag = "2")]
    pub answered_by: Option<i32>,
    /// Where the answer came from.
    #[prost(message, optional, tag = "3")]
    pub read_info: Option<ReadInfo>,
    /// Fields that were left out.
    #[prost(string, repeated, tag = "4")]
    pub masked_fields: Vec<String>,
}

/// `BatchGetProfilesResponse`.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub struct BatchGetProfilesResponse {
    /// One for each look-up.
    #[prost(message, repeated, tag = "1")]
    pub results: Vec<BatchGetProfilesResult>,
    /// Where the answers came from.
    #[prost(message, optional, tag = "2")]
    pub read_info: Option<ReadInfo>,
    /// Fields that were left out.
    #[prost(string, repeated, tag = "3")]
    pub masked_fields: Vec<String>,
}

/// `BatchGetProfilesResult`.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub struct BatchGetProfilesResult {
    /// The profile.
    #[prost(bytes = "bytes", optional, tag = "1")]
    pub profile: Option<Bytes>,
    /// As in [`GetProfileResponse`].
    #[prost(int32, optional, tag = "2")]
    pub answered_by: Option<i32>,
}

macro_rules! opaque {
    ($($message:ident),*) => {
        $(impl std::fmt::Debug for $message {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                // Profiles are personal data and never reach a log.
                f.write_str(concat!(stringify!($message), "(..)"))
            }
        })*
    };
}

opaque!(
    GetProfileResponse,
    BatchGetProfilesResponse,
    BatchGetProfilesResult
);

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;
    use crate::proto::v1::{self, Profile};

    fn profile() -> Profile {
        Profile {
            profile_id: "p".into(),
            version: 7,
            known: true,
            ..Profile::default()
        }
    }

    fn info() -> ReadInfo {
        ReadInfo {
            token: "t".into(),
            ..ReadInfo::default()
        }
    }

    #[test]
    fn what_is_encoded_already_is_the_message_of_the_protocol() {
        let said = v1::GetProfileResponse {
            profile: Some(profile()),
            answered_by: Some(2),
            read_info: Some(info()),
            masked_fields: vec!["a".into(), "b".into()],
        };
        let ours = GetProfileResponse {
            profile: Some(profile().encode_to_vec().into()),
            answered_by: Some(2),
            read_info: Some(info()),
            masked_fields: said.masked_fields.clone(),
        };
        assert_eq!(ours.encode_to_vec(), said.encode_to_vec());
        let empty = GetProfileResponse {
            profile: Some(Bytes::new()),
            ..GetProfileResponse::default()
        };
        let said = v1::GetProfileResponse {
            profile: Some(Profile::default()),
            ..v1::GetProfileResponse::default()
        };
        assert_eq!(empty.encode_to_vec(), said.encode_to_vec());
        let none = GetProfileResponse::default().encode_to_vec();
        assert_eq!(none, v1::GetProfileResponse::default().encode_to_vec());
    }

    #[test]
    fn so_are_many() {
        let one = v1::BatchGetProfilesResult {
            profile: Some(profile()),
            answered_by: Some(0),
        };
        let said = v1::BatchGetProfilesResponse {
            results: vec![one.clone(), v1::BatchGetProfilesResult::default(), one],
            read_info: Some(info()),
            masked_fields: vec!["a".into()],
        };
        let ours = BatchGetProfilesResult {
            profile: Some(profile().encode_to_vec().into()),
            answered_by: Some(0),
        };
        let ours = BatchGetProfilesResponse {
            results: vec![ours.clone(), BatchGetProfilesResult::default(), ours],
            read_info: Some(info()),
            masked_fields: vec!["a".into()],
        };
        assert_eq!(ours.encode_to_vec(), said.encode_to_vec());
    }
}
