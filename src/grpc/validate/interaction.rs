//! Interactions: what may be stored, in its canonical form.
//!
//! What must stay true:
//!
//! - Preparing the canonical body again gives the same body, hash and identifiers. Whether a repeated event is a
//!   duplicate or a conflict is decided by the hash alone, on any instance, in any later release.
//! - So the canonical form never changes for a message that was accepted before: a new rule may refuse more or less, but
//!   not encode differently.
//! - Only what cannot be stored as sent is changed: times below a microsecond, and the superfluous zeros of decimals.
//! - The cost is bounded by the limits, not by the size of the message.

use bytes::Bytes;
use prost::Message as _;
use prost_types::Timestamp;
use uuid::Uuid;

use super::{
    Context,
    attributes::attributes,
    consents::consent_changes,
    fields::{choice, chosen, name, short, slug, text},
    identifiers::of_interaction,
    limits::{
        FUTURE_TOLERANCE, MAX_EVENT_ID_BYTES, MAX_INTERACTION_BYTES, MAX_LANGUAGE_BYTES,
        MAX_SLUG_BYTES, MAX_SUBJECT_ID_BYTES, MAX_TEXT_BYTES, MAX_TRAITS,
    },
    money::{money, survey_scores},
    reason::{
        BEFORE_1970, IN_THE_FUTURE, MALFORMED, NOT_ALLOWED_HERE, REQUIRED, SUBJECT_REQUIRED,
        TOO_LARGE,
    },
    sentiment::sentiment,
    traits::traits,
    violations::{Path, Violations},
};
use crate::{
    clock::Micros,
    error::Violation,
    ids::{InteractionId, TenantId, is_slug},
    ingest::model::Prepared,
    profile::offers,
    proto::v1::{Direction, Interaction, Subject, SubjectKind, SubjectStatus},
};

/// Checks an interaction of a caller and prepares it for storage.
///
/// # Errors
/// With everything that is wrong, by paths relative to the interaction; the path is empty for the interaction as a whole.
pub fn interaction(message: Interaction, ctx: &Context<'_>) -> Result<Prepared, Vec<Violation>> {
    let mut out = Violations::default();
    let why = "the service alone notes what it offers; NextBestActionService takes outcomes";
    if message.offer.is_some() {
        out.add(&"offer", NOT_ALLOWED_HERE, why);
    }
    if message.r#type.starts_with(offers::PREFIX) {
        out.add(&"type", NOT_ALLOWED_HERE, why);
    }
    if message.source == offers::SOURCE {
        out.add(&"source", NOT_ALLOWED_HERE, why);
    }
    checked(message, ctx, out)
}

/// Checks an interaction that the service itself makes, as [`interaction`] does.
///
/// # Errors
/// As [`interaction`].
pub fn own_interaction(
    message: Interaction,
    ctx: &Context<'_>,
) -> Result<Prepared, Vec<Violation>> {
    checked(message, ctx, Violations::default())
}

