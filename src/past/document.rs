//! What is shown of a profile as it was.

use super::Past;
use crate::{
    lookup::document::{Admits, show, shown_state, stronger},
    profile::{survivorship::Rules, view},
    proto::v1::{Profile, ProfileIdentifier},
    sentiment::history::Moment,
    storage::identity_cards::Card,
};

impl Past {
    /// As the profile of today would be shown, under the rules of today, with feelings as of a moment.
    #[must_use]
    pub fn document(
        &self,
        rules: &Rules,
        moment: Moment,
        with_identifiers: bool,
        admits: &impl Admits,
    ) -> Profile {
        Profile {
            profile_id: self.id.to_string(),
            identifiers: if with_identifiers {
                self.identifiers(admits)
            } else {
                Vec::new()
            },
            identifiers_total: i32::try_from(self.cards.len()).unwrap_or(i32::MAX),
            // Models of purchases are of today: of the past they say nothing.
            ..shown_state(&self.state, rules, (moment, None), admits)
        }
    }

    fn identifiers(&self, admits: &impl Admits) -> Vec<ProfileIdentifier> {
        let mut shown: Vec<&Card> = self
            .cards
            .iter()
            .filter(|card| admits.admits_namespace(&card.identifier.namespace))
            .take(view::IDENTIFIERS)
            .collect();
        shown.sort_by(|a, b| stronger(a, b));
        let shown = shown.into_iter().map(show);
        shown
            .map(|identifier| ProfileIdentifier {
                first_seen: identifier.first_seen.filter(|_| self.times.first),
                last_seen: identifier.last_seen.filter(|_| self.times.last),
                ..identifier
            })
            .collect()
    }
}
