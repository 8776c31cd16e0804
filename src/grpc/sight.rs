//! What a caller may see: its permissions, and the policy of its department, applied to everything that is shown.
//!
//! What must stay true: every answer that holds anything of a profile passes through here on its way out, and every
//! question that could be asked of something hidden is refused, so that nothing hidden can be guessed by asking. Which fields
//! are listed as masked depends on the caller and on the question, never on what the profile holds.
//!
//! That something exists may still be seen: how many interactions there are, and when the customer was first and last seen.

mod facts;
mod feelings;
mod identities;

use super::validate::{ProfileField, ProfileMask};
use crate::{
    auth::{Caller, Permission},
    config::{Facts, Policies, Policy},
    error::Error,
    explain::Shows,
    identity::suggest::Likeness,
    lookup::{document::Admits, timeline::Matter},
    proto::v1::{Identifier, Interaction, Profile, ProfileLookup, RecordedInteraction, Trait},
    storage::profiles,
};

/// What one caller may see.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each kind of fact is seen or hidden by itself"
)]
pub(super) struct Sight<'a> {
    policy: &'a Policy,
    identifiers: bool,
    texts: bool,
    records: bool,
    /// Whether the words in which operators gave their reasons may be shown: they may quote anything, as texts do.
    reasons: bool,
    /// The fields of a profile that may be seen, if only in part.
    shown: ProfileMask,
}

impl<'a> Sight<'a> {
    /// Of a caller.
    pub(super) fn of(caller: &Caller, policies: &'a Policies) -> Self {
        let policy = policies.of(caller.department.as_deref());
        let mut sight = Self {
            shown: ProfileMask::ALL,
            policy,
            identifiers: caller.may(Permission::ReadIdentifiers)
                && !policy.facts.contains(&Facts::Identifiers),
            texts: caller.may(Permission::ReadText) && !policy.facts.contains(&Facts::Texts),
            records: caller.may(Permission::Record),
            reasons: (caller.may(Permission::ReadText) || caller.may(Permission::Steward))
                && !policy.facts.contains(&Facts::Texts),
        };
        sight.shown = sight.mask_of_policy();
        sight
    }

    /// Whether identifiers may be shown at all.
    pub(super) fn identifiers(&self) -> bool {
        self.identifiers
    }

    /// Whether identifiers of a namespace may be shown.
    pub(super) fn namespace(&self, namespace: &str) -> bool {
        self.identifiers && !self.policy.namespaces.contains(namespace)
    }

    /// Whether every namespace may be shown.
    pub(super) fn all_namespaces(&self) -> bool {
        self.identifiers && self.policy.namespaces.is_empty()
    }

    /// How many identifiers a profile has; 0 where that would tell how many are hidden.
    pub(super) fn identifiers_total(&self, profile: &profiles::Profile) -> i32 {
        if self.all_namespaces() {
            i32::try_from(profile.members_total).unwrap_or(i32::MAX)
        } else {
            0
        }
    }

    /// Whether a trait may be shown.
    pub(super) fn may_see_trait(&self, name: &str) -> bool {
        !self.hides(Facts::Traits) && !self.policy.traits.contains(name)
    }

    /// Whether every trait may be shown.
    pub(super) fn all_traits(&self) -> bool {
        !self.hides(Facts::Traits) && self.policy.traits.is_empty()
    }

    fn hides(&self, facts: Facts) -> bool {
        self.policy.facts.contains(&facts)
    }

    /// Refuses a call that is all about facts that are hidden.
    pub(super) fn require(&self, facts: Facts) -> Result<(), Error> {
        if self.hides(facts) {
            refuse(vec![facts.name().to_owned()])
        } else {
            Ok(())
        }
    }

