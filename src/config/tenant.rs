//! What differs between tenants.

use std::collections::BTreeMap;

use super::problem::{Origin, Problem, Problems};
use crate::{calendar::Zone, identity::Region, ids::TenantId, sentiment::Language};

/// The settings of tenants: of those that are named, and the defaults of all others.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tenants {
    /// `tenant_defaults.*`.
    pub(super) defaults: TenantSettings,
    /// `tenants.<tenant>.*`, each with the defaults where it says nothing.
    pub(super) named: BTreeMap<TenantId, TenantSettings>,
}

impl Tenants {
    /// The settings of a tenant.
    #[must_use]
    pub fn of(&self, tenant: &TenantId) -> &TenantSettings {
        self.named.get(tenant).unwrap_or(&self.defaults)
    }

    /// The settings of every tenant that is not named.
    #[must_use]
    pub fn defaults(&self) -> &TenantSettings {
        &self.defaults
    }

    /// The tenants that are named.
    pub fn named(&self) -> impl Iterator<Item = (&TenantId, &TenantSettings)> {
        self.named.iter()
    }
}

/// What one tenant chose.
#[derive(Clone, Debug, PartialEq)]
pub struct TenantSettings {
    /// The country of phone numbers without a prefix. Default JP.
    pub default_region: Region,
    /// The zone whose midnight ends a day, an IANA name. Default `Asia/Tokyo`.
    pub time_zone: Zone,
    /// The language of texts in Chinese characters alone. Default Japanese.
    pub han_language: Language,
    /// What texts may be about, besides the usual topics: terms by topic.
    pub topics: RuleTexts,
    /// Which value of a trait is shown when sources differ.
    pub survivorship: RuleTexts,
    /// The rules of resolution when the tenant is first written to, by namespace.
    pub identity: RuleTexts,
}

impl Default for TenantSettings {
    fn default() -> Self {
        Self {
            default_region: Region::JP,
            time_zone: Zone::TOKYO,
            han_language: Language::Japanese,
            topics: RuleTexts::default(),
            survivorship: RuleTexts::default(),
            identity: RuleTexts::default(),
        }
    }
}

/// Rules as text, by what they are about: a trait or a namespace. Whoever knows the language of rules parses them, before any port opens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleTexts {
    pub(super) rules: BTreeMap<String, (String, Origin)>,
}

impl RuleTexts {
    /// Each name with the text of its rule.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.rules
            .iter()
            .map(|(name, (rule, _))| (name.as_str(), rule.as_str()))
    }

    /// Parses every rule: `parse` gets the name and the text of its rule, and says what is wrong with it.
    ///
    /// # Errors
    /// Everything that `parse` found wrong, with the place where the rule was set.
    pub fn parse<T>(
        &self,
        parse: impl Fn(&str, &str) -> Result<T, String>,
    ) -> Result<BTreeMap<String, T>, Problems> {
        let (mut parsed, mut problems) = (BTreeMap::new(), Vec::new());
        for (name, (rule, origin)) in &self.rules {
            match parse(name, rule) {
                Ok(rule) => {
                    parsed.insert(name.clone(), rule);
                }
                Err(text) => problems.push(Problem::new(origin.clone(), text)),
            }
        }
        Problems::unless_none(problems).map(|()| parsed)
    }
}
