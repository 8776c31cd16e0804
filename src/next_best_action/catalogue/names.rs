//! Numbers of channels and purposes: what stored decisions and offers say instead of their names.
//!
//! What must stay true: a number is given once and for ever. A name that comes back gets the number it had, and a number is never
//! given to another name, also when nothing uses it any more; so what is stored stays readable under every later policy.

use std::collections::{BTreeSet, HashMap};

use crate::next_best_action::{
    keys::{ChannelIndex, ChannelSet, PurposeIndex},
    model::{Definition, Policy},
};

/// Channels that a tenant may ever have named.
pub const MOST_CHANNELS: usize = 64;
/// Purposes that a tenant may ever have named.
pub const MOST_PURPOSES: usize = 10_000;

/// What a name is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A channel.
    Channel,
    /// A purpose of consent.
    Purpose,
}

/// A name with its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// What it is of.
    pub kind: Kind,
    /// The name.
    pub name: String,
    /// Its number, from 0 for each kind.
    pub number: u16,
}

/// All names of a tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    channels: Table,
    purposes: Table,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Table {
    names: Vec<Option<String>>,
    numbers: HashMap<String, u16>,
}

impl Table {
    fn put(&mut self, name: String, number: u16) {
        let at = usize::from(number);
        if self.names.len() <= at {
            self.names.resize(at + 1, None);
        }
        if let Some(place) = self.names.get_mut(at) {
            *place = Some(name.clone());
        }
        self.numbers.insert(name, number);
    }

    fn number(&self, name: &str) -> Option<u16> {
        self.numbers.get(name).copied()
    }

    fn name(&self, number: u16) -> Option<&str> {
        self.names.get(usize::from(number))?.as_deref()
    }
}

/// Too many names were ever used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted(pub Kind);

impl Names {
    /// Of names that were numbered before, in any order.
    pub fn of(numbered: impl IntoIterator<Item = Numbered>) -> Self {
        let mut names = Self::default();
        names.add(numbered);
        names
    }

    /// Adds names that have their numbers.
    pub fn add(&mut self, numbered: impl IntoIterator<Item = Numbered>) {
        for one in numbered {
            self.table(one.kind).put(one.name, one.number);
        }
    }

    fn table(&mut self, kind: Kind) -> &mut Table {
        match kind {
            Kind::Channel => &mut self.channels,
            Kind::Purpose => &mut self.purposes,
        }
    }

    /// Numbers what a policy and definitions name and has no number yet: channels in the order of the policy, purposes in that
    /// of their names. Gives what is new.
    ///
    /// # Errors
    /// When there are no numbers left; then nothing may be kept of this.
    pub fn number<'d>(
        &mut self,
        policy: &Policy,
        definitions: impl Iterator<Item = &'d Definition>,
    ) -> Result<Vec<Numbered>, Exhausted> {
        let channels = policy.channels.iter().map(|channel| channel.name.as_str());
        let channels: Vec<&str> = channels.collect();
        let purposes: BTreeSet<&str> = definitions
            .flat_map(|definition| definition.consent.iter().map(String::as_str))
            .collect();
        let mut new = self.give(Kind::Channel, channels, MOST_CHANNELS)?;
        new.extend(self.give(Kind::Purpose, purposes, MOST_PURPOSES)?);
        Ok(new)
    }

    fn give<'n>(
        &mut self,
        kind: Kind,
        wanted: impl IntoIterator<Item = &'n str>,
        most: usize,
    ) -> Result<Vec<Numbered>, Exhausted> {
        let table = self.table(kind);
        let mut new = Vec::new();
        for name in wanted {
            if table.number(name).is_some() {
                continue;
            }
            let next = u16::try_from(table.names.len()).ok();
            let number = next.filter(|number| usize::from(*number) < most);
            let number = number.ok_or(Exhausted(kind))?;
            table.put(name.to_owned(), number);
            new.push(Numbered {
                kind,
                name: name.to_owned(),
                number,
            });
        }
        Ok(new)
    }

    /// The number of a channel.
    #[must_use]
    pub fn channel(&self, name: &str) -> Option<ChannelIndex> {
        let number = self.channels.number(name)?;
        u8::try_from(number).ok().map(ChannelIndex)
    }

    /// The number of a purpose.
    #[must_use]
    pub fn purpose(&self, name: &str) -> Option<PurposeIndex> {
        self.purposes.number(name).map(PurposeIndex)
    }

    /// Every channel that was ever named, with its number.
    pub fn all_channels(&self) -> impl Iterator<Item = (&str, ChannelIndex)> {
        let all = self.channels.names.iter().zip(0_u8..);
        all.filter_map(|(name, number)| Some((name.as_deref()?, ChannelIndex(number))))
    }

    /// The channel of a number.
    #[must_use]
    pub fn channel_name(&self, index: ChannelIndex) -> Option<&str> {
        self.channels.name(u16::from(index.0))
    }

    /// The purpose of a number.
    #[must_use]
    pub fn purpose_name(&self, index: PurposeIndex) -> Option<&str> {
        self.purposes.name(index.0)
    }

    /// A set of channels; those without a number are left out.
    #[must_use]
    pub fn channels(&self, names: &[String]) -> ChannelSet {
        let indices: Vec<ChannelIndex> = names.iter().filter_map(|n| self.channel(n)).collect();
        ChannelSet::of(&indices)
    }

    /// As [`Self::channels`], where naming none means all.
    #[must_use]
    pub fn channels_or_all(&self, names: &[String]) -> ChannelSet {
        if names.is_empty() {
            ChannelSet::ALL
        } else {
            self.channels(names)
        }
    }
}
