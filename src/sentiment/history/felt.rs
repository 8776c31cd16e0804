//! Feelings one by one, from interactions: what sums by day cannot tell.

use std::collections::BTreeMap;

use super::{Dated, Stretch, Sums, buckets::groups};
use crate::{
    calendar::{Day, Zone},
    clock::Micros,
    ids::InteractionId,
    profile::feelings::{Counted, by_rank, counted},
    proto::v1::{Analysis, Direction, Interaction, SentimentGroup, SurveyMoment},
};

/// What an interaction says of feelings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Felt {
    /// When.
    pub at: Micros,
    /// Which.
    pub id: InteractionId,
    /// To whom.
    pub department: String,
    /// Through what.
    pub channel: String,
    /// What happened.
    pub r#type: String,
    /// The feeling; none when no feeling could be told.
    pub counted: Option<Counted>,
    /// Effort in thousandths; none when nothing speaks of it.
    pub effort: Option<i16>,
    /// What it is about, each topic once by name, with the polarity about it in thousandths.
    pub topics: Vec<(String, Option<i16>)>,
}

impl Felt {
    /// Of an interaction, with any analyses of it; none when it says nothing of the customer's feelings.
    #[must_use]
    pub fn of(
        at: Micros,
        id: InteractionId,
        message: &Interaction,
        analyses: &[Analysis],
    ) -> Option<Self> {
        let newest = newest_of_each_method(analyses);
        if message.direction() == Direction::Outbound
            || (message.sentiment.is_none() && newest.is_empty())
        {
            return None;
        }
        let effort = newest.iter().find_map(|one| one.effort).map(thousandths);
        let mut topics: BTreeMap<&str, Option<i16>> = BTreeMap::new();
        for topic in newest.iter().flat_map(|one| &one.topics) {
            let known = topics.entry(&topic.topic).or_default();
            *known = known.or(topic.polarity.map(thousandths));
        }
        Some(Self {
            at,
            id,
            department: message.department.clone(),
            channel: message.channel.clone(),
            r#type: message.r#type.clone(),
            counted: counted(message, &newest),
            effort,
            topics: topics
                .into_iter()
                .map(|(name, polarity)| (name.to_owned(), polarity))
                .collect(),
        })
    }

    /// As sums.
    #[must_use]
    pub fn sums(&self) -> Sums {
        Sums::one(self.counted, self.effort)
    }

    /// As a part of a series.
    #[must_use]
    pub fn dated(&self, zone: Zone) -> Dated {
        Dated {
            day: zone.day(self.at),
            month: false,
            sums: self.sums(),
        }
    }
}

/// Of each method the analysis of the newest model, in the order in which they count. Older ones are history.
#[must_use]
pub fn newest_of_each_method(analyses: &[Analysis]) -> Vec<Analysis> {
    let mut newest: Vec<Analysis> = by_rank(analyses).cloned().collect();
    newest.dedup_by_key(|one| one.method);
    newest
}

fn thousandths(number: f64) -> i16 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "clamped to what an i16 holds; not a number becomes 0"
    )]
    let rounded = (number * 1000.0).round().clamp(-1000.0, 1000.0) as i16;
    rounded
}

/// Feelings about each topic, by name: what counts is the polarity about the topic, as much as the text does.
#[must_use]
pub fn by_topic<'a>(felt: impl Iterator<Item = &'a Felt>) -> Vec<SentimentGroup> {
    let parts = felt.flat_map(|one| {
        let method = one
            .counted
            .map_or_else(Default::default, |counted| counted.method);
        // A text that as a whole says nothing may still say what is bad about the price.
        let weight = one.counted.map_or(1000, |counted| counted.weight);
        one.topics.iter().map(move |(name, polarity)| {
            let about = polarity.map(|polarity| Counted {
                polarity,
                weight,
                method,
            });
            (name.as_str(), Sums::one(about, one.effort))
        })
    });
    groups(parts)
}

/// Feelings by hour, by time. Hours are counted from the first instant of each day in a zone, and the last ends with it.
#[must_use]
pub fn hours<'a>(felt: impl Iterator<Item = &'a Felt>, zone: Zone) -> Vec<Stretch> {
    const HOUR: i64 = 3_600 * Micros::SECOND;
    let mut found: BTreeMap<(Micros, Micros), Sums> = BTreeMap::new();
    for one in felt {
        let day = zone.day(one.at);
        let (midnight, next) = (zone.begin(day), zone.begin(Day(day.0 + 1)));
        let begin = Micros(midnight.0 + (one.at.0 - midnight.0).div_euclid(HOUR) * HOUR);
        let end = Micros(begin.0 + HOUR).min(next);
        found.entry((begin, end)).or_default().add(&one.sums());
    }
    let stretches = found.into_iter();
    stretches
        .map(|((begin, end), sums)| Stretch { begin, end, sums })
        .collect()
}

/// An answer to a survey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SurveyAnswer {
    /// When.
    pub at: Micros,
    /// Which interaction.
    pub id: InteractionId,
    /// The scale, as the protocol numbers it.
    pub scale: i32,
    /// The answer.
    pub value: i32,
    /// To whom.
    pub department: String,
    /// Through what.
    pub channel: String,
}

impl SurveyAnswer {
    /// Those of an interaction.
    pub fn of(
        at: Micros,
        id: InteractionId,
        message: &Interaction,
    ) -> impl Iterator<Item = Self> + '_ {
        message.survey_scores.iter().map(move |score| Self {
            at,
            id,
            scale: score.scale,
            value: score.value,
            department: message.department.clone(),
            channel: message.channel.clone(),
        })
    }

    /// As the protocol shows it.
    #[must_use]
    pub fn shown(&self) -> SurveyMoment {
        SurveyMoment {
            interaction_id: self.id.to_string(),
            occurred_at: Some(self.at.to_proto()),
            scale: self.scale,
            value: self.value,
            department: self.department.clone(),
            channel: self.channel.clone(),
        }
    }
}
