//! The form of a token: a JSON Web Signature in three parts (RFC 7515), and what its header says.
//!
//! What must stay true: the algorithm is looked at by name before any key is; of the header only `alg` and `kid` decide
//! anything - keys, certificates or addresses that a token brings along are not looked at; the payload is not read before
//! the signature was found good.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use super::{json, jwks::Algorithm};
use crate::auth::Refusal;

/// Bytes of a token at most.
pub const LONGEST: usize = 8 * 1024;

/// A token that was taken apart and not yet verified.
#[derive(Debug)]
pub struct Token<'a> {
    /// What it says it is signed by.
    pub algorithm: Algorithm,
    /// Which key it says it is signed with.
    pub kid: Option<String>,
    /// What is signed: header and payload as they were sent.
    pub signed: &'a [u8],
    /// The signature.
    pub signature: Vec<u8>,
    payload: &'a str,
}

impl<'a> Token<'a> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] or [`Refusal::Algorithm`].
    pub fn parse(text: &'a str) -> Result<Self, Refusal> {
        if text.len() > LONGEST {
            return Err(Refusal::Malformed);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(Refusal::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(Refusal::Malformed)?;
        if payload.contains('.') {
            return Err(Refusal::Malformed);
        }
        let (algorithm, kid) = read_header(header)?;
        let signature = decode(signature).ok_or(Refusal::Malformed)?;
        Ok(Self {
            algorithm,
            kid,
            signed: signed.as_bytes(),
            signature,
            payload,
        })
    }

    /// The bytes of the payload. Only of a token whose signature is good.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] when it is not encoded as it should be.
    pub fn payload(&self) -> Result<Vec<u8>, Refusal> {
        decode(self.payload).ok_or(Refusal::Malformed)
    }
}

fn read_header(part: &str) -> Result<(Algorithm, Option<String>), Refusal> {
    let bytes = decode(part).ok_or(Refusal::Malformed)?;
    let header = json::object(&bytes).ok_or(Refusal::Malformed)?;
    let Some(Value::String(algorithm)) = header.get("alg") else {
        return Err(Refusal::Malformed);
    };
    let algorithm = Algorithm::named(algorithm).ok_or(Refusal::Algorithm)?;
    // Extensions that must be understood; none is (RFC 7515, 4.1.11).
    if header.contains_key("crit") {
        return Err(Refusal::Malformed);
    }
    // A token of another type is no access token, whoever signed it (RFC 8725, 3.11).
    let of_our_type = match header.get("typ") {
        None => true,
        Some(Value::String(kind)) => TYPES.iter().any(|own| own.eq_ignore_ascii_case(kind)),
        Some(_) => false,
    };
    let kid = match header.get("kid") {
        None => None,
        Some(Value::String(kid)) => Some(kid.clone()),
        Some(_) => return Err(Refusal::Malformed),
    };
    if of_our_type {
        Ok((algorithm, kid))
    } else {
        Err(Refusal::Malformed)
    }
}

/// What `typ` may say.
const TYPES: [&str; 4] = ["JWT", "at+jwt", "application/jwt", "application/at+jwt"];

/// Base64url without padding, of which each sequence of bytes has one form only.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(text: &str) -> Result<(Algorithm, Option<String>), Refusal> {
        let token = format!("{}.e30.AAAA", URL_SAFE_NO_PAD.encode(text));
        Token::parse(&token).map(|token| (token.algorithm, token.kid))
    }

    #[test]
    fn algorithms_are_taken_by_name_and_all_others_refused() {
        assert_eq!(
            header(r#"{"alg":"ES256","kid":"a","typ":"at+JWT"}"#),
            Ok((Algorithm::Es256, Some("a".into())))
        );
        assert_eq!(header(r#"{"alg":"EdDSA"}"#), Ok((Algorithm::EdDsa, None)));
        for other in [
            "none", "None", "NONE", "nOnE", "", "HS256", "HS384", "HS512", "RS256", "RS384",
            "RS512", "PS256", "ES384", "ES512", "ES256K", "es256", "eddsa", "Ed25519", "ES256 ",
        ] {
            let said = header(&format!(r#"{{"alg":"{other}","kid":"a"}}"#));
            assert_eq!(said, Err(Refusal::Algorithm), "{other}");
        }
    }

    #[test]
    fn a_header_that_wants_more_than_is_understood_is_malformed() {
        for bad in [
            r#"{"alg":"ES256","crit":["b64"],"b64":false}"#,
            r#"{"alg":"ES256","crit":[]}"#,
            r#"{"alg":"ES256","alg":"none"}"#,
            r#"{"alg":["ES256"]}"#,
            r#"{"alg":null}"#,
            r#"{"kid":"a"}"#,
            r#"{"alg":"ES256","kid":7}"#,
            r#"{"alg":"ES256","typ":"logout+jwt"}"#,
            r#"{"alg":"ES256","typ":1}"#,
            r#""ES256""#,
            "",
        ] {
            assert_eq!(header(bad), Err(Refusal::Malformed), "{bad}");
        }
    }

    #[test]
    fn a_token_has_three_parts_of_base64url_and_at_most_8_kib() {
        let head = URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256"}"#);
        assert!(Token::parse(&format!("{head}.e30.AAAA")).is_ok());
        for bad in [
            String::new(),
            head.clone(),
            format!("{head}.e30"),
            format!("{head}.e30.AAAA.AAAA"),
            format!("{head}.e30.AAAA.AAAA.AAAA"),
            format!("{head}=.e30.AAAA"),
            format!("{head}.e30.AA+A"),
            // The last character has bits that mean nothing.
            format!("{head}.e30.AB"),
            format!("{head}.{}.AAAA", "a".repeat(LONGEST)),
        ] {
            let found = Token::parse(&bad).map(drop);
            assert_eq!(found, Err(Refusal::Malformed), "{bad}");
        }
    }
}
