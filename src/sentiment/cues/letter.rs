//! Characters of a text as a trie numbers them, and sums of neighbours by which most places are passed over.

/// A character of a text.
#[derive(Debug, Default, Clone, Copy)]
pub(in crate::sentiment) struct Letter {
    /// Its first byte in the text.
    pub(in crate::sentiment) at: u32,
    pub(super) number: u16,
    /// A sum of it and the next character.
    pub(super) two: u16,
    /// A sum of it and the next two characters.
    pub(super) three: u16,
    /// Whether a phrase may begin here; left to the caller.
    pub(super) begins: bool,
}

/// A set of characters and pairs of neighbours, by sums: it may hold more than was added.
#[derive(Debug, Default, Clone, Copy)]
pub(in crate::sentiment) struct Mask([u64; 4]);

impl Mask {
    pub(super) fn add(&mut self, sum: u8) {
        self.0[usize::from(sum >> 6)] |= 1 << (sum & 63);
    }

    fn has(&self, sum: u8) -> bool {
        self.0[usize::from(sum >> 6)] >> (sum & 63) & 1 != 0
    }

    /// The set with sums taken modulo 64.
    pub(super) fn coarse(self) -> u64 {
        self.0.iter().fold(0, |all, one| all | one)
    }

    /// Whether both hold the same sum.
    pub(super) fn meets(&self, other: &Self) -> bool {
        (self.0.iter().zip(&other.0)).any(|(one, other)| one & other != 0)
    }
}

impl Letter {
    pub(super) fn one(self) -> u8 {
        low(self.number)
    }

    /// Whether a phrase of those that `first` was marked with may begin here.
    pub(super) fn fits(self, first: &Mask) -> bool {
        first.has(self.one()) || first.has(low(self.two))
    }

    /// Whether a phrase of those that `last` was marked with may end here, behind `before`.
    pub(super) fn closes(self, before: Option<&Self>, last: &Mask) -> bool {
        last.has(self.one()) || before.is_some_and(|before| last.has(low(before.two)))
    }

    /// The ways in which a phrase may begin here, modulo 64.
    pub(super) fn beginnings(self) -> u64 {
        1 << (self.number & 63) | 1 << (self.two & 63)
    }

    /// The ways in which a phrase may end here, behind `before`, modulo 64.
    pub(super) fn endings(self, before: Option<&Self>) -> u64 {
        1 << (self.number & 63) | before.map_or(0, |before| 1 << (before.two & 63))
    }

    /// Adds all ways in which a phrase may begin here.
    pub(super) fn add_to(self, mask: &mut Mask) {
        mask.add(self.one());
        mask.add(low(self.two));
    }
}

/// The sum of two neighbours.
pub(super) fn pair(one: u16, other: u16) -> u16 {
    let sum = one.wrapping_mul(4_093).wrapping_add(other);
    sum.wrapping_mul(40_503).rotate_left(8)
}

pub(super) fn low(number: u16) -> u8 {
    number.to_le_bytes()[0]
}
