//! Signed tokens and key sets.
//!
//! The first byte chooses: the rest is an `authorization` header; or a header and claims, with a line end between them,
//! which are signed here; or a key set.
#![no_main]

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use customer_profile::{
    auth::{
        Caller, Permission, Refusal, TENANT,
        jwt::{
            Verifier,
            claims::Expected,
            jwks::{Algorithm, Keys},
            token::Token,
        },
    },
    clock::Clock,
};
use customer_profile_fuzz::NOW;
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use libfuzzer_sys::fuzz_target;
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair},
};
use serde_json::{Value, json};

/// The keys of RFC 8037, A.1 and RFC 7515, A.3, which everybody knows.
const ED_D: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
const ED_X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
const EC_D: &str = "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI";
const EC_X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
const EC_Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";

static ED: LazyLock<Ed25519KeyPair> = LazyLock::new(|| {
    Ed25519KeyPair::from_seed_and_public_key(&bytes_of(ED_D), &bytes_of(ED_X)).expect("a key")
});
static EC: LazyLock<EcdsaKeyPair> = LazyLock::new(|| {
    let public = [vec![4], bytes_of(EC_X), bytes_of(EC_Y)].concat();
    let form = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let random = SystemRandom::new();
    EcdsaKeyPair::from_private_key_and_public_key(form, &bytes_of(EC_D), &public, &random)
        .expect("a key")
});
static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let set = json!({"keys": [
        {"kty": "EC", "crv": "P-256", "kid": "ec", "x": EC_X, "y": EC_Y},
        {"kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": ED_X},
    ]});
    Keys::parse(set.to_string().as_bytes()).expect("a set")
});

fn bytes_of(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).expect("base64url")
}

fn text_of(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// One that remembers nothing of earlier runs.
fn verifier() -> Verifier {
    let expected = Expected {
        issuer: "issuer".into(),
        audience: "us".into(),
        leeway: 0,
        tenant_claim: "tenant".into(),
        permissions_claim: "permissions".into(),
        department_claim: "department".into(),
    };
    Verifier::new(expected, KEYS.clone(), Clock::fixed(NOW))
}

fuzz_target!(|data: &[u8]| {
    match data.split_first() {
        Some((b'K', set)) => of_set(set),
        Some((b'C' | b'D', parts)) => of_parts(data[0] == b'D', parts),
        Some((_, header)) => of_header(header),
        None => {}
    }
});

fn call(verifier: &Verifier, value: HeaderValue) -> Result<Caller, Refusal> {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, value);
    let first = verifier.caller(&headers);
    // Now it may be remembered, which makes no difference.
    assert_eq!(verifier.caller(&headers), first);
    first.map_err(|refused| refused.why)
}

/// A header is good only when it ends with what the holder of the key would have written.
fn of_header(value: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(value) else {
        return;
    };
    if call(&verifier(), value.clone()).is_err() {
        return;
    }
    let text = value.to_str().expect("it was read");
    let (_, token) = text.split_once(' ').expect("a scheme");
    let token = Token::parse(token.trim_matches(' ')).expect("it was read");
    // Nobody can sign for the other key: no seed holds a signature by it.
    assert_eq!(token.algorithm, Algorithm::EdDsa);
    assert_eq!(ED.sign(token.signed).as_ref(), token.signature);
}

/// Of what is signed, claims alone decide, and they are believed to the letter.
fn of_parts(elliptic: bool, parts: &[u8]) {
    let at = parts.iter().position(|byte| *byte == b'\n');
    let (header, claims) = parts.split_at(at.unwrap_or(parts.len()));
    let claims = claims.get(1..).unwrap_or_default();
    let signed = format!("{}.{}", text_of(header), text_of(claims));
    let signature = if elliptic {
        let signature = EC.sign(&SystemRandom::new(), signed.as_bytes());
        text_of(signature.expect("a signature"))
    } else {
        text_of(ED.sign(signed.as_bytes()))
    };
    let text = format!("Bearer {signed}.{signature}");
    let verifier = verifier();
    let value = HeaderValue::from_str(&text).expect("ASCII");
    let Ok(caller) = call(&verifier, value) else {
        return;
    };
    let header: Value = serde_json::from_slice(header).expect("it was read");
    let wanted = if elliptic { "ES256" } else { "EdDSA" };
    assert!(header["alg"] == *wanted && header.get("crit").is_none());
    claims_say(
        &serde_json::from_slice(claims).expect("it was read"),
        &caller,
    );

    let mut touched = text.into_bytes();
    let place = "Bearer ".len() + claims.iter().map(|b| usize::from(*b)).sum::<usize>();
    let length = touched.len();
    touched[place.min(length - 1)] ^= 1;
    if let Ok(value) = HeaderValue::from_bytes(&touched) {
        assert!(call(&verifier, value).is_err(), "one bit less");
    }
    let mut headers = HeaderMap::new();
    headers.insert(TENANT, HeaderValue::from_static("another"));
    assert!(verifier.caller(&headers).is_err(), "without a token");
}

fn claims_say(claims: &Value, caller: &Caller) {
    let has = |claim: &Value, wanted: &str| match claim {
        Value::Array(several) => several.iter().any(|one| one == wanted),
        one => one == wanted,
    };
    assert!(claims["iss"] == "issuer" && has(&claims["aud"], "us"));
    assert_eq!(claims["sub"], *caller.name);
    assert!(has(&claims["tenant"], caller.tenant.as_str()));
    let ends = claims["exp"].as_f64().expect("a number");
    assert!(ends > 1_767_225_600.0, "{ends}");
    for begin in ["nbf", "iat"] {
        let begins = claims[begin].as_f64().unwrap_or_default();
        assert!(begins < 1_767_225_601.0, "{begins}");
    }
    let words = claims["permissions"].to_string();
    for permission in Permission::ALL {
        assert!(!caller.may(permission) || words.contains(permission.slug()));
    }
    match &caller.department {
        None => assert!(claims.get("department").is_none()),
        Some(department) => assert_eq!(claims["department"], **department),
    }
}

fn of_set(bytes: &[u8]) {
    let Ok(keys) = Keys::parse(bytes) else { return };
    assert!((1..=64).contains(&keys.count()));
    assert_eq!(Keys::parse(bytes).as_ref(), Ok(&keys));
    let set: Value = serde_json::from_slice(bytes).expect("it was read");
    let listed = set["keys"].as_array().expect("it was read");
    assert!(listed.len() >= keys.count());
    let secret = |key: &Value| ["d", "k", "p", "q"].iter().any(|s| key.get(s).is_some());
    assert!(!listed.iter().any(secret), "a secret");
    // Whatever points a set names, nothing verifies under it that nobody signed.
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
        for kid in [None, Some("ec"), Some("ed")] {
            for signature in [&[][..], &[0; 64], &[1; 64]] {
                let _ = keys.verify(algorithm, kid, b"e30.e30", signature);
            }
        }
    }
}
