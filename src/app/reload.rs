//! Files that are read again when they change: keys and certificates.
//!
//! What must stay true: files are looked at by what is in them, by their path, every time, so it does not matter how they
//! are replaced (Kubernetes swaps a symbolic link); a change counts when it was seen twice, so nobody acts on half a file,
//! or on a new certificate beside the old key; what cannot be used is said once and leaves what was there.

use std::{future::Future, io, path::PathBuf, time::Duration};

use metrics::{counter, gauge};
use tokio::{io::AsyncReadExt as _, time};

use crate::{clock::Clock, telemetry::names};

/// How often files are looked at.
const PERIOD: Duration = Duration::from_secs(1);

/// Bytes of a file that are read at most; a file of more cannot be one of ours.
const LONGEST: u64 = 1024 * 1024;

/// What is in some files, in their order.
pub(super) type Contents = Vec<Vec<u8>>;

/// Files that make sense together.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    /// What they are, as the label of the metrics.
    pub(super) name: &'static str,
    /// Where they are.
    pub(super) paths: Vec<PathBuf>,
}

impl Watched {
    /// Reads all of them.
    pub(super) async fn read(&self) -> Result<Contents, (PathBuf, io::Error)> {
        let mut contents = Vec::with_capacity(self.paths.len());
        for path in &self.paths {
            let read = async {
                let mut bytes = Vec::new();
                let file = tokio::fs::File::open(path).await?;
                file.take(LONGEST).read_to_end(&mut bytes).await?;
                Ok(bytes)
            };
            contents.push(read.await.map_err(|error| (path.clone(), error))?);
        }
        Ok(contents)
    }

    /// Looks at the files for ever, and hands on what has changed since `loaded`.
    pub(super) fn watch<L>(self, loaded: Contents, load: L) -> impl Future<Output = ()> + Send
    where
        L: FnMut(&Contents) -> Result<(), String> + Send,
    {
        self.note_loaded();
        let mut state = State::new(loaded, load);
        async move {
            let mut ticks = time::interval(PERIOD);
            ticks.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                let seen = self.read().await.map_err(|(path, error)| {
                    let path = path.display();
                    format!("{path} cannot be read: {error}")
                });
                match state.look(seen) {
                    Some(Ok(())) => {
                        self.count("loaded");
                        self.note_loaded();
                        tracing::info!(files = self.name, "files changed and were loaded");
                    }
                    Some(Err(error)) => {
                        self.count("refused");
                        tracing::error!(
                            files = self.name,
                            %error,
                            "files changed and cannot be used; what was loaded before stays"
                        );
                    }
                    None => (),
                }
            }
        }
    }

    fn count(&self, outcome: &'static str) {
        counter!(names::ACCESS_FILES, "file" => self.name, "outcome" => outcome).increment(1);
    }

    fn note_loaded(&self) {
        let now = Duration::from_micros(u64::try_from(Clock::system().now().0).unwrap_or_default());
        gauge!(names::ACCESS_FILES_LOADED, "file" => self.name).set(now.as_secs_f64());
    }
}

type Seen = Result<Contents, String>;

/// What was made of the files so far. Pure.
struct State<L> {
    loaded: Contents,
    /// What was seen last when it was something else.
    pending: Option<Seen>,
    /// What was complained of.
    refused: Option<Seen>,
    load: L,
}

impl<L: FnMut(&Contents) -> Result<(), String>> State<L> {
    fn new(loaded: Contents, load: L) -> Self {
        Self {
            loaded,
            pending: None,
            refused: None,
            load,
        }
    }

    /// What came of looking at the files: nothing new, loaded, or why not.
    fn look(&mut self, seen: Seen) -> Option<Result<(), String>> {
        if seen.as_ref() == Ok(&self.loaded) {
            self.pending = None;
            self.refused = None;
            return None;
        }
        if self.refused.as_ref() == Some(&seen) {
            self.pending = None;
            return None;
        }
        if self.pending.as_ref() != Some(&seen) {
            self.pending = Some(seen);
            return None;
        }
        self.pending = None;
        let outcome = match &seen {
            Ok(contents) => (self.load)(contents),
            Err(error) => Err(error.clone()),
        };
        match (outcome, seen) {
            (Ok(()), Ok(contents)) => {
                self.loaded = contents;
                self.refused = None;
                Some(Ok(()))
            }
            (outcome, seen) => {
                self.refused = Some(seen);
                Some(outcome)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Contents {
        vec![text.as_bytes().to_vec()]
    }

    #[test]
    fn a_change_counts_when_it_was_seen_twice_and_a_broken_one_is_said_once() {
        let mut state = State::new(of("old"), |contents: &Contents| {
            if contents[0].starts_with(b"broken") {
                Err("broken".to_owned())
            } else {
                Ok(())
            }
        });
        let gone = || Seen::Err("gone".to_owned());
        for (seen, wanted) in [
            (Ok(of("old")), None),
            (Ok(of("half")), None),
            (Ok(of("new")), None),
            (Ok(of("new")), Some(Ok(()))),
            (Ok(of("new")), None),
            (Ok(of("broken")), None),
            (Ok(of("broken")), Some(Err("broken".to_owned()))),
            (Ok(of("broken")), None),
            (Ok(of("broken")), None),
            (gone(), None),
            (gone(), Some(Err("gone".to_owned()))),
            (gone(), None),
            (Ok(of("new")), None),
            (Ok(of("broken")), None),
            (Ok(of("broken")), Some(Err("broken".to_owned()))),
            (Ok(of("newer")), None),
            (Ok(of("newer")), Some(Ok(()))),
        ] {
            assert_eq!(state.look(seen.clone()), wanted, "{seen:?}");
        }
        assert_eq!(state.loaded, of("newer"));
    }
}
