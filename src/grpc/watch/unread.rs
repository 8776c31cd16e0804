//! What was told and nobody has taken yet: bounded, and for how long.
//!
//! What must stay true: whoever takes nothing is waited for, and hears in the end that it was waited for too long; after everything that
//! was told before, so that the last token it took is good to go on with.

use std::{sync::Arc, time::Duration};

use prost::Message as _;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::timeout,
};

use crate::{clock::Micros, error::Error, proto::v1::WatchProfilesResponse};

/// Messages that wait to be taken.
const MESSAGES: usize = 128;

/// Bytes of them.
const ROOM: usize = 256 << 10;

/// How long a message waits for its room.
const PATIENCE: Duration = Duration::from_mins(5);

/// A message, how far who takes it is, and the room that it takes.
pub(super) type Item = (WatchProfilesResponse, Micros, OwnedSemaphorePermit);

/// Where messages wait.
#[derive(Clone, Debug)]
pub(super) struct Unread {
    room: Arc<Semaphore>,
    out: mpsc::Sender<Item>,
    patience: Duration,
}

impl Unread {
    /// Room, and where messages are taken.
    pub(super) fn new() -> (Self, mpsc::Receiver<Item>) {
        let (out, taken) = mpsc::channel(MESSAGES);
        let unread = Self {
            room: Arc::new(Semaphore::new(ROOM)),
            out,
            patience: PATIENCE,
        };
        (unread, taken)
    }

    /// Until nobody is there any more who takes anything.
    pub(super) async fn closed(&self) {
        self.out.closed().await;
    }

    /// Waits until there is room for a message; what it answers with is where to put it.
    ///
    /// # Errors
    /// [`Error::Unread`] when nothing is taken for too long, [`Error::Ended`] when nobody is there any more.
    pub(super) async fn room(&self, message: &WatchProfilesResponse) -> Result<Room<'_>, Error> {
        let size = message.encoded_len().clamp(1, ROOM);
        let size = u32::try_from(size).unwrap_or(u32::MAX);
        let room = async {
            let room = Arc::clone(&self.room).acquire_many_owned(size).await;
            let room = room.map_err(|_| Error::Ended)?;
            let place = self.out.reserve().await.map_err(|_| Error::Ended)?;
            Ok(Room { room, place })
        };
        let room = timeout(self.patience, room).await;
        room.map_err(|_| Error::Unread)?
    }
}

/// Room for a message.
#[derive(Debug)]
pub(super) struct Room<'a> {
    room: OwnedSemaphorePermit,
    place: mpsc::Permit<'a, Item>,
}

impl Room<'_> {
    /// Tells it; whoever takes it is as far as this time.
    pub(super) fn tell(self, message: WatchProfilesResponse, as_of: Micros) {
        self.place.send((message, as_of, self.room));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(token: usize) -> WatchProfilesResponse {
        WatchProfilesResponse {
            resume_token: format!("{token:08}"),
            event: None,
        }
    }

    fn impatient() -> (Unread, mpsc::Receiver<Item>) {
        let (unread, taken) = Unread::new();
        let patience = Duration::from_millis(50);
        (Unread { patience, ..unread }, taken)
    }

    #[tokio::test]
    async fn who_takes_nothing_is_waited_for_and_then_told_after_all_that_came_before() {
        let (unread, mut taken) = impatient();
        let mut told = 0;
        let end = loop {
            let message = message(told);
            match unread.room(&message).await {
                Ok(room) => room.tell(message, Micros(7)),
                Err(error) => break error,
            }
            told += 1;
        };
        assert!(matches!(end, Error::Unread));
        assert_eq!(told, MESSAGES);
        for n in 0..told {
            assert_eq!(taken.recv().await.unwrap().0, message(n));
        }
        // There is room again.
        assert!(unread.room(&message(told)).await.is_ok());
        drop(taken);
        let gone = unread.room(&message(told)).await;
        assert!(matches!(gone, Err(Error::Ended)));
    }

    #[tokio::test]
    async fn large_messages_are_bounded_by_their_bytes() {
        let (unread, taken) = impatient();
        let large = WatchProfilesResponse {
            resume_token: "x".repeat(ROOM / 4),
            event: None,
        };
        let mut told = 0;
        while let Ok(room) = unread.room(&large).await {
            room.tell(large.clone(), Micros(7));
            told += 1;
        }
        assert_eq!(told, 3);
        assert_eq!(taken.len(), told);
    }
}
