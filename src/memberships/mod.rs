//! Keeping who is in which segment: beside each profile, by segment, and told in the feed.
//!
//! What must stay true:
//!
//! - **Whoever is in a segment is so by what decisions see**: the same rules on the same facts ([`Segments`]). Kept is what they came to
//!   at the last look; who asks `GetSegments`, and every decision, works them out at the moment and reads nothing of it.
//! - **Nobody is passed over.** A profile is looked at after each of its changes, at the time at which time alone may change the answer,
//!   and when a rule changes. Each of these is noted as done after what came of it is stored, so what is broken off is done again.
//! - **A look is of one version.** What it came to is stored under the profile's lock, and only while the profile is as it was looked at;
//!   who changed it meanwhile is in the outbox, and the profile is looked at again.
//! - **Coming and going is a change of the profile** with a version of its own, told in its order: whoever adds up what is told has what
//!   is stored. Who is merged away or emptied goes from all segments in that very change.
//! - **It holds up nothing**: one instance looks after a tenant at a time, by a lease, at what there is room for.
//!
//! [`Segments`]: crate::next_best_action::segments::Segments

mod keep;
mod look;

pub use keep::Keeper;
