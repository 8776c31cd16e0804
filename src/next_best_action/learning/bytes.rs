//! Reading what was stored: little endian, with a mark and a format in front.

/// Stored bytes that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// They are something else.
    #[error("not what was expected")]
    Other,
    /// They are of a format that this release does not know.
    #[error("format {0} is not known")]
    Format(u16),
    /// They end too early or too late, or hold what is never written.
    #[error("malformed")]
    Malformed,
}

/// What is left to read.
#[derive(Debug)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Checks the mark and the format.
    pub(super) fn open(stored: &'a [u8], mark: [u8; 4], format: u16) -> Result<Self, Unreadable> {
        let mut reader = Self(stored);
        if reader.take::<4>()? != mark {
            return Err(Unreadable::Other);
        }
        match u16::from_le_bytes(reader.take()?) {
            known if known == format => Ok(reader),
            unknown => Err(Unreadable::Format(unknown)),
        }
    }

    /// The next bytes.
    pub(super) fn take<const N: usize>(&mut self) -> Result<[u8; N], Unreadable> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Unreadable::Malformed)?;
        self.0 = rest;
        Ok(*taken)
    }

    /// Nothing may be left.
    pub(super) fn close(self) -> Result<(), Unreadable> {
        self.0.is_empty().then_some(()).ok_or(Unreadable::Malformed)
    }
}
