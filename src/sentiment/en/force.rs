//! What is in force at a place in a sentence: negators, boosters, wishes, conditions.

/// Pieces that a negator reaches over.
const NEGATION_REACH: u32 = 6;

/// What is in force at a place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Force {
    /// Negators whose reach has not ended.
    pub negators: u32,
    /// Pieces that negation still reaches over.
    pub negation_left: u32,
    /// Factor of the boosters.
    pub boost: f32,
    /// Pieces that it still reaches over.
    pub boost_left: u32,
    /// What follows is wished for.
    pub irrealis: bool,
    /// What follows may or may not be.
    pub conditional: bool,
    /// Clues before mock praise began.
    pub ironic: Option<usize>,
}

/// Nothing is.
pub(super) const NOTHING: Force = Force {
    negators: 0,
    negation_left: 0,
    boost: 1.0,
    boost_left: 0,
    irrealis: false,
    conditional: false,
    ironic: None,
};

impl Force {
    /// An odd number of negators is in force.
    pub(super) const fn odd(&self) -> bool {
        self.negation_left > 0 && self.negators % 2 == 1
    }

    /// One piece further.
    pub(super) fn tick(&mut self) {
        self.negation_left = self.negation_left.saturating_sub(1);
        if self.negation_left == 0 {
            self.negators = 0;
        }
        self.boost_left = self.boost_left.saturating_sub(1);
        if self.boost_left == 0 {
            self.boost = 1.0;
        }
    }

    /// One negator more.
    pub(super) const fn negate(&mut self) {
        self.negators += 1;
        self.negation_left = NEGATION_REACH;
        // "Not very good" is "not good": what was boosted before stays out.
        self.boost = 1.0;
        self.boost_left = 0;
    }
}
