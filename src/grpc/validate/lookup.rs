//! Look-ups: whose profile is asked for.

use super::{
    Context,
    fields::{count, uuid},
    identifiers::normalised,
    limits::MAX_LOOKUP_IDENTIFIERS,
    reason::{NOT_ALLOWED_HERE, REQUIRED},
    violations::Violations,
};
use crate::{error::Violation, identity::Keyed, ids::ProfileId, proto::v1::ProfileLookup};

/// Whose profile is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// The profile with this id, or the one that holds its people now.
    Id(ProfileId),
    /// The first that is known of these, in the order asked. `None` stands for a value that can be no identifier and
    /// so is unknown to everyone; it keeps its place, since the answer says which one answered.
    Identifiers(Vec<Option<Keyed>>),
}

/// Checks the look-up at `field`.
///
/// # Errors
/// With everything that is wrong: neither or both ways of asking, too many identifiers, values without the right form.
pub fn lookup(
    field: &str,
    given: Option<&ProfileLookup>,
    ctx: &Context<'_>,
) -> Result<Lookup, Vec<Violation>> {
    let mut out = Violations::default();
    let given = given.filter(|l| !l.profile_id.is_empty() || !l.identifiers.is_empty());
    let Some(given) = given else {
        out.add(&field, REQUIRED, "a profile id or identifiers");
        return out.finish(None);
    };
    if given.profile_id.is_empty() {
        let path = format_args!("{field}.identifiers");
        count(
            &mut out,
            &path,
            given.identifiers.len(),
            MAX_LOOKUP_IDENTIFIERS,
        );
        let mut found = Vec::with_capacity(MAX_LOOKUP_IDENTIFIERS);
        let asked = given.identifiers.iter().take(MAX_LOOKUP_IDENTIFIERS);
        for (i, identifier) in asked.enumerate() {
            let result = normalised(&mut out, &format_args!("{path}[{i}]"), identifier, ctx);
            found.push(result.and_then(Result::ok).map(|n| ctx.keyed(n)));
        }
        return out.finish(Some(Lookup::Identifiers(found)));
    }
    let id = uuid(
        &mut out,
        &format_args!("{field}.profile_id"),
        &given.profile_id,
    );
    if !given.identifiers.is_empty() {
        out.add(
            &format_args!("{field}.identifiers"),
            NOT_ALLOWED_HERE,
            "either a profile id or identifiers",
        );
    }
    out.finish(id.map(Lookup::Id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        grpc::validate::{
            reason::{MALFORMED, NOT_A_SLUG, TOO_LONG, TOO_MANY},
            strategies::{identifier, with_context},
        },
        proto::v1::Identifier,
    };

    fn ask(profile_id: &str, identifiers: Vec<Identifier>) -> Result<Lookup, Vec<Violation>> {
        let given = ProfileLookup {
            profile_id: profile_id.into(),
            identifiers,
        };
        with_context(|ctx| lookup("lookup", Some(&given), ctx))
    }

    fn found(result: Result<Lookup, Vec<Violation>>) -> Vec<(String, &'static str)> {
        let found = result.unwrap_err();
        found.into_iter().map(|v| (v.field, v.reason)).collect()
    }

    #[test]
    fn an_unusable_value_is_merely_unknown_and_keeps_its_place() {
        let asked = vec![
            identifier("email", "no address"),
            identifier("customer_id", "null"),
            identifier("email", "A@b.example"),
        ];
        let Ok(Lookup::Identifiers(found)) = ask("", asked) else {
            panic!("sound")
        };
        assert!(found[0].is_none() && found[1].is_none());
        let third = found[2].as_ref().unwrap();
        assert_eq!(third.identifier.value, "a@b.example");
    }

    #[test]
    fn one_way_of_asking_is_needed_and_not_two() {
        let who = || identifier("email", "a@b.example");
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        let expected = ProfileId::from_uuid(id.parse().unwrap());
        assert_eq!(ask(id, vec![]), Ok(Lookup::Id(expected)));
        assert_eq!(found(ask("", vec![])), [("lookup".into(), REQUIRED)]);
        let both = ("lookup.identifiers".to_owned(), NOT_ALLOWED_HERE);
        assert_eq!(found(ask(id, vec![who()])), [both]);
        let bad = ("lookup.profile_id".to_owned(), MALFORMED);
        assert_eq!(found(ask("x", vec![])), [bad]);
        let nothing = with_context(|ctx| lookup("lookups[3]", None, ctx));
        assert_eq!(found(nothing), [("lookups[3]".to_owned(), REQUIRED)]);
    }

    #[test]
    fn form_and_number_of_identifiers_are_checked() {
        let many = vec![identifier("email", "a@b.example"); 9];
        let want = ("lookup.identifiers".to_owned(), TOO_MANY);
        assert_eq!(found(ask("", many)), [want]);
        let bad = vec![
            identifier("E", "x"),
            identifier("email", ""),
            identifier("cookie", &"x".repeat(513)),
        ];
        assert_eq!(
            found(ask("", bad)),
            [
                ("lookup.identifiers[0].namespace".to_owned(), NOT_A_SLUG),
                ("lookup.identifiers[1].value".to_owned(), REQUIRED),
                ("lookup.identifiers[2].value".to_owned(), TOO_LONG),
            ]
        );
    }
}
