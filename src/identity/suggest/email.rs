//! E-mail addresses, by what their owner chose: the part before the `@`.
//!
//! What must stay true: a local part that is made of the name says no more than the name did.

use super::{fold::fold, level::Level, sound::sound};

/// A local part shorter than this is chosen by many.
const SHORT: usize = 5;

/// An address, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Email {
    /// The local part without dots, dashes, underscores and what follows a `+`.
    pub(super) local: String,
    /// Its letters alone, as they sound.
    pub(super) stem: String,
    domain: String,
}

impl Email {
    pub(super) fn read(address: &str) -> Option<Self> {
        let folded = fold(address);
        let (local, domain) = folded.rsplit_once('@')?;
        let local = local.split('+').next().unwrap_or(local);
        let local: String = local.chars().filter(|c| c.is_alphanumeric()).collect();
        let letters: String = local.chars().filter(|c| c.is_alphabetic()).collect();
        (!local.is_empty()).then(|| Self {
            stem: sound(&letters).unwrap_or_default(),
            local,
            domain: domain.to_owned(),
        })
    }

    /// Whether the local part is long enough to tell people apart.
    pub(super) fn tells(&self) -> bool {
        self.local.chars().count() >= SHORT
    }

    /// How far two addresses agree. `names` are the sounds of the names of both people: local parts that hold one of them
    /// and no number of their own, or another one, are no evidence (`None`).
    pub(super) fn compare(&self, other: &Self, names: &[&str]) -> Option<Level> {
        if self == other {
            return Some(Level::Exact);
        }
        let holds_one = |email: &Self| {
            names
                .iter()
                .any(|name| name.len() >= 3 && email.stem.contains(name))
        };
        let derived = holds_one(self) && holds_one(other);
        let numbered = self.local.chars().filter(char::is_ascii_digit).count() >= 2;
        if self.local == other.local && self.tells() {
            return (numbered || !derived).then_some(Level::Close);
        }
        let slip = strsim::osa_distance(&self.local, &other.local) == 1;
        if slip && self.domain == other.domain && self.tells() && other.tells() && !derived {
            return Some(Level::Typo);
        }
        if derived || (self.stem == other.stem && !self.stem.is_empty()) {
            return None;
        }
        Some(Level::Different)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_evidence_of_its_own() {
        let level = |a: &str, b: &str, names: &[&str]| {
            let (a, b) = (Email::read(a).unwrap(), Email::read(b).unwrap());
            assert_eq!(a.compare(&b, names), b.compare(&a, names));
            a.compare(&b, names)
        };
        let sato = ["sato", "hanako"];
        assert_eq!(
            level("bluesky88@a.example", "blue.sky88@b.example", &sato),
            Some(Level::Close)
        );
        assert_eq!(
            level("hanako.sato@a.example", "hanako.sato@b.example", &sato),
            None
        );
        assert_eq!(
            level("hanako.sato84@a.example", "hanako-sato84@b.example", &sato),
            Some(Level::Close)
        );
        assert_eq!(
            level("bluesky@a.example", "blueksy@a.example", &sato),
            Some(Level::Typo)
        );
        assert_eq!(
            level("bluesky@a.example", "redrose@a.example", &sato),
            Some(Level::Different)
        );
    }
}
