//! What deciding is worth.

use super::{Api, count, refusal, share, validate};
use crate::{
    auth::Caller,
    error::Error,
    grpc::read::Read,
    next_best_action::evaluation::{
        lift::{Basis, Group, Tally},
        stats::Rate,
    },
    proto::v1::{
        GetLiftRequest, GetLiftResponse, HoldoutGroup, LiftComparison, LiftFigure, LiftGroup,
    },
};

const GROUPS: [Group; 3] = [Group::Policy, Group::Uniform, Group::Holdout];

const COMPARED: [(Group, Group); 3] = [
    (Group::Policy, Group::Holdout),
    (Group::Policy, Group::Uniform),
    (Group::Uniform, Group::Holdout),
];

pub(in crate::grpc) async fn lift(
    api: &Api,
    caller: &Caller,
    request: &GetLiftRequest,
) -> Result<GetLiftResponse, Error> {
    let mut read = Read::begin(api, caller).await?;
    let asked = read.take(validate::figures::lift(request, api.clock.now()));
    let (tenant, (period, goal, epoch)) = read.finish(asked)?;
    let found = api.desk.lift(&tenant.id, (period, goal), epoch).await?;
    let tally = &found.tally;
    Ok(GetLiftResponse {
        groups: GROUPS.map(|of| group(tally, of)).to_vec(),
        comparisons: COMPARED
            .map(|(of, over)| comparison(tally, of, over))
            .to_vec(),
        merged: count(tally.merged()),
        epoch: i32::try_from(found.epoch).unwrap_or(i32::MAX),
        from: Some(period.from.to_proto()),
        before: Some(period.before.to_proto()),
        sampled: found.sampled,
    })
}

fn name(group: Group) -> HoldoutGroup {
    match group {
        Group::Policy => HoldoutGroup::Policy,
        Group::Uniform => HoldoutGroup::Random,
        Group::Holdout => HoldoutGroup::HeldOut,
    }
}

fn group(tally: &Tally, of: Group) -> LiftGroup {
    let (customers, converted) = tally.counted(of);
    LiftGroup {
        group: name(of).into(),
        customers: count(customers),
        converted: count(converted),
        rate: Rate::of(converted, customers).map(share),
    }
}

fn comparison(tally: &Tally, of: Group, over: Group) -> LiftComparison {
    let shown = LiftComparison {
        group: name(of).into(),
        over: name(over).into(),
        ..LiftComparison::default()
    };
    match tally.lift(of, over, Basis::Customer) {
        Err(refusals) => LiftComparison {
            refusals: refusals.iter().map(|r| refusal(r.slug(), r)).collect(),
            ..shown
        },
        Ok(lift) => LiftComparison {
            difference: Some(LiftFigure {
                value: lift.difference,
                low: lift.interval.0,
                high: lift.interval.1,
            }),
            relative: lift.ratio.map(|(ratio, (low, high))| LiftFigure {
                value: ratio - 1.0,
                low: low - 1.0,
                high: high - 1.0,
            }),
            detectable: lift.detectable,
            ..shown
        },
    }
}
