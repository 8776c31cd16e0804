//! What look-ups have in common: the checks that each makes of its request, and how they end.
//!
//! What must stay true: everything is checked before anything is touched, and every violation of a request is named at once.
//! A look-up cannot be asked by something that is hidden from the caller, nor by a token that no answer can satisfy: who reads
//! a look-up through [`Read`] cannot forget to check that.

use prost_types::FieldMask;

use super::{
    Api,
    page_token::{self, Cursor, Paged},
    sight::Sight,
    token::WriteToken,
    validate::{self, ProfileMask, Violations},
};
use crate::{
    auth::Caller,
    cache::rule::{self, Wish},
    error::{Error, Violation},
    lookup::{Found, Who},
    proto::v1::{ProfileLookup, ReadOptions},
    tenants::Tenant,
};

/// What every look-up carries, checked.
pub(super) struct Read<'a> {
    /// Whose data is read.
    pub(super) tenant: Tenant,
    /// What the caller may see of them.
    pub(super) sight: Sight<'a>,
    api: &'a Api,
    wrong: Violations,
    /// What is asked by and hidden.
    hidden: Vec<String>,
    /// A token is none that an answer can satisfy.
    lost: bool,
}

/// What asks for a page of something that one profile has.
pub(super) struct PageOf<C> {
    /// Whose.
    pub(super) who: Who,
    /// How much of it.
    pub(super) size: usize,
    /// From where on.
    pub(super) after: Option<C>,
}

impl<'a> Read<'a> {
    pub(super) async fn begin(api: &'a Api, caller: &Caller) -> Result<Self, Error> {
        let tenant = api.tenants.get(&caller.tenant).await?;
        Ok(Self::of(api, caller, tenant))
    }

    /// The same without waiting, of a tenant that this process has met.
    pub(super) fn remembered(api: &'a Api, caller: &Caller) -> Option<Self> {
        let tenant = api.tenants.known(&caller.tenant)?;
        Some(Self::of(api, caller, tenant))
    }

    fn of(api: &'a Api, caller: &Caller, tenant: Tenant) -> Self {
        Self {
            tenant,
            sight: api.sight(caller),
            api,
            wrong: Violations::default(),
            hidden: Vec::new(),
            lost: false,
        }
    }

    pub(super) fn who(&mut self, field: &str, lookup: Option<&ProfileLookup>) -> Option<Who> {
        self.hidden.extend(self.sight.hidden_in(lookup));
        let checked = validate::lookup(field, lookup, &self.api.validation(&self.tenant));
        self.wrong.take(checked).map(Who::from)
    }

    /// Notes what is asked by and hidden.
    pub(super) fn hide(&mut self, fields: Vec<String>) {
        self.hidden.extend(fields);
    }

    /// Who is asked for, and which page of what they have: 1 to 1,000 entries, 100 where nothing is said.
    pub(super) fn page<C: Cursor>(
        &mut self,
        request: &impl Paged,
        lookup: Option<&ProfileLookup>,
        size: i32,
    ) -> Option<PageOf<C>> {
        let who = self.who("lookup", lookup);
        let size = self.size(size, 100, 1_000);
        let after = self.cursor(request);
        let ((who, size), after) = who.zip(size).zip(after)?;
        Some(PageOf { who, size, after })
    }

    pub(super) fn size(&mut self, size: i32, default: u32, most: u32) -> Option<usize> {
        let size = self.take(validate::page_size("page_size", size, default, most))?;
        usize::try_from(size).ok()
    }

    /// Where the page before ended: nothing for the first one.
    #[expect(clippy::option_option, reason = "wrong, none, and one")]
    pub(super) fn cursor<C: Cursor>(&mut self, request: &impl Paged) -> Option<Option<C>> {
        let cursor = page_token::decode(request, &self.tenant.id, &self.api.page_tokens);
        self.take(cursor)
    }

    /// How fresh the answer has to be.
    pub(super) fn options(&mut self, given: Option<&ReadOptions>) -> Wish {
        let options = self.checked(given);
        self.wish(&options)
    }

    fn wish(&self, options: &validate::ReadOptions) -> Wish {
        let token = |token: &WriteToken| rule::Token {
            // Beyond what a database counts to: met by none.
            position: i64::try_from(token.position).unwrap_or(i64::MAX),
            anchor: token.anchor,
        };
        Wish {
            tokens: options.tokens.iter().map(token).collect(),
            bound: options.max_staleness.unwrap_or(self.api.max_staleness),
            allow_stale: options.allow_stale,
        }
    }

    /// As [`Self::options`], and which revision of the catalogue their tokens ask for; 0 for any.
    pub(super) fn catalogue(&mut self, given: Option<&ReadOptions>) -> (Wish, u64) {
        let options = self.checked(given);
        let asked = options.tokens.iter().filter_map(WriteToken::catalogue);
        let at_least = asked.max().unwrap_or_default();
        (self.wish(&options), at_least)
    }

    fn checked(&mut self, given: Option<&ReadOptions>) -> validate::ReadOptions {
        let (now, id) = (self.api.clock.now(), &self.tenant.id);
        let options = validate::read_options("read_options", given, id, now, &self.api.tokens);
        let options = self.wrong.take(options).unwrap_or_default();
        self.lost |= !self.api.can_satisfy(&options);
        options
    }

    /// Which fields are asked for by a mask that the request calls `field`.
    pub(super) fn mask(&mut self, field: &str, given: Option<&FieldMask>) -> Option<ProfileMask> {
        self.take(validate::field_mask(field, given))
    }

    pub(super) fn take<T>(&mut self, part: Result<T, Vec<Violation>>) -> Option<T> {
        self.wrong.take(part)
    }

    /// All parts, when nothing is wrong with any.
    ///
    /// # Errors
    /// `field_masked` before `invalid`, so that nothing is said of what is hidden, and `token_lost` last.
    pub(super) fn finish<T>(mut self, parts: Option<T>) -> Result<(Tenant, T), Error> {
        if !self.hidden.is_empty() {
            self.hidden.sort_unstable();
            self.hidden.dedup();
            let fields = self.hidden;
            return Err(Error::Masked { fields });
        }
        let parts = self.wrong.finish(parts).map_err(Error::Invalid)?;
        if self.lost {
            let reason = "token_lost";
            return Err(Error::Conflict { reason });
        }
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
