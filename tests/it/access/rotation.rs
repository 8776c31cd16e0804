//! Keys and certificates that are replaced under way.

use std::{
    os::unix::fs::symlink,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tonic::Code;

use super::{Guarded, trusting};
use crate::{
    harness::{
        credentials::{Authority, Files, Signer, claims},
        refused::refused,
        wait::until,
    },
    health::page,
    permissions::call_with,
};

/// Points a link to another directory, as Kubernetes does.
fn swap(directory: &Path, target: &str) {
    let draft = directory.join("..data_tmp");
    symlink(target, &draft).unwrap();
    std::fs::rename(&draft, directory.join("..data")).unwrap();
}

fn put(directory: &Path, version: &str, keys: &[serde_json::Value]) {
    let folder = directory.join(version);
    std::fs::create_dir(&folder).unwrap();
    let set = serde_json::json!({"keys": keys}).to_string();
    std::fs::write(folder.join("jwks.json"), set).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_replaced_without_a_failed_call() {
    let (old, new) = (Signer::ec(), Signer::ed());
    let files = Files::new();
    let directory = files.path("");
    put(&directory, "v1", &[old.jwk("old")]);
    put(&directory, "v2", &[old.jwk("old"), new.jwk("new")]);
    put(&directory, "v3", &[new.jwk("new")]);
    swap(&directory, "v1");
    symlink("..data/jwks.json", directory.join("jwks.json")).unwrap();
    let guarded = Guarded::by_token(files).await;
    let bearer = |signer: &Signer, kid| format!("Bearer {}", signer.token(kid, &claims("read")));
    let (with_old, with_new) = (bearer(&old, "old"), bearer(&new, "new"));
    let call = async |token: &str| {
        let said = [("authorization", token)];
        call_with(guarded.channel(), "SearchProfiles", &said).await
    };
    call(&with_old).await.unwrap();
    let status = call(&with_new).await.unwrap_err();
    refused(&status, Code::Unauthenticated, "credential_signature");

    swap(&directory, "v2");
    until("the new key is known", async || {
        call(&with_new).await.is_ok()
    })
    .await;
    call(&with_old).await.unwrap();

    // From here on the new key is in every set, so no call with it may fail.
    let (stop, calls) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let busy: Vec<_> = (0..4)
        .map(|_| {
            let (stop, calls) = (Arc::clone(&stop), Arc::clone(&calls));
            let (channel, token) = (guarded.channel(), with_new.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let said = [("authorization", token.as_str())];
                    call_with(channel.clone(), "SearchProfiles", &said)
                        .await
                        .unwrap();
                    calls.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    swap(&directory, "v3");
    until("the old key is gone", async || {
        call(&with_old).await.is_err()
    })
    .await;
    let status = call(&with_old).await.unwrap_err();
    refused(&status, Code::Unauthenticated, "credential_signature");

    // Sets that cannot be used, or should not be there, leave what was there.
    for (version, content) in [
        ("v4", "{".to_owned()),
        ("v5", serde_json::json!({"keys": []}).to_string()),
        (
            "v6",
            serde_json::json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "", "d": ""}]})
                .to_string(),
        ),
    ] {
        let folder = directory.join(version);
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("jwks.json"), content).unwrap();
        swap(&directory, version);
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        call(&with_new).await.unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    for task in busy {
        task.await.unwrap();
    }
    assert!(calls.load(Ordering::Relaxed) > 20);
    let (_, metrics) = page(&guarded.service.metrics_url(), "/metrics").await;
    for wanted in [
        "customer_profile_access_files_total{file=\"jwks\",outcome=\"refused\"}",
        "customer_profile_access_files_total{file=\"jwks\",outcome=\"loaded\"}",
        "customer_profile_access_files_loaded_seconds{file=\"jwks\"}",
    ] {
        assert!(metrics.contains(wanted), "{wanted}");
    }
    guarded.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_replaced_under_a_living_connection() {
    let signer = Signer::ed();
    let files = Files::new();
    files.put_keys(&[signer.jwk("a")]);
    let guarded = Guarded::by_token(files).await;
    let token = format!("Bearer {}", signer.token("a", &claims("read")));
    let call = async |channel| {
        let said = [("authorization", token.as_str())];
        call_with(channel, "SearchProfiles", &said).await
    };
    let living = guarded.channel();
    call(living.clone()).await.unwrap();

    let next = Authority::new("next servers");
    let pair = next.issue(&["dns:localhost"]);
    guarded.files.put("next.crt", next.root());
    // The certificate first, and its key only after the service has seen them apart.
    guarded.files.put("tls.crt", &pair.certificate);
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    call(guarded.channel()).await.unwrap();
    guarded.files.put("tls.key", &pair.key);
    let roots = guarded.files.path("next.crt");
    until("the new certificate is shown", async || {
        call(trusting(&roots, None, &guarded.url)).await.is_ok()
    })
    .await;
    call(living).await.unwrap();
    assert!(
        call(guarded.channel()).await.is_err(),
        "the old root is of no use"
    );
    guarded.service.stop().await;
}
