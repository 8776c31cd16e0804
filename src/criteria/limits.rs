//! How large a rule may be. Every limit is checked before the work that it bounds is done.

/// Bytes of the text of a rule, as written and as printed.
pub const MAX_SOURCE_BYTES: usize = 4_096;

/// Words, signs, numbers and texts of a rule.
pub const MAX_TOKENS: usize = 1_024;

/// Brackets and signs (`!`, `-`) within each other.
pub const MAX_NESTING: u16 = 32;

/// Levels of the tree.
pub const MAX_DEPTH: usize = 16;

/// Nodes of the tree; each member of a list counts as one.
pub const MAX_NODES: usize = 256;

/// Steps that an evaluation takes at most: every node may be a look-up in a list of [`MAX_LIST`] texts.
pub const MAX_COST: u32 = 16_640;

/// Texts of a list that an attribute holds; what lies behind them is not looked at.
pub const MAX_LIST: usize = 64;

/// Mistakes that are named; the first ones are.
pub const MAX_FAULTS: usize = 32;

/// Mistakes for which a name like the one that was written is looked for.
pub const MAX_SEARCHES: usize = 8;

/// Bytes of a name or a text that a mistake repeats.
pub const MAX_QUOTED: usize = 64;

/// The longest window, in days.
pub const MAX_WINDOW_DAYS: i64 = 3_660;
