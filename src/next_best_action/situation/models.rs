//! Level 1 of a snapshot, as the engine reads it under a revision of the catalogue.
//!
//! What must stay true: everything here follows from the counts of the snapshot and from what the revision says of its actions
//! (group, attribution window, prior): an action that is newer than the snapshot is believed to be as its group is.

use std::collections::{BTreeMap, HashMap};

use crate::{
    calendar::Day,
    next_best_action::{
        catalogue::Snapshot,
        exploration::{self, M, Model, Propensity},
        keys::{ActionKey, ChannelIndex},
        learning::{
            Arm,
            cohorts::Table,
            draws::Draws,
            estimate::{Correction, Estimate, Level1, Setting},
            normal::Normals,
        },
    },
};

/// What is believed where nothing can be: a chance of one in twenty, without doubt.
const NOTHING: f64 = -2.995_732_273_553_991;
static NO_DRAWS: [f32; M] = [-2.995_732_3; M];

/// Level 1 under a revision.
#[derive(Debug)]
pub struct Models {
    snapshot: u64,
    level: Level1,
    draws: Draws,
    /// Logarithms of the mean and of the upper bound.
    bounds: HashMap<Arm, (f64, f64)>,
}

impl Models {
    /// Of the counts of a snapshot as of a day.
    #[must_use]
    pub fn new(catalogue: &Snapshot, snapshot: u64, counts: &Table, as_of: Day) -> Self {
        let settings = settings(catalogue);
        let level = Level1::of(counts, as_of, &settings, Correction::Learned);
        let draws = Draws::of(&level, snapshot, &Normals::new());
        let bounds = level.arms().filter_map(|(arm, estimate)| {
            let row = draws.get(arm.action, arm.channel)?;
            let mean = libm::log(estimate.mean()).min(0.0);
            Some((arm, (mean, exploration::ln_upper(&row.ln_probability))))
        });
        Self {
            snapshot,
            bounds: bounds.collect(),
            level,
            draws,
        }
    }

    /// What is believed of an action on a channel.
    #[must_use]
    pub fn estimate(&self, action: ActionKey, channel: ChannelIndex) -> Option<&Estimate> {
        self.level.get(Arm { action, channel })
    }
}

fn settings(catalogue: &Snapshot) -> BTreeMap<Arm, Setting> {
    let names = catalogue.names();
    let mut settings = BTreeMap::new();
    for action in catalogue.engine().actions() {
        let Some(version) = catalogue.version(action.key) else {
            continue;
        };
        let definition = version.definition.get();
        let setting = Setting {
            group: action.group.0,
            window_days: u16::try_from(definition.attribution_days).unwrap_or(u16::MAX),
            prior_mean: definition.prior.as_ref().map(|prior| prior.propensity),
            prior_weight: definition.prior.as_ref().map(|prior| prior.evidence),
        };
        for channel in definition.channels.iter().filter_map(|c| names.channel(c)) {
            let action = action.key;
            settings.insert(Arm { action, channel }, setting);
        }
    }
    settings
}

impl Model for Models {
    fn snapshot(&self) -> u64 {
        self.snapshot
    }

    fn propensity(&self, _: usize, action: ActionKey, channel: ChannelIndex) -> Propensity<'_> {
        let bounds = self.bounds.get(&Arm { action, channel });
        match (bounds, self.draws.get(action, channel)) {
            (Some((ln_mean, ln_upper)), Some(row)) => Propensity {
                ln_mean: *ln_mean,
                ln_upper: *ln_upper,
                draws: exploration::Draws::Table(&row.ln_probability),
            },
            _ => Propensity {
                ln_mean: NOTHING,
                ln_upper: NOTHING,
                draws: exploration::Draws::Table(&NO_DRAWS),
            },
        }
    }
}
