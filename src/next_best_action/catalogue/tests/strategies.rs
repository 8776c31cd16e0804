//! Sound documents of every kind.

use proptest::{
    collection::{btree_map, btree_set, vec},
    option,
    prelude::*,
    sample::{select, subsequence},
};

use super::sound;
use crate::{
    clock::Micros,
    next_best_action::{
        catalogue::{Document, Entry},
        model::{
            Amount, ContactRule, ContextWeight, Counted, Definition, Exploration, Holdouts, Issue,
            LanguageTag, LocalTime, Minutes, Policy, Prior, QuietHours, Rewards, Rule, Scope,
            Segment, Status, Text, Upset, Value,
        },
    },
};

/// Words of every kind that may be in a text of one line, those among them that YAML takes for something else.
fn words(most: usize) -> impl Strategy<Value = String> {
    let tricky = [
        "true",
        "null",
        "~",
        "no",
        "1.5",
        "- a",
        "a: b",
        "#",
        "a #b",
        "'",
        "\"",
        "\\",
        "\\n",
        "{",
        "[a]",
        "&a",
        "*a",
        "!a",
        "|",
        ">",
        "%",
        "@",
        "`",
        "?",
        ":",
        " a",
        "a ",
        "日本語",
        "𠮷",
        "\u{a0}",
        "\u{3000}",
        "---",
        "...",
        "é",
        "=",
        "<<",
        "a'b\"c",
        "\u{200b}",
        "\u{fffd}",
    ];
    let part = prop_oneof![
        select(tricky.to_vec()).prop_map(str::to_owned),
        "[a-zA-Z0-9 .,:;'\"#-]{1,6}"
    ];
    vec(part, 0..4).prop_map(move |parts| parts.concat().chars().take(most).collect())
}

/// At least one word.
fn some_words(most: usize) -> impl Strategy<Value = String> {
    words(most - 1).prop_map(|words| format!("x{words}"))
}

/// Several lines, blank ones and indented ones among them.
fn lines() -> impl Strategy<Value = String> {
    vec(words(100), 0..4).prop_map(|lines| lines.join("\n"))
}

fn slug() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9][a-z0-9_.-]{0,63}",
        select(vec!["no", "1", "1.5", "0x1f", "1e3", "y"]).prop_map(str::to_owned)
    ]
}

fn rule_text() -> impl Strategy<Value = String> {
    (some_words(200), lines())
        .prop_map(|(words, lines)| format!("{words}\n{lines}"))
        .prop_filter("the checker's word for what is wrong", |text| {
            !text.contains("wrong")
        })
}

fn minutes(range: std::ops::RangeInclusive<u32>) -> impl Strategy<Value = Minutes> {
    range.prop_map(Minutes)
}

fn share(most: u32) -> impl Strategy<Value = f64> {
    prop_oneof![
        (0..=most).prop_map(|share| f64::from(share) / 1_000.0),
        0.0..=f64::from(most) / 1_000.0
    ]
}

fn contact_rule() -> impl Strategy<Value = ContactRule> {
    let scope = select(Scope::ALL.to_vec());
    let channels = subsequence(vec!["web".to_owned(), "email".to_owned()], 0..=2).prop_shuffle();
    let times = (minutes(1..=525_600), minutes(0..=525_600));
    (
        scope,
        channels,
        select(Counted::ALL.to_vec()),
        1..=16_u32,
        times,
    )
        .prop_map(
            |(scope, channels, counts, limit, (window, pause))| ContactRule {
                scope,
                of: None,
                channels,
                counts,
                limit,
                window,
                pause,
            },
        )
}

fn rewards() -> impl Strategy<Value = Rewards> {
    (share(400), share(1_000), share(500), share(1_000)).prop_map(
        |(impression, click, accepted, part)| {
            let accepted = 0.5 + accepted;
            Rewards {
                impression,
                clicked: impression + (accepted - impression) * click,
                accepted,
                rejected: impression * part,
            }
        },
    )
}

fn prior() -> impl Strategy<Value = Prior> {
    (0.000_000_1..0.999_999, 1.0..=10_000.0).prop_map(|(propensity, evidence)| Prior {
        propensity,
        evidence,
    })
}

fn value() -> impl Strategy<Value = Value> {
    let most = crate::next_best_action::catalogue::limits::MAX_VALUE;
    let money = any::<bool>();
    (money, 0..=most / 2, option::of(0..=most / 2)).prop_map(|(money, value, above)| Value {
        amount: if money {
            Amount::Money {
                currency: "JPY".to_owned(),
                minor_units: value,
            }
        } else {
            Amount::Points(value)
        },
        floor: above.map(|above| (value + above).max(1)),
    })
}

fn text() -> impl Strategy<Value = (String, String, String, &'static str)> {
    let links = select(vec!["", "/a?b#c", "https://a.example"]);
    (some_words(120), lines(), some_words(40), links)
}

fn texts() -> impl Strategy<Value = Vec<Text>> {
    let locale = select(vec!["en", "en-GB", "zh-Hant-TW", "no", "nl"]);
    (btree_map(locale, text(), 0..4), text()).prop_map(|(others, default)| {
        let all = others.into_iter().chain([("ja", default)]);
        all.map(|(locale, (title, body, call_to_action, link))| Text {
            locale: sound::tag(locale),
            title,
            body,
            call_to_action,
            link: link.to_owned(),
        })
        .collect()
    })
}

