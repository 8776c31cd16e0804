//! Commands in documents: what stands in their blocks of code, as a reader would type it.

use std::path::{Path, PathBuf};

/// Lines that follow one another in one terminal: those between two headings.
pub struct Session {
    pub heading: String,
    pub commands: Vec<String>,
}

/// A command that is shown with what it prints.
#[derive(Debug)]
pub struct Shown {
    pub command: String,
    pub printed: Vec<String>,
}

/// What a document has in its blocks of code.
#[derive(Default)]
pub struct Document {
    pub sessions: Vec<Session>,
    pub shown: Vec<Shown>,
    /// Lines that look like commands where nobody takes them for such.
    pub stray: Vec<String>,
}

/// Beginnings of lines that are commands, in whatever block they stand.
const BEGINNINGS: [&str; 7] = [
    "customer-profile ",
    "grpcurl ",
    "scripts/",
    "cargo ",
    "export ",
    "node ",
    "npm ",
];

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn read(name: &str) -> Document {
    parse(&std::fs::read_to_string(root().join(name)).unwrap())
}

/// All documents below `docs`, as paths from the root.
pub fn below_docs() -> Vec<String> {
    let mut left = vec![PathBuf::from("docs")];
    let mut found = Vec::new();
    while let Some(path) = left.pop() {
        if root().join(&path).is_dir() {
            let entries = std::fs::read_dir(root().join(&path)).unwrap();
            left.extend(entries.map(|entry| path.join(entry.unwrap().file_name())));
        } else if path.extension().is_some_and(|e| e == "md") {
            found.push(path.to_str().unwrap().to_owned());
        }
    }
    found.sort();
    found
}

/// Blocks that are fenced as `sh` and blocks that are indented hold commands; other fenced blocks hold none, but may
/// show some, after `$ `, with what they print.
pub fn parse(text: &str) -> Document {
    let mut document = Document::default();
    let mut session = Session {
        heading: String::new(),
        commands: Vec::new(),
    };
    let mut lines = text.lines().peekable();
    let mut before_is_blank = true;
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let block: Vec<&str> = lines.by_ref().take_while(|l| *l != "```").collect();
            if language == "sh" {
                session.commands.extend(commands(&block));
            } else {
                document.take_shown(&block);
            }
        } else if before_is_blank && line.starts_with("    ") {
            let mut block = vec![&line[4..]];
            while let Some(next) = lines.next_if(|l| l.starts_with("    ")) {
                block.push(&next[4..]);
            }
            if block[0].starts_with("$ ") {
                document.take_shown(&block);
            } else {
                session.commands.extend(commands(&block));
            }
        } else if line.starts_with('#') {
            let next = Session {
                heading: line.trim_start_matches(['#', ' ']).to_owned(),
                commands: Vec::new(),
            };
            document
                .sessions
                .push(std::mem::replace(&mut session, next));
        }
        before_is_blank = line.is_empty();
    }
    document.sessions.push(session);
    document.sessions.retain(|s| !s.commands.is_empty());
    document
}

impl Document {
    pub fn commands(&self) -> impl Iterator<Item = &str> {
        let sessions = self.sessions.iter();
        sessions.flat_map(|s| s.commands.iter().map(String::as_str))
    }

    fn take_shown(&mut self, block: &[&str]) {
        let mut shown: Vec<Shown> = Vec::new();
        for line in block {
            if let Some(command) = line.strip_prefix("$ ") {
                shown.push(Shown {
                    command: command.to_owned(),
                    printed: Vec::new(),
                });
            } else if BEGINNINGS.iter().any(|b| line.starts_with(b)) && shown.is_empty() {
                self.stray.push((*line).to_owned());
            } else if let Some(last) = shown.last_mut() {
                last.printed.push((*line).to_owned());
            }
        }
        self.shown.append(&mut shown);
    }
}

/// The commands of a block: comments are taken off, and lines that belong together are one.
fn commands(block: &[&str]) -> Vec<String> {
    let mut commands = Vec::new();
    let mut lines = block.iter();
    while let Some(line) = lines.next() {
        let mut command = without_comment(line).to_owned();
        let here = command
            .split_once("<<'")
            .map(|(_, end)| end.trim_end_matches('\'').to_owned());
        let open =
            |command: &str| command.ends_with('\\') || command.matches('\'').count() % 2 == 1;
        while let Some(more) = (here.is_some() || open(&command))
            .then(|| lines.next())
            .flatten()
        {
            command.push('\n');
            command.push_str(more);
            if here.as_deref() == Some(*more) {
                break;
            }
        }
        if !command.trim().is_empty() {
            commands.push(command);
        }
    }
    commands
}

fn without_comment(line: &str) -> &str {
    match line.find(" # ") {
        Some(at) if line[..at].matches('\'').count().is_multiple_of(2) => line[..at].trim_end(),
        _ if line.starts_with("# ") => "",
        _ => line.trim_end(),
    }
}
