//! The people, what is decided about them, and what is seen of them.

use customer_profile::proto::v1::{
    DecisionOutcome, Interaction, MergeProfilesRequest, SeparateIdentifiersRequest,
    UndoDecisionRequest, identity_service_client::IdentityServiceClient,
};
use tonic::{Status, transport::Channel};

use crate::harness::{Random, Service, make, send};

/// People, and how many of them are mostly decided about together.
const PEOPLE: usize = 240;
const GROUP: usize = 8;

/// Everyone, seen alone.
pub struct Crowd {
    pub alone: Vec<Interaction>,
}

impl Crowd {
    pub fn new() -> Self {
        let alone = (0..PEOPLE).map(|person| {
            let identifiers = identifiers(person);
            let named: Vec<&str> = identifiers.iter().map(String::as_str).collect();
            let at = i64::try_from(person).unwrap();
            make::seen(&format!("alone {person}"), at, &named)
        });
        Self {
            alone: alone.collect(),
        }
    }

    /// Records everyone one by one, so that ids are drawn in one order: by it ties between them are broken.
    pub async fn come(&self, service: &Service) {
        let calls = self.alone.iter().map(|one| vec![one.clone()]).collect();
        let tally = send::unary(service.interactions(), calls).await;
        assert_eq!((tally.recorded, tally.others), (PEOPLE, vec![]));
    }
}

/// One in four has an account, one in four an address; the others are known by what their browsers keep.
fn identifiers(person: usize) -> Vec<String> {
    let cookie = |n: usize| format!("cookie=k-{person}-{n}");
    match person % 4 {
        0 => vec![format!("customer_id=C-{person}"), cookie(1)],
        1 => vec![format!("email=p{person}@example.com"), cookie(1)],
        _ => vec![cookie(1), cookie(2), cookie(3)],
    }
}

fn one_of(random: &mut Random, person: usize) -> String {
    random.pick(&identifiers(person)).clone()
}

/// What a steward asks.
#[derive(Clone, Debug)]
pub enum Ask {
    Merge { target: String, source: String },
    Separate { chosen: Vec<String>, together: bool },
    Undo { of: String },
}

/// What steward `n` asks in a step.
pub fn ask(random: &mut Random, n: usize, step: usize, undoable: Option<String>) -> Ask {
    let group = random.below(PEOPLE / GROUP) * GROUP;
    let any = |random: &mut Random| {
        if random.once_in(12) {
            random.below(PEOPLE)
        } else {
            group + random.below(GROUP)
        }
    };
    if let Some(of) = undoable
        && random.below(10) < 3
    {
        return Ask::Undo { of };
    }
    if random.once_in(4) {
        let person = any(random);
        let mut chosen = identifiers(person);
        random.shuffle(&mut chosen);
        chosen.truncate(1 + random.below(chosen.len()));
        // Sometimes of two people at once, who may be one by now.
        if random.once_in(3) {
            let other = any(random);
            chosen.push(one_of(random, other));
        }
        chosen.sort();
        chosen.dedup();
        let together = random.once_in(2);
        return Ask::Separate { chosen, together };
    }
    let pair = match n % 4 {
        // A chain.
        0 => [group + step % GROUP, group + (step + 1) % GROUP],
        // A star.
        1 => [group, group + 1 + step % (GROUP - 1)],
        // The same two, in both directions.
        2 => [group + n / 4 % 2, group + 1 - n / 4 % 2],
        _ => [any(random), any(random)],
    };
    Ask::Merge {
        target: one_of(random, pair[0]),
        source: one_of(random, pair[1]),
    }
}

/// Sightings of people with each other's identifiers.
pub fn sightings(random: &mut Random, name: &str) -> Vec<Interaction> {
    let group = random.below(PEOPLE / GROUP) * GROUP;
    let some = 1 + random.below(4);
    let sightings = (0..some).map(|n| {
        let mut seen = vec![
            one_of(random, group + random.clone().below(GROUP)),
            format!("cookie=new-{name}-{n}"),
        ];
        let other = group + random.below(GROUP);
        let second = one_of(random, other);
        let account = |text: &String| text.starts_with("customer_id");
        if !(account(&second) && account(&seen[0])) && second != seen[0] {
            seen.push(second);
        }
        let named: Vec<&str> = seen.iter().map(String::as_str).collect();
        make::seen(&format!("{name}/{n}"), 1_000 + random.upto(5_000), &named)
    });
    sightings.collect()
}

impl Ask {
    /// Asks a service.
    pub async fn send(
        &self,
        client: &mut IdentityServiceClient<Channel>,
        operation: &str,
    ) -> Result<DecisionOutcome, Status> {
        let (operation_id, reason) = (operation.to_owned(), "a test".to_owned());
        let outcome = match self.clone() {
            Self::Merge { target, source } => {
                let request = MergeProfilesRequest {
                    operation_id,
                    reason,
                    target: make::by(&target),
                    source: make::by(&source),
                    dry_run: false,
                };
                client.merge_profiles(request).await?.into_inner().outcome
            }
            Self::Separate { chosen, together } => {
                let request = SeparateIdentifiersRequest {
                    operation_id,
                    reason,
                    identifiers: chosen.iter().map(|one| make::identifier(one)).collect(),
                    keep_together: together,
                    ..SeparateIdentifiersRequest::default()
                };
                let answer = client.separate_identifiers(request).await?;
                answer.into_inner().outcome
            }
            Self::Undo { of } => {
                let request = UndoDecisionRequest {
                    operation_id,
                    reason,
                    decision_operation_id: of,
                    dry_run: false,
                };
                client.undo_decision(request).await?.into_inner().outcome
            }
        };
        Ok(outcome.unwrap())
    }
}
