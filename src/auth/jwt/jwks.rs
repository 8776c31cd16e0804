//! The keys that tokens are verified with: a JSON Web Key Set (RFC 7517) of public keys.
//!
//! What must stay true: a key is for one algorithm, told by its own `kty` and `crv` and contradicted by nothing else in it,
//! so a token cannot have a key used in another way than it was made for; a set in which a secret lies is refused as a
//! whole, because whoever can read the set could then make tokens.

use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey};
use serde_json::{Map, Value};

use super::{json, token};

/// Bytes of a set at most.
pub const LONGEST: usize = 256 * 1024;

/// Keys of a set at most.
pub const MOST: usize = 64;

/// The algorithms that are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256, as two numbers of 32 bytes (RFC 7518).
    Es256,
    /// Ed25519 (RFC 8037).
    EdDsa,
}

impl Algorithm {
    /// By its name in a header or key, `None` for all others, also `none`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "ES256" => Some(Self::Es256),
            "EdDSA" => Some(Self::EdDsa),
            _ => None,
        }
    }
}

/// Why a set cannot be used. None of it shows anything of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// Too many bytes or keys.
    #[error("it has more than 256 KiB or 64 keys")]
    TooLarge,
    /// No key set.
    #[error(
        "it is no JSON Web Key Set: an object with an array \"keys\" of objects, none with a member twice"
    )]
    Malformed,
    /// A private key lies in it.
    #[error(
        "key {0} of it holds a private or symmetric key: only public keys belong here; whoever could read this file could \
         make tokens, so make new keys"
    )]
    Secret(usize),
    /// A key of ours lacks something.
    #[error("key {0} of it is no whole public key of its kind")]
    Broken(usize),
    /// Two keys cannot be told apart.
    #[error("key {0} of it has the kid and algorithm of an earlier one")]
    Twice(usize),
    /// Nothing to verify with.
    #[error(
        "it holds no key for signatures by ES256 (kty EC, crv P-256) or EdDSA (kty OKP, crv Ed25519)"
    )]
    Unusable,
}

/// Members that only a private or symmetric key has (RFC 7518, 6.2.2, 6.3.2, 6.4; RFC 8037, 2).
const SECRETS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Public keys that tokens may be signed for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys(Vec<Key>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    kid: Option<String>,
    algorithm: Algorithm,
    public: Vec<u8>,
}

impl Keys {
    /// Reads a set. Keys of other kinds or for other uses are left out, since a set may serve others too.
    ///
    /// # Errors
    /// When it is none, holds a secret, or holds no key that could be used.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeysError> {
        if bytes.len() > LONGEST {
            return Err(KeysError::TooLarge);
        }
        let set = json::object(bytes).ok_or(KeysError::Malformed)?;
        let Some(Value::Array(listed)) = set.get("keys") else {
            return Err(KeysError::Malformed);
        };
        if listed.len() > MOST {
            return Err(KeysError::TooLarge);
        }
        let mut keys: Vec<Key> = Vec::new();
        for (n, member) in (1..).zip(listed) {
            let Value::Object(member) = member else {
                return Err(KeysError::Malformed);
            };
            if SECRETS.iter().any(|secret| member.contains_key(*secret)) {
                return Err(KeysError::Secret(n));
            }
            let Some(algorithm) = algorithm(member) else {
                continue;
            };
            let key = key(member, algorithm).ok_or(KeysError::Broken(n))?;
            let same = |k: &&Key| k.kid.is_some() && k.kid == key.kid && k.algorithm == algorithm;
            if keys.iter().any(|k| same(&k)) {
                return Err(KeysError::Twice(n));
            }
            keys.push(key);
        }
        if keys.is_empty() {
            return Err(KeysError::Unusable);
        }
        Ok(Self(keys))
    }

    /// Whether a signature over `signed` is that of the key with this `kid`; without a `kid` the only key of the algorithm.
    #[must_use]
    pub fn verify(
        &self,
        algorithm: Algorithm,
        kid: Option<&str>,
        signed: &[u8],
        signature: &[u8],
    ) -> bool {
        let mut fitting = self.0.iter().filter(|key| {
            key.algorithm == algorithm && kid.is_none_or(|kid| key.kid.as_deref() == Some(kid))
        });
        let (Some(key), None) = (fitting.next(), fitting.next()) else {
            return false;
        };
        let verified = match algorithm {
            Algorithm::Es256 => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &key.public)
                .verify(signed, signature),
            Algorithm::EdDsa => {
                UnparsedPublicKey::new(&ED25519, &key.public).verify(signed, signature)
            }
        };
        verified.is_ok()
    }

    /// How many keys there are; at least one.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

fn text<'a>(key: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    key.get(name)?.as_str()
}

