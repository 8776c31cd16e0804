//! How many calls are under way at a time: of all callers, of one tenant, of one method.
//!
//! What must stay true: who is turned away costs little, so it is done before anything of a message is read, and hears
//! `overloaded`, which says when to try again. Nobody takes all there is: a method has half of it at most and a tenant three
//! quarters, and calls that may take five seconds have places of their own, so that look-ups do not wait behind them.
//! Streams are bounded elsewhere: watches by their seats, streams of interactions by the way in. A call of `RecordInteractions`
//! that the way in would turn away is turned away here.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::BoxFuture;
use http::{Request, Response};
use tonic::{Status, body::Body};
use tower::{Layer, Service};

use super::methods::Methods;
use crate::{
    auth::Caller,
    error::Error,
    ids::TenantId,
    ingest::{batcher, gate::Gate},
};

/// A call that may take so long has its place among few.
const HEAVY: Duration = Duration::from_secs(5);

/// The call whose interactions the way in may have no room for.
const RECORD: &str = "/customer_profile.v1.InteractionService/RecordInteractions";

/// How many calls there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Most {
    /// Calls that are not heavy.
    pub calls: usize,
    /// Heavy ones.
    pub heavy: usize,
}

/// Who is let in.
#[derive(Clone, Debug)]
pub struct Admission(Arc<Places>);

#[derive(Debug)]
struct Places {
    /// Of each method that is counted: whether it is heavy, and its number.
    methods: HashMap<String, (Class, usize)>,
    most: [usize; 2],
    state: Mutex<State>,
    gate: Arc<Gate>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Light,
    Heavy,
}

#[derive(Debug, Default)]
struct State {
    taken: [usize; 2],
    of_tenant: HashMap<TenantId, [usize; 2]>,
    of_method: Vec<usize>,
}

/// A place among the calls, given back when it is dropped.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    class: Class,
    method: usize,
    tenant: TenantId,
}

impl Admission {
    /// Of all methods of the API.
    #[must_use]
    pub fn new(most: Most, gate: Arc<Gate>) -> Self {
        let mut methods = HashMap::new();
        for (path, method) in Methods::of_the_api().all() {
            let class = match method.objective {
                None => continue,
                Some(objective) if objective >= HEAVY => Class::Heavy,
                Some(_) => Class::Light,
            };
            let number = methods.len();
            methods.insert(path.to_owned(), (class, number));
        }
        let of_method = vec![0; methods.len()];
        Self(Arc::new(Places {
            methods,
            most: [most.calls, most.heavy],
            state: Mutex::new(State {
                of_method,
                ..State::default()
            }),
            gate,
        }))
    }

    /// A place for a call, if it needs one.
    ///
    /// # Errors
    /// Overloaded, when there is none.
    pub fn admit(&self, path: &str, tenant: &TenantId) -> Result<Option<Place>, Error> {
        let places = &self.0;
        let Some((class, method)) = places.methods.get(path).copied() else {
            return Ok(None);
        };
        if path == RECORD && places.gate.is_full_for(tenant) {
            return Err(batcher::full());
        }
        let at = class as usize;
        let most = places.most[at];
        let mut state = places.lock();
        let of_tenant = state.of_tenant.get(tenant).map_or(0, |taken| taken[at]);
        let what = if state.taken[at] >= most {
            Some(["calls", "heavy calls"][at])
        } else if state.of_method[method] >= most.div_ceil(2) {
            Some("calls of a method")
        } else if of_tenant >= most - most / 4 {
            Some("calls of a tenant")
        } else {
            None
        };
        if let Some(what) = what {
            return Err(Error::Overloaded { what });
        }
        state.taken[at] += 1;
        state.of_method[method] += 1;
        state.of_tenant.entry(tenant.clone()).or_default()[at] += 1;
        Ok(Some(Place {
            places: Arc::clone(places),
            class,
            method,
            tenant: tenant.clone(),
        }))
    }
}

impl Places {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let at = self.class as usize;
        let mut state = self.places.lock();
        state.taken[at] -= 1;
        state.of_method[self.method] -= 1;
        if let Some(taken) = state.of_tenant.get_mut(&self.tenant) {
            taken[at] -= 1;
            if *taken == [0, 0] {
                state.of_tenant.remove(&self.tenant);
            }
        }
    }
}

/// Puts an [`Admitted`] around a service.
#[derive(Clone, Debug)]
pub struct AdmissionLayer(Admission);

impl AdmissionLayer {
    /// That asks this.
    #[must_use]
    pub const fn new(admission: Admission) -> Self {
        Self(admission)
    }
}

impl<S> Layer<S> for AdmissionLayer {
    type Service = Admitted<S>;

