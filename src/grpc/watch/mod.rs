//! `WatchProfiles`: what is asked, checked; the stream is [`session`].
//!
//! What must stay true: the position from which changes are told is noted before anything else is read of the database, so that
//! what is committed meanwhile is told. Nothing that a caller sees holds a position: tokens are hidden, and messages have none.

mod messages;
mod session;
mod unread;

use std::{pin::Pin, sync::Arc};

use futures_util::{Stream, StreamExt as _, stream};
use tokio::sync::oneshot;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tracing::Instrument as _;

use self::{session::Session, unread::Unread};
use super::{Api, read::Read, read::not_found, resume_token::watched, status, validate};
use crate::{
    auth::Caller,
    cache::sealed::Run,
    clock::Micros,
    error::Error,
    feed::place::{Mark, NOBODY, Place, Stage},
    lookup::{self, Who},
    proto::v1::{WatchProfilesRequest, WatchProfilesResponse},
    storage::feed,
    tenants::Tenant,
};

/// What is told.
pub(super) type Messages =
    Pin<Box<dyn Stream<Item = Result<WatchProfilesResponse, Status>> + Send>>;

/// What is asked, checked.
struct Asked {
    tenant: Tenant,
    /// Fields of profiles to carry, if they are to be carried.
    mask: Option<validate::ProfileMask>,
    /// The segment whose members are told of; none for everybody.
    segment: Option<String>,
    /// Where it begins.
    mark: Mark,
    /// Where it ends.
    goal: Option<i64>,
}

/// Begins to watch.
pub(super) async fn begin(
    api: Arc<Api>,
    caller: Caller,
    request: WatchProfilesRequest,
) -> Result<Messages, Error> {
    let seat = Arc::new(api.seats.take(&caller, api.clock.now())?);
    let asked = api.within(check(&api, &caller, &request)).await?;
    seat.took(asked.mark.as_of);
    let (unread, told) = Unread::new();
    let (ending, ended) = oneshot::channel();
    let session = Session {
        tenant: asked.tenant,
        mask: asked.mask,
        segment: asked.segment,
        watched: watched(&request),
        goal: asked.goal,
        last_told: tokio::time::Instant::now(),
        unread,
        api,
        caller,
    };
    let work = async move {
        let outcome = session.run_to_its_end(asked.mark).await;
        // Nobody may be there any more to hear how it ended.
        let _ = ending.send(outcome);
    };
    drop(tokio::spawn(work.in_current_span()));
    let told = ReceiverStream::new(told).map(move |(message, as_of, room)| {
        seat.took(as_of);
        drop(room);
        Ok(message)
    });
    // After everything that was told before it, however long that waits for its reader.
    let end = stream::once(async move {
        match ended.await {
            Ok(outcome) => outcome.err().map(|error| Err(Status::from(error))),
            Err(_) => Some(Err(status::internal())),
        }
    });
    Ok(Box::pin(told.chain(end.filter_map(std::future::ready))))
}

async fn check(api: &Api, caller: &Caller, request: &WatchProfilesRequest) -> Result<Asked, Error> {
    let mut read = Read::begin(api, caller).await?;
    let who = match &request.lookup {
        None => Some(None),
        lookup => read.who("lookup", lookup.as_ref()).map(Some),
    };
    let fields = read.mask("field_mask", request.field_mask.as_ref());
    let segment = (!request.segment.is_empty()).then(|| request.segment.clone());
    let catalogue = match segment {
        // Who is in it tells of everything that its rule rests on, now or later.
        Some(_) if !read.sight.may_see_all_facts() => {
            read.hide(vec!["segment".to_owned()]);
            None
        }
        Some(_) => api.catalogues.latest(&read.tenant.id).await?,
        None => None,
    };
    let carried = read.take(validate::watch(request, catalogue.as_deref()));
    let mark = if request.resume_token.is_empty() {
        Some(None)
    } else {
        let (text, of) = (&request.resume_token, watched(request));
        let opened = api.resume_tokens.open(text, &read.tenant.id, of);
        read.take(opened).map(Some)
    };
    let (tenant, (((who, fields), mark), ())) =
        read.finish(who.zip(fields).zip(mark).zip(carried))?;
    let as_of = api.clock.now();
    let mut connection = api.storage.acquire().await?;
    let feed::Now {
        oldest,
        next,
        incarnation,
    } = feed::now(&mut connection).await?;
    let run = Run::of(&incarnation);
    let mark = match mark {
        Some(mark) => {
            still_kept(api, mark.as_of)?;
            // In another history other changes may have its place.
            let mark = mark.taken_up(run).ok_or(Error::Expired)?;
            let (Stage::Snapshot { from, .. } | Stage::Changes(Place { position: from, .. })) =
                mark.stage;
            if from > next {
                // The database was put back to an earlier time.
                return Err(Error::Expired);
            }
            mark
        }
        None => Mark {
            run,
            as_of,
            stage: if request.snapshot {
                Stage::Snapshot {
                    from: oldest,
                    after: NOBODY,
                }
            } else {
                Stage::Changes(Place::from(oldest))
            },
            chain: match &who {
                None => Vec::new(),
                Some(who) => {
                    let found = lookup::find(&mut connection, &tenant.id, who).await?;
                    let found = found.ok_or_else(not_found)?.profile.id;
                    match who {
                        // Merged away, and it may come back.
                        Who::Id(id) if *id != found => vec![*id, found],
                        _ => vec![found],
                    }
                }
            },
        },
    };
    Ok(Asked {
        tenant,
        mask: request.with_profile.then_some(fields),
        segment,
        mark,
        goal: request.until_now.then_some(next),
    })
}

/// Changes are kept for a time.
fn still_kept(api: &Api, as_of: Micros) -> Result<(), Error> {
    let keep = i64::try_from(api.seats.keep().as_micros()).unwrap_or(i64::MAX);
    if api.clock.now().0.saturating_sub(as_of.0) > keep {
        return Err(Error::Expired);
    }
    Ok(())
}