/// The algorithm that a key is for, `None` when that is none of ours or it is not for verifying.
fn algorithm(key: &Map<String, Value>) -> Option<Algorithm> {
    let algorithm = match (text(key, "kty")?, text(key, "crv")?) {
        ("EC", "P-256") => Algorithm::Es256,
        ("OKP", "Ed25519") => Algorithm::EdDsa,
        _ => return None,
    };
    if key.contains_key("alg") && text(key, "alg").and_then(Algorithm::named) != Some(algorithm) {
        return None;
    }
    if key.contains_key("use") && text(key, "use") != Some("sig") {
        return None;
    }
    let verifies = match key.get("key_ops") {
        None => true,
        Some(Value::Array(operations)) => operations.iter().any(|o| o == "verify"),
        Some(_) => false,
    };
    verifies.then_some(algorithm)
}

fn key(member: &Map<String, Value>, algorithm: Algorithm) -> Option<Key> {
    let kid = match member.get("kid") {
        None => None,
        Some(Value::String(kid)) => Some(kid.clone()),
        Some(_) => return None,
    };
    let number = |name| {
        let bytes = token::decode(text(member, name)?)?;
        (bytes.len() == 32).then_some(bytes)
    };
    let public = match algorithm {
        // An uncompressed point (SEC 1, 2.3.3).
        Algorithm::Es256 => [vec![4], number("x")?, number("y")?].concat(),
        Algorithm::EdDsa => number("x")?,
    };
    Some(Key {
        kid,
        algorithm,
        public,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const EC: &str = r#""kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0""#;
    const OKP: &str =
        r#""kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;
    const RSA: &str = r#""kty":"RSA","n":"AQAB","e":"AQAB""#;

    fn parse(keys: &[String]) -> Result<usize, KeysError> {
        let listed: Vec<String> = keys.iter().map(|key| format!("{{{key}}}")).collect();
        let set = format!("{{\"keys\":[{}]}}", listed.join(","));
        Keys::parse(set.as_bytes()).map(|keys| keys.count())
    }

    fn with(key: &str, more: &str) -> String {
        format!("{key},{more}")
    }

    #[test]
    fn keys_of_other_kinds_and_uses_are_left_out() {
        let all = [
            EC.to_owned(),
            OKP.to_owned(),
            RSA.to_owned(),
            with(EC, r#""use":"enc""#),
            with(EC, r#""key_ops":["sign"]"#),
            with(EC, r#""alg":"ES384""#),
            with(EC, r#""alg":"EdDSA""#),
            with(OKP, r#""alg":"ES256""#),
            with(
                OKP,
                r#""kid":"a","use":"sig","alg":"EdDSA","key_ops":["verify"]"#,
            ),
        ];
        assert_eq!(parse(&all), Ok(3));
        assert_eq!(parse(&[RSA.to_owned()]), Err(KeysError::Unusable));
        assert_eq!(parse(&[]), Err(KeysError::Unusable));
    }

    #[test]
    fn a_secret_in_a_set_refuses_all_of_it() {
        for (key, secret) in [
            (EC, r#""d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI""#),
            (OKP, r#""d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A""#),
            (RSA, r#""dq":"AQAB""#),
            (r#""kty":"oct""#, r#""k":"AQAB""#),
        ] {
            let keys = [EC.to_owned(), with(key, secret)];
            assert_eq!(parse(&keys), Err(KeysError::Secret(2)), "{secret}");
        }
    }

    #[test]
    fn a_set_that_is_not_whole_is_refused() {
        let short = EC.replace("f83O", "");
        let compressed = OKP.replace("11qY", "AAAA11qY");
        assert_eq!(parse(&[short]), Err(KeysError::Broken(1)));
        assert_eq!(parse(&[compressed]), Err(KeysError::Broken(1)));
        let named = with(EC, r#""kid":"a""#);
        assert_eq!(
            parse(&[named.clone(), named.clone()]),
            Err(KeysError::Twice(2))
        );
        assert_eq!(parse(&[named, with(OKP, r#""kid":"a""#)]), Ok(2));
        assert_eq!(parse(&[with(EC, r#""kid":7"#)]), Err(KeysError::Broken(1)));
        let many = vec![OKP.to_owned(); MOST + 1];
        assert_eq!(parse(&many), Err(KeysError::TooLarge));
        for text in ["", "{}", "[]", r#"{"keys":{}}"#, r#"{"keys":[1]}"#] {
            let found = Keys::parse(text.as_bytes());
            assert_eq!(found, Err(KeysError::Malformed), "{text}");
        }
        let long = " ".repeat(LONGEST + 1);
        assert_eq!(Keys::parse(long.as_bytes()), Err(KeysError::TooLarge));
    }
}
