//! The rejects file: a line for each row that was not stored, in the order of the input.
//!
//! Tab-separated with a header; tabs, line ends and backslashes in a value are escaped. It is made when there is
//! something to write, and never over a file that is no rejects file.

use std::{
    fs::{self, File},
    io::{self, BufRead as _, BufReader, BufWriter, Seek as _, SeekFrom, Write as _},
    path::PathBuf,
};

use super::{
    super::{error::ImportError, summary::Fate},
    ledger::Reject,
};

const HEADER: &str = "line\toutcome\tevent_id\treasons\n";
const FOREIGN: &str = "is there and is no rejects file; name another with --rejects";
const SHORTER: &str =
    "is shorter than when the import stopped; remove the progress file to start anew";

#[derive(Debug)]
pub(super) struct Rejects {
    path: PathBuf,
    file: Option<BufWriter<File>>,
    length: u64,
}

impl Rejects {
    /// Goes on after `length` bytes, cutting off what is behind them; with 0 an older rejects file is removed.
    pub(super) fn open(path: PathBuf, length: u64) -> Result<Self, ImportError> {
        let mut rejects = Self {
            path,
            file: None,
            length,
        };
        let found = rejects.inspect().map_err(|e| rejects.failed(e))?;
        match found {
            Some((_, false)) => return Err(rejects.in_the_way(FOREIGN)),
            Some((found, true)) if found >= length => {}
            None if length == 0 => {}
            _ => return Err(rejects.in_the_way(SHORTER)),
        }
        if length > 0 {
            rejects.go_on().map_err(|e| rejects.failed(e))?;
        } else if found.is_some() {
            fs::remove_file(&rejects.path).map_err(|e| rejects.failed(e))?;
        }
        Ok(rejects)
    }

    /// The length of the file that is there, and whether it is one of ours.
    fn inspect(&self) -> io::Result<Option<(u64, bool)>> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let length = file.metadata()?.len();
        let mut reader = BufReader::new(file);
        let ours = length == 0 || reader.fill_buf()?.starts_with(HEADER.as_bytes());
        Ok(Some((length, ours)))
    }

    fn go_on(&mut self) -> io::Result<()> {
        let mut file = File::options().write(true).open(&self.path)?;
        file.set_len(self.length)?;
        file.seek(SeekFrom::End(0))?;
        self.file = Some(BufWriter::new(file));
        Ok(())
    }

    pub(super) fn write(&mut self, fate: Fate, reject: &Reject) -> Result<(), ImportError> {
        let line = format!(
            "{}\t{}\t{}\t{}\n",
            reject.line,
            fate.as_str(),
            escape(&reject.event_id),
            escape(&reject.reasons.join("; ")),
        );
        self.append(&line).map_err(|e| self.failed(e))
    }

    fn append(&mut self, line: &str) -> io::Result<()> {
        let file = if let Some(file) = &mut self.file {
            file
        } else {
            let mut file = BufWriter::new(File::create(&self.path)?);
            file.write_all(HEADER.as_bytes())?;
            self.length = HEADER.len() as u64;
            self.file.insert(file)
        };
        file.write_all(line.as_bytes())?;
        self.length += line.len() as u64;
        Ok(())
    }

    /// Puts on disk what was written; the length of the file.
    pub(super) fn settle(&mut self) -> Result<u64, ImportError> {
        if let Some(file) = &mut self.file {
            let settled = file.flush().and_then(|()| file.get_ref().sync_data());
            settled.map_err(|e| self.failed(e))?;
        }
        Ok(self.length)
    }

    /// The file, when there is one.
    pub(super) fn path(&self) -> Option<PathBuf> {
        self.file.as_ref().map(|_| self.path.clone())
    }

    fn failed(&self, source: io::Error) -> ImportError {
        ImportError::File {
            path: self.path.clone(),
            doing: "cannot be written; --rejects puts it elsewhere",
            source,
        }
    }

    fn in_the_way(&self, what: &'static str) -> ImportError {
        ImportError::InTheWay {
            path: self.path.clone(),
            what,
        }
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => escaped.push_str("\\\\"),
            '\t' => escaped.push_str("\\t"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reject(line: u64) -> Reject {
        Reject {
            line,
            event_id: "a\tb".into(),
            reasons: vec!["money is odd".into(), "text\nis odd".into()],
        }
    }

    #[test]
    fn rows_are_written_escaped_and_what_is_past_the_mark_is_cut_off() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("r.tsv");
        let mut rejects = Rejects::open(path.clone(), 0).unwrap();
        assert!(!path.exists() && rejects.path().is_none());
        rejects.write(Fate::Rejected, &reject(3)).unwrap();
        let mark = rejects.settle().unwrap();
        rejects.write(Fate::Conflict, &reject(4)).unwrap();
        rejects.settle().unwrap();
        drop(rejects);
        let mut rejects = Rejects::open(path.clone(), mark).unwrap();
        rejects.write(Fate::Conflict, &reject(5)).unwrap();
        rejects.settle().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let expected = "3\trejected\ta\\tb\tmoney is odd; text\\nis odd\n5\tconflict\ta\\tb\tmoney is odd; text\\nis odd\n";
        assert_eq!(text, format!("{HEADER}{expected}"));
        assert!(Rejects::open(path.clone(), 10_000).is_err());
        Rejects::open(path.clone(), 0).unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn a_file_that_is_something_else_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("thesis.txt");
        fs::write(&path, "chapter one").unwrap();
        assert!(Rejects::open(path.clone(), 0).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "chapter one");
    }
}
