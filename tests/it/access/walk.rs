//! Every call of the API with every credential that is no good.

use serde_json::{Value, json};
use tonic::Code;

use super::Guarded;
use crate::{
    harness::{
        credentials::{Files, Signer, claims, hmac_token, now, signed_part, with},
        refused::refused,
    },
    health::page,
    permissions::{CALLS, PERMISSIONS, WHO, call_with},
};

/// The keys of one service.
struct Keys {
    ec: Signer,
    ed: Signer,
}

impl Keys {
    fn put(files: &Files) -> Self {
        let (ec, ed) = (Signer::ec(), Signer::ed());
        files.put_keys(&[ec.jwk("ec"), ed.jwk("ed")]);
        Self { ec, ed }
    }
}

/// Credentials that are refused, with their reasons.
fn bad(keys: &Keys) -> Vec<(String, &'static str)> {
    let good = claims(&PERMISSIONS.join(" "));
    let changed = |name: &str, value: Value| keys.ec.token("ec", &with(good.clone(), name, value));
    let token = keys.ec.token("ec", &good);
    let (start, signature) = token.rsplit_once('.').unwrap();
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    let unsigned = |header: Value| format!("{}.", signed_part(&header, &good));
    let tokens = [
        ("x".to_owned(), "credential_malformed"),
        ("a.b.c".to_owned(), "credential_malformed"),
        ("a".repeat(9_000), "credential_malformed"),
        (
            format!("{start}.{flipped}{}", &signature[1..]),
            "credential_signature",
        ),
        (keys.ed.token("ec", &good), "credential_signature"),
        (Signer::ec().token("ec", &good), "credential_signature"),
        (Signer::ed().token("ed", &good), "credential_signature"),
        (keys.ec.token("unknown", &good), "credential_signature"),
        (
            unsigned(json!({"alg": "none", "kid": "ec"})),
            "credential_algorithm",
        ),
        (
            unsigned(json!({"alg": "ES256", "kid": "ec"})),
            "credential_signature",
        ),
        (
            hmac_token("ec", &good, &keys.ec.public()),
            "credential_algorithm",
        ),
        (
            keys.ec.sign(&json!({"alg": "RS256", "kid": "ec"}), &good),
            "credential_algorithm",
        ),
        (
            keys.ec.sign(
                &json!({"alg": "ES256", "kid": "ec", "crit": ["b64"], "b64": true}),
                &good,
            ),
            "credential_malformed",
        ),
        (changed("exp", json!(now() - 1)), "credential_expired"),
        (
            changed("nbf", json!(now() + 60)),
            "credential_not_yet_valid",
        ),
        (
            changed("iat", json!(now() + 60)),
            "credential_not_yet_valid",
        ),
        (
            changed("aud", json!("somebody-else")),
            "credential_audience",
        ),
        (
            changed("iss", json!("https://id.example.com/")),
            "credential_issuer",
        ),
        (changed("tenant", json!([])), "credential_tenant"),
        (changed("sub", json!("")), "credential_malformed"),
        (
            changed("department", json!("No Slug")),
            "credential_malformed",
        ),
    ];
    let mut all: Vec<_> = tokens
        .into_iter()
        .map(|(token, reason)| (format!("Bearer {token}"), reason))
        .collect();
    all.push(("Basic dTpw".to_owned(), "credential_malformed"));
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_takes_a_credential_that_is_no_good() {
    let files = Files::new();
    let keys = Keys::put(&files);
    let guarded = Guarded::by_token(files).await;
    let bad = bad(&keys);
    for (name, _) in CALLS {
        let channel = guarded.channel();
        // Whatever the caller says of itself.
        let said = [("x-permissions", "read"), ("x-caller", "operator")];
        let status = call_with(channel.clone(), name, &said).await.unwrap_err();
        refused(&status, Code::Unauthenticated, "credential_missing");
        for (credential, reason) in &bad {
            let status = call_with(channel.clone(), name, &[("authorization", credential)])
                .await
                .unwrap_err();
            refused(&status, Code::Unauthenticated, reason);
            let told = format!("{status:?}");
            for part in credential.split('.').filter(|part| part.len() > 20) {
                assert!(!told.contains(part), "{reason} tells the token");
            }
        }
    }
    let (_, metrics) = page(&guarded.service.metrics_url(), "/metrics").await;
    for (_, reason) in bad {
        let counted = metrics.lines().any(|line| {
            line.starts_with("customer_profile_denied_total")
                && line.contains(&format!("\"{reason}\""))
                && line.contains("\"SearchProfiles\"")
        });
        assert!(counted, "{reason} is not counted");
    }
    guarded.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_needs_its_permissions_and_tenant_in_the_token() {
    let files = Files::new();
    let keys = Keys::put(&files);
    let guarded = Guarded::by_token(files).await;
    let channel = guarded.channel();
    let bearer = |signer: &Signer, kid: &str, claims: &Value| {
        format!("Bearer {}", signer.token(kid, claims))
    };
    for (name, needed) in CALLS {
        for (signer, kid) in [(&keys.ec, "ec"), (&keys.ed, "ed")] {
            let good = bearer(signer, kid, &claims(&needed.join(" ")));
            let chosen = [("authorization", good.as_str()), ("x-tenant-id", "default")];
            if name == "RecordInteractions" || name == "StreamInteractions" {
                call_with(channel.clone(), name, &chosen[..1])
                    .await
                    .unwrap();
            }
            let outcome = call_with(channel.clone(), name, &chosen).await;
            assert!(outcome.is_ok(), "{name}: {outcome:?}");
            let other = [("authorization", good.as_str()), ("x-tenant-id", "shop")];
            let status = call_with(channel.clone(), name, &other).await.unwrap_err();
            refused(&status, Code::PermissionDenied, "wrong_tenant");
        }
        for lacking in needed {
            let others: Vec<&str> = PERMISSIONS.into_iter().filter(|p| p != lacking).collect();
            let token = bearer(&keys.ec, "ec", &claims(&others.join(" ")));
            // Permissions in the metadata do not count.
            let said = [
                ("authorization", token.as_str()),
                ("x-permissions", *lacking),
            ];
            let status = call_with(channel.clone(), name, &said).await.unwrap_err();
            let details = refused(&status, Code::PermissionDenied, "permission_denied");
            let info = details.error_info().unwrap();
            assert_eq!(info.metadata.get("permission").unwrap(), lacking, "{name}");
        }
    }
    let (_, metrics) = page(&guarded.service.metrics_url(), "/metrics").await;
    for reason in ["permission_denied", "wrong_tenant"] {
        let counted = metrics.lines().any(|line| {
            line.starts_with("customer_profile_denied_total")
                && line.contains(reason)
                && line.contains("\"StreamInteractions\"")
        });
        assert!(counted, "{reason} is not counted");
    }
    guarded.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_several_tenants_lets_the_caller_choose_and_keeps_them_apart() {
    let files = Files::new();
    let keys = Keys::put(&files);
    let guarded = Guarded::by_token(files).await;
    let claims = with(claims("record read"), "tenant", json!(["shop", "spa"]));
    let token = format!("Bearer {}", keys.ed.token("ed", &claims));
    let say = |tenant| [("authorization", token.as_str()), ("x-tenant-id", tenant)];
    let channel = guarded.channel();
    call_with(channel.clone(), "RecordInteractions", &say("shop"))
        .await
        .unwrap();
    call_with(channel.clone(), "GetProfile", &say("shop"))
        .await
        .unwrap();
    let status = call_with(channel.clone(), "GetProfile", &say("spa")).await;
    refused(&status.unwrap_err(), Code::NotFound, "not_found");
    let status = call_with(channel.clone(), "GetProfile", &say("default")).await;
    refused(&status.unwrap_err(), Code::PermissionDenied, "wrong_tenant");
    let status = call_with(channel, "GetProfile", &say("shop")[..1]).await;
    refused(
        &status.unwrap_err(),
        Code::Unauthenticated,
        "tenant_invalid",
    );
    guarded.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_credentials_are_none() {
    let files = Files::new();
    let keys = Keys::put(&files);
    let guarded = Guarded::by_token(files).await;
    let token = format!("Bearer {}", keys.ed.token("ed", &claims("read")));
    let mut request = tonic::Request::new(crate::harness::calls::getting(WHO));
    for _ in 0..2 {
        let value = token.parse().unwrap();
        request.metadata_mut().append("authorization", value);
    }
    let mut profiles =
        customer_profile::proto::v1::profile_service_client::ProfileServiceClient::new(
            guarded.channel(),
        );
    let status = profiles.get_profile(request).await.unwrap_err();
    refused(&status, Code::Unauthenticated, "credential_malformed");
    guarded.service.stop().await;
}
