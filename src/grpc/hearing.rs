//! Reading what customers wrote, before it is recorded.
//!
//! What must stay true: what the built-in analyzer makes of a text is stored whatever else happens; an external analyzer adds
//! its own or nothing, in one call for all texts of a request, and never holds up or fails the recording.

use super::Api;
use crate::{
    analyzer::Asked,
    ingest::{heard, record::Item},
    tenants::Tenant,
};

/// Adds to interactions what is made of their texts.
pub(super) async fn hear(api: &Api, tenant: &Tenant, items: &mut [Item]) {
    let mut spoken = Vec::new();
    for (place, Item { prepared, .. }) in items.iter_mut().enumerate() {
        if let Some(analysis) = heard::hear(&tenant.listening, &prepared.message) {
            prepared.analyses.push(analysis);
            spoken.push(place);
            // A thousand long texts take a good part of a second, and others wait for this thread.
            tokio::task::yield_now().await;
        }
    }
    let Some(external) = api.analyzer.as_ref().filter(|_| !spoken.is_empty()) else {
        return;
    };
    let asked: Vec<Asked<'_>> = spoken
        .iter()
        .map(|place| &items[*place].prepared)
        .map(|prepared| Asked {
            text: prepared.message.text(),
            channel: &prepared.message.channel,
            language: prepared.analyses.first().map_or("und", |one| &one.language),
        })
        .collect();
    let answers = external.analyze(&asked).await;
    for (place, answer) in spoken.into_iter().zip(answers) {
        items[place].prepared.analyses.extend(answer);
    }
}
