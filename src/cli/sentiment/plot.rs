//! The history as a picture, with what happened meanwhile.

use super::super::{Failure, client::Connection, terminal::Screen, who::Who, words};
use crate::{
    picture::history::{Event, Story, history},
    proto::v1::{
        GetSentimentHistoryRequest, GetSentimentHistoryResponse, ListInteractionsRequest,
        interaction_service_client::InteractionServiceClient,
    },
};

/// Types of interactions that stand in a picture: what moves people, not what they do every day.
const TYPES: [&str; 8] = [
    "ticket.opened",
    "ticket.reopened",
    "ticket.closed",
    "order.cancelled",
    "order.returned",
    "subscription.started",
    "subscription.cancelled",
    "account.closed",
];
/// Events that are drawn, the newest.
const MOST: i32 = 200;

/// What happened in the period.
pub(super) async fn events(
    mut client: InteractionServiceClient<Connection>,
    of: &GetSentimentHistoryRequest,
    who: &Who,
) -> Result<Vec<Event>, Failure> {
    let request = ListInteractionsRequest {
        lookup: of.lookup.clone(),
        departments: of.departments.clone(),
        channels: of.channels.clone(),
        types: TYPES.map(str::to_owned).to_vec(),
        occurred_from: of.from,
        occurred_before: of.before,
        page_size: MOST,
        ..ListInteractionsRequest::default()
    };
    let answer = client
        .list_interactions(request)
        .await
        .map_err(|status| who.failed(&status))?
        .into_inner();
    let found = answer.interactions.into_iter();
    let found = found.filter_map(|recorded| recorded.interaction);
    Ok(found
        .map(|interaction| Event {
            what: words::happening(&interaction.r#type, interaction.subject.as_ref()),
            at: interaction.occurred_at,
        })
        .collect())
}

/// The picture.
pub(super) fn picture(
    answer: &GetSentimentHistoryResponse,
    events: &[Event],
    request: &GetSentimentHistoryRequest,
    about: &str,
    screen: &Screen,
) -> Result<String, String> {
    let zone = screen.zone;
    let mut about = format!("{about}; times in {}", zone.name(screen.now));
    if !answer.next_page_token.is_empty() {
        about.push_str("; older feelings are in the line, not drawn one by one");
    }
    let story = Story {
        answer,
        feelings: &answer.items,
        events,
        half_life_days: request.half_life_days,
        about: &about,
    };
    history(&story, &|at| zone.east(at))
}
