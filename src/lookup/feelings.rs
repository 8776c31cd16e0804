//! What a profile's interactions say of feelings, newest first, as far back as one call looks.
//!
//! What must stay true: interactions are read from the anchors that lend a profile their state, as its timeline is, so that
//! both follow merges and separations alike. Of an interaction only what is shown is kept, so that memory does not grow with
//! texts; bodies are read some at a time.

use std::collections::HashMap;

use prost::Message as _;
use sqlx::PgConnection;

use super::timeline::{Matter, newest_places};
use crate::{
    calendar::Zone,
    clock::Micros,
    error::Error,
    identity::Region,
    ids::{IdentityKey, InteractionId, TenantId},
    profile::{Fact, State},
    proto::v1::{Analysis, Interaction},
    sentiment::history::{Felt, Selection, SurveyAnswer, newest_of_each_method},
    storage::{
        analyses,
        interactions::{self, Place},
    },
};

/// Interactions that one call looks at.
pub const LOOKED_AT: usize = 10_000;

/// Bodies that are held at a time.
const AT_A_TIME: usize = 250;

/// Which interactions are read.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Within which filters.
    pub selection: Selection<'a>,
    /// Nothing of these matters; it is as if it were not there.
    pub without: &'a [Matter],
    /// The tenant's region.
    pub region: Region,
    /// The tenant's zone.
    pub zone: Zone,
}

/// What interactions say of feelings.
#[derive(Debug, Default)]
pub struct Heard {
    /// Feelings, newest first.
    pub felt: Vec<(Place, Felt)>,
    /// Answers to surveys, newest first. They are about no topic: those of every topic are here.
    pub surveys: Vec<SurveyAnswer>,
    /// The same feelings as a state tells them.
    pub state: State,
    /// What occurred before it was not looked at; none when everything was.
    pub counted_from: Option<Micros>,
}

/// Reads what the newest interactions of some anchors say.
///
/// # Errors
/// When the database fails or an interaction cannot be read.
pub async fn heard(
    connection: &mut PgConnection,
    tenant: &TenantId,
    members: &[IdentityKey],
    wanted: Wanted<'_>,
) -> Result<Heard, Error> {
    let Selection { from, before, .. } = wanted.selection;
    let mut places =
        newest_places(connection, tenant, members, (from, before), LOOKED_AT + 1).await?;
    let mut heard = Heard::default();
    if places.len() > LOOKED_AT {
        places.truncate(LOOKED_AT);
        heard.counted_from = places.last().map(|oldest| oldest.occurred_at);
    }
    for some in places.chunks(AT_A_TIME) {
        let mut told = told(connection, tenant, some).await?;
        for place in some {
            if let Some((message, analyses)) = told.remove(&place.id) {
                heard.add(*place, message, &analyses, wanted)?;
            }
        }
    }
    Ok(heard)
}

/// Interactions with every analysis of each. One that was retracted meanwhile is left out.
///
/// # Errors
/// When the database fails or an interaction cannot be read.
pub async fn told(
    connection: &mut PgConnection,
    tenant: &TenantId,
    places: &[Place],
) -> Result<HashMap<InteractionId, (Interaction, Vec<Analysis>)>, Error> {
    let stored = interactions::load(connection, tenant, places).await?;
    let analyses = analyses::load(connection, tenant, places).await?;
    let mut told = HashMap::with_capacity(stored.len());
    for one in stored {
        let message = Interaction::decode(one.body.as_slice())
            .map_err(|e| Error::bug("reading a stored interaction", e))?;
        let id = one.place.id;
        told.insert(id, (message, analyses.of(id).to_vec()));
    }
    Ok(told)
}

impl Heard {
    fn add(
        &mut self,
        place: Place,
        message: Interaction,
        analyses: &[Analysis],
        wanted: Wanted<'_>,
    ) -> Result<(), Error> {
        let (selection, at, id) = (wanted.selection, place.occurred_at, place.id);
        let mut hidden = wanted.without.iter();
        if hidden.any(|matter| matter.is_of(&message.r#type, message.subject.as_ref()))
            || !selection.admits(&message.department, &message.channel)
        {
            return Ok(());
        }
        self.surveys.extend(SurveyAnswer::of(at, id, &message));
        let felt = Felt::of(at, id, &message, analyses);
        let Some(felt) = felt.filter(|felt| selection.takes(felt)) else {
            return Ok(());
        };
        self.felt.push((place, felt));
        // What a state says of feelings, and nothing else of the interaction.
        let bare = Interaction {
            department: message.department,
            channel: message.channel,
            direction: message.direction,
            r#type: message.r#type,
            text: message.text,
            sentiment: message.sentiment,
            ..Interaction::default()
        };
        let fact = Fact {
            id,
            occurred_at: at,
            message: &bare,
            analyses: &newest_of_each_method(analyses),
            region: wanted.region,
            zone: wanted.zone,
        };
        let added = self.state.add(fact);
        added.map_err(|e| Error::bug("adding up feelings", e))
    }
}
