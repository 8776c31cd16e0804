//! What is known of each namespace.

/// How values of a namespace are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Normaliser {
    /// An e-mail address: width folded, lower case.
    Email,
    /// A phone number: E.164.
    Phone,
    /// A handle of a social network: width folded, lower case, without a leading `@`.
    Handle,
    /// An id: width folded and trimmed; case and leading zeros are kept, since systems tell them apart.
    Id,
}

/// The rules of one namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Place in the choice of an anchor and a home, lowest first. Never changes once a namespace has been used.
    pub anchor_rank: u8,
    /// How its values are compared. Never changes once a namespace has been used.
    pub normaliser: Normaliser,
}

/// The rules of a namespace. Those that are not well known rank between what people call themselves and what their
/// devices call them.
#[must_use]
pub fn rule(namespace: &str) -> Rule {
    let (anchor_rank, normaliser) = match namespace {
        "customer_id" => (10, Normaliser::Id),
        "loyalty_id" => (20, Normaliser::Id),
        "email" => (30, Normaliser::Email),
        "phone" => (40, Normaliser::Phone),
        "social_handle" => (50, Normaliser::Handle),
        "device_id" => (70, Normaliser::Id),
        "cookie" => (80, Normaliser::Id),
        _ => (60, Normaliser::Id),
    };
    Rule {
        anchor_rank,
        normaliser,
    }
}

/// Whether values of a namespace name a person. Devices and browsers go from hand to hand, and theirs name none; whatever a
/// tenant made up counts as a name.
#[must_use]
pub fn names_a_person(namespace: &str) -> bool {
    !matches!(namespace, "device_id" | "cookie")
}
