//! Callers who bring a signed token: `auth.mode = "jwt"`.
//!
//! What must stay true: a token is taken apart ([`token`]), its signature is verified with a key that fits its algorithm
//! ([`jwks`]), and only then its claims are read ([`claims`]). The keys can be replaced at any time: every call sees either
//! the old ones or the new ones, and what was remembered of the old ones goes with them. Everything here is pure; who reads
//! files and clocks is elsewhere.

pub mod claims;
mod json;
pub mod jwks;
mod remembered;
pub mod token;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use http::{HeaderMap, header::AUTHORIZATION};

use self::{
    claims::{Expected, Validity},
    jwks::Keys,
    remembered::{Remembered, fingerprint},
    token::Token,
};
use super::{
    Caller, Grant, Refusal, Refused,
    headers::{Several, single},
};
use crate::clock::Clock;

/// Verifies tokens.
pub struct Verifier {
    expected: Expected,
    clock: Clock,
    trusted: RwLock<Arc<Trusted>>,
}

/// Keys, and the tokens that were verified with them.
struct Trusted {
    keys: Keys,
    verified: Mutex<Remembered<(Grant, Validity)>>,
}

impl Trusted {
    fn new(keys: Keys) -> Arc<Self> {
        let verified = Mutex::default();
        Arc::new(Self { keys, verified })
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("expected", &self.expected)
            .finish_non_exhaustive()
    }
}

impl Verifier {
    /// With what tokens have to say, the keys, and the time.
    #[must_use]
    pub fn new(expected: Expected, keys: Keys, clock: Clock) -> Self {
        Self {
            expected,
            clock,
            trusted: RwLock::new(Trusted::new(keys)),
        }
    }

    /// From now on other keys. Tokens of keys that are not among them are refused with the next call.
    pub fn replace(&self, keys: Keys) {
        let mut trusted = self.trusted.write().unwrap_or_else(PoisonError::into_inner);
        *trusted = Trusted::new(keys);
    }

    /// Who calls, by the token in the metadata.
    ///
    /// # Errors
    /// Why the token is no good, or why its holder has no business with the tenant.
    pub fn caller(&self, headers: &HeaderMap) -> Result<Caller, Refused> {
        let token = bearer(headers)?;
        let found = self.verify(token)?;
        found.0.caller(headers)
    }

    /// What a token gives its holder now.
    fn verify(&self, text: &str) -> Result<Arc<(Grant, Validity)>, Refusal> {
        if text.len() > token::LONGEST {
            return Err(Refusal::Malformed);
        }
        let trusted = {
            let trusted = self.trusted.read().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(&trusted)
        };
        let key = fingerprint(text);
        let remembered = || {
            trusted
                .verified
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        let known = remembered().get(&key);
        let (found, new) = match known {
            Some(found) => (found, false),
            None => (Arc::new(self.read(&trusted.keys, text)?), true),
        };
        found.1.check(self.clock.now(), self.expected.leeway)?;
        if new {
            remembered().put(key, Arc::clone(&found));
        }
        Ok(found)
    }

    fn read(&self, keys: &Keys, text: &str) -> Result<(Grant, Validity), Refusal> {
        let token = Token::parse(text)?;
        let kid = token.kid.as_deref();
        if !keys.verify(token.algorithm, kid, token.signed, &token.signature) {
            return Err(Refusal::Signature);
        }
        self.expected.read(&token.payload()?)
    }
}

/// The token in `authorization: Bearer ..`.
fn bearer(headers: &HeaderMap) -> Result<&str, Refusal> {
    let header = match single(headers, AUTHORIZATION.as_str()) {
        Ok(None) => return Err(Refusal::Missing),
        Ok(Some(text)) => text,
        Err(Several) => return Err(Refusal::Malformed),
    };
    let (scheme, token) = header.split_once(' ').ok_or(Refusal::Malformed)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok(token.trim_matches(' '))
    } else {
        Err(Refusal::Malformed)
    }
}

#[cfg(test)]
mod tests;
