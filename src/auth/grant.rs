//! What a verified credential gives its holder, whatever kind of credential it is.

use std::{fmt, sync::Arc};

use http::HeaderMap;

use super::{Caller, Permissions, Refusal, Refused, headers};
use crate::ids::TenantId;

/// Who somebody is and what they may do, by a credential that was verified.
#[derive(Clone, PartialEq, Eq)]
pub struct Grant {
    /// The caller's name: 1 to 128 printable ASCII characters.
    pub name: Arc<str>,
    /// The tenants that the caller may work for; at least one.
    pub tenants: Vec<TenantId>,
    /// What it may do for each of them.
    pub permissions: Permissions,
    /// The department that it calls for.
    pub department: Option<Arc<str>>,
}

impl Grant {
    /// The caller of one call. `x-tenant-id` chooses among the tenants; where there is one only, it may be left out.
    ///
    /// # Errors
    /// [`Refusal::WrongTenant`] for another tenant than these; [`Refusal::TenantInvalid`] when the choice is malformed, or
    /// was not made and there are several.
    pub(super) fn caller(&self, headers: &HeaderMap) -> Result<Caller, Refused> {
        let refuse = |why| Refused {
            why,
            name: Some(Arc::clone(&self.name)),
        };
        let tenant = match (
            headers::tenant(headers).map_err(refuse)?,
            self.tenants.as_slice(),
        ) {
            (Some(chosen), tenants) if tenants.contains(&chosen) => chosen,
            (Some(_), _) => return Err(refuse(Refusal::WrongTenant)),
            (None, [only]) => only.clone(),
            (None, _) => return Err(refuse(Refusal::TenantInvalid)),
        };
        Ok(Caller {
            tenant,
            name: Arc::clone(&self.name),
            permissions: self.permissions,
            department: self.department.clone(),
        })
    }
}

/// A credential gives no more to read than how much there is in it.
impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant")
            .field("permissions", &self.permissions)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{CALLER, DEPARTMENT, PERMISSIONS, Permission, TENANT};

    fn grant(tenants: &[&str]) -> Grant {
        Grant {
            name: "billing".into(),
            tenants: tenants.iter().filter_map(|t| TenantId::parse(t)).collect(),
            permissions: Permissions::NONE.with(Permission::Read),
            department: Some("billing".into()),
        }
    }

    fn tenant(grant: &Grant, said: &[&str]) -> Result<String, Refusal> {
        let mut headers = HeaderMap::new();
        for text in said {
            headers.append(TENANT, text.parse().unwrap());
        }
        let caller = grant.caller(&headers);
        caller
            .map(|c| c.tenant.to_string())
            .map_err(|refused| refused.why)
    }

    #[test]
    fn the_tenant_is_chosen_among_those_of_the_credential() {
        let (one, two) = (grant(&["shop"]), grant(&["shop", "spa"]));
        assert_eq!(tenant(&one, &[]).as_deref(), Ok("shop"));
        assert_eq!(tenant(&one, &["shop"]).as_deref(), Ok("shop"));
        assert_eq!(tenant(&two, &["spa"]).as_deref(), Ok("spa"));
        assert_eq!(tenant(&two, &[]), Err(Refusal::TenantInvalid));
        for other in ["default", "shop.spa"] {
            assert_eq!(tenant(&one, &[other]), Err(Refusal::WrongTenant));
            assert_eq!(tenant(&two, &[other]), Err(Refusal::WrongTenant));
        }
        assert_eq!(tenant(&one, &["SHOP"]), Err(Refusal::TenantInvalid));
        assert_eq!(tenant(&two, &["shop", "spa"]), Err(Refusal::TenantInvalid));
    }

    #[test]
    fn nothing_else_that_a_caller_says_of_itself_is_believed() {
        let mut headers = HeaderMap::new();
        for (name, text) in [
            (CALLER, "root"),
            (PERMISSIONS, "read,administer"),
            (DEPARTMENT, "board"),
        ] {
            headers.append(name, text.parse().unwrap());
        }
        let caller = grant(&["shop"]).caller(&headers).unwrap();
        assert_eq!(
            (&*caller.name, caller.department.as_deref()),
            ("billing", Some("billing"))
        );
        assert!(!caller.may(Permission::Administer));
    }
}