    /// Refuses a call whose answers are computed from identifiers and from the traits by which likenesses are told.
    pub(super) fn require_likenesses(&self) -> Result<(), Error> {
        self.require(Facts::Identifiers)?;
        self.require(Facts::Traits)?;
        // A pair may be left out, or kept apart, by identifiers of any namespace.
        let mut hidden = listed("identifiers", &self.policy.namespaces);
        let traits = self.policy.traits.iter();
        hidden.extend(listed(
            "traits",
            traits.filter(|name| Likeness::reads_trait(name)),
        ));
        refuse(hidden)
    }

    /// What a look-up asks by that is hidden.
    pub(super) fn hidden_in(&self, lookup: Option<&ProfileLookup>) -> Vec<String> {
        let asked = lookup.into_iter().flat_map(|lookup| &lookup.identifiers);
        let namespaces = asked.map(|identifier| identifier.namespace.as_str());
        among(&self.policy.namespaces, namespaces, "identifiers")
    }

    /// Which of some identifiers that are asked by are hidden.
    pub(super) fn hidden_among(&self, field: &str, asked: &[Identifier]) -> Vec<String> {
        let namespaces = asked.iter().map(|i| i.namespace.as_str());
        among(&self.policy.namespaces, namespaces, field)
    }

    /// Whether a recorded interaction names its customer by something hidden: then the answer must not say whose it is.
    pub(super) fn hides_the_customer_of(&self, message: &Interaction) -> bool {
        let hidden = &self.policy.namespaces;
        let mut asked = message.identifiers.iter();
        !hidden.is_empty() && asked.any(|identifier| hidden.contains(&identifier.namespace))
    }

    /// Refuses to search by hidden traits.
    pub(super) fn searching_by(&self, traits: &[Trait]) -> Result<(), Error> {
        if !traits.is_empty() {
            self.require(Facts::Traits)?;
        }
        let asked = traits.iter().map(|fact| fact.name.as_str());
        refuse(among(&self.policy.traits, asked, "traits"))
    }

    /// Subjects whose interactions are hidden altogether.
    pub(super) fn without(&self) -> Vec<Matter> {
        let matters = [
            (Facts::Orders, Matter::Orders),
            (Facts::Tickets, Matter::Tickets),
        ];
        let hidden = matters.into_iter().filter(|(facts, _)| self.hides(*facts));
        hidden.map(|(_, matter)| matter).collect()
    }

