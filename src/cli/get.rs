//! `get`: one profile, for a person or as the protocol's JSON.

use std::fmt::Write as _;

use clap::Args;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};

use super::{Failure, client, print};
use crate::{
    clock::Micros,
    proto::{
        DESCRIPTORS,
        v1::{
            GetProfileRequest, GetProfileResponse, Identifier, Money, Profile, ProfileLookup,
            TraitValue, profile_service_client::ProfileServiceClient, trait_value::Kind,
        },
    },
};

/// Whose profile to show.
#[derive(Args, Debug)]
pub struct GetArgs {
    /// A profile id, or identifiers as namespace=value, in order of trust.
    #[arg(required = true, num_args = 1..=8, value_name = "IDENTIFIER")]
    who: Vec<String>,

    #[command(flatten)]
    target: client::Target,

    /// Print the answer as JSON of the protocol.
    #[arg(long)]
    json: bool,
}

impl GetArgs {
    fn lookup(&self) -> Result<ProfileLookup, Failure> {
        if let [id] = self.who.as_slice()
            && !id.contains('=')
        {
            return Ok(ProfileLookup {
                profile_id: id.clone(),
                identifiers: Vec::new(),
            });
        }
        let identifiers: Option<Vec<Identifier>> = self
            .who
            .iter()
            .map(|text| {
                let (namespace, value) = text.split_once('=')?;
                Some(Identifier {
                    namespace: namespace.to_owned(),
                    value: value.to_owned(),
                })
            })
            .collect();
        let identifiers = identifiers.ok_or_else(|| {
            Failure::Call("expected one profile id, or identifiers as namespace=value".to_owned())
        })?;
        Ok(ProfileLookup {
            profile_id: String::new(),
            identifiers,
        })
    }
}

/// `get`.
pub(super) async fn get(args: &GetArgs) -> Result<(), Failure> {
    let request = GetProfileRequest {
        lookup: Some(args.lookup()?),
        ..GetProfileRequest::default()
    };
    let mut client = ProfileServiceClient::new(args.target.connect()?);
    let response = client
        .get_profile(request)
        .await
        .map_err(|status| Failure::Call(client::describe(&status)))?
        .into_inner();
    if args.json {
        print(format_args!("{}", json(&response)?))
    } else {
        let profile = response.profile.unwrap_or_default();
        print(format_args!("{}", screen(&profile).trim_end()))
    }
}

/// The answer as JSON of the protocol.
fn json(response: &GetProfileResponse) -> Result<String, Failure> {
    let failed =
        |error: &dyn std::fmt::Display| Failure::Call(format!("showing the answer: {error}"));
    let pool = DescriptorPool::decode(DESCRIPTORS).map_err(|e| failed(&e))?;
    let descriptor = pool
        .get_message_by_name("customer_profile.v1.GetProfileResponse")
        .ok_or_else(|| failed(&"no descriptor"))?;
    let message = DynamicMessage::decode(descriptor, response.encode_to_vec().as_slice())
        .map_err(|e| failed(&e))?;
    let mut bytes = Vec::new();
    let mut writer = serde_json::Serializer::pretty(&mut bytes);
    message
        .serialize_with_options(&mut writer, &SerializeOptions::new())
        .map_err(|e| failed(&e))?;
    String::from_utf8(bytes).map_err(|e| failed(&e))
}

