//! Interactions that collide: two sources, four instants, two names of traits, a handful of subjects and addresses.

use proptest::{
    collection::{btree_map, vec},
    option,
    prelude::*,
    sample::select,
};
use prost_types::Timestamp;

use crate::{
    calendar::Zone,
    clock::Micros,
    identity::Region,
    ids::{InteractionId, TenantId},
    profile::Fact,
    proto::v1::{
        Analysis, AnalysisMethod, CallerSentiment, ConsentChange, Emotion, EvidenceKind,
        EvidenceSpan, Feeling, HoldoutNote, Identifier, Intent, Interaction, Money, OfferNote,
        OfferedSlot, Subject, SubjectKind, SurveyScore, TextList, TopicFeeling, Trait, TraitValue,
        trait_value::Kind,
    },
};

/// An interaction as it is recorded.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    pub(crate) id: InteractionId,
    pub(crate) at: Micros,
    pub(crate) message: Interaction,
    pub(crate) analyses: Vec<Analysis>,
}

impl Recorded {
    pub(crate) fn fact(&self) -> Fact<'_> {
        Fact {
            id: self.id,
            occurred_at: self.at,
            message: &self.message,
            analyses: &self.analyses,
            region: Region::JP,
            zone: Zone::TOKYO,
        }
    }
}

/// A set of interactions, dealt into three parts, and an order to take them in.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) interactions: Vec<Recorded>,
    part: Vec<usize>,
    order: Vec<usize>,
}

impl Case {
    /// The interactions of one part, in the order of the case.
    pub(super) fn part(&self, part: usize) -> impl Iterator<Item = &Recorded> {
        let of_part = move |n: &&usize| self.part[**n] == part;
        self.order
            .iter()
            .filter(of_part)
            .map(|n| &self.interactions[*n])
    }

    /// All of them in the order of the case.
    pub(super) fn in_order(&self) -> impl Iterator<Item = &Recorded> {
        self.order.iter().map(|n| &self.interactions[*n])
    }
}

/// Up to so many interactions, about so many subjects of each kind.
pub(super) fn cases(most: usize, subjects: u16) -> impl Strategy<Value = Case> {
    interactions(0..=most, subjects).prop_flat_map(|interactions| {
        let count = interactions.len();
        let order: Vec<usize> = (0..count).collect();
        (
            Just(interactions),
            vec(0..3usize, count),
            Just(order).prop_shuffle(),
        )
            .prop_map(|(interactions, part, order)| Case {
                interactions,
                part,
                order,
            })
    })
}

/// Interactions, no two of one id.
pub(crate) fn interactions(
    count: impl Into<proptest::collection::SizeRange>,
    subjects: u16,
) -> impl Strategy<Value = Vec<Recorded>> {
    vec((interaction(subjects), analyses()), count).prop_map(|messages| {
        let tenant = TenantId::default_tenant();
        let numbered = messages.into_iter().enumerate();
        numbered
            .map(|(n, (mut message, analyses))| {
                message.event_id = format!("event {n}");
                Recorded {
                    id: InteractionId::of(&tenant, &message.source, &message.event_id),
                    at: message
                        .occurred_at
                        .as_ref()
                        .and_then(Micros::from_proto)
                        .unwrap(),
                    message,
                    analyses,
                }
            })
            .collect()
    })
}

