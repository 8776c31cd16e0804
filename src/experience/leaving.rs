//! The risk that a customer leaves, with the reasons.
//!
//! What must stay true:
//!
//! - The score is a plain sum of evidence that a person can check, not a trained model: each fact has a strength of 0 to 1
//!   and a weight, and the facts are joined as independent signs: 1 - product of (1 - weight x strength).
//! - It lies in 0..=1; a worse fact never lowers it, a fact that is not known neither raises nor lowers it, and without any
//!   known fact there is no score, not a score of 0.
//! - The contributions of the reasons add up to the score.
//!
//! | fact | weight | strength |
//! |---|---|---|
//! | said that they would leave | 0.80 | halves every 90 days |
//! | P(alive) | 0.70 | 1 - P(alive) |
//! | idle, where P(alive) is not known | 0.60 | 0 up to one median gap, 1/2 at three (overdue), 1 from five on |
//! | level of sentiment | 0.40 | how far below 0, times n/(n+2) for n the effective number of feelings |
//! | trend of sentiment | 0.25 | how far the fast mean is below the slow one, 1 at 0.5; times n/(n+2) for the n of the fast |
//! | complaints closed without a solution | 0.35 | 1 - 1/2^number |
//! | open complaints | 0.30 | 1 - 1/2^number |
//! | failed payments | 0.30 | 1 - 1/2^number |
//! | denied consent to be contacted | 0.15 | 1 |
//!
//! The weights are judgements, ordered by how directly a fact speaks of leaving; a change of any is a new definition.

/// Version of the weights.
pub const DEFINITION: u32 = 1;

/// Days after which a word about leaving counts half.
const HALF_LIFE: f64 = 90.0;
/// Median gaps at which being idle starts to count, and those on top at which it counts in full.
const IDLE_FROM: f64 = 1.0;
const IDLE_SPAN: f64 = 4.0;
/// How far the fast mean is below the slow one when that counts in full.
const STEEP: f64 = 0.5;
/// So many feelings are as good as none at all.
const PRIOR: f64 = 2.0;

/// A mean feeling with what it rests on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Feeling {
    /// The level, -1 to 1, or the trend: the fast mean less the slow one, -2 to 2.
    pub value: f64,
    /// How many feelings it is worth, 0 or more.
    pub effective_n: f64,
}

/// What is known of a customer. `None` is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Facts {
    /// Days since they last said that they would leave, 0 or more; `None` when they never did.
    pub said_so_days_ago: Option<f64>,
    /// Probability of still being a customer, 0 to 1.
    pub p_alive: Option<f64>,
    /// Own median gaps since the last order, 0 or more; used where P(alive) is not known.
    pub idle_gaps: Option<f64>,
    /// Level of sentiment.
    pub level: Option<Feeling>,
    /// Trend of sentiment: the fast mean less the slow one, below 0 for a fall, with the n of the fast.
    pub trend: Option<Feeling>,
    /// Complaints that are open.
    pub open_complaints: Option<u32>,
    /// Complaints that were closed without a solution, or opened again.
    pub unsolved_complaints: Option<u32>,
    /// Payments that failed and were not made since.
    pub failed_payments: Option<u32>,
    /// Whether they denied consent to be contacted, or took it back.
    pub consent_denied: Option<bool>,
}

/// A kind of fact; the order decides ties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Said that they would leave.
    SaidSo,
    /// Unlikely to be a customer still.
    ProbablyGone,
    /// Idle for longer than usual.
    Idle,
    /// Feels bad.
    LowSentiment,
    /// Feels worse and worse.
    FallingSentiment,
    /// Complaints closed without a solution.
    UnsolvedComplaints,
    /// Complaints open.
    OpenComplaints,
    /// Payments failed.
    FailedPayments,
    /// Denied consent to be contacted.
    ConsentDenied,
}

/// A fact that raises the risk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reason {
    /// The fact.
    pub kind: Kind,
    /// How strong it is, above 0 to 1.
    pub strength: f64,
    /// Its weight, 0 to 1.
    pub weight: f64,
    /// Its part of the score; all parts add up to it.
    pub contribution: f64,
}

