//! Stamps: the total order of facts, by occurred-at, then interaction id.

use crate::{
    clock::Micros,
    ids::InteractionId,
    proto::state::v1::{
        Complaint, ConsentFact, LastFeeling, Order, Signal, Survey, SurveyMonth, Ticket, Touch,
        TraitStatement,
    },
};

/// When an interaction occurred and which it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// Microseconds since 1970.
    pub at: i64,
    /// Higher half of the interaction id.
    pub id_hi: u64,
    /// Lower half of the interaction id.
    pub id_lo: u64,
}

impl Stamp {
    /// The stamp of an interaction.
    #[must_use]
    pub fn new(at: Micros, id: InteractionId) -> Self {
        let (id_hi, id_lo) = id.halves();
        Self {
            at: at.0,
            id_hi,
            id_lo,
        }
    }

    /// The interaction.
    #[must_use]
    pub fn id(self) -> InteractionId {
        InteractionId::from_halves(self.id_hi, self.id_lo)
    }
}

/// A stored fact that carries a stamp.
pub trait Stamped {
    /// Its stamp.
    fn stamp(&self) -> Stamp;
}

macro_rules! stamped {
    ($($message:ty),*) => {
        $(impl Stamped for $message {
            fn stamp(&self) -> Stamp {
                Stamp { at: self.at, id_hi: self.id_hi, id_lo: self.id_lo }
            }
        })*
    };
}

stamped!(
    TraitStatement,
    Touch,
    Survey,
    SurveyMonth,
    ConsentFact,
    Order,
    Ticket,
    LastFeeling,
    Signal,
    Complaint
);
