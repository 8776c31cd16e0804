//! CSV and its relatives.
//!
//! The csv crate knows the quoting rules but keeps a record of any length, and an unclosed quote makes a record of the
//! rest of the file. So records are cut out here, with a bound, and the crate is given one at a time. Should the two ever
//! see the rules differently, the crate finds more or less than one record in what it is given, and that is a row error.

use std::io::{self, Cursor, SeekFrom};

use csv::{ByteRecord, Position, Reader, ReaderBuilder};

use super::{
    LONGEST_ROW,
    line::{Ended, Lines},
};

/// Where a scan for the end of a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scan {
    FieldStart,
    Plain,
    Quoted,
    /// After a quote within quotes: it closes the field, or is one half of an escaped quote.
    QuoteInQuoted,
}

pub(super) struct Delimited {
    delimiter: u8,
    quote: Option<u8>,
    reader: Reader<Cursor<Vec<u8>>>,
    fields: ByteRecord,
}

impl Delimited {
    pub(super) fn new(delimiter: u8, quote: Option<u8>) -> Self {
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .quote(quote.unwrap_or(b'"'))
            .quoting(quote.is_some())
            .from_reader(Cursor::new(Vec::new()));
        Self {
            delimiter,
            quote,
            reader,
            fields: ByteRecord::new(),
        }
    }

    /// Puts the next record into the buffer: a line, and more lines while a quote is open. A record that is too long is
    /// read over to its own end, so that no line within someone's text is ever taken for a record.
    pub(super) fn record(&self, lines: &mut Lines, buffer: &mut Vec<u8>) -> io::Result<Ended> {
        let mut state = Scan::FieldStart;
        let mut whole = Ended::Line;
        let mut first = true;
        loop {
            if whole == Ended::TooLong {
                buffer.clear();
            }
            let before = buffer.len();
            match lines.next(buffer, LONGEST_ROW - before)? {
                Ended::Input if first => return Ok(Ended::Input),
                Ended::Input if whole == Ended::TooLong => return Ok(whole),
                Ended::Input | Ended::OpenQuote => return Ok(Ended::OpenQuote),
                Ended::Line => state = self.scan(state, &buffer[before..]),
                Ended::TooLong => {
                    whole = Ended::TooLong;
                    state = self.scan(state, &buffer[before..]);
                    lines.read_over(|piece| state = self.scan(state, piece))?;
                }
            }
            first = false;
            if state != Scan::Quoted {
                return Ok(whole);
            }
        }
    }

    fn scan(&self, mut state: Scan, bytes: &[u8]) -> Scan {
        let Some(quote) = self.quote else {
            return Scan::Plain;
        };
        for &byte in bytes {
            state = match state {
                Scan::Quoted if byte == quote => Scan::QuoteInQuoted,
                Scan::Quoted => Scan::Quoted,
                Scan::FieldStart | Scan::QuoteInQuoted if byte == quote => Scan::Quoted,
                _ if byte == self.delimiter => Scan::FieldStart,
                _ => Scan::Plain,
            };
        }
        state
    }

    /// The fields of one record.
    pub(super) fn fields(&mut self, record: &[u8]) -> Result<Vec<String>, String> {
        const TORN: &str = "is not one record; is there a carriage return outside quotes?";
        let cursor = self.reader.get_mut();
        cursor.get_mut().clear();
        cursor.get_mut().extend_from_slice(record);
        self.reader
            .seek_raw(SeekFrom::Start(0), Position::new())
            .map_err(|_| TORN)?;
        if !matches!(self.reader.read_byte_record(&mut self.fields), Ok(true)) {
            return Err(TORN.to_owned());
        }
        let fields = self
            .fields
            .iter()
            .map(|field| String::from_utf8(field.to_vec()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| "is not UTF-8".to_owned())?;
        if matches!(self.reader.read_byte_record(&mut self.fields), Ok(false)) {
            Ok(fields)
        } else {
            Err(TORN.to_owned())
        }
    }
}
