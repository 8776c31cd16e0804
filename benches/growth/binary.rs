//! Rows in the binary format of `COPY`: each field its length and the bytes that a binary answer has.
//!
//! What must stay true: every row has as many fields as were said at the start, in the order of the statement's columns; the server
//! refuses the whole of it otherwise.

use customer_profile::{clock::Micros, ids::IdentityKey};
use uuid::Uuid;

/// What a file begins with: its name, no flags, nothing more of a header.
const BEGIN: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// 2000-01-01, from which the server counts.
const EPOCH: i64 = 946_684_800_000_000;

/// The type of an element of a `uuid[]`.
const UUID: i32 = 2950;

/// Rows of one table.
pub(crate) struct Rows {
    fields: i16,
    bytes: Vec<u8>,
}

/// A row that is written.
pub(crate) struct Row<'a>(&'a mut Vec<u8>);

impl Rows {
    /// None yet, of so many fields each.
    pub(crate) fn new(fields: i16) -> Self {
        Self {
            fields,
            bytes: BEGIN.to_vec(),
        }
    }

    pub(crate) fn row(&mut self) -> Row<'_> {
        self.bytes.extend(self.fields.to_be_bytes());
        Row(&mut self.bytes)
    }

    /// As they are sent.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.bytes.extend((-1_i16).to_be_bytes());
        self.bytes
    }
}

impl Row<'_> {
    fn field(&mut self, bytes: &[u8]) -> &mut Self {
        let length = i32::try_from(bytes.len()).unwrap();
        self.0.extend(length.to_be_bytes());
        self.0.extend(bytes);
        self
    }

    pub(crate) fn bytes(&mut self, value: Option<&[u8]>) -> &mut Self {
        if let Some(value) = value {
            return self.field(value);
        }
        self.0.extend((-1_i32).to_be_bytes());
        self
    }

    pub(crate) fn text(&mut self, value: &str) -> &mut Self {
        self.field(value.as_bytes())
    }

    pub(crate) fn uuid(&mut self, value: Uuid) -> &mut Self {
        self.field(value.as_bytes())
    }

    pub(crate) fn key(&mut self, value: IdentityKey) -> &mut Self {
        self.field(value.as_bytes())
    }

    pub(crate) fn keys(&mut self, values: &[IdentityKey]) -> &mut Self {
        let count = i32::try_from(values.len()).unwrap();
        let mut array = Vec::with_capacity(20 + 20 * values.len());
        // One dimension, nothing missing, of uuids, so many, counted from 1.
        for part in [1, 0, UUID, count, 1] {
            array.extend(part.to_be_bytes());
        }
        for value in values {
            array.extend(16_i32.to_be_bytes());
            array.extend(value.as_bytes());
        }
        self.field(&array)
    }

    pub(crate) fn time(&mut self, value: Micros) -> &mut Self {
        self.long(value.0 - EPOCH)
    }

    pub(crate) fn boolean(&mut self, value: bool) -> &mut Self {
        self.field(&[u8::from(value)])
    }

    pub(crate) fn short(&mut self, value: i16) -> &mut Self {
        self.field(&value.to_be_bytes())
    }

    pub(crate) fn integer(&mut self, value: i32) -> &mut Self {
        self.field(&value.to_be_bytes())
    }

    pub(crate) fn long(&mut self, value: i64) -> &mut Self {
        self.field(&value.to_be_bytes())
    }
}
