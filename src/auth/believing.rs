//! Callers that are believed: `auth.mode = "none"`, and commands that serve their own process.

use std::sync::Arc;

use http::HeaderMap;

use super::{
    CALLER, Caller, DEPARTMENT, DEPARTMENT_BYTES, PERMISSIONS, Permissions, Refusal,
    headers::{self, Several, is_name, single},
};
use crate::ids::{TenantId, is_slug};

/// Who the metadata say is calling.
pub(super) fn believe(headers: &HeaderMap) -> Result<Caller, Refusal> {
    let tenant = headers::tenant(headers)?.unwrap_or_else(TenantId::default_tenant);
    let name = match single(headers, CALLER) {
        Ok(None) => Arc::from("anonymous"),
        Ok(Some(text)) if is_name(text) => Arc::from(text),
        Ok(Some(_)) | Err(Several) => return Err(Refusal::CallerInvalid),
    };
    let department = match single(headers, DEPARTMENT) {
        Ok(None) => None,
        Ok(Some(text)) if is_slug(text, DEPARTMENT_BYTES) => Some(Arc::from(text)),
        Ok(Some(_)) | Err(Several) => return Err(Refusal::CallerInvalid),
    };
    Ok(Caller {
        tenant,
        name,
        permissions: permissions(headers).ok_or(Refusal::PermissionsInvalid)?,
        department,
    })
}

/// All that are listed, in however many headers; `None` when one is not known.
fn permissions(headers: &HeaderMap) -> Option<Permissions> {
    if !headers.contains_key(PERMISSIONS) {
        return Some(Permissions::ALL);
    }
    let mut permissions = Permissions::NONE;
    for value in headers.get_all(PERMISSIONS) {
        let listed = value.to_str().ok()?.split(',').map(str::trim);
        for slug in listed.filter(|slug| !slug.is_empty()) {
            permissions = permissions.with(slug.parse().ok()?);
        }
    }
    Some(permissions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        auth::{Permission, TENANT},
        error::Error,
    };

    fn caller(pairs: &[(&'static str, &str)]) -> Result<Caller, &'static str> {
        let mut request = http::Request::new(());
        for (name, value) in pairs {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        let (head, ()) = request.into_parts();
        believe(&head.headers).map_err(Refusal::reason)
    }

    #[test]
    fn who_says_nothing_is_anonymous_in_the_default_tenant_and_may_do_all() {
        let caller = caller(&[]).unwrap();
        assert_eq!(
            (caller.tenant.as_str(), &*caller.name),
            ("default", "anonymous")
        );
        assert_eq!(caller.department, None);
        assert!(Permission::ALL.iter().all(|p| caller.may(*p)));
    }

    #[test]
    fn what_a_caller_says_is_believed_when_it_is_well_formed() {
        let found = caller(&[
            (TENANT, "eu.shop"),
            (CALLER, "billing worker 3"),
            (PERMISSIONS, "read, record"),
            (PERMISSIONS, "read_text"),
            (DEPARTMENT, "billing"),
        ])
        .unwrap();
        assert_eq!(
            (found.tenant.as_str(), &*found.name),
            ("eu.shop", "billing worker 3")
        );
        assert_eq!(found.department.as_deref(), Some("billing"));
        assert!(found.may(Permission::Read) && found.may(Permission::ReadText));
        assert!(found.require(Permission::Record).is_ok());
        assert!(matches!(
            found.require(Permission::Steward),
            Err(Error::PermissionDenied {
                permission: "steward"
            })
        ));
        let nobody = caller(&[(PERMISSIONS, "")]).unwrap();
        assert_eq!(nobody.permissions, Permissions::NONE);
    }

    #[test]
    fn a_malformed_word_is_refused_with_its_reason() {
        let long = "x".repeat(129);
        for (pairs, reason) in [
            (vec![(TENANT, "Shop")], "tenant_invalid"),
            (vec![(TENANT, "")], "tenant_invalid"),
            (vec![(TENANT, "a"), (TENANT, "b")], "tenant_invalid"),
            (vec![(CALLER, long.as_str())], "caller_invalid"),
            (vec![(CALLER, "タロウ")], "caller_invalid"),
            (vec![(CALLER, "")], "caller_invalid"),
            (vec![(DEPARTMENT, "Billing")], "caller_invalid"),
            (vec![(DEPARTMENT, "")], "caller_invalid"),
            (vec![(DEPARTMENT, long.as_str())], "caller_invalid"),
            (
                vec![(DEPARTMENT, "billing"), (DEPARTMENT, "support")],
                "caller_invalid",
            ),
            (vec![(PERMISSIONS, "read,root")], "permissions_invalid"),
        ] {
            assert_eq!(caller(&pairs), Err(reason), "{pairs:?}");
        }
    }
}
