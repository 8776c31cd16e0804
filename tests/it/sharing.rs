//! What one person did on a shared device shows in no answer about another.
//!
//! Random histories of three people, three devices and three cookies through the whole service. Everything that somebody
//! does carries a word of theirs: in its event id, its texts, its traits, its orders, its consents. Everyone has signed in
//! with every device that they use, sometime, before or after; that is the condition, and `identity::laws::sharing` says
//! why it cannot be left out. The exception, denials of consent for an address, is in `effects`.

use std::collections::{BTreeMap, BTreeSet};

use customer_profile::proto::v1::{
    ConsentState, ExplainIdentityRequest, GetProfileRequest, Interaction, ListInteractionsRequest,
};
use prost::Message as _;

use crate::harness::{
    Random, Service,
    calls::{getting, listing},
    in_full, make,
    pure::anchor_of,
    random::seed_of_now,
    say,
};

const PEOPLE: usize = 3;
const DEVICES: [&str; 6] = [
    "device_id=d-0",
    "device_id=d-1",
    "device_id=d-2",
    "cookie=k-0",
    "cookie=k-1",
    "cookie=k-2",
];

/// The word that all of a person's have in them.
fn word(person: usize) -> String {
    format!("canary{person}x")
}

fn account(person: usize) -> [String; 3] {
    [
        format!("customer_id=C-{person}"),
        format!("loyalty_id=L-{person}"),
        format!("email=p{person}@example.com"),
    ]
}

/// A history, each interaction with who did it.
struct History {
    done: Vec<(usize, Interaction)>,
}

impl History {
    fn new(random: &mut Random, acts: usize) -> Self {
        let mut history = Self { done: Vec::new() };
        for person in 0..PEOPLE {
            let account = account(person);
            history.act(random, person, &account.each_ref().map(String::as_str));
        }
        let mut used = BTreeSet::new();
        for _ in 0..acts {
            let person = random.below(PEOPLE);
            let account = account(person);
            let mut seen = Vec::new();
            let signs_in = random.once_in(5);
            if signs_in {
                seen.push(random.pick(&account[..2]).as_str());
            }
            if signs_in || !random.once_in(6) {
                for _ in 0..=random.below(2) {
                    // Everyone has a favourite, and picks up any.
                    let device = if random.once_in(2) {
                        person
                    } else {
                        random.below(6)
                    };
                    if !seen.contains(&DEVICES[device]) {
                        seen.push(DEVICES[device]);
                        used.insert((person, device, signs_in));
                    }
                }
            } else {
                seen.push(random.pick(&account).as_str());
            }
            history.act(random, person, &seen);
        }
        for (person, device, _) in used.iter().filter(|(_, _, signed_in)| !signed_in) {
            if !used.contains(&(*person, *device, true)) {
                let account = account(*person);
                history.act(random, *person, &[&account[0], DEVICES[*device]]);
            }
        }
        random.shuffle(&mut history.done);
        history
    }

    fn act(&mut self, random: &mut Random, person: usize, seen: &[&str]) {
        let name = format!("{}{}", word(person), self.done.len());
        let (who, at) = (seen[0], random.upto(1_000));
        let done = match random.below(6) {
            0 => make::order(&name, at, who, &name, 100),
            1 => make::ticket(&name, at, who, "opened", &name),
            2 => make::stating(&name, at, who, &[("full_name", make::text(&name))]),
            3 => {
                let mut granted = make::consent(&name, at, who, ConsentState::Granted, None);
                granted.consent_changes[0].purpose.clone_from(&name);
                granted
            }
            _ => make::seen(&name, at, seen),
        };
        let done = Interaction {
            identifiers: seen.iter().map(|one| make::identifier(one)).collect(),
            text: Some(format!("It is awful, says {name}.")),
            ..done
        };
        self.done.push((person, done));
    }

