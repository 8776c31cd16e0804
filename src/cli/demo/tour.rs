//! What there is to see: the first answer, and commands to try on the same customer.

use std::fmt::Write as _;

use tonic::transport::Channel;

use super::{
    super::{Failure, client, status::describe},
    load::{PAUSE, may_pass},
};
use crate::{
    generate::showcase::Showcase,
    proto::v1::{
        GetProfileRequest, Identifier, Profile, ProfileLookup,
        profile_service_client::ProfileServiceClient, trait_value::Kind,
    },
};

/// How often the service is asked before it is said to be away.
const TRIES: u32 = 20;

/// Looks the customer up, as the first thing to try does.
pub(super) async fn first_answer(channel: Channel, shown: &Showcase) -> Result<Profile, Failure> {
    let request = GetProfileRequest {
        lookup: Some(ProfileLookup {
            profile_id: String::new(),
            identifiers: vec![Identifier {
                namespace: "email".to_owned(),
                value: shown.email.clone(),
            }],
        }),
        ..GetProfileRequest::default()
    };
    let mut profiles = ProfileServiceClient::new(channel);
    let mut left = TRIES;
    loop {
        left -= 1;
        match profiles.get_profile(request.clone()).await {
            Ok(answer) => return Ok(answer.into_inner().profile.unwrap_or_default()),
            Err(status) if left > 0 && may_pass(&status) => tokio::time::sleep(PAUSE).await,
            Err(status) => return Err(Failure::Call(describe(&status))),
        }
    }
}

/// A profile in a few lines. Writing to a string cannot fail, so results of it are not looked at.
pub(super) fn in_short(profile: &Profile) -> String {
    let mut out = String::new();
    let name = profile.traits.iter().find(|t| t.name == "name");
    let name = match name.and_then(|t| t.value.as_ref()?.kind.as_ref()) {
        Some(Kind::Text(name)) => name,
        _ => "(no name)",
    };
    let _ = writeln!(
        out,
        "{name}: {} interactions, {} identifiers, {} traits",
        profile.interactions_total, profile.identifiers_total, profile.traits_total
    );
    for identifier in &profile.identifiers {
        let _ = writeln!(out, "  {} {}", identifier.namespace, identifier.value);
    }
    let orders = profile.orders.as_ref().map_or(0, |orders| orders.count);
    let (open, total) = profile
        .tickets
        .as_ref()
        .map_or((0, 0), |tickets| (tickets.open, tickets.total));
    let _ = write!(out, "  {orders} orders, {open} open tickets of {total}");
    out
}

/// Six commands.
pub(super) fn things_to_try(shown: &Showcase, url: &str) -> String {
    let program = std::env::args().next();
    let program = program.as_deref().unwrap_or("customer-profile");
    let to = if url == client::DEFAULT_URL {
        String::new()
    } else {
        format!(" --to {url}")
    };
    let (email, phone, city) = (&shown.email, &shown.phone, &shown.city);
    let body = serde_json::json!({
        "lookup": {"identifiers": [{"namespace": "email", "value": email}]}
    });
    format!(
        "try, in another terminal:\n\
         \x20 {program} get email={email}{to}\n\
         \x20 {program} get phone={phone}{to}    # the same person\n\
         \x20 {program} timeline email={email}{to}\n\
         \x20 {program} search --trait city={city}{to}\n\
         \x20 {program} next email={email} --on web_home_hero=web{to}    # what to do, and why\n\
         \x20 {program} call customer_profile.v1.ProfileService/GetProfile '{body}'{to}"
    )
}
