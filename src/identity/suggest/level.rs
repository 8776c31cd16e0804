//! Fields that are compared, and how far they agree.

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// Family names.
    FamilyName,
    /// Given names.
    GivenName,
    /// Dates of birth.
    BirthDate,
    /// Postal codes, cities and streets.
    Address,
    /// Phone numbers.
    Phone,
    /// E-mail addresses.
    Email,
}

/// How far a field agrees, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// It does not.
    Different,
    /// Some of it does: the same city, two of year, month and day, one letter of a short name.
    Near,
    /// As far as a slip of the hand: a letter or digit more, less, wrong or swapped with its neighbour.
    Typo,
    /// In substance: names that sound alike and are written otherwise, an initial; a birth date with day and month swapped;
    /// an address without the building, the same postal code where one has no street; the same local part at another
    /// e-mail provider.
    Close,
    /// Wholly, but many people have this value (a very frequent family name).
    ExactCommon,
    /// Wholly, after folding.
    Exact,
}
