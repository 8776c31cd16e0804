//! Which steps are done, and the limits of time and space that all of them share.
//!
//! What must stay true: a step is noted when what it made is there; a run that was ended in any way goes on with the first that is
//! not noted. Time is counted over all runs. What has no room or no time says in which step it stopped, and leaves everything as it is.

use std::{
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
    time::{Duration, Instant},
};

use crate::people::FORM;

/// What it may take up at most.
const MOST_BYTES: u64 = 40 << 30;

/// What a person takes up, and a server besides, with some room to spare.
const PERSON_BYTES: u64 = 32 << 10;
const SERVER_BYTES: u64 = 5 << 30;

/// Why it did not come to its end.
#[derive(Debug)]
pub(crate) struct Stop(pub(crate) String);

/// The notes of a directory.
pub(crate) struct Steps {
    file: PathBuf,
    done: Vec<String>,
}

impl Steps {
    /// Those of a run of these sizes.
    pub(crate) fn open(directory: &Path, sizes: &[usize]) -> Result<Self, Stop> {
        fs::create_dir_all(directory).unwrap();
        let file = directory.join("steps");
        let mut plan = format!("form {FORM} sizes");
        for size in sizes {
            write!(plan, " {size}").unwrap();
        }
        let text = fs::read_to_string(&file).unwrap_or_default();
        let mut done: Vec<String> = text.lines().map(str::to_owned).collect();
        if done.is_empty() {
            fs::write(&file, format!("{plan}\n")).unwrap();
            done.push(plan.clone());
        }
        if done[0] != plan {
            let (was, at) = (&done[0], directory.display());
            return Err(Stop(format!(
                "{at} is of another run ({was}): go on with that, remove the directory, or name another with --dir"
            )));
        }
        Ok(Self { file, done })
    }

    /// What was noted of a step, if it is done.
    pub(crate) fn noted(&self, step: &str) -> Option<&str> {
        let mut lines = self.done.iter();
        lines.find_map(|line| line.strip_prefix(step)?.strip_prefix(": "))
    }

    /// Notes that a step is done, and what came of it.
    pub(crate) fn note(&mut self, step: &str, what: &str) {
        let line = format!("{step}: {what}");
        let mut file = fs::OpenOptions::new().append(true).open(&self.file);
        writeln!(file.as_mut().unwrap(), "{line}").unwrap();
        self.done.push(line);
    }
}

/// How long it may take and how large it may become.
pub(crate) struct Limits {
    directory: PathBuf,
    step: Mutex<String>,
    begun: Instant,
    before: Duration,
    most: Duration,
}

impl Limits {
    /// From what earlier runs in a directory took, if there is room for so many people.
    pub(crate) fn open(directory: &Path, minutes: u64, people: usize) -> Result<Self, Stop> {
        let spent = fs::read_to_string(directory.join("seconds")).unwrap_or_default();
        let limits = Self {
            directory: directory.to_owned(),
            step: Mutex::default(),
            begun: Instant::now(),
            before: Duration::from_secs(spent.trim().parse().unwrap_or(0)),
            most: Duration::from_mins(minutes),
        };
        let needed = SERVER_BYTES + PERSON_BYTES * u64::try_from(people).unwrap();
        let held = limits.held();
        let more = needed.saturating_sub(held);
        if needed > MOST_BYTES || more > free(directory) {
            return Err(Stop(format!(
                "there is no room: {} are needed, of which {} are there already and {} are free; at most {} are taken",
                gigabytes(needed),
                gigabytes(held),
                gigabytes(free(directory)),
                gigabytes(MOST_BYTES)
            )));
        }
        Ok(limits)
    }

    /// Says which step begins.
    pub(crate) fn enter(&self, step: &str) -> Result<(), Stop> {
        step.clone_into(&mut self.step.lock().unwrap());
        println!("[{:.1} min] {step}", self.minutes());
        self.check()
    }

    /// Whether there is still time and room.
    pub(crate) fn check(&self) -> Result<(), Stop> {
        let seconds = self.spent().as_secs().to_string();
        fs::write(self.directory.join("seconds"), seconds).unwrap();
        let held = self.held();
        let why = if self.spent() > self.most {
            let most = self.most.as_secs() / 60;
            format!("took more than {most} minutes; with more --minutes it goes on")
        } else if held > MOST_BYTES {
            format!("takes {}, more than it may", gigabytes(held))
        } else {
            return Ok(());
        };
        let step = self.step.lock().unwrap();
        Err(Stop(format!("stopped in step `{step}`: {why}")))
    }

    fn spent(&self) -> Duration {
        self.before + self.begun.elapsed()
    }

    /// Minutes that were spent in all runs.
    pub(crate) fn minutes(&self) -> f64 {
        self.spent().as_secs_f64() / 60.0
    }

    /// Bytes that the directory takes up.
    pub(crate) fn held(&self) -> u64 {
        number(Command::new("du").arg("-sk").arg(&self.directory), 0, 0) << 10
    }
}

/// Bytes that are free where a directory is.
fn free(directory: &Path) -> u64 {
    number(Command::new("df").arg("-Pk").arg(directory), 1, 3) << 10
}

/// A number of what a program says, by line and word.
fn number(program: &mut Command, line: usize, word: usize) -> u64 {
    // Files of a living server go while they are counted, which is told and does not matter.
    let said = program.output().unwrap().stdout;
    let said = String::from_utf8_lossy(&said);
    let found = said.lines().nth(line);
    let found = found.and_then(|line| line.split_whitespace().nth(word)?.parse().ok());
    found.unwrap()
}

/// For people.
pub(crate) fn gigabytes(bytes: u64) -> String {
    let tenths = (bytes * 10) >> 30;
    format!("{}.{} GB", tenths / 10, tenths % 10)
}
