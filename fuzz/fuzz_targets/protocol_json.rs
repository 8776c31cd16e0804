//! Lines of the protocol's own JSON, as `import` without a mapping reads them.
#![no_main]

use std::sync::LazyLock;

use customer_profile::{
    cli::import::{
        mapping::{Format, Layout},
        protocol::Protocol,
        row::Faults,
        table::Row,
    },
    grpc::validate,
    identity::Region,
    proto::v1::Interaction,
};
use customer_profile_fuzz::{CANARY, context, rows, sound};
use libfuzzer_sys::fuzz_target;
use prost::Message as _;
use serde_json::Value;

static PROTOCOL: LazyLock<Protocol> =
    LazyLock::new(|| Protocol::new().expect("the descriptors are whole"));

const LAYOUT: Layout = Layout {
    format: Format::Lines,
    header: false,
    names: None,
};
const TWICE: &str = "the row gives a field twice";

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let read = rows(data, &LAYOUT, &[], |row| match row {
        Ok(row) => of_row(&row, &text),
        Err(bad) => assert!(!bad.reason.contains(CANARY)),
    });
    if let Err(error) = read {
        assert!(!error.to_string().contains(CANARY));
    }
});

fn of_row(row: &Row, text: &str) {
    let made = PROTOCOL.interaction(row);
    assert!(made == PROTOCOL.interaction(row), "made in two ways");
    match made {
        Ok(made) => of_interaction(made),
        Err(faults) => of_faults(&faults, text),
    }
}

/// Whatever was made can be sent and read at the other end.
fn of_interaction(made: Interaction) {
    let bytes = made.encode_to_vec();
    assert!(bytes.len() <= validate::limits::MAX_INTERACTION_BYTES);
    assert!(Interaction::decode(bytes.as_slice()).is_ok(), "too deep");
    sound(validate::interaction(made, &context(Region::JP)));
}

fn of_faults(faults: &Faults, text: &str) {
    assert!((1..=16).contains(&faults.reasons.len()));
    // Names of fields are told, and so may be what stands before a colon.
    let may_tell = text.matches(CANARY).count() != text.matches("\"CANARY\"").count()
        || text.contains("\"CANARY\":");
    for reason in &faults.reasons {
        assert!(
            reason.contains(' ') && (may_tell || !reason.contains(CANARY)),
            "{reason}"
        );
    }
    let one_row = text.lines().count() == 1;
    if one_row && faults.reasons == [TWICE] {
        gives_twice(text.trim());
    }
}

/// A row of which it is said that it gives a field twice is one without the second.
fn gives_twice(text: &str) {
    let Ok(Value::Object(members)) = serde_json::from_str::<Value>(text) else {
        panic!("that is no object");
    };
    let bare = |name: &str| name.replace('_', "").to_lowercase();
    let both = members.keys().any(|one| {
        members
            .keys()
            .any(|two| one != two && bare(one) == bare(two))
    });
    let once = Value::Object(members).to_string();
    let mut made = None;
    let read = rows(once.as_bytes(), &LAYOUT, &[], |row| {
        made = row.ok().map(|row| PROTOCOL.interaction(&row));
    });
    assert!(read.is_ok());
    let still = matches!(made, Some(Err(faults)) if faults.reasons == [TWICE]);
    assert!(both || !still, "nothing is there twice");
}
