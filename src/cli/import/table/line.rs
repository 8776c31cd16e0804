//! Lines of bounded length.

use std::io::{self, BufRead, Read as _};

/// How a line or record ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// There is none: the input is at its end.
    Input,
    /// As it should; at the end of the input also without a line end.
    Line,
    /// It was longer than allowed and was read over; what was kept of it means nothing.
    TooLong,
    /// The input ended within quotes.
    OpenQuote,
}

/// The lines of a text, counted.
pub(super) struct Lines {
    reader: Box<dyn BufRead + Send>,
    read: u64,
    torn: bool,
}

impl Lines {
    pub(super) fn new(reader: Box<dyn BufRead + Send>) -> Self {
        Self {
            reader,
            read: 0,
            torn: false,
        }
    }

    /// How many lines were read.
    pub(super) fn read(&self) -> u64 {
        self.read
    }

    /// Adds the next line with its end to `into`, up to `room` bytes of it. Of a line that is [`Ended::TooLong`] what is
    /// left must be read over before the next.
    pub(super) fn next(&mut self, into: &mut Vec<u8>, room: usize) -> io::Result<Ended> {
        let allowed = u64::try_from(room).unwrap_or(u64::MAX).saturating_add(1);
        let length = (&mut self.reader).take(allowed).read_until(b'\n', into)?;
        if length == 0 {
            return Ok(Ended::Input);
        }
        self.read += 1;
        if length <= room {
            return Ok(Ended::Line);
        }
        self.torn = into.last() != Some(&b'\n');
        Ok(Ended::TooLong)
    }

    /// Reads over what is left of a line, showing it piece by piece.
    pub(super) fn read_over(&mut self, mut look: impl FnMut(&[u8])) -> io::Result<()> {
        while std::mem::take(&mut self.torn) {
            let piece = self.reader.fill_buf()?;
            let end = piece.iter().position(|byte| *byte == b'\n');
            let length = end.map_or(piece.len(), |at| at + 1);
            look(&piece[..length]);
            self.torn = end.is_none() && length > 0;
            self.reader.consume(length);
        }
        Ok(())
    }
}
