//! `GetSentimentHistory`.
//!
//! What must stay true: what sums by day can tell exactly is told from them, whatever the length of a history; the rest is
//! counted from the newest interactions, and the answer says before which time they were not looked at. Both are of the same
//! anchors. What is hidden from the caller is left out before anything is counted.

use super::{
    Api,
    page_token::{self, FeelingCursor, TimelineCursor},
    read::{Read, not_found},
    validate,
};
use crate::{
    auth::Caller,
    calendar::Zone,
    clock::Micros,
    error::Error,
    identity::Members,
    ids::IdentityKey,
    lookup::{
        self, Found,
        feelings::{self, Heard, Wanted},
    },
    profile::feelings::{by_rank, label},
    proto::{
        state::v1::Feelings,
        v1::{
            Analysis, BucketWidth, GetSentimentHistoryRequest, GetSentimentHistoryResponse,
            Interaction, SentimentBucket, SentimentGroup, SentimentItem, SurveyMoment,
        },
    },
    sentiment::history::{
        Dated, Felt, Known, Moment, Part, Selection, Stretch, SurveyAnswer, Width, buckets,
        by_channel, by_department, by_topic, hours, levels, months_before, series, summary, turns,
    },
    storage::interactions::Place,
    tenants::Tenant,
};

/// Buckets and answers to surveys in an answer at most.
const MOST: usize = 1_000;

/// The worst and the best feelings in an answer at most.
const EXTREMES: usize = 5;

pub(super) async fn history(
    api: &Api,
    caller: &Caller,
    request: &GetSentimentHistoryRequest,
) -> Result<GetSentimentHistoryResponse, Error> {
    let mut read = Read::begin(api, caller).await?;
    let sight = read.sight;
    sight.require_feelings()?;
    let who = read.who("lookup", request.lookup.as_ref());
    let filters = read.take(validate::sentiment_history(request));
    let size = read.size(request.page_size, 20, 100);
    let after = read.cursor::<FeelingCursor>(request);
    let wish = read.options(request.read_options.as_ref());
    let parts = who.zip(filters).zip(size).zip(after);
    let (tenant, (((who, filters), size), after)) = read.finish(parts)?;
    // Sums, feelings and words are of one moment.
    let mut connection = api.storage.begin_snapshot().await?;
    let found = lookup::find_with(&mut connection, &tenant.id, &who, &wish.tokens)
        .await?
        .ok_or_else(not_found)?;
    let without = sight.without();
    let wanted = Wanted {
        selection: selection(&filters),
        without: &without,
        region: tenant.region,
        zone: tenant.zone,
    };
    let anchors = anchors(&found);
    let heard = feelings::heard(&mut connection, &tenant.id, &anchors, wanted).await?;
    let chosen = Chosen::of(&heard, after, size);
    let told = feelings::told(&mut connection, &tenant.id, &chosen.places()).await?;
    let show = |one: &&(Place, Felt)| {
        let told = told.get(&one.1.id);
        told.map(|(message, analyses)| item(&one.1, message, analyses))
    };
    let mut answer = GetSentimentHistoryResponse {
        profile_id: found.profile.id.to_string(),
        worst: chosen.worst.iter().filter_map(show).collect(),
        best: chosen.best.iter().filter_map(show).collect(),
        items: chosen.page.iter().filter_map(show).collect(),
        next_page_token: chosen.next.map_or_else(String::new, |cursor| {
            page_token::encode(&cursor, request, &tenant.id, &api.page_tokens)
        }),
        surveys: surveys(&heard),
        counted_from: heard.counted_from.map(Micros::to_proto),
        read_info: Some(api.read_info(&tenant, Some(&found))),
        ..count(
            (api.clock.now(), api.prior(&tenant)),
            &tenant,
            &found,
            &heard,
            &filters,
            without.is_empty(),
        )
    };
    sight.restrict_history(&mut answer);
    Ok(answer)
}

