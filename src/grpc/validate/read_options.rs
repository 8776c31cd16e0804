//! Read options: how fresh an answer has to be.

use std::time::Duration;

use super::{
    fields::{count, short},
    limits::{MAX_STALENESS, MAX_TOKEN_BYTES, MAX_TOKENS},
    reason::{MALFORMED, OUT_OF_RANGE},
    violations::{Path, Violations},
};
use crate::{
    clock::Micros,
    error::Violation,
    grpc::token::{TokenKey, WriteToken},
    ids::TenantId,
    proto::v1,
};

/// How fresh an answer has to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// What the answer must include.
    pub tokens: Vec<WriteToken>,
    /// The most it may be behind, if the caller has a wish.
    pub max_staleness: Option<Duration>,
    /// Whether an old answer is welcome when the database is away.
    pub allow_stale: bool,
}

/// Checks the read options at `field`; absent ones are the defaults.
///
/// # Errors
/// With everything that is wrong, tokens that are not this tenant's or have expired among it.
pub fn read_options(
    field: &str,
    given: Option<&v1::ReadOptions>,
    tenant: &TenantId,
    now: Micros,
    key: &TokenKey,
) -> Result<ReadOptions, Vec<Violation>> {
    let Some(given) = given else {
        return Ok(ReadOptions::default());
    };
    let mut out = Violations::default();
    let path = format_args!("{field}.tokens");
    count(&mut out, &path, given.tokens.len(), MAX_TOKENS);
    let mut tokens = Vec::new();
    for (i, text) in given.tokens.iter().take(MAX_TOKENS).enumerate() {
        let path = format_args!("{path}[{i}]");
        // Writes that stored nothing answer with an empty token, and a caller may hand it on.
        if text.is_empty() || !short(&mut out, &path, text, MAX_TOKEN_BYTES) {
            continue;
        }
        match WriteToken::decode(text, tenant, now, key) {
            Ok(token) => tokens.push(token),
            Err(why) => out.add(&path, why.reason(), why.to_string()),
        }
    }
    let wish = given.max_staleness.as_ref();
    let max_staleness = wish.and_then(|wish| {
        let path = format_args!("{field}.max_staleness");
        staleness(&mut out, &path, wish)
    });
    out.finish(Some(ReadOptions {
        tokens,
        max_staleness,
        allow_stale: given.allow_stale,
    }))
}

fn staleness(
    out: &mut Violations,
    field: Path<'_>,
    given: &prost_types::Duration,
) -> Option<Duration> {
    let (seconds, nanos) = (given.seconds, given.nanos);
    let one_sign = seconds == 0 || nanos == 0 || (seconds < 0) == (nanos < 0);
    if nanos.unsigned_abs() >= 1_000_000_000 || !one_sign {
        out.add(field, MALFORMED, "not a duration");
        return None;
    }
    let wish = u64::try_from(seconds)
        .ok()
        .zip(u32::try_from(nanos).ok())
        .map(|(seconds, nanos)| Duration::new(seconds, nanos))
        .filter(|wish| *wish <= MAX_STALENESS);
    if wish.is_none() {
        out.add(field, OUT_OF_RANGE, "0 to 1 hour");
    }
    wish
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        grpc::validate::reason::{TOKEN_EXPIRED, TOKEN_INVALID, TOO_LONG, TOO_MANY},
        identity::HashSecret,
    };

    const NOW: Micros = Micros(1_700_000_000_000_000);

    fn key() -> TokenKey {
        TokenKey::new(&HashSecret::new(&[1; 32]).unwrap())
    }

    fn token(age: i64) -> WriteToken {
        WriteToken {
            store: [1; 4],
            position: 7,
            anchor: None,
            issued_at: Micros(NOW.0 - age),
        }
    }

    fn text(age: i64) -> String {
        token(age).encode(&TenantId::default_tenant(), &key())
    }

    fn run(
        tokens: Vec<String>,
        staleness: Option<(i64, i32)>,
    ) -> Result<ReadOptions, Vec<Violation>> {
        let given = v1::ReadOptions {
            tokens,
            max_staleness: staleness
                .map(|(seconds, nanos)| prost_types::Duration { seconds, nanos }),
            allow_stale: true,
        };
        let tenant = TenantId::default_tenant();
        read_options("read_options", Some(&given), &tenant, NOW, &key())
    }

    #[test]
    fn tokens_are_read_and_empty_ones_are_none() {
        let found = run(vec![String::new(), text(5)], Some((3_600, 0))).unwrap();
        assert_eq!(found.tokens, [token(5)]);
        assert_eq!(found.max_staleness, Some(Duration::from_hours(1)));
        assert!(found.allow_stale);
    }

    #[test]
    fn every_token_that_cannot_be_used_is_named() {
        let day = 24 * 3_600 * Micros::SECOND;
        let tokens = vec![text(day + 1), "x".into(), "x".repeat(129), text(day)];
        let found = run(tokens, None).unwrap_err();
        let found: Vec<_> = found.iter().map(|v| (v.field.as_str(), v.reason)).collect();
        assert_eq!(
            found,
            [
                ("read_options.tokens[0]", TOKEN_EXPIRED),
                ("read_options.tokens[1]", TOKEN_INVALID),
                ("read_options.tokens[2]", TOO_LONG),
            ]
        );
        let found = run(vec![text(5); 9], None).unwrap_err();
        assert_eq!(found[0].reason, TOO_MANY);
    }

    #[test]
    fn staleness_is_a_duration_of_at_most_an_hour() {
        for (wish, want) in [
            ((3_600, 1), OUT_OF_RANGE),
            ((-1, 0), OUT_OF_RANGE),
            ((0, -1), OUT_OF_RANGE),
            ((i64::MAX, 999_999_999), OUT_OF_RANGE),
            ((i64::MIN, -999_999_999), OUT_OF_RANGE),
            ((1, -1), MALFORMED),
            ((0, 1_000_000_000), MALFORMED),
            ((0, i32::MIN), MALFORMED),
        ] {
            let found = run(vec![], Some(wish)).unwrap_err();
            assert_eq!(
                (found[0].field.as_str(), found[0].reason),
                ("read_options.max_staleness", want),
                "{wish:?}"
            );
        }
        assert!(run(vec![], Some((0, 0))).is_ok());
    }
}
