//! Times in the past, as of which something is asked.

use super::{
    fields::time,
    limits::FUTURE_TOLERANCE,
    reason::{IN_THE_FUTURE, NOT_ALLOWED_HERE},
    violations::{Path, Violations},
};
use crate::{
    clock::Micros,
    error::Violation,
    past::{EVER, Then},
    proto::v1::GetProfileRequest,
};
use prost_types::Timestamp;

/// As of when a profile is asked for; `None` means now.
///
/// # Errors
/// With everything that is wrong: times in the future, and options that have no meaning in the past.
pub fn then(given: &GetProfileRequest, now: Micros) -> Result<Option<Then>, Vec<Violation>> {
    let mut out = Violations::default();
    let occurred = given.as_of.as_ref();
    let known = given.known_at.as_ref();
    if occurred.is_none() && known.is_none() {
        return Ok(None);
    }
    let occurred = occurred.map_or(Some(EVER), |at| gone_by(&mut out, &"as_of", at, now));
    let known = known.map_or(Some(EVER), |at| gone_by(&mut out, &"known_at", at, now));
    let why = "the past is read from the primary, and never stale";
    if let Some(options) = &given.read_options {
        if options.max_staleness.is_some() {
            out.add(&"read_options.max_staleness", NOT_ALLOWED_HERE, why);
        }
        if options.allow_stale {
            out.add(&"read_options.allow_stale", NOT_ALLOWED_HERE, why);
        }
    }
    let then = occurred.zip(known);
    out.finish(then.map(|(occurred, known)| Some(Then { occurred, known })))
}

/// A time that is no more ahead than one that is recorded may be.
fn gone_by(out: &mut Violations, field: Path<'_>, at: &Timestamp, now: Micros) -> Option<Micros> {
    let at = time(out, field, at)?;
    if at.0 > now.0.saturating_add(FUTURE_TOLERANCE) {
        out.add(field, IN_THE_FUTURE, "at most 5 minutes ahead");
        return None;
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{grpc::validate::reason::OUT_OF_RANGE, proto::v1::ReadOptions};

    const NOW: Micros = Micros(1_700_000_000_000_000);

    fn asked(as_of: Option<i64>, known_at: Option<i64>) -> GetProfileRequest {
        let at = |seconds| Timestamp { seconds, nanos: 0 };
        GetProfileRequest {
            as_of: as_of.map(at),
            known_at: known_at.map(at),
            ..GetProfileRequest::default()
        }
    }

    #[test]
    fn what_is_not_given_leaves_nothing_out() {
        assert_eq!(then(&asked(None, None), NOW), Ok(None));
        let found = then(&asked(Some(5), None), NOW).unwrap().unwrap();
        assert_eq!((found.occurred, found.known), (Micros(5_000_000), EVER));
        let found = then(&asked(Some(1_700_000_300), Some(7)), NOW).unwrap();
        assert_eq!(found.unwrap().known, Micros(7_000_000));
    }

    #[test]
    fn everything_that_is_wrong_is_named() {
        let mut request = asked(Some(1_700_000_301), Some(253_402_300_800));
        request.read_options = Some(ReadOptions {
            allow_stale: true,
            max_staleness: Some(prost_types::Duration::default()),
            ..ReadOptions::default()
        });
        let found = then(&request, NOW).unwrap_err();
        let found: Vec<_> = found.iter().map(|v| (v.field.as_str(), v.reason)).collect();
        assert_eq!(
            found,
            [
                ("as_of", IN_THE_FUTURE),
                ("known_at", OUT_OF_RANGE),
                ("read_options.max_staleness", NOT_ALLOWED_HERE),
                ("read_options.allow_stale", NOT_ALLOWED_HERE),
            ]
        );
        // Without a time, they are as ever.
        request.as_of = None;
        request.known_at = None;
        assert_eq!(then(&request, NOW), Ok(None));
    }
}