fn selection(filters: &validate::SentimentHistory) -> Selection<'_> {
    Selection {
        departments: &filters.departments,
        channels: &filters.channels,
        topics: &filters.topics,
        from: filters.from,
        before: filters.before,
    }
}

/// The identifiers that lend the profile their state.
fn anchors(found: &Found) -> Vec<IdentityKey> {
    let members = found.profile.members.iter().flat_map(Members::keys);
    members
        .filter(|key| !found.profile.apart.contains(key))
        .collect()
}

/// Everything that is counted.
fn count(
    (now, prior): (Micros, f64),
    tenant: &Tenant,
    found: &Found,
    heard: &Heard,
    filters: &validate::SentimentHistory,
    sees_all: bool,
) -> GetSentimentHistoryResponse {
    let (selection, zone) = (selection(filters), tenant.zone);
    let core = found.profile.state.core();
    let by_sums = sees_all && selection.is_told_by(&core.feelings, zone);
    let felt = || heard.felt.iter().map(|(_, felt)| felt);
    let parts: Vec<Feelings> = if by_sums {
        let taken = core.feelings.iter();
        taken
            .filter(|sums| selection.takes_sums(sums, zone))
            .cloned()
            .collect()
    } else {
        heard.state.core().feelings.clone()
    };
    let days = if by_sums {
        series(parts.iter().map(Dated::from))
    } else {
        series(felt().map(|felt| felt.dated(zone)))
    };
    let end = filters.before.map_or(now, |before| before.min(now));
    let moment = Moment::new(end, zone, prior);
    let (buckets, months_before) = in_buckets(&days, heard, filters, moment, zone);
    let told = if sees_all && selection.is_everything() {
        core
    } else {
        heard.state.core()
    };
    let known = Known {
        series: &days,
        last: told.last_feeling.as_ref(),
        signals: &told.signals,
    };
    GetSentimentHistoryResponse {
        summary: Some(summary(known, moment, filters.half_life)),
        buckets,
        departments: by_department(parts.iter()),
        channels: by_channel(parts.iter()),
        topics: topics(felt(), &filters.topics),
        change_points: turns(&days).iter().map(|turn| turn.shown(zone)).collect(),
        months_before: months_before.map(Micros::to_proto),
        ..GetSentimentHistoryResponse::default()
    }
}

/// Buckets, the newest, and before which time they are months whatever was asked for. `days` is what the rest is counted from.
fn in_buckets(
    days: &[Dated],
    heard: &Heard,
    filters: &validate::SentimentHistory,
    moment: Moment,
    tenants: Zone,
) -> (Vec<SentimentBucket>, Option<Micros>) {
    let zone = filters.zone.unwrap_or(tenants);
    // Oldest first.
    let felt = || heard.felt.iter().rev().map(|(_, felt)| felt);
    let half_life = f64::from(filters.half_life);
    let width = match filters.bucket {
        BucketWidth::Hour => {
            let stretches = hours(felt(), zone);
            let parts = felt().map(|felt| Part::of_felt(felt, zone));
            let levels = levels(&stretches, parts, zone, moment, half_life);
            return (newest(&stretches, &levels), None);
        }
        BucketWidth::Day => Width::Day,
        BucketWidth::Week => Width::Week,
        BucketWidth::Month | BucketWidth::Unspecified => Width::Month,
    };
    // What is kept by month is told by day where every interaction was looked at anyway.
    let months = width != Width::Month && months_before(days).is_some();
    let from_interactions = zone != tenants || (months && heard.counted_from.is_none());
    let counted = if from_interactions {
        &series(felt().map(|felt| felt.dated(zone)))
    } else {
        days
    };
    let stretches = buckets(counted, width, zone);
    let parts = counted.iter().map(|dated| Part::of_series(dated, zone));
    let levels = levels(&stretches, parts, zone, moment, half_life);
    let months = months_before(counted).map(|day| zone.begin(day));
    (newest(&stretches, &levels), months)
}

