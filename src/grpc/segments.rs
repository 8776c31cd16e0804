//! The calls of `SegmentService`.
//!
//! What must stay true: whether a customer is in a segment that rests on anything which the caller may not see is not said; which
//! segments are left out depends on the caller and the rules, never on the customer. Nor is counted how many customers a rule lets in
//! that rests on such: rules that let in one customer at a time would tell.

use std::collections::BTreeSet;

use super::{
    Api,
    read::{Read, not_found},
    sight::Sight,
    validate,
};
use crate::{
    auth::{Caller, Permission},
    clock::Micros,
    criteria::{Attribute, Facts, Value, Verdict},
    error::Error,
    experience::measure::{Z_95, wilson},
    next_best_action::segments::{Segments, Standing, Within},
    proto::v1::{
        GetSegmentsRequest, GetSegmentsResponse, ListSegmentsResponse, MembershipStatus,
        PreviewSegmentRequest, PreviewSegmentResponse, Segment, SegmentFact, SegmentMembership,
        TraitValue, trait_value::Kind,
    },
    storage::memberships,
};

/// Members of a segment that are counted at most.
const COUNTED: i64 = 10_000;

pub(super) async fn list(
    api: &Api,
    caller: &Caller,
    with_members: bool,
) -> Result<ListSegmentsResponse, Error> {
    let tenant = api.tenants.get(&caller.tenant).await?;
    let Some(catalogue) = api.catalogues.latest(&tenant.id).await? else {
        return Ok(ListSegmentsResponse::default());
    };
    // How many are in it would tell who is, by rules that let in one at a time.
    let counted = with_members && api.sight(caller).may_see_all_facts();
    let sizes = if counted {
        let mut connection = api.storage.acquire().await?;
        let names = Segments::of(&catalogue);
        let names: Vec<&str> = names.names().collect();
        Some(memberships::sizes(&mut connection, &tenant.id, &names, COUNTED).await?)
    } else {
        None
    };
    let size = |name: &str| Some(sizes.as_ref()?.get(name).copied().unwrap_or_default());
    let versions = &catalogue.parts().segments;
    let shown = catalogue.segments().iter().map(|one| {
        let said = one.segment.get();
        let version = versions
            .iter()
            .find(|(other, _)| other.get().name == said.name);
        Segment {
            name: said.name.clone(),
            description: said.description.clone(),
            rule: said.rule.clone(),
            version: version.map_or(0, |(_, version)| *version),
            segments: one.rule.segments().map(str::to_owned).collect(),
            members: size(&said.name),
        }
    });
    let mut segments: Vec<Segment> = shown.collect();
    segments.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    Ok(ListSegmentsResponse {
        segments,
        policy_version: revision(catalogue.revision()),
    })
}

pub(super) async fn get(
    api: &Api,
    caller: &Caller,
    request: &GetSegmentsRequest,
) -> Result<GetSegmentsResponse, Error> {
    let mut read = Read::begin(api, caller).await?;
    let sight = read.sight;
    let who = read.who("lookup", request.lookup.as_ref());
    let (wish, at_least) = read.catalogue(request.read_options.as_ref());
    let catalogue = api.catalogues.current(&read.tenant.id, at_least).await?;
    let all = catalogue.as_deref().map(Segments::of).unwrap_or_default();
    let known: BTreeSet<&str> = all.names().collect();
    let wanted = read.take(validate::segments::wanted(&request.segments, &known));
    let (tenant, (who, wanted)) = read.finish(who.zip(wanted))?;
    let answer = api.reader.find(&tenant.id, &who, &wish).await?;
    let read_info = api.answered_from(&tenant, std::slice::from_ref(&answer), wish.position());
    let profile = answer.profile().ok_or_else(not_found)?;
    let seeing = api.desk.seeing(&tenant);
    let customer = seeing.profile(profile);
    let is_wanted = |name: &str| wanted.is_empty() || wanted.contains(name);
    let segments = if wanted.is_empty() {
        all
    } else {
        all.needed_for(wanted.iter().map(String::as_str))
    };
    let within = Within::new(&customer);
    let (mut memberships, mut masked) = (Vec::new(), Vec::new());
    let sees = seen(&sight, &segments);
    for (standing, sees) in segments.work_out(&within).iter().zip(sees) {
        if !is_wanted(standing.name) {
            continue;
        }
        if sees {
            memberships.push(shown(standing, request.explain.then_some(&within)));
        } else {
            masked.push(format!("memberships[{}]", standing.name));
        }
    }
    memberships.sort_unstable_by(|one, other| one.segment.cmp(&other.segment));
    masked.sort_unstable();
    Ok(GetSegmentsResponse {
        memberships,
        as_of: Some(seeing.now().to_proto()),
        policy_version: catalogue.as_ref().map_or(0, |of| revision(of.revision())),
        profile_id: profile.id.to_string(),
        profile_version: profile.version,
        answered_by: answer.answered_by().and_then(|n| i32::try_from(n).ok()),
        read_info: Some(read_info),
        masked_fields: masked,
    })
}