    /// Whether an interaction may be shown as evidence of a link.
    fn may_see_as_evidence(&self, interaction: &Interaction) -> bool {
        let of = |matter: &Matter| matter.is_of(&interaction.r#type, interaction.subject.as_ref());
        !self.hides(Facts::Timeline) && !self.without().iter().any(of)
    }

    /// Clears in a profile what was not asked for and what may not be seen.
    pub(super) fn restrict(&self, mask: ProfileMask, profile: &mut Profile) {
        mask.and(self.shown).apply(profile);
        profile.identifiers.retain(|i| self.namespace(&i.namespace));
        profile.traits.retain(|t| self.may_see_trait(&t.name));
        for consent in &mut profile.consents {
            let address = consent.address.take();
            consent.address = address.filter(|address| self.namespace(&address.namespace));
        }
        if let Some(summary) = &mut profile.sentiment {
            self.restrict_summary(summary);
        }
        for matter in self.without() {
            profile
                .touchpoints
                .retain(|t| !matter.is_of(&t.r#type, t.subject.as_ref()));
            profile
                .interaction_counts
                .retain(|count| !matter.is_of(&count.r#type, None));
        }
    }

    /// The fields of a profile that may be seen, if only in part.
    fn mask_of_policy(&self) -> ProfileMask {
        let hidden = [
            (!self.identifiers, ProfileField::Identifiers),
            // A total would tell how many are hidden.
            (
                self.identifiers && !self.all_namespaces(),
                ProfileField::IdentifiersTotal,
            ),
            (self.hides(Facts::Traits), ProfileField::Traits),
            (!self.all_traits(), ProfileField::TraitsTotal),
            (self.hides(Facts::Orders), ProfileField::Orders),
            (self.hides(Facts::Tickets), ProfileField::Tickets),
            (self.hides(Facts::Surveys), ProfileField::Surveys),
            (self.hides(Facts::Consents), ProfileField::Consents),
            (self.hides(Facts::Timeline), ProfileField::Touchpoints),
            (self.hides(Facts::Timeline), ProfileField::InteractionCounts),
            (!self.may_see_feelings(), ProfileField::Sentiment),
            (self.hides(Facts::Orders), ProfileField::Value),
            (!self.may_see_risks(), ProfileField::LeavingRisk),
            (!self.may_see_all_facts(), ProfileField::Segments),
        ];
        let hidden = hidden.iter().filter(|(hidden, _)| *hidden);
        hidden.fold(ProfileMask::ALL, |mask, (_, field)| mask.without(*field))
    }

    /// What [`Self::restrict`] leaves out of what was asked for.
    pub(super) fn masked(&self, mask: ProfileMask) -> Vec<String> {
        let shown = self.shown;
        let asked = |field| mask.contains(field) && shown.contains(field);
        let fields = ProfileField::ALL.iter();
        let mut masked: Vec<String> = fields
            .filter(|field| mask.contains(**field) && !shown.contains(**field))
            .map(|field| field.name().to_owned())
            .collect();
        if asked(ProfileField::Identifiers) {
            masked.extend(self.masked_namespaces());
        }
        if asked(ProfileField::Consents) {
            masked.extend(self.masked_addresses("consents.address"));
        }
        if asked(ProfileField::Traits) {
            masked.extend(self.masked_traits());
        }
        if asked(ProfileField::Sentiment) {
            masked.extend(self.masked_in_summary("sentiment"));
        }
        for matter in self.without() {
            let parts = [ProfileField::Touchpoints, ProfileField::InteractionCounts];
            let parts = parts.into_iter().filter(|field| asked(*field));
            masked.extend(parts.map(|field| format!("{}[{}]", field.name(), matter.name())));
        }
        masked
    }

    /// What a call that lists identifiers leaves out, `total` being its field for how many there are.
    pub(super) fn masked_in_identifiers(&self, total: &str) -> Vec<String> {
        let mut masked = self.masked_namespaces();
        if !self.all_namespaces() {
            masked.push(total.to_owned());
        }
        masked
    }

    /// What a call that lists traits leaves out.
    pub(super) fn masked_in_traits(&self) -> Vec<String> {
        let mut masked = self.masked_traits();
        if !self.all_traits() {
            masked.push("total".to_owned());
        }
        masked
    }

    fn masked_namespaces(&self) -> Vec<String> {
        listed("identifiers", &self.policy.namespaces)
    }

    fn masked_traits(&self) -> Vec<String> {
        listed("traits", &self.policy.traits)
    }

    fn masked_addresses(&self, path: &str) -> Vec<String> {
        if self.identifiers {
            listed(path, &self.policy.namespaces)
        } else {
            vec![path.to_owned()]
        }
    }

    /// Clears in interactions what may not be seen. Those that are hidden altogether are not looked up.
    pub(super) fn restrict_interactions(&self, interactions: &mut [RecordedInteraction]) {
        let messages = interactions.iter_mut();
        for message in messages.filter_map(|recorded| recorded.interaction.as_mut()) {
            self.restrict_interaction(message);
        }
    }

    fn restrict_interaction(&self, message: &mut Interaction) {
        let silent = self.policy.texts_of.contains(&message.department);
        if self.records && (silent || self.hides_content()) {
            // Whoever may record could send it again with a guess: DUPLICATE would say that the guess is right.
            message.event_id.clear();
        }
        if silent || !self.texts {
            message.text = None;
        }
        if silent || self.hides(Facts::Attributes) {
            message.attributes = None;
        }
        if self.hides(Facts::Orders) {
            message.money = None;
        }
        if self.hides(Facts::Surveys) {
            message.survey_scores.clear();
        }
        if self.hides(Facts::Consents) {
            message.consent_changes.clear();
        }
        if self.hides(Facts::Sentiment) {
            message.sentiment = None;
        }
        message.identifiers.retain(|i| self.namespace(&i.namespace));
        message.traits.retain(|t| self.may_see_trait(&t.name));
        for change in &mut message.consent_changes {
            let address = change.address.take();
            change.address = address.filter(|address| self.namespace(&address.namespace));
        }
    }

    /// Whether anything is left out of every interaction.
    fn hides_content(&self) -> bool {
        let kinds = [
            Facts::Attributes,
            Facts::Traits,
            Facts::Orders,
            Facts::Surveys,
            Facts::Consents,
            Facts::Sentiment,
        ];
        let policy = self.policy;
        !self.texts
            || !self.identifiers
            || !policy.namespaces.is_empty()
            || !policy.traits.is_empty()
            || kinds.into_iter().any(|facts| self.hides(facts))
    }

    /// What [`Self::restrict_interactions`] leaves out, and what is not looked up.
    pub(super) fn masked_in_interactions(&self) -> Vec<String> {
        let mut masked = Vec::new();
        let mut add = |hidden: bool, field: &str| {
            if hidden {
                masked.push(field.to_owned());
            }
        };
        add(self.records && self.hides_content(), "event_id");
        add(!self.texts, "text");
        add(!self.identifiers, "identifiers");
        add(self.hides(Facts::Attributes), "attributes");
        add(self.hides(Facts::Traits), "traits");
        add(self.hides(Facts::Orders), "money");
        add(self.hides(Facts::Surveys), "survey_scores");
        add(self.hides(Facts::Consents), "consent_changes");
        add(self.hides(Facts::Sentiment), "sentiment");
        if !self.hides(Facts::Consents) {
            masked.extend(self.masked_addresses("consent_changes.address"));
        }
        if self.identifiers {
            masked.extend(self.masked_namespaces());
        }
        if !self.hides(Facts::Traits) {
            masked.extend(self.masked_traits());
        }
        if self.texts {
            masked.extend(listed("text", &self.policy.texts_of));
            if self.records && !self.hides_content() {
                masked.extend(listed("event_id", &self.policy.texts_of));
            }
        }
        if !self.hides(Facts::Attributes) {
            masked.extend(listed("attributes", &self.policy.texts_of));
        }
        let mut paths: Vec<String> = masked
            .into_iter()
            .map(|field| format!("interactions.interaction.{field}"))
            .collect();
        let matters = self.without();
        paths.extend(
            matters
                .iter()
                .map(|matter| format!("interactions[{}]", matter.name())),
        );
        paths
    }
}

impl Shows for Sight<'_> {
    fn shows_evidence(&self, interaction: &Interaction) -> bool {
        self.may_see_as_evidence(interaction)
    }

    fn shows_reasons(&self) -> bool {
        self.reasons
    }
}

impl Admits for Sight<'_> {
    fn admits_all_namespaces(&self) -> bool {
        self.all_namespaces()
    }

    fn admits_namespace(&self, namespace: &str) -> bool {
        self.namespace(namespace)
    }

    fn admits_trait(&self, name: &str) -> bool {
        self.may_see_trait(name)
    }
}

/// `path[name]` for each name.
fn listed<'n>(path: &str, names: impl IntoIterator<Item = &'n String>) -> Vec<String> {
    let names = names.into_iter();
    names.map(|name| format!("{path}[{name}]")).collect()
}

/// Those of `asked` that are hidden, each once.
fn among<'a>(
    hidden: &std::collections::BTreeSet<String>,
    asked: impl Iterator<Item = &'a str>,
    path: &str,
) -> Vec<String> {
    let mut found: Vec<String> = asked
        .filter(|name| hidden.contains(*name))
        .map(|name| format!("{path}[{name}]"))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn refuse(fields: Vec<String>) -> Result<(), Error> {
    if fields.is_empty() {
        Ok(())
    } else {
        Err(Error::Masked { fields })
    }
}
