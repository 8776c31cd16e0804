//! Whole tokens: those of the standards, and those of keys that are made here.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::*;
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _},
};
use serde_json::{Value, json};

use super::{jwks::Algorithm, *};
use crate::{
    auth::{Permission, TENANT},
    clock::Micros,
};

const NOW: i64 = 1_800_000_000;

enum Signer {
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl Signer {
    fn ec() -> Self {
        let (random, form) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let made = EcdsaKeyPair::generate_pkcs8(form, &random).unwrap();
        Self::Ec(EcdsaKeyPair::from_pkcs8(form, made.as_ref(), &random).unwrap())
    }

    fn ed() -> Self {
        let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self::Ed(Ed25519KeyPair::from_pkcs8(made.as_ref()).unwrap())
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Ec(_) => "ES256",
            Self::Ed(_) => "EdDSA",
        }
    }

    fn jwk(&self, kid: &str) -> Value {
        match self {
            Self::Ec(pair) => {
                let point = pair.public_key().as_ref();
                json!({
                    "kty": "EC", "crv": "P-256", "kid": kid, "alg": "ES256",
                    "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..]),
                })
            }
            Self::Ed(pair) => json!({
                "kty": "OKP", "crv": "Ed25519", "kid": kid,
                "x": URL_SAFE_NO_PAD.encode(pair.public_key().as_ref()),
            }),
        }
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = match self {
            Self::Ec(pair) => {
                let signature = pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
                URL_SAFE_NO_PAD.encode(signature.as_ref())
            }
            Self::Ed(pair) => URL_SAFE_NO_PAD.encode(pair.sign(signed.as_bytes()).as_ref()),
        };
        format!("{signed}.{signature}")
    }

    fn token(&self, kid: &str) -> String {
        let header = json!({"alg": self.algorithm(), "kid": kid, "typ": "JWT"});
        self.sign(&header, &claims())
    }
}

fn claims() -> Value {
    json!({
        "iss": "issuer", "aud": ["us"], "sub": "billing", "iat": NOW, "nbf": NOW, "exp": NOW + 60,
        "tenant": "shop", "permissions": "read record", "department": "billing",
    })
}

fn keys(listed: &[Value]) -> Keys {
    Keys::parse(json!({"keys": listed}).to_string().as_bytes()).unwrap()
}

fn verifier_at(listed: &[Value], seconds: i64) -> Verifier {
    let expected = Expected {
        issuer: "issuer".into(),
        audience: "us".into(),
        leeway: 0,
        tenant_claim: "tenant".into(),
        permissions_claim: "permissions".into(),
        department_claim: "department".into(),
    };
    let clock = Clock::fixed(Micros(seconds * Micros::SECOND));
    Verifier::new(expected, keys(listed), clock)
}

fn verifier(listed: &[Value]) -> Verifier {
    verifier_at(listed, NOW)
}

fn call(verifier: &Verifier, values: &[&str]) -> Result<Caller, Refusal> {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(AUTHORIZATION, value.parse().unwrap());
    }
    verifier.caller(&headers).map_err(|refused| refused.why)
}

fn with(verifier: &Verifier, token: &str) -> Result<Caller, Refusal> {
    call(verifier, &[&format!("Bearer {token}")])
}