fn interaction(subjects: u16) -> impl Strategy<Value = Interaction> {
    let names = (
        select(vec!["shop", "desk"]),
        (0..4i64, select(vec![0, 0, 0, 3, 40, 370, 800i64])),
        select(vec!["sales", "support"]),
        select(vec!["web", "phone"]),
        0..3i32,
    );
    let facts = (
        btree_map(select(vec!["city", "size"]), kind(), 0..3),
        vec((0..4i32, 1..=5i32), 0..3),
        vec(consent(), 0..3),
        (
            option::of(Just("good and bad".to_owned())),
            option::of(said()),
        ),
    );
    let offered = option::weighted(0.2, offered());
    (names, about(subjects), facts, offered).prop_map(|(names, about, facts, offered)| {
        let (source, (instant, days), department, channel, direction) = names;
        let (mut r#type, mut subject, mut money) = about;
        let (kind, offer) = offered.unzip();
        if let Some(kind) = kind {
            (r#type, subject, money) = (kind, None, None);
        }
        let (traits, scores, consent_changes, (text, sentiment)) = facts;
        Interaction {
            source: source.into(),
            occurred_at: Some(Timestamp {
                seconds: 1_700_000_000 + instant / 2 + days * 86_400,
                nanos: i32::try_from(instant % 2).unwrap() * 1_000,
            }),
            department: department.into(),
            channel: channel.into(),
            r#type: r#type.into(),
            direction,
            subject,
            money,
            traits: traits
                .into_iter()
                .map(|(name, kind)| Trait {
                    name: name.into(),
                    value: Some(TraitValue { kind: Some(kind) }),
                })
                .collect(),
            survey_scores: scores
                .into_iter()
                .map(|(scale, value)| SurveyScore {
                    scale,
                    value,
                    question: None,
                })
                .collect(),
            consent_changes,
            text,
            sentiment,
            offer,
            ..Interaction::default()
        }
    })
}

/// Feelings a good deal apart, and such as lie at the borders of labels.
fn polarity() -> impl Strategy<Value = f64> {
    select(vec![-1.0, -0.25, -0.249, 0.0, 0.249, 0.25, 0.9])
}

fn said() -> impl Strategy<Value = CallerSentiment> {
    let confidence = option::of(select(vec![0.0004, 0.5, 1.0]));
    (polarity(), confidence).prop_map(|(polarity, confidence)| CallerSentiment {
        polarity,
        confidence,
        method: "agent".into(),
    })
}

/// What was made of "good and bad", by up to two methods.
fn analyses() -> impl Strategy<Value = Vec<Analysis>> {
    let one = || {
        let feeling = (polarity(), select(vec![0.3, 0.8]));
        let feeling = feeling.prop_map(|(polarity, confidence)| Feeling {
            polarity,
            confidence,
            ..Feeling::default()
        });
        let topic = option::of(option::of(polarity()));
        let shown = (any::<bool>(), any::<bool>(), topic);
        (option::of(feeling), option::of(polarity()), shown)
    };
    let span = |start, end, kind: EvidenceKind| EvidenceSpan {
        start,
        end,
        kind: kind.into(),
        ..EvidenceSpan::default()
    };
    (option::of(one()), option::of(one())).prop_map(move |(external, own)| {
        let methods = [
            (AnalysisMethod::BuiltIn, own),
            (AnalysisMethod::External, external),
        ];
        let made = methods
            .into_iter()
            .filter_map(|(method, one)| Some((method, one?)));
        made.map(
            |(method, (feeling, effort, (leaving, angry, topic)))| Analysis {
                method: method.into(),
                model_version: 1,
                feeling,
                effort,
                leaving,
                intents: intents(leaving, angry),
                emotions: angry.then_some(Emotion::Anger.into()).into_iter().collect(),
                topics: topic
                    .map(|polarity| TopicFeeling {
                        topic: "delivery".into(),
                        polarity,
                    })
                    .into_iter()
                    .collect(),
                spans: vec![
                    span(0, 4, EvidenceKind::Positive),
                    span(9, 12, EvidenceKind::Negative),
                ],
                ..Analysis::default()
            },
        )
        .collect()
    })
}

fn intents(leaving: bool, angry: bool) -> Vec<i32> {
    let complains = (leaving && angry).then_some(Intent::Complaint.into());
    let escalates = (!leaving && angry).then_some(Intent::Escalation.into());
    complains.into_iter().chain(escalates).collect()
}

/// Types of interactions about offers, with what they note: few decisions, actions and channels.
pub(super) fn offered() -> impl Strategy<Value = (&'static str, OfferNote)> {
    let types = select(vec![
        "offer.made",
        "offer.made",
        "offer.not_delivered",
        "offer.sent",
        "offer.shown",
        "offer.clicked",
        "offer.accepted",
        "offer.rejected",
    ]);
    let at = |seconds: i64| Timestamp {
        seconds: 1_700_000_000 + seconds,
        nanos: 0,
    };
    let days = select(vec![0, 0, 1, 2, 700, 732i64]);
    let slot = (0..2i32, 0..3u8, 0..2u8, 0..2u8, option::of(0..300i64));
    let holdout = option::of((
        0..2i64,
        0..2u128,
        select(vec!["held_out", "random", "policy"]),
    ));
    (types, 0..4u8, days, vec(slot, 0..3), holdout).prop_map(
        move |(kind, decision, days, slots, holdout)| {
            let decided = days * 86_400;
            let slots = slots
                .into_iter()
                .map(|(slot, action, group, channel, hours)| OfferedSlot {
                    slot,
                    action_id: format!("action_{action}"),
                    version: 1,
                    group: format!("group {group}"),
                    channel: format!("channel {channel}"),
                    placement: String::new(),
                    reserved_until: hours.map(|hours| at(decided + hours * 3_600)),
                });
            let note = OfferNote {
                decision_id: format!("decision {decision}"),
                decided_at: Some(at(decided)),
                slots: slots.collect(),
                holdout: holdout.map(|(epoch, profile, group)| HoldoutNote {
                    epoch,
                    profile_id: uuid::Uuid::from_u128(profile).to_string(),
                    group: group.into(),
                }),
            };
            (kind, note)
        },
    )
}

type About = (&'static str, Option<Subject>, Option<Money>);

fn about(subjects: u16) -> impl Strategy<Value = About> {
    use SubjectKind::{Order, Session, Ticket, Unspecified};
    let types = select(vec![
        ("order.placed", Order),
        ("order.placed", Order),
        ("order.cancelled", Order),
        ("order.returned", Order),
        ("order.shipped", Order),
        ("invoice.paid", Order),
        ("ticket.opened", Ticket),
        ("ticket.reopened", Ticket),
        ("ticket.closed", Ticket),
        ("ticket.replied", Ticket),
        ("survey.answered", Ticket),
        ("page.viewed", Session),
        ("note.taken", Unspecified),
        ("complaint.received", Unspecified),
        ("ticket.escalated", Ticket),
        ("message.sent", Unspecified),
        ("message.delivered", Unspecified),
    ]);
    let money = (select(vec!["JPY", "USD"]), 0..1_000i64);
    (
        types,
        0..subjects,
        0..5i32,
        option::of(money.clone()),
        money,
    )
        .prop_map(|((r#type, kind), subject, status, maybe, money)| {
            let needed = matches!(r#type, "order.placed" | "order.returned");
            let money = if needed { Some(money) } else { maybe };
            let subject = (kind != Unspecified).then(|| Subject {
                kind: kind.into(),
                id: format!("{subject}"),
                status,
            });
            let money = money.map(|(currency, minor_units)| Money {
                currency: currency.into(),
                minor_units,
            });
            (r#type, subject, money)
        })
}

/// Values of traits of every type, few of each.
pub(super) fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        select(vec!["京都", "Kyoto", ""]).prop_map(|text| Kind::Text(text.into())),
        (-1..3i64).prop_map(Kind::Integer),
        select(vec!["1", "1.5", "-2", "0.1"]).prop_map(|text| Kind::Decimal(text.into())),
        any::<bool>().prop_map(Kind::Boolean),
        select(vec!["2020-02-29", "2021-01-01"]).prop_map(|date| Kind::Date(date.into())),
        (0..2i64).prop_map(|seconds| Kind::Time(Timestamp { seconds, nanos: 0 })),
        vec(select(vec!["a", "b"]), 0..3).prop_map(|texts| {
            let values = texts.into_iter().map(str::to_owned).collect();
            Kind::List(TextList { values })
        }),
        Just(Kind::Unset(true)),
    ]
}

fn consent() -> impl Strategy<Value = ConsentChange> {
    let address = select(vec![
        None,
        Some(("email", "A@x.example")),
        Some(("email", "a@X.example")),
        Some(("phone", "090-1234-5678")),
        Some(("phone", "12")),
    ]);
    let channel = option::of(Just("email".to_owned()));
    (
        select(vec!["marketing", "profiling"]),
        0..3i32,
        channel,
        address,
    )
        .prop_map(|(purpose, state, channel, address)| ConsentChange {
            purpose: purpose.into(),
            state,
            channel,
            address: address.map(|(namespace, value)| Identifier {
                namespace: namespace.into(),
                value: value.into(),
            }),
        })
}
