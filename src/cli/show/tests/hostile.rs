//! No profile, however odd or hostile, breaks a screen.

use proptest::prelude::*;

use super::*;
use crate::{
    cli::terminal::text::is_hidden,
    proto::v1::{Identifier, LastFeeling, SentimentSignal, SentimentSummary, SentimentTrend},
};

/// Text as customers, sources and attackers write it.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{0,12}",
        "\\PC{0,30}",
        "[\\pC\\pM\\pZ]{0,20}",
        "[山田花子ﾔﾏﾀﾞ👩🏽\u{200d}\u{fe0f}\u{301}\u{202e}\u{1b}\u{9b}\r\n\t]{0,60}",
        Just("\u{1b}[2J\u{1b}]0;owned\u{7}".to_owned()),
        Just("長".repeat(2_000)),
    ]
}

fn times() -> impl Strategy<Value = Option<Timestamp>> {
    let time =
        (any::<i64>(), any::<i32>()).prop_map(|(seconds, nanos)| Timestamp { seconds, nanos });
    let near = (0_i64..4_000_000_000).prop_map(|seconds| Timestamp { seconds, nanos: 0 });
    prop::option::of(prop_oneof![time, near])
}

fn details() -> impl Strategy<Value = Profile> {
    let touch = (texts(), texts(), texts(), texts(), any::<i32>(), times()).prop_map(
        |(department, channel, r#type, id, number, occurred_at)| Touchpoint {
            department,
            channel,
            r#type,
            direction: number % 4,
            occurred_at,
            subject: Some(Subject {
                kind: number % 9,
                id,
                status: number % 5,
            }),
            ..Touchpoint::default()
        },
    );
    let ticket = (texts(), texts(), texts(), times(), times()).prop_map(
        |(ticket_id, department, channel, since, first_seen)| OpenTicket {
            ticket_id,
            department,
            channel,
            since,
            first_seen,
            status: 1,
        },
    );
    let consent = (texts(), texts(), texts(), 0..4, times()).prop_map(
        |(purpose, channel, value, state, occurred_at)| Consent {
            purpose,
            channel,
            address: Some(Identifier {
                namespace: "email".into(),
                value,
            }),
            state,
            occurred_at,
            ..Consent::default()
        },
    );
    let survey = (
        0..9,
        any::<i64>(),
        any::<i64>(),
        prop::collection::vec(any::<i64>(), 0..14),
    )
        .prop_map(|(scale, count, sum, histogram)| SurveySummary {
            scale,
            count,
            sum,
            histogram,
            ..SurveySummary::default()
        });
    (
        prop::collection::vec(touch, 0..12),
        prop::collection::vec(ticket, 0..7),
        prop::collection::vec(consent, 0..10),
        prop::collection::vec(survey, 0..4),
        any::<i64>(),
    )
        .prop_map(
            |(touchpoints, open_tickets, consents, surveys, number)| Profile {
                touchpoints,
                tickets: Some(TicketSummary {
                    total: number.saturating_abs().max(1),
                    open: number,
                    open_tickets,
                }),
                consents,
                surveys,
                interactions_total: number,
                ..Profile::default()
            },
        )
}

fn feelings() -> impl Strategy<Value = SentimentSummary> {
    let signal =
        (texts(), any::<i64>(), times()).prop_map(|(name, count, last_at)| SentimentSignal {
            name,
            count,
            negative: count,
            last_at,
        });
    let last = (
        times(),
        texts(),
        any::<f64>(),
        prop::collection::vec(texts(), 0..4),
    )
        .prop_map(|(occurred_at, department, polarity, words)| LastFeeling {
            occurred_at,
            channel: department.clone(),
            department,
            polarity,
            words,
            ..LastFeeling::default()
        });
    (
        prop::option::of(any::<f64>()),
        any::<i64>(),
        any::<i32>(),
        prop::option::of(last),
        prop::collection::vec(signal, 0..9),
    )
        .prop_map(|(level, n, direction, last, signals)| SentimentSummary {
            level,
            count: n,
            negative: n,
            neutral: n,
            positive: n,
            effort: level,
            staleness_days: Some(direction),
            trend: Some(SentimentTrend {
                direction: direction % 6,
                ..SentimentTrend::default()
            }),
            last,
            signals,
            ..SentimentSummary::default()
        })
}

fn profiles() -> impl Strategy<Value = Profile> {
    let names = prop_oneof![Just("name".to_owned()), Just("city".to_owned()), texts()];
    let shown =
        (names, texts(), any::<i32>()).prop_map(|(name, value, losers_total)| ProfileTrait {
            losers_total,
            ..text_trait(&name, &value)
        });
    let found = (texts(), texts()).prop_map(|(namespace, value)| identifier(&namespace, &value));
    let money = (texts(), any::<i64>()).prop_map(|(currency, minor_units)| Money {
        currency,
        minor_units,
    });
    (
        details(),
        prop::collection::vec(shown, 0..14),
        prop::collection::vec(found, 0..9),
        prop::collection::vec(money, 0..6),
        (times(), times(), any::<i32>(), texts()),
    )
        .prop_map(
            |(profile, traits, identifiers, spend, (from, to, number, id))| Profile {
                profile_id: id,
                traits,
                identifiers,
                identifiers_total: number,
                orders: Some(OrderSummary {
                    count: i64::from(number),
                    returned: spend.clone(),
                    spend,
                    last_order_at: to,
                    ..OrderSummary::default()
                }),
                first_seen: from,
                last_seen: to,
                ..profile
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_profile_breaks_a_screen(
        profile in profiles(),
        felt in prop::option::of(feelings()),
        masked in texts(),
        width in 40_usize..130,
    ) {
        let profile = Profile { sentiment: felt, ..profile };
        let answer = GetProfileResponse {
            masked_fields: vec![masked],
            ..answer(profile)
        };
        for line in shown(&answer, width) {
            prop_assert!(text::width(&line) <= width, "{} > {width}: {line:?}", text::width(&line));
            prop_assert!(!line.chars().any(is_hidden), "{line:?}");
        }
    }
}