/// One screen that a person can read from. Writing to a string cannot fail, so results of it are not looked at.
fn screen(profile: &Profile) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "profile {} version {}",
        profile.profile_id, profile.version
    );
    let _ = writeln!(
        out,
        "  {} interactions from {} to {}",
        profile.interactions_total,
        when(profile.first_seen.as_ref()),
        when(profile.last_seen.as_ref())
    );
    let _ = writeln!(out, "identifiers ({})", profile.identifiers_total);
    for identifier in &profile.identifiers {
        let _ = writeln!(
            out,
            "  {} {}  last seen {}",
            identifier.namespace,
            identifier.value,
            when(identifier.last_seen.as_ref())
        );
    }
    if !profile.traits.is_empty() {
        let _ = writeln!(out, "traits ({})", profile.traits_total);
    }
    for shown in &profile.traits {
        let source = shown.provenance.as_ref().map_or("", |p| &p.source);
        let _ = write!(
            out,
            "  {} {}  from {source} by {}",
            shown.name,
            value(shown.value.as_ref()),
            shown.rule
        );
        let _ = match shown.losers_total {
            0 => writeln!(out),
            lost => writeln!(out, ", {lost} other"),
        };
    }
    business(&mut out, profile);
    if !profile.touchpoints.is_empty() {
        let _ = writeln!(out, "latest");
    }
    for touch in &profile.touchpoints {
        let subject = touch.subject.as_ref().map_or("", |s| &s.id);
        let _ = writeln!(
            out,
            "  {}  {} by {} ({}) {subject}",
            when(touch.occurred_at.as_ref()),
            touch.r#type,
            touch.channel,
            touch.department
        );
    }
    out
}

/// Orders, tickets, surveys and consents.
fn business(out: &mut String, profile: &Profile) {
    if let Some(orders) = &profile.orders {
        let spend: Vec<String> = orders.spend.iter().map(money).collect();
        let _ = writeln!(
            out,
            "orders\n  {} orders, {} cancelled, spend {}, last {}",
            orders.count,
            orders.cancelled,
            spend.join(" + "),
            when(orders.last_order_at.as_ref())
        );
    }
    if let Some(tickets) = &profile.tickets {
        let _ = writeln!(out, "tickets\n  {} open of {}", tickets.open, tickets.total);
        for ticket in &tickets.open_tickets {
            let _ = writeln!(
                out,
                "  {} open since {}",
                ticket.ticket_id,
                when(ticket.since.as_ref())
            );
        }
    }
    if !profile.surveys.is_empty() {
        let _ = writeln!(out, "surveys");
    }
    for survey in &profile.surveys {
        let _ = writeln!(
            out,
            "  {} {} answers, latest {} on {}",
            survey
                .scale()
                .as_str_name()
                .trim_start_matches("SURVEY_SCALE_"),
            survey.count,
            survey.latest_value,
            when(survey.latest_at.as_ref())
        );
    }
    if !profile.consents.is_empty() {
        let _ = writeln!(out, "consents");
    }
    for consent in &profile.consents {
        let channel = if consent.channel.is_empty() {
            "every channel"
        } else {
            &consent.channel
        };
        let _ = writeln!(
            out,
            "  {} by {channel}: {} on {}",
            consent.purpose,
            consent
                .state()
                .as_str_name()
                .trim_start_matches("CONSENT_STATE_"),
            when(consent.occurred_at.as_ref())
        );
    }
}

fn when(at: Option<&prost_types::Timestamp>) -> String {
    at.and_then(Micros::from_proto)
        .map_or_else(|| "never".to_owned(), |at| at.to_string())
}

/// An amount in its currency's own unit, by the number of digits that ISO 4217 gives it.
fn money(money: &Money) -> String {
    let digits = iso_currency::Currency::from_code(&money.currency)
        .and_then(iso_currency::Currency::exponent)
        .unwrap_or_default();
    let amount = rust_decimal::Decimal::new(money.minor_units, u32::from(digits));
    format!("{amount} {}", money.currency)
}

fn value(value: Option<&TraitValue>) -> String {
    match value.and_then(|v| v.kind.as_ref()) {
        Some(Kind::Text(text) | Kind::Decimal(text) | Kind::Date(text)) => text.clone(),
        Some(Kind::Integer(number)) => number.to_string(),
        Some(Kind::Boolean(truth)) => truth.to_string(),
        Some(Kind::Time(at)) => when(Some(at)),
        Some(Kind::List(list)) => list.values.join(", "),
        Some(Kind::Unset(_)) | None => "(none)".to_owned(),
    }
}
