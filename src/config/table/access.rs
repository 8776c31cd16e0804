//! The settings of who may call.

use super::{
    Form::{Integer, Text},
    Setting, setting,
};
use crate::config::{AuthMode, value};

const CLAIM: &str = "the name of a claim, 1 to 128 bytes";
const FILE: &str = "path of a file, or empty";

/// They follow those of [`super::TABLE`].
pub(super) static TABLE: &[Setting] = &[
    setting(
        ("auth.mode", "none", "", Text("none, jwt or mtls")),
        "How callers are known: `none` believes their metadata, `jwt` wants a signed token, `mtls` a certificate. See [access](access.md).",
        |s, v| {
            v.choice(
                &mut s.auth.mode,
                &[
                    ("none", AuthMode::None),
                    ("jwt", AuthMode::Jwt),
                    ("mtls", AuthMode::Mtls),
                ],
            )
        },
    ),
    setting(
        ("auth.jwt.jwks_file", "", "", Text(FILE)),
        "The keys that tokens are verified with: a JSON Web Key Set of public keys for ES256 or EdDSA. Read again when it changes.",
        |s, v| v.optional(&mut s.auth.jwt.jwks_file, FILE, |path| Some(path.into())),
    ),
    setting(
        ("auth.jwt.issuer", "", "", Text("text")),
        "What `iss` of a token has to be, byte by byte.",
        |s, v| {
            v.text()?.clone_into(&mut s.auth.jwt.issuer);
            Ok(())
        },
    ),
    setting(
        ("auth.jwt.audience", "", "", Text("text")),
        "What `aud` of a token has to be, or to have in its list.",
        |s, v| {
            v.text()?.clone_into(&mut s.auth.jwt.audience);
            Ok(())
        },
    ),
    setting(
        ("auth.jwt.leeway_ms", "30000", "ms", Integer(0, 300_000)),
        "How far the clock of who makes tokens may be off, for `exp`, `nbf` and `iat`.",
        |s, v| v.millis(&mut s.auth.jwt.leeway),
    ),
    setting(
        ("auth.jwt.tenant_claim", "tenant", "", Text(CLAIM)),
        "The claim that holds the tenant, or a list of tenants among which `x-tenant-id` chooses.",
        |s, v| v.parsed(&mut s.auth.jwt.tenant_claim, CLAIM, value::claim),
    ),
    setting(
        ("auth.jwt.permissions_claim", "permissions", "", Text(CLAIM)),
        "The claim that holds the permissions: a list, or a text with spaces between them such as `scope`.",
        |s, v| v.parsed(&mut s.auth.jwt.permissions_claim, CLAIM, value::claim),
    ),
    setting(
        ("auth.jwt.department_claim", "department", "", Text(CLAIM)),
        "The claim that holds the department.",
        |s, v| v.parsed(&mut s.auth.jwt.department_claim, CLAIM, value::claim),
    ),
    setting(
        (
            "auth.callers.<caller>.san",
            "",
            "",
            Text("spiffe://domain/path or dns:name"),
        ),
        "The name in the certificate of this caller, with `auth.mode = \"mtls\"`. No wildcards.",
        |s, v| {
            let said = v.text()?;
            let san = crate::auth::San::parse(said).ok_or_else(|| {
                format!("must be spiffe://domain/path or dns:name, without wildcards, not {said:?}")
            })?;
            v.caller(s)?.san = Some(san);
            Ok(())
        },
    ),
    setting(
        (
            "auth.callers.<caller>.tenants",
            "default",
            "",
            Text("tenants with commas between them"),
        ),
        "The tenants that it may work for.",
        |s, v| {
            let tenants = value::tenants(v.text()?)?;
            v.caller(s)?.tenants = tenants;
            Ok(())
        },
    ),
    setting(
        (
            "auth.callers.<caller>.permissions",
            "",
            "",
            Text("permissions with commas between them"),
        ),
        "What it may do.",
        |s, v| {
            let permissions = value::permissions(v.text()?)?;
            v.caller(s)?.permissions = permissions;
            Ok(())
        },
    ),
    setting(
        ("auth.callers.<caller>.department", "", "", Text("a slug")),
        "The department that it calls for.",
        |s, v| {
            let mut department = None;
            v.optional(&mut department, "a slug, or empty", value::department)?;
            v.caller(s)?.department = department;
            Ok(())
        },
    ),
    setting(
        ("tls.cert_file", "", "", Text(FILE)),
        "The certificate of the service and those between it and the root, PEM. With it gRPC is served over TLS 1.2 and 1.3. Read again when it changes.",
        |s, v| v.optional(&mut s.tls.cert_file, FILE, |path| Some(path.into())),
    ),
    setting(
        ("tls.key_file", "", "", Text(FILE)),
        "The private key of the certificate, PEM. Read again when it changes.",
        |s, v| v.optional(&mut s.tls.key_file, FILE, |path| Some(path.into())),
    ),
    setting(
        ("tls.client_ca_file", "", "", Text(FILE)),
        "The roots of callers' certificates, PEM, for `auth.mode = \"mtls\"`. Read again when it changes.",
        |s, v| v.optional(&mut s.tls.client_ca_file, FILE, |path| Some(path.into())),
    ),
];