    /// Which devices are whose: everyone who signed in there.
    fn signed_in(&self) -> BTreeMap<String, BTreeSet<usize>> {
        let mut signed_in: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
        for (person, one) in &self.done {
            let names = || one.identifiers.iter();
            if names().any(|i| i.namespace == "customer_id" || i.namespace == "loyalty_id") {
                for device in names() {
                    let name = format!("{}={}", device.namespace, device.value);
                    signed_in.entry(name).or_default().insert(*person);
                }
            }
        }
        signed_in
    }

    /// The interactions that somebody's timeline must hold: their own, but for those of devices that others signed in on.
    fn shown_to(&self, person: usize) -> BTreeSet<String> {
        let signed_in = self.signed_in();
        let own = self.done.iter().filter(|(by, _)| *by == person);
        own.filter(|(_, one)| {
            let anchor = anchor_of(one);
            let name = format!("{}={}", anchor.namespace, anchor.value);
            signed_in[&name].len() == 1
        })
        .map(|(_, one)| one.event_id.clone())
        .collect()
    }
}

/// Everything that a service says of someone, as bytes, and whose profile it is.
async fn said_of(service: &Service, who: &str) -> (String, Vec<u8>, BTreeSet<String>) {
    let profile = service.get(GetProfileRequest { ..getting(who) }).await;
    let profile = profile.unwrap();
    let mut said = profile.encode_to_vec();
    let listed = service
        .timeline(ListInteractionsRequest { ..listing(who) })
        .await;
    let mut events = BTreeSet::new();
    for one in &listed {
        said.extend(one.encode_to_vec());
        let interaction = one.interaction.as_ref().unwrap();
        events.insert(interaction.event_id.clone());
    }
    let request = ExplainIdentityRequest {
        lookup: make::by(who),
        ..ExplainIdentityRequest::default()
    };
    let explained = service.identities().explain_identity(request).await;
    said.extend(explained.unwrap().into_inner().encode_to_vec());
    (profile.profile_id, said, events)
}

fn holds(said: &[u8], word: &str) -> bool {
    said.windows(word.len()).any(|at| at == word.as_bytes())
}

async fn nobody_sees_another(random: &mut Random) -> (usize, usize) {
    let history = History::new(random, 40);
    let service = Service::start().await;
    let all: Vec<Interaction> = history.done.iter().map(|(_, one)| one.clone()).collect();
    for part in random.cut(all, 8) {
        service.record_all(part).await;
    }
    let (mut shown, mut whose) = (0, BTreeMap::new());
    for person in 0..PEOPLE {
        for who in account(person) {
            let (id, said, events) = said_of(&service, &who).await;
            assert!(
                holds(&said, &word(person)),
                "{who} shows nothing of their own"
            );
            for other in (0..PEOPLE).filter(|other| *other != person) {
                assert!(!holds(&said, &word(other)), "{who} shows what {other} did");
            }
            assert_eq!(events, history.shown_to(person), "{who}");
            shown += events.len();
            whose.insert(id, person);
        }
    }
    assert_eq!(whose.len(), PEOPLE);
    for device in history
        .signed_in()
        .keys()
        .filter(|name| DEVICES.contains(&name.as_str()))
    {
        let (id, said, _) = said_of(&service, device).await;
        let holder = whose[&id];
        for other in (0..PEOPLE).filter(|other| *other != holder) {
            assert!(
                !holds(&said, &word(other)),
                "{device} shows {holder} what {other} did"
            );
        }
    }
    service.assert_agrees().await;
    service.stop().await;
    (shown / account(0).len(), history.done.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_about_one_holds_a_word_of_another() {
    let seed = seed_of_now();
    let mut random = Random::new(seed);
    let histories = if in_full() { 40 } else { 4 };
    let (mut shown, mut done) = (0, 0);
    say(format_args!("sharing: {histories} histories, seed {seed}"));
    for _ in 0..histories {
        let (of_history, all) = nobody_sees_another(&mut random).await;
        shown += of_history;
        done += all;
    }
    say(format_args!(
        "sharing: {done} interactions, {} kept from everyone",
        done - shown
    ));
    assert!(shown < done, "nothing was shared");
}