fn newest(stretches: &[Stretch], levels: &[Option<f64>]) -> Vec<SentimentBucket> {
    let left_out = stretches.len().saturating_sub(MOST);
    let kept = stretches.iter().zip(levels).skip(left_out);
    kept.map(|(stretch, level)| stretch.shown(*level)).collect()
}

/// By topic; only those asked for, when any are.
fn topics<'a>(felt: impl Iterator<Item = &'a Felt>, asked: &[String]) -> Vec<SentimentGroup> {
    let mut groups = by_topic(felt);
    groups.retain(|group| asked.is_empty() || asked.contains(&group.name));
    groups
}

fn surveys(heard: &Heard) -> Vec<SurveyMoment> {
    let newest = heard.surveys.iter().take(MOST);
    let mut shown: Vec<_> = newest.map(SurveyAnswer::shown).collect();
    shown.reverse();
    shown
}

/// Feelings that are shown one by one.
struct Chosen<'a> {
    worst: Vec<&'a (Place, Felt)>,
    best: Vec<&'a (Place, Felt)>,
    page: Vec<&'a (Place, Felt)>,
    next: Option<FeelingCursor>,
}

impl<'a> Chosen<'a> {
    fn of(heard: &'a Heard, after: Option<FeelingCursor>, size: usize) -> Self {
        let polarity = |one: &&(Place, Felt)| one.1.counted.map(|counted| counted.polarity);
        let mut felt: Vec<&(Place, Felt)> = heard.felt.iter().collect();
        felt.retain(|one| polarity(one).is_some());
        // Of equal ones the newest is first.
        felt.sort_by_key(polarity);
        let worst = felt.iter().take(EXTREMES).copied().collect();
        felt.sort_by_key(|one| std::cmp::Reverse((polarity(one), one.1.at, one.1.id)));
        let best = felt.iter().take(EXTREMES).copied().collect();
        let order = |felt: &Felt| (felt.at, felt.id);
        let follows = |one: &&(Place, Felt)| {
            let after = after.as_ref();
            after.is_none_or(|after| order(&one.1) < (after.0.occurred_at, after.0.interaction_id))
        };
        let mut page: Vec<_> = heard.felt.iter().filter(follows).take(size + 1).collect();
        let more = page.len() > size;
        page.truncate(size);
        let next = page.last().filter(|_| more).map(|(_, last)| {
            FeelingCursor(TimelineCursor {
                occurred_at: last.at,
                interaction_id: last.id,
            })
        });
        Self {
            worst,
            best,
            page,
            next,
        }
    }

    /// Where they lie, each once.
    fn places(&self) -> Vec<Place> {
        let lists = [&self.worst, &self.best, &self.page];
        let mut places: Vec<Place> = lists.into_iter().flatten().map(|one| one.0).collect();
        places.sort_unstable();
        places.dedup();
        places
    }
}

fn item(felt: &Felt, message: &Interaction, analyses: &[Analysis]) -> SentimentItem {
    let mut ranked: Vec<Analysis> = by_rank(analyses).cloned().collect();
    let counting = felt.counted.and_then(|counted| {
        let by = |one: &Analysis| one.method() == counted.method;
        ranked.iter().position(by)
    });
    if let Some(counting) = counting {
        ranked[..=counting].rotate_right(1);
    }
    SentimentItem {
        interaction_id: felt.id.to_string(),
        occurred_at: Some(felt.at.to_proto()),
        department: felt.department.clone(),
        channel: felt.channel.clone(),
        r#type: felt.r#type.clone(),
        polarity: felt
            .counted
            .map(|counted| f64::from(counted.polarity) / 1000.0),
        label: felt
            .counted
            .map(|counted| label(counted.polarity))
            .unwrap_or_default()
            .into(),
        method: felt
            .counted
            .map(|counted| counted.method)
            .unwrap_or_default()
            .into(),
        analyses: ranked,
        text: message.text.clone().unwrap_or_default(),
    }
}
