//! Who calls, and what they may do.
//!
//! What must stay true: every call has a [`Caller`] before its handler runs, and its tenant comes from there alone. Who is
//! calling is found out once, in [`AuthLayer`], from headers and connection, before a message is decoded; handlers see the
//! same [`Caller`] however it was found. Another way of telling callers is another [`Authenticator`]. Only health and
//! reflection answer strangers.

mod layer;
mod permission;

use std::sync::Arc;

use http::{HeaderMap, request::Parts};

pub use layer::{Auth, AuthLayer};
pub use permission::{Permission, Permissions};

use crate::{
    config::AuthMode,
    error::Error,
    ids::{TenantId, is_slug},
};

/// Header that names the tenant; without it the tenant is `default`.
pub const TENANT: &str = "x-tenant-id";
/// Header that names the caller, at most 128 printable ASCII characters; without it `anonymous`.
pub const CALLER: &str = "x-caller";
/// Header that lists the caller's permissions; without it all.
pub const PERMISSIONS: &str = "x-permissions";

/// Header that names the caller's department, a slug of at most 64 bytes; without it the caller is of none.
pub const DEPARTMENT: &str = "x-department";

/// Bytes that the name of a department may have.
pub const DEPARTMENT_BYTES: usize = 64;

/// Who is calling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The tenant that everything of this call belongs to.
    pub tenant: TenantId,
    /// The name of the calling service or operator, for audit and logs.
    pub name: Arc<str>,
    /// What it may do.
    pub permissions: Permissions,
    /// The department that it calls for: 1 to 64 of a-z, 0-9, `_`, `-` and `.`; `None` when it is of none.
    pub department: Option<Arc<str>>,
}

impl Caller {
    /// Whether the caller may do something.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.permissions.contains(permission)
    }

    /// Asks for a permission.
    ///
    /// # Errors
    /// [`Error::PermissionDenied`] when the caller lacks it.
    pub fn require(&self, permission: Permission) -> Result<(), Error> {
        if self.may(permission) {
            Ok(())
        } else {
            let permission = permission.slug();
            Err(Error::PermissionDenied { permission })
        }
    }
}

/// A way of telling who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authenticator {
    /// Callers are believed. Only where strangers cannot reach the service, which the configuration sees to.
    Believing,
}

impl From<AuthMode> for Authenticator {
    fn from(mode: AuthMode) -> Self {
        match mode {
            AuthMode::None => Self::Believing,
        }
    }
}

impl Authenticator {
    /// Who calls, from the head of the request: its headers, and what is known of its connection.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] when that cannot be told.
    pub fn authenticate(self, head: &Parts) -> Result<Caller, Error> {
        match self {
            Self::Believing => believe(&head.headers),
        }
    }
}

fn believe(headers: &HeaderMap) -> Result<Caller, Error> {
    let refuse = |reason| move || Error::Unauthenticated { reason };
    let tenant = match single(headers, TENANT) {
        Ok(None) => TenantId::default_tenant(),
        Ok(Some(text)) => TenantId::parse(text).ok_or_else(refuse("tenant_invalid"))?,
        Err(Several) => return Err(refuse("tenant_invalid")()),
    };
    let name = match single(headers, CALLER) {
        Ok(None) => Arc::from("anonymous"),
        Ok(Some(text)) if is_name(text) => Arc::from(text),
        Ok(Some(_)) | Err(Several) => return Err(refuse("caller_invalid")()),
    };
    let permissions = permissions(headers).ok_or_else(refuse("permissions_invalid"))?;
    let department = match single(headers, DEPARTMENT) {
        Ok(None) => None,
        Ok(Some(text)) if is_slug(text, DEPARTMENT_BYTES) => Some(Arc::from(text)),
        Ok(Some(_)) | Err(Several) => return Err(refuse("caller_invalid")()),
    };
    Ok(Caller {
        tenant,
        name,
        permissions,
        department,
    })
}

/// More than one value, or one that is no text.
struct Several;

/// The one value of a header, if it is there.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Several> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(one), None) => one.to_str().map(Some).map_err(|_| Several),
        (Some(_), Some(_)) => Err(Several),
    }
}

fn is_name(text: &str) -> bool {
    let printable = |b: u8| (b' '..=b'~').contains(&b);
    (1..=128).contains(&text.len()) && text.bytes().all(printable)
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

    fn caller(pairs: &[(&'static str, &str)]) -> Result<Caller, &'static str> {
        let mut request = http::Request::new(());
        for (name, value) in pairs {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        let (head, ()) = request.into_parts();
        let found = Authenticator::Believing.authenticate(&head);
        found.map_err(|error| match error {
            Error::Unauthenticated { reason } => reason,
            other => panic!("{other}"),
        })
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
