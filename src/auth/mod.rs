//! Who calls, and what they may do.
//!
//! What must stay true: every call has a [`Caller`] before its handler runs, and its tenant comes from there alone. Who is
//! calling is found out once, in [`AuthLayer`], from headers and connection, before a message is decoded; handlers see the
//! same [`Caller`] however it was found. Another way of telling callers is another [`Authenticator`]. Only health and
//! reflection answer strangers.
//!
//! Where there is a credential, nothing that a caller says beside it is believed: `x-tenant-id` only chooses among the
//! tenants of the credential, and `x-caller`, `x-permissions` and `x-department` are not looked at. No part of a credential
//! is ever in a log line, an error or `Debug`.

mod believing;
mod certificate;
mod grant;
mod headers;
pub mod jwt;
mod layer;
mod permission;
mod refusal;

use std::sync::Arc;

use http::request::Parts;

pub use certificate::{Callers, Peer, San};
pub use grant::Grant;
pub use layer::{Auth, AuthLayer, Known};
pub use permission::{Permission, Permissions, UnknownPermission};
pub use refusal::{Refusal, Refused};

use crate::{error::Error, ids::TenantId};

/// Header that names the tenant. Without it the tenant is that of the credential, or `default` where there is none.
pub const TENANT: &str = "x-tenant-id";
/// Header that names a caller who is believed, at most 128 printable ASCII characters; without it `anonymous`.
pub const CALLER: &str = "x-caller";
/// Header that lists the permissions of a caller who is believed; without it all.
pub const PERMISSIONS: &str = "x-permissions";
/// Header that names the department of a caller who is believed, a slug of at most 64 bytes; without it none.
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
#[derive(Clone, Debug)]
pub enum Authenticator {
    /// Callers are believed. Only where strangers cannot reach the service, which the configuration sees to.
    Believing,
    /// Callers bring a signed token with every call.
    Tokens(Arc<jwt::Verifier>),
    /// Callers have shown a certificate when they connected.
    Certificates(Arc<Callers>),
}

impl Authenticator {
    /// Who calls, from the head of the request: its headers, and what is known of its connection.
    ///
    /// # Errors
    /// Why that cannot be told, or why the caller has no business with the tenant.
    pub fn authenticate(&self, head: &Parts) -> Result<Caller, Refused> {
        match self {
            Self::Believing => Ok(believing::believe(&head.headers)?),
            Self::Tokens(verifier) => verifier.caller(&head.headers),
            Self::Certificates(callers) => {
                callers.caller(head.extensions.get::<Peer>(), &head.headers)
            }
        }
    }

    /// Whether callers are told once a connection, and not once a call.
    #[must_use]
    pub const fn is_of_connections(&self) -> bool {
        matches!(self, Self::Certificates(_))
    }

    /// Whether callers prove who they are, so that their names may be written down.
    #[must_use]
    pub const fn is_certain(&self) -> bool {
        !matches!(self, Self::Believing)
    }
}