fn named_rules() -> impl Strategy<Value = [Vec<Rule>; 3]> {
    btree_map(slug(), rule_text(), 0..7).prop_map(|rules| {
        let mut stages = [Vec::new(), Vec::new(), Vec::new()];
        for (place, (name, rule)) in rules.into_iter().enumerate() {
            stages[place % 3].push(Rule { name, rule });
        }
        stages
    })
}

fn definition() -> impl Strategy<Value = Definition> {
    let channels = subsequence(vec!["web".to_owned(), "email".to_owned()], 1..=2).prop_shuffle();
    let context = btree_map(slug(), (rule_text(), -100..=400), 0..4).prop_map(|weights| {
        let each = weights.into_iter();
        each.map(|(name, (when, points))| ContextWeight { name, when, points })
            .collect()
    });
    let period = (
        option::of(0..4_000_000_000_000_000_i64),
        option::of(1..1_000_000_000_000_i64),
    );
    (
        (
            words(500),
            any::<bool>(),
            channels,
            period,
            value(),
            -100..=200,
        ),
        (
            context,
            named_rules(),
            btree_set(slug(), 1..=4),
            vec(contact_rule(), 0..4),
        ),
        (
            1..=90_u32,
            rewards(),
            option::of(prior()),
            any::<bool>(),
            texts(),
        ),
    )
        .prop_map(|(a, b, c)| {
            let (description, sells, channels, (from, length), value, lever) = a;
            let (context, [eligibility, applicability, suitability], consent, caps) = b;
            let (attribution_days, rewards, prior, high_risk, texts) = c;
            Definition {
                id: String::new(),
                description,
                issue: if sells { Issue::Sell } else { Issue::Serve },
                group: if sells { "offers" } else { "help" }.to_owned(),
                placements: Vec::new(),
                channels,
                valid_from: from.map(Micros),
                valid_to: from.zip(length).map(|(from, length)| Micros(from + length)),
                value,
                lever,
                context,
                eligibility,
                applicability,
                suitability,
                consent: consent.into_iter().rev().collect(),
                caps,
                attribution_days,
                rewards,
                prior,
                high_risk,
                mandatory: !sells && high_risk,
                texts,
            }
        })
}

/// A policy with the channels and groups of the sound one.
fn policy() -> impl Strategy<Value = Policy> {
    let time = || (0..1_440_u16).prop_map(|minutes| LocalTime::from_minutes(minutes).unwrap());
    let quiet = (time(), time())
        .prop_filter("hours that begin when they end", |(from, to)| from != to)
        .prop_map(|(from, to)| QuietHours {
            channels: vec!["web".to_owned(), "email".to_owned()],
            from,
            to,
        });
    let salt = some_words(16);
    (
        proptest::array::uniform5(-100..=200_i32),
        vec(contact_rule(), 0..4),
        vec(quiet, 0..3),
        (salt, any::<u32>(), share(200), share(200)),
        (
            1..=365_u32,
            -1.0..=1.0,
            0.0..=100.0,
            0.001..=0.2,
            1..=16_u32,
        ),
        option::of(minutes(1..=43_200)),
    )
        .prop_map(
            |(
                issue_levers,
                contact,
                quiet_hours,
                (salt, epoch, universal, random),
                limits,
                pending,
            )| {
                let (leaving_days, level, feelings, epsilon, candidates) = limits;
                let mut policy = Policy {
                    issue_levers,
                    contact,
                    quiet_hours,
                    holdouts: Holdouts {
                        salt,
                        epoch,
                        universal,
                        random,
                    },
                    upset: Upset {
                        leaving_days,
                        level,
                        feelings,
                    },
                    exploration: Exploration {
                        epsilon,
                        candidates,
                    },
                    ..sound::policy()
                };
                policy.channels[0].pending = pending;
                policy
            },
        )
}

/// A document with its policy and the fallback that it needs.
pub(super) fn document() -> impl Strategy<Value = Document> {
    let status = select(Status::ALL.to_vec());
    let actions = btree_map(slug(), (definition(), status), 0..5);
    let segments = btree_map(slug(), (words(500), rule_text()), 0..4);
    (policy(), segments, actions).prop_map(|(policy, segments, actions)| {
        let segments = segments
            .into_iter()
            .map(|(name, (description, rule))| Segment {
                name,
                description,
                rule,
            });
        let others = actions.into_iter().filter(|(id, _)| id != "help");
        let others = others.map(|(id, (definition, status))| Entry {
            definition: Definition { id, ..definition },
            status,
        });
        let help = Entry {
            definition: sound::help(),
            status: Status::Active,
        };
        Document {
            policy: Some(policy),
            segments: segments.collect(),
            actions: others.chain([help]).collect(),
        }
    })
}

/// A tag, spelled anyhow.
pub(super) fn spelled() -> impl Strategy<Value = (LanguageTag, String)> {
    let tags = vec![
        "ja",
        "en-GB",
        "zh-Hant-TW",
        "de-CH-1996",
        "ja-JP-u-ca-japanese",
    ];
    (select(tags), any::<u32>()).prop_map(|(tag, bits)| {
        let each = tag.chars().enumerate();
        let spelled = each.map(|(place, c)| {
            if bits >> (place % 32) & 1 == 1 {
                c.to_ascii_uppercase()
            } else {
                c.to_ascii_lowercase()
            }
        });
        (sound::tag(tag), spelled.collect())
    })
}
