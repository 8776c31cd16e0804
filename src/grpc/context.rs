//! What a handler knows of its call besides the message.

use tonic::Extensions;

use crate::{
    auth::{Caller, Permission},
    error::Error,
};

/// Who is calling: `context::caller(request.extensions())`.
///
/// # Errors
/// A bug, when the service runs without [`crate::auth::AuthLayer`].
pub fn caller(extensions: &Extensions) -> Result<Caller, Error> {
    let caller = extensions.get::<Caller>().cloned();
    caller.ok_or_else(|| {
        Error::bug(
            "looking up the caller",
            "no caller: the auth layer is missing",
        )
    })
}

/// Who is calling, when it may do what this call needs.
///
/// # Errors
/// [`Error::PermissionDenied`] when it may not, and as [`caller`].
pub fn permitted(extensions: &Extensions, needed: Permission) -> Result<Caller, Error> {
    let caller = caller(extensions)?;
    caller.require(needed).map(|()| caller)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{auth::Permissions, ids::TenantId};

    #[test]
    fn a_call_needs_a_caller_with_the_permission() {
        let mut extensions = Extensions::new();
        assert!(matches!(caller(&extensions), Err(Error::Bug { .. })));
        extensions.insert(Caller {
            tenant: TenantId::default_tenant(),
            name: "test".into(),
            permissions: Permissions::NONE.with(Permission::Read),
            department: None,
        });
        assert!(permitted(&extensions, Permission::Read).is_ok());
        assert!(matches!(
            permitted(&extensions, Permission::Decide),
            Err(Error::PermissionDenied {
                permission: "decide"
            })
        ));
    }
}