/// The risk that a customer leaves.
#[derive(Clone, Debug, PartialEq)]
pub struct Risk {
    /// 0 to 1; `None` when nothing is known.
    pub score: Option<f64>,
    /// The reasons, heaviest first.
    pub reasons: Vec<Reason>,
    /// How many facts were known and used.
    pub known: u32,
    /// Version of the weights.
    pub definition: u32,
}

impl Kind {
    /// The weight of a fact of this kind, above 0 and below 1.
    #[must_use]
    pub const fn weight(self) -> f64 {
        match self {
            Self::SaidSo => 0.80,
            Self::ProbablyGone => 0.70,
            Self::Idle => 0.60,
            Self::LowSentiment => 0.40,
            Self::UnsolvedComplaints => 0.35,
            Self::OpenComplaints | Self::FailedPayments => 0.30,
            Self::FallingSentiment => 0.25,
            Self::ConsentDenied => 0.15,
        }
    }
}

/// The risk that a customer of whom this is known leaves. A fact that is not a number counts as not known.
#[must_use]
pub fn risk(facts: &Facts) -> Risk {
    let known: Vec<(Kind, f64)> = strengths(facts)
        .into_iter()
        .filter_map(|(kind, strength)| Some((kind, strength.filter(|s| !s.is_nan())?)))
        .collect();
    // Logarithms of what each fact leaves; their sum is that of the product.
    let left: Vec<(Kind, f64, f64)> = known
        .iter()
        .map(|&(kind, strength)| (kind, strength.clamp(0.0, 1.0)))
        .map(|(kind, strength)| (kind, strength, -(-kind.weight() * strength).ln_1p()))
        .filter(|&(_, _, evidence)| evidence > 0.0)
        .collect();
    let evidence: f64 = left.iter().map(|&(_, _, evidence)| evidence).sum();
    let score = -(-evidence).exp_m1();
    let mut reasons: Vec<Reason> = left
        .into_iter()
        .map(|(kind, strength, part)| Reason {
            kind,
            strength,
            weight: kind.weight(),
            contribution: score * part / evidence,
        })
        .collect();
    reasons.sort_by(|a, b| {
        let heavier = b.contribution.total_cmp(&a.contribution);
        heavier.then(a.kind.cmp(&b.kind))
    });
    Risk {
        score: (!known.is_empty()).then_some(score),
        reasons,
        known: known.iter().fold(0, |count, _| count + 1),
        definition: DEFINITION,
    }
}

/// The strength of each fact, before it is cut to 0..=1; `None` where it is not known.
fn strengths(facts: &Facts) -> [(Kind, Option<f64>); 9] {
    let idle = facts.idle_gaps.filter(|_| facts.p_alive.is_none());
    let many = |number: Option<u32>| number.map(|number| 1.0 - (-f64::from(number)).exp2());
    [
        (
            Kind::SaidSo,
            facts
                .said_so_days_ago
                .map(|days| (-days.max(0.0) / HALF_LIFE).exp2()),
        ),
        (Kind::ProbablyGone, facts.p_alive.map(|p| 1.0 - p)),
        (Kind::Idle, idle.map(|gaps| (gaps - IDLE_FROM) / IDLE_SPAN)),
        (
            Kind::LowSentiment,
            facts.level.map(|level| sureness(level) * -level.value),
        ),
        (
            Kind::FallingSentiment,
            facts
                .trend
                .map(|trend| sureness(trend) * (-trend.value / STEEP).min(1.0)),
        ),
        (Kind::UnsolvedComplaints, many(facts.unsolved_complaints)),
        (Kind::OpenComplaints, many(facts.open_complaints)),
        (Kind::FailedPayments, many(facts.failed_payments)),
        (
            Kind::ConsentDenied,
            facts
                .consent_denied
                .map(|denied| f64::from(u8::from(denied))),
        ),
    ]
}

/// 0 without feelings, towards 1 with many.
fn sureness(feeling: Feeling) -> f64 {
    let n = feeling.effective_n.max(0.0);
    if n.is_infinite() {
        1.0
    } else {
        n / (n + PRIOR)
    }
}

#[cfg(test)]
mod tests;