fn shown<F: Facts>(standing: &Standing<'_>, with_facts: Option<&F>) -> SegmentMembership {
    let fact = |attribute: &Attribute, customer: &F| {
        let value = customer.get(attribute);
        SegmentFact {
            name: attribute.to_string(),
            value: (!matches!(value, Value::Missing)).then(|| TraitValue {
                kind: Some(Kind::Text(value.to_string())),
            }),
        }
    };
    let facts = with_facts.map(|customer| {
        let asked = standing.rule.attributes().iter();
        asked.map(|attribute| fact(attribute, customer)).collect()
    });
    SegmentMembership {
        segment: standing.name.to_owned(),
        status: match standing.verdict {
            Verdict::Pass => MembershipStatus::Member,
            Verdict::Fail => MembershipStatus::NotMember,
            Verdict::Unknown(_) => MembershipStatus::Unknown,
        }
        .into(),
        // Beyond the year 9999 no timestamp can say it.
        until: standing
            .until
            .filter(|until| until.0 <= validate::limits::MAX_TIME)
            .map(Micros::to_proto),
        missing: standing.missing().unwrap_or_default(),
        facts: facts.unwrap_or_default(),
    }
}

/// Whether a caller may see all that each segment rests on, in their order.
fn seen(sight: &Sight<'_>, segments: &Segments<'_>) -> Vec<bool> {
    if sight.may_see_all_facts() {
        return vec![true; segments.names().count()];
    }
    let sees = |grounds: &BTreeSet<String>| grounds.iter().all(|one| sight.may_see_fact(one));
    segments.grounds().iter().map(sees).collect()
}

pub(super) async fn preview(
    api: &Api,
    caller: &Caller,
    request: &PreviewSegmentRequest,
) -> Result<PreviewSegmentResponse, Error> {
    let mut read = Read::begin(api, caller).await?;
    let sight = read.sight;
    let catalogue = api.catalogues.latest(&read.tenant.id).await?;
    let there = catalogue.as_deref().map(Segments::of).unwrap_or_default();
    let name = validate::segments::name(&request.name);
    let name = read.take(name);
    let rule = read.take(validate::segments::rule(&request.rule));
    let rule = rule.and_then(|rule| {
        let name = name.as_deref().unwrap_or_default();
        let fits = validate::segments::fits(&there, name, &rule);
        read.take(fits)?;
        // How many are in it would tell who is, by rules that let in one at a time.
        let with = there.with(name, &rule).ok()?;
        let sees = |segments: &Segments<'_>| {
            let needed = seen(&sight, &segments.needed_for([name]));
            needed.into_iter().all(|sees| sees)
        };
        if !sees(&with) || !sees(&there) {
            read.hide(vec!["rule".to_owned()]);
        }
        Some(rule)
    });
    let (tenant, (name, rule)) = read.finish(name.zip(rule))?;
    let size = api.desk.size(&tenant, catalogue.clone(), (&name, &rule));
    let size = size.await?.ok_or(Error::Overloaded {
        what: "looks at many profiles",
    })?;
    let may_name = caller.require(Permission::Read).is_ok();
    let sampled = size.members + size.others + size.unknown;
    let share = (sampled > 0).then(|| real(size.members) / real(sampled));
    let interval = share.and_then(|share| wilson(share, real(sampled), Z_95));
    let change = size.change.map(|change| change.map(whole));
    let examples = size.examples.iter().filter(|_| may_name);
    Ok(PreviewSegmentResponse {
        rule: rule.text().to_owned(),
        sampled: whole(sampled),
        complete: size.sampled.complete,
        members: whole(size.members),
        not_members: whole(size.others),
        unknown: whole(size.unknown),
        share,
        share_low: interval.map(|(low, _)| low),
        share_high: interval.map(|(_, high)| high),
        population: rounded(size.sampled.population),
        estimated_members: rounded(share.unwrap_or_default() * size.sampled.population),
        members_now: change.map(|[now, _, _]| now),
        joining: change.map(|[_, joining, _]| joining),
        leaving: change.map(|[_, _, leaving]| leaving),
        examples: examples.map(ToString::to_string).collect(),
    })
}

fn revision(revision: u64) -> i64 {
    whole(revision)
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn real(count: u64) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}

/// The nearest count.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a cast stops at the ends of what there is"
)]
fn rounded(estimate: f64) -> i64 {
    estimate.round() as i64
}