    fn layer(&self, inner: S) -> Admitted<S> {
        Admitted {
            inner,
            admission: self.0.clone(),
        }
    }
}

/// Lets calls in, or answers why not.
#[derive(Clone, Debug)]
pub struct Admitted<S> {
    inner: S,
    admission: Admission,
}

impl<S> Service<Request<Body>> for Admitted<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response<Body>, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // Strangers, who may ask for health and reflection, have their bounds in `uploads`.
        let place = match request.extensions().get::<Caller>() {
            Some(caller) => self.admission.admit(request.uri().path(), &caller.tenant),
            None => Ok(None),
        };
        match place {
            Err(error) => Box::pin(async { Ok(Status::from(error).into_http()) }),
            Ok(None) => Box::pin(self.inner.call(request)),
            Ok(Some(place)) => {
                let answer = self.inner.call(request);
                Box::pin(async move {
                    let answer = answer.await;
                    drop(place);
                    answer
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::ingest::{gate, limit::Bounds};

    const GET: &str = "/customer_profile.v1.ProfileService/GetProfile";
    const LIST: &str = "/customer_profile.v1.ProfileService/ListIdentifiers";
    const EXPLAIN: &str = "/customer_profile.v1.IdentityService/ExplainIdentity";

    fn admission(calls: usize, heavy: usize) -> (Admission, Arc<Gate>) {
        let bounds = Bounds {
            least: 4,
            most: 4,
            first: 4,
            target: Duration::from_secs(1),
        };
        let gate = Gate::new(bounds, bounds);
        (
            Admission::new(Most { calls, heavy }, Arc::clone(&gate)),
            gate,
        )
    }

    fn tenant(name: &str) -> TenantId {
        TenantId::parse(name).unwrap()
    }

    fn what(refused: Result<Option<Place>, Error>) -> &'static str {
        match refused {
            Err(Error::Overloaded { what }) => what,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_method_and_a_tenant_leave_places_to_others() {
        let (admission, _) = admission(8, 2);
        let (one, other) = (tenant("one"), tenant("other"));
        let mut taken = Vec::new();
        for _ in 0..4 {
            taken.push(admission.admit(GET, &one).unwrap());
        }
        assert_eq!(what(admission.admit(GET, &other)), "calls of a method");
        for _ in 0..2 {
            taken.push(admission.admit(LIST, &one).unwrap());
        }
        assert_eq!(what(admission.admit(LIST, &one)), "calls of a tenant");
        for _ in 0..2 {
            taken.push(admission.admit(LIST, &other).unwrap());
        }
        assert_eq!(what(admission.admit(RECORD, &other)), "calls");
        drop(taken);
        assert!(admission.admit(RECORD, &other).unwrap().is_some());
        assert!(admission.0.lock().of_tenant.is_empty());
    }

    #[test]
    fn heavy_calls_have_places_of_their_own() {
        let (admission, _) = admission(16, 2);
        let one = tenant("one");
        let place = admission.admit(EXPLAIN, &one).unwrap();
        assert_eq!(what(admission.admit(EXPLAIN, &one)), "calls of a method");
        assert!(admission.admit(GET, &one).unwrap().is_some());
        drop(place);
        assert!(admission.admit(EXPLAIN, &one).unwrap().is_some());
    }

    #[tokio::test]
    async fn interactions_that_cannot_be_taken_in_are_not_read() {
        let (admission, gate) = admission(16, 2);
        let one = tenant("one");
        // One that is let in, and one that waits to be.
        let enter = |class| {
            let [first, then] =
                [(); 2].map(|()| Box::pin(gate.enter(&one, class, 4, gate::Patience::Brief)));
            let first = first.now_or_never().flatten();
            assert!(first.is_some());
            let mut then = then;
            assert!((&mut then).now_or_never().is_none());
            (first, then)
        };
        let small = enter(gate::Class::Small);
        // Who sends much may still be let in.
        assert!(admission.admit(RECORD, &one).unwrap().is_some());
        let bulk = enter(gate::Class::Bulk);
        assert_eq!(what(admission.admit(RECORD, &one)), "the ingest queue");
        assert!(admission.admit(GET, &one).unwrap().is_some());
        drop((small, bulk));
        assert!(admission.admit(RECORD, &one).unwrap().is_some());
    }

    #[test]
    fn streams_and_what_is_no_method_have_no_place() {
        let (admission, _) = admission(16, 2);
        let one = tenant("one");
        for path in [
            "/customer_profile.v1.ProfileService/WatchProfiles",
            "/customer_profile.v1.InteractionService/StreamInteractions",
            "/made.up/Call",
        ] {
            assert!(admission.admit(path, &one).unwrap().is_none(), "{path}");
        }
    }
}
