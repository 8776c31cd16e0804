//! Opening an input: gzip is told by its first bytes, not by a name, and a byte order mark is no part of the text.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Cursor, Read},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use flate2::bufread::MultiGzDecoder;

use super::Input;

const BUFFER: usize = 64 * 1024;
const GZIP: &[u8] = &[0x1f, 0x8b];
const UTF8_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

pub(super) struct Opened {
    pub(super) reader: Box<dyn BufRead + Send>,
    pub(super) bytes_read: Arc<AtomicU64>,
    pub(super) size: Option<u64>,
}

pub(super) fn open(input: &Input) -> io::Result<Opened> {
    match input {
        Input::Stdin => from_reader(io::stdin(), None),
        Input::File(path) => {
            let file = File::open(path)?;
            let meta = file.metadata()?;
            if meta.is_dir() {
                return Err(io::ErrorKind::IsADirectory.into());
            }
            let size = meta.is_file().then_some(meta.len());
            from_reader(file, size)
        }
    }
}

fn from_reader(raw: impl Read + Send + 'static, size: Option<u64>) -> io::Result<Opened> {
    let bytes_read = Arc::new(AtomicU64::new(0));
    let counted = Counted {
        raw,
        count: Arc::clone(&bytes_read),
    };
    let (head, stored) = peek(BufReader::with_capacity(BUFFER, counted), GZIP.len())?;
    let whole = Cursor::new(head.clone()).chain(stored);
    let plain: Box<dyn Read + Send> = if head == GZIP {
        Box::new(MultiGzDecoder::new(whole))
    } else {
        Box::new(whole)
    };
    let (head, text) = peek(BufReader::with_capacity(BUFFER, plain), UTF8_MARK.len())?;
    if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
        let what = "it is UTF-16 text; convert it to UTF-8 first";
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    let head = if head == UTF8_MARK { Vec::new() } else { head };
    Ok(Opened {
        reader: Box::new(Cursor::new(head).chain(text)),
        bytes_read,
        size,
    })
}

/// The first bytes, which are then gone from the reader. A pipe may hand them over one by one.
fn peek<R: BufRead>(mut reader: R, length: usize) -> io::Result<(Vec<u8>, R)> {
    let mut head = Vec::with_capacity(length);
    let wanted = u64::try_from(length).unwrap_or_default();
    reader.by_ref().take(wanted).read_to_end(&mut head)?;
    Ok((head, reader))
}

/// Counts what passes.
struct Counted<R> {
    raw: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.raw.read(buffer)?;
        let grown = u64::try_from(length).unwrap_or_default();
        self.count.fetch_add(grown, Ordering::Relaxed);
        Ok(length)
    }
}