fn checked(
    mut message: Interaction,
    ctx: &Context<'_>,
    mut out: Violations,
) -> Result<Prepared, Vec<Violation>> {
    if message.encoded_len() > MAX_INTERACTION_BYTES {
        out.add(
            &"",
            TOO_LARGE,
            format!("at most {MAX_INTERACTION_BYTES} bytes encoded"),
        );
    }
    names(&mut out, &message);
    let occurred_at = occurred_at(&mut out, message.occurred_at.as_ref(), ctx.now);
    subject(&mut out, &message.r#type, message.subject.as_ref());
    choice::<Direction>(&mut out, &"direction", message.direction);
    let found = of_interaction(&mut out, &message.identifiers, ctx);
    traits(&mut out, &mut message.traits, MAX_TRAITS);
    words(&mut out, &message);
    survey_scores(&mut out, &message.survey_scores);
    money(&mut out, &message.r#type, message.money.as_ref());
    consent_changes(&mut out, &message.consent_changes, ctx);
    sentiment(&mut out, &message);
    if let Some(given) = &message.attributes {
        attributes(&mut out, given);
    }

    let occurred_at = out.finish(occurred_at)?;
    message.occurred_at = Some(occurred_at.to_proto());
    let body = Bytes::from(message.encode_to_vec());
    Ok(Prepared {
        id: InteractionId::of(ctx.tenant, &message.source, &message.event_id),
        body_hash: body_hash(&body),
        occurred_at,
        identifiers: found.usable,
        analyses: Vec::new(),
        unusable: found.unusable,
        body,
        message,
    })
}

fn body_hash(body: &[u8]) -> Uuid {
    let mut bytes = [0; 16];
    let mut hash = blake3::Hasher::new();
    hash.update(body).finalize_xof().fill(&mut bytes);
    Uuid::from_bytes(bytes)
}

/// The id of an interaction that need not be valid otherwise, if its name is.
#[must_use]
pub fn interaction_id(message: &Interaction, tenant: &TenantId) -> Option<InteractionId> {
    let mut out = Violations::default();
    let sound = is_slug(&message.source, MAX_SLUG_BYTES)
        && name(&mut out, &"", &message.event_id, MAX_EVENT_ID_BYTES);
    sound.then(|| InteractionId::of(tenant, &message.source, &message.event_id))
}

fn names(out: &mut Violations, message: &Interaction) {
    slug(out, &"source", &message.source, MAX_SLUG_BYTES);
    name(out, &"event_id", &message.event_id, MAX_EVENT_ID_BYTES);
    slug(out, &"department", &message.department, MAX_SLUG_BYTES);
    slug(out, &"channel", &message.channel, MAX_SLUG_BYTES);
    slug(out, &"type", &message.r#type, MAX_SLUG_BYTES);
}

fn words(out: &mut Violations, message: &Interaction) {
    if let Some(words) = &message.text {
        text(out, &"text", words, MAX_TEXT_BYTES);
    }
    if let Some(tag) = &message.language {
        language(out, &"language", tag);
    }
}

/// The form of a BCP 47 tag; whether such a language exists is not looked at.
fn language(out: &mut Violations, field: Path<'_>, tag: &str) {
    if !short(out, field, tag, MAX_LANGUAGE_BYTES) {
        return;
    }
    let starts_well = tag.bytes().next().is_some_and(|b| b.is_ascii_alphabetic());
    let sound = starts_well
        && tag.split('-').all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
        });
    if !sound {
        out.add(field, MALFORMED, "not a BCP 47 tag such as `ja` or `en-GB`");
    }
}

fn occurred_at(out: &mut Violations, at: Option<&Timestamp>, now: Micros) -> Option<Micros> {
    let field: Path<'_> = &"occurred_at";
    let Some(at) = at else {
        out.add(field, REQUIRED, "when it happened");
        return None;
    };
    if !(0..1_000_000_000).contains(&at.nanos) {
        out.add(field, MALFORMED, "nanos are not within a second");
        return None;
    }
    if at.seconds < 0 {
        out.add(field, BEFORE_1970, "not before 1970");
        return None;
    }
    let latest = now.0.saturating_add(FUTURE_TOLERANCE);
    let micros = Micros::from_proto(at).filter(|micros| micros.0 <= latest);
    if micros.is_none() {
        out.add(
            field,
            IN_THE_FUTURE,
            "at most 5 minutes after the server's clock",
        );
    }
    micros
}

fn subject(out: &mut Violations, r#type: &str, given: Option<&Subject>) {
    let needed = needed_kind(r#type);
    let Some(subject) = given else {
        if needed.is_some() {
            out.add(&"subject", SUBJECT_REQUIRED, "this type needs a subject");
        }
        return;
    };
    let kind = chosen::<SubjectKind>(out, &"subject.kind", subject.kind);
    if needed.is_some() && kind.is_some() && kind != needed {
        out.add(
            &"subject.kind",
            SUBJECT_REQUIRED,
            "this type needs a subject of another kind",
        );
    }
    name(out, &"subject.id", &subject.id, MAX_SUBJECT_ID_BYTES);
    choice::<SubjectStatus>(out, &"subject.status", subject.status);
}

/// The kind of subject that a type is about.
fn needed_kind(r#type: &str) -> Option<SubjectKind> {
    match r#type.split_once('.')?.0 {
        "order" => Some(SubjectKind::Order),
        "ticket" => Some(SubjectKind::Ticket),
        _ => None,
    }
}
