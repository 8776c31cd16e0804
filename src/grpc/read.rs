//! What look-ups have in common: the checks that each makes of its request, and how they end.
//!
//! What must stay true: everything is checked before anything is touched, and every violation of a request is named at once.

use super::{
    Api,
    validate::{self, Violations},
};
use crate::{
    auth::Caller,
    error::{Error, Violation},
    lookup::{Found, Who},
    proto::v1::{ProfileLookup, ReadOptions},
    tenants::Tenant,
};

/// What every look-up carries, checked.
pub(super) struct Read {
    /// Whose data is read.
    pub(super) tenant: Tenant,
    wrong: Violations,
}

impl Read {
    pub(super) async fn begin(api: &Api, caller: &Caller) -> Result<Self, Error> {
        Ok(Self {
            tenant: api.tenants.get(&caller.tenant).await?,
            wrong: Violations::default(),
        })
    }

    pub(super) fn who(
        &mut self,
        api: &Api,
        field: &str,
        lookup: Option<&ProfileLookup>,
    ) -> Option<Who> {
        let checked = validate::lookup(field, lookup, &api.validation(&self.tenant));
        self.wrong.take(checked).map(Who::from)
    }

    pub(super) fn options(
        &mut self,
        api: &Api,
        given: Option<&ReadOptions>,
    ) -> Option<validate::ReadOptions> {
        let now = api.clock.now();
        let id = &self.tenant.id;
        let checked = validate::read_options("read_options", given, id, now, &api.tokens);
        self.wrong.take(checked)
    }

    pub(super) fn take<T>(&mut self, part: Result<T, Vec<Violation>>) -> Option<T> {
        self.wrong.take(part)
    }

    pub(super) fn finish<T>(self, parts: Option<T>) -> Result<(Tenant, T), Error> {
        let parts = self.wrong.finish(parts).map_err(Error::Invalid)?;
        Ok((self.tenant, parts))
    }
}

/// As responses say it.
pub(super) fn answered_by(found: &Found) -> Option<i32> {
    found.answered_by.and_then(|n| i32::try_from(n).ok())
}

/// The profile that was asked for is not known.
pub(super) fn not_found() -> Error {
    Error::NotFound {
        kind: "profile",
        name: String::new(),
    }
}