/// RFC 8037, A.4 and A.5.
#[test]
fn the_example_of_rfc_8037_verifies() {
    let key = json!({
        "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    });
    let text = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    let token = Token::parse(text).unwrap();
    assert_eq!(token.algorithm, Algorithm::EdDsa);
    assert_eq!(token.payload().unwrap(), b"Example of Ed25519 signing");
    let keys = keys(&[key]);
    assert!(keys.verify(token.algorithm, None, token.signed, &token.signature));
    assert!(!keys.verify(Algorithm::Es256, None, token.signed, &token.signature));
    assert!(!keys.verify(token.algorithm, Some("a"), token.signed, &token.signature));
}

/// RFC 7515, A.3.
#[test]
fn the_example_of_rfc_7515_verifies() {
    let key = json!({
        "kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    });
    let text = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    let token = Token::parse(text).unwrap();
    assert_eq!(token.algorithm, Algorithm::Es256);
    let keys = keys(&[key]);
    assert!(keys.verify(token.algorithm, None, token.signed, &token.signature));
    let mut changed = token.signed.to_vec();
    changed[30] ^= 1;
    assert!(!keys.verify(token.algorithm, None, &changed, &token.signature));
    // It was made long ago, for somebody else.
    let verifier = verifier(&[json!({
        "kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    })]);
    assert_eq!(with(&verifier, text), Err(Refusal::Issuer));
}

#[test]
fn a_good_token_tells_who_calls() {
    for signer in [Signer::ec(), Signer::ed()] {
        let verifier = verifier(&[signer.jwk("a")]);
        let token = signer.token("a");
        for _ in 0..2 {
            let caller = with(&verifier, &token).unwrap();
            assert_eq!((caller.tenant.as_str(), &*caller.name), ("shop", "billing"));
            assert_eq!(caller.department.as_deref(), Some("billing"));
            assert!(caller.may(Permission::Record) && !caller.may(Permission::Steward));
        }
        for spelled in ["bearer", "BEARER", "Bearer "] {
            assert!(call(&verifier, &[&format!("{spelled} {token}")]).is_ok());
        }
    }
}

#[test]
fn the_credential_is_one_header_of_one_scheme() {
    let signer = Signer::ed();
    let verifier = verifier(&[signer.jwk("a")]);
    let good = format!("Bearer {}", signer.token("a"));
    assert_eq!(call(&verifier, &[]), Err(Refusal::Missing));
    for bad in ["", "Bearer", "Bearer ", "Basic dTpw", &good[7..]] {
        assert_eq!(call(&verifier, &[bad]), Err(Refusal::Malformed), "{bad}");
    }
    assert_eq!(call(&verifier, &[&good, &good]), Err(Refusal::Malformed));
    let long = format!("Bearer {}", "a".repeat(token::LONGEST + 1));
    assert_eq!(call(&verifier, &[&long]), Err(Refusal::Malformed));
}

#[test]
fn the_key_is_told_by_kid_and_algorithm() {
    let (ec, other, ed) = (Signer::ec(), Signer::ec(), Signer::ed());
    let both = verifier(&[ec.jwk("a"), ed.jwk("a")]);
    assert!(with(&both, &ec.token("a")).is_ok() && with(&both, &ed.token("a")).is_ok());
    // Another key under the same name, an unknown name, and no name at all.
    assert_eq!(with(&both, &other.token("a")), Err(Refusal::Signature));
    assert_eq!(with(&both, &ec.token("b")), Err(Refusal::Signature));
    let unnamed = |signer: &Signer| signer.sign(&json!({"alg": signer.algorithm()}), &claims());
    assert!(with(&both, &unnamed(&ec)).is_ok());
    let two = verifier(&[ec.jwk("a"), other.jwk("b")]);
    assert_eq!(with(&two, &unnamed(&ec)), Err(Refusal::Signature));
    assert_eq!(with(&two, &unnamed(&ed)), Err(Refusal::Signature));
    // The algorithm of a token must be that of the key.
    let confused = ed.sign(&json!({"alg": "ES256", "kid": "a"}), &claims());
    assert_eq!(with(&both, &confused), Err(Refusal::Signature));
}

#[test]
fn keys_that_are_replaced_take_what_was_remembered_with_them() {
    let (first, second) = (Signer::ed(), Signer::ec());
    let verifier = verifier(&[first.jwk("a")]);
    let (old, new) = (first.token("a"), second.token("b"));
    assert!(with(&verifier, &old).is_ok());
    assert_eq!(with(&verifier, &new), Err(Refusal::Signature));
    verifier.replace(keys(&[first.jwk("a"), second.jwk("b")]));
    assert!(with(&verifier, &old).is_ok() && with(&verifier, &new).is_ok());
    verifier.replace(keys(&[second.jwk("b")]));
    assert_eq!(with(&verifier, &old), Err(Refusal::Signature));
    assert!(with(&verifier, &new).is_ok());
}

#[test]
fn a_token_that_is_remembered_still_ends() {
    let signer = Signer::ed();
    let token = signer.token("a");
    let mut verifier = verifier(&[signer.jwk("a")]);
    assert!(with(&verifier, &token).is_ok());
    verifier.clock = Clock::fixed(Micros((NOW + 60) * Micros::SECOND));
    assert_eq!(with(&verifier, &token), Err(Refusal::Expired));
    verifier.clock = Clock::fixed(Micros((NOW - 1) * Micros::SECOND));
    assert_eq!(with(&verifier, &token), Err(Refusal::NotYetValid));
}

#[test]
fn a_tenant_that_is_not_in_the_token_is_wrong_and_the_name_is_known() {
    let signer = Signer::ed();
    let verifier = verifier(&[signer.jwk("a")]);
    let mut headers = HeaderMap::new();
    let token = format!("Bearer {}", signer.token("a"));
    headers.insert(AUTHORIZATION, token.parse().unwrap());
    headers.insert(TENANT, "spa".parse().unwrap());
    let refused = verifier.caller(&headers).unwrap_err();
    assert_eq!(refused.why, Refusal::WrongTenant);
    assert_eq!(refused.name.as_deref(), Some("billing"));
}

#[test]
fn debug_shows_no_part_of_keys_or_tokens() {
    let signer = Signer::ed();
    let verifier = verifier(&[signer.jwk("a")]);
    with(&verifier, &signer.token("a")).unwrap();
    let shown = format!("{verifier:?}");
    let key = signer.jwk("a");
    assert!(!shown.contains(key["x"].as_str().unwrap()) && !shown.contains("billing"));
}

proptest! {
    #[test]
    fn flipping_any_bit_of_a_token_refuses_it(elliptic: bool, place: prop::sample::Index, bit in 0..8_u8) {
        let signer = if elliptic { Signer::ec() } else { Signer::ed() };
        let verifier = verifier(&[signer.jwk("a")]);
        let token = signer.token("a");
        prop_assert!(verifier.verify(&token).is_ok());
        let mut bytes = token.into_bytes();
        let at = place.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok(changed) = String::from_utf8(bytes) {
            prop_assert!(verifier.verify(&changed).is_err());
        }
    }

    #[test]
    fn whatever_a_stranger_sends_is_refused_in_an_orderly_way(text in "\\PC{0,200}") {
        let verifier = verifier(&[Signer::ed().jwk("a")]);
        prop_assert!(verifier.verify(&text).is_err());
    }
}
