//! Reading metadata that may be there once.

use http::HeaderMap;

use super::{Refusal, TENANT};
use crate::ids::TenantId;

/// More than one value, or one that is no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Several;

/// The one value of a header, if it is there.
pub(super) fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Several> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(one), None) => one.to_str().map(Some).map_err(|_| Several),
        (Some(_), Some(_)) => Err(Several),
    }
}

/// The tenant that the metadata name, if they name one.
pub(super) fn tenant(headers: &HeaderMap) -> Result<Option<TenantId>, Refusal> {
    match single(headers, TENANT) {
        Ok(None) => Ok(None),
        Ok(Some(text)) => TenantId::parse(text)
            .map(Some)
            .ok_or(Refusal::TenantInvalid),
        Err(Several) => Err(Refusal::TenantInvalid),
    }
}

/// Whether a text may be the name of a caller: 1 to 128 printable ASCII characters.
pub(super) fn is_name(text: &str) -> bool {
    let printable = |b: u8| (b' '..=b'~').contains(&b);
    (1..=128).contains(&text.len()) && text.bytes().all(printable)
}
