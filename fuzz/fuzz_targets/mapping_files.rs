//! Mapping files, and rows of exports through them.
//!
//! The bytes before a line of `%%%%` are the mapping, those after it the export.
#![no_main]

use customer_profile::{
    cli::import::{
        Mapping,
        row::interaction,
        table::{Row, TableError},
    },
    grpc::validate,
    identity::Region,
};
use customer_profile_fuzz::{CANARY, context, rows, sound};
use libfuzzer_sys::fuzz_target;
use prost::Message as _;

const BETWEEN: &[u8] = b"\n%%%%\n";

fuzz_target!(|data: &[u8]| {
    let at = data.windows(BETWEEN.len()).position(|w| w == BETWEEN);
    let (mapping, export) = match at {
        Some(at) => (&data[..at], &data[at + BETWEEN.len()..]),
        None => (data, &[][..]),
    };
    let Ok(text) = std::str::from_utf8(mapping) else {
        return;
    };
    let mapping = match Mapping::parse(text) {
        Ok(mapping) => mapping,
        Err(mistakes) => {
            assert!(!mistakes.is_empty(), "refused without a word");
            assert!(mistakes.iter().all(|mistake| mistake.contains(' ')));
            return;
        }
    };
    // Words of the mapping may be told; those of a row may not.
    let may_tell = text.contains(CANARY);
    let tells_nothing = |reason: &str| assert!(may_tell || !reason.contains(CANARY), "{reason}");
    let mut number = 0;
    let read = rows(export, &mapping.layout, mapping.columns.names(), |row| {
        number += 1;
        match row {
            Ok(row) => {
                assert_eq!(row.number, number);
                of_row(&mapping, &row, tells_nothing);
            }
            Err(bad) => {
                assert_eq!(bad.number, number);
                assert!(!bad.reason.is_empty());
                tells_nothing(&bad.reason);
            }
        }
    });
    match read {
        Ok(()) => {}
        Err(TableError::Header(what)) => assert!(!what.is_empty()),
        Err(TableError::Io { source, .. }) => assert!(!source.to_string().is_empty()),
    }
});

fn of_row(mapping: &Mapping, row: &Row, tells_nothing: impl Fn(&str)) {
    let made = interaction(mapping, row);
    assert!(made == interaction(mapping, row), "made in two ways");
    match made {
        Ok(made) => {
            assert!(made.encoded_len() <= validate::limits::MAX_INTERACTION_BYTES);
            sound(validate::interaction(made, &context(Region::JP)));
        }
        Err(faults) => {
            assert!(!faults.reasons.is_empty(), "refused without a word");
            for reason in &faults.reasons {
                assert!(reason.contains(' '), "{reason}");
                tells_nothing(reason);
            }
        }
    }
}
