//! Callers who are told by their certificate.

use tonic::{Code, transport::Channel};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_types::StatusExt as _;

use super::{BILLING, Guarded, REPORTS};
use crate::{
    harness::{
        credentials::{Authority, self_signed},
        refused::refused,
    },
    permissions::{CALLS, call_with},
};

/// The connection must not come to be: no answer is the service's.
async fn cut_off(channel: Channel) {
    let status = call_with(channel, "GetProfile", &[]).await.unwrap_err();
    assert!(
        status.get_error_details().error_info().is_none(),
        "{status:?}"
    );
    assert!(
        matches!(
            status.code(),
            Code::Unavailable | Code::Unknown | Code::Cancelled
        ),
        "{status:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_is_told_by_the_name_in_its_certificate() {
    let clients = Authority::new("clients");
    let guarded = Guarded::by_certificate(&clients).await;
    let billing = guarded.channel_with(&clients.issue(&["dns:host-7.internal", BILLING]));
    let reports = guarded.channel_with(&clients.issue(&[REPORTS]));
    // Of two tenants one has to be chosen.
    let status = call_with(billing.clone(), "RecordInteractions", &[]).await;
    refused(
        &status.unwrap_err(),
        Code::Unauthenticated,
        "tenant_invalid",
    );
    let chosen = [("x-tenant-id", "default")];
    for (name, _) in CALLS {
        let outcome = call_with(billing.clone(), name, &chosen).await;
        assert!(outcome.is_ok(), "{name}: {outcome:?}");
    }
    for (name, needed) in CALLS {
        let outcome = call_with(reports.clone(), name, &[("x-permissions", "record")]).await;
        if *needed == ["read"] {
            assert!(outcome.is_ok(), "{name}: {outcome:?}");
        } else {
            let status = outcome.unwrap_err();
            refused(&status, Code::PermissionDenied, "permission_denied");
        }
        let status = call_with(reports.clone(), name, &[("x-tenant-id", "shop")]).await;
        refused(&status.unwrap_err(), Code::PermissionDenied, "wrong_tenant");
    }
    guarded.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_of_nobody_and_of_two_are_unknown_and_none_is_missing() {
    let clients = Authority::new("clients");
    let guarded = Guarded::by_certificate(&clients).await;
    for names in [
        vec!["spiffe://example.org/billing/2"],
        vec!["spiffe://example.org/other"],
        vec!["dns:*.internal"],
        vec!["dns:x.reports.internal"],
        vec![BILLING, REPORTS],
        vec![],
    ] {
        let channel = guarded.channel_with(&clients.issue(&names));
        for (name, _) in CALLS {
            let status = call_with(channel.clone(), name, &[("x-caller", "billing")]).await;
            refused(
                &status.unwrap_err(),
                Code::Unauthenticated,
                "credential_unknown",
            );
        }
    }
    let channel = guarded.channel();
    for (name, _) in CALLS {
        let status = call_with(channel.clone(), name, &[("authorization", "Bearer x")]).await;
        refused(
            &status.unwrap_err(),
            Code::Unauthenticated,
            "credential_missing",
        );
    }
    guarded.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_that_cannot_be_trusted_end_the_connection_and_no_other() {
    let clients = Authority::new("clients");
    let guarded = Guarded::by_certificate(&clients).await;
    let good = guarded.channel_with(&clients.issue(&[REPORTS]));
    for pair in [
        self_signed(&[BILLING]),
        Authority::new("clients").issue(&[BILLING]),
        guarded.authority.issue(&[BILLING]),
        clients.issue_until(&[BILLING], (2021, 1, 1)),
    ] {
        cut_off(guarded.channel_with(&pair)).await;
    }
    call_with(good, "SearchProfiles", &[]).await.unwrap();
    guarded.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_need_no_certificate() {
    let clients = Authority::new("clients");
    let guarded = Guarded::by_certificate(&clients).await;
    let answer = HealthClient::new(guarded.channel())
        .check(HealthCheckRequest::default())
        .await;
    assert!(answer.is_ok(), "{answer:?}");
    guarded.service.stop().await;
}
