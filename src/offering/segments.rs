//! Who is in which segment: of one customer now, and over a sample.
//!
//! What must stay true: a customer is held against the rules of segments with the very facts that a decision about them is made
//! from; nothing of it is kept, so nothing of it can be late.

use std::sync::Arc;

use super::{Desk, sampling::Sampled, situation::Seeing};
use crate::{
    criteria::{Rule, Verdict},
    error::Error,
    ids::ProfileId,
    next_best_action::{catalogue::Snapshot, segments::Segments},
    storage::profiles::Profile,
    tenants::Tenant,
};

/// Profiles that are named as examples.
const EXAMPLES: usize = 5;

/// How many of a sample a rule lets in.
#[derive(Clone, Debug)]
pub struct Size {
    /// How much was looked at.
    pub sampled: Sampled,
    /// Members.
    pub members: u64,
    /// Not members.
    pub others: u64,
    /// It could not be told.
    pub unknown: u64,
    /// What is there under that name already, if anything is: its members, those who would come into it, and those who would leave it.
    pub change: Option<[u64; 3]>,
    /// Some of the members.
    pub examples: Vec<ProfileId>,
}

/// Somebody who counts.
struct Counting {
    seeing: Seeing,
    catalogue: Option<Arc<Snapshot>>,
    name: String,
    rule: Rule,
    members: u64,
    others: u64,
    unknown: u64,
    change: Option<[u64; 3]>,
    examples: Vec<ProfileId>,
}

impl Desk {
    /// What customers of a tenant are seen with now.
    #[must_use]
    pub fn seeing(&self, tenant: &Tenant) -> Seeing {
        Seeing::new(tenant, self.tenants.models(), self.clock.now())
    }

    /// How many customers a rule lets in as the segment of a name, beside the others of a catalogue. It must have been checked
    /// against them ([`Segments::with`]). None when others look already and do not end in time.
    ///
    /// # Errors
    /// When the database fails.
    #[tracing::instrument(name = "segment.size", skip_all)]
    pub async fn size(
        &self,
        tenant: &Tenant,
        catalogue: Option<Arc<Snapshot>>,
        (name, rule): (&str, &Rule),
    ) -> Result<Option<Size>, Error> {
        let there = catalogue.as_deref().map(Segments::of).unwrap_or_default();
        let change = there.names().any(|other| other == name).then_some([0; 3]);
        let counting = Counting {
            seeing: self.seeing(tenant),
            catalogue,
            name: name.to_owned(),
            rule: rule.clone(),
            members: 0,
            others: 0,
            unknown: 0,
            change,
            examples: Vec::new(),
        };
        let found = self
            .sample(&tenant.id, (counting, "segment"), Counting::add)
            .await?;
        Ok(found.map(|(counted, sampled)| Size {
            sampled,
            members: counted.members,
            others: counted.others,
            unknown: counted.unknown,
            change: counted.change,
            examples: counted.examples,
        }))
    }
}

impl Counting {
    fn add(&mut self, profile: &Profile) {
        let customer = self.seeing.profile(profile);
        let there = self
            .catalogue
            .as_deref()
            .map(Segments::of)
            .unwrap_or_default();
        let verdict_among = |segments: &Segments<'_>| {
            let standings = segments
                .needed_for([self.name.as_str()])
                .standings(&customer);
            let found = standings.iter().find(|one| one.name == self.name);
            found.map(|one| one.verdict)
        };
        let with = there.with(&self.name, &self.rule).ok();
        let Some(then) = with.as_ref().and_then(verdict_among) else {
            return;
        };
        match then {
            Verdict::Pass => self.members += 1,
            Verdict::Fail => self.others += 1,
            Verdict::Unknown(_) => self.unknown += 1,
        }
        if then.is_pass() && self.examples.len() < EXAMPLES {
            self.examples.push(profile.id);
        }
        if let Some([now, joining, leaving]) = &mut self.change {
            let before = verdict_among(&there).is_some_and(Verdict::is_pass);
            *now += u64::from(before);
            *joining += u64::from(!before && then.is_pass());
            *leaving += u64::from(before && !then.is_pass());
        }
    }
}
