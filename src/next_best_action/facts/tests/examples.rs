//! Single attributes of made-up customers.

use crate::{
    calendar::{Day, Zone},
    clock::Micros,
    criteria::{Facts, Moment, Value},
    identity::{Makeup, Region},
    ids::{InteractionId, TenantId},
    next_best_action::{
        decide,
        facts::{Asked, Call, Customer, Identity, Surroundings, tests::attribute},
    },
    profile::{Fact, State, fold::fold, survivorship::Rules},
    proto::v1::{
        Analysis, AnalysisMethod, Direction, Intent, Interaction, Money, Subject, SubjectKind,
        SurveyScale, SurveyScore,
    },
};

fn at(text: &str) -> Micros {
    Micros::from_datetime(text.parse().unwrap())
}

/// The state of interactions, with what was heard in them.
fn state(told: &[(&str, Interaction, &[Intent])]) -> State {
    let tenant = TenantId::default_tenant();
    let analyses = told.iter().map(|(_, _, intents)| Analysis {
        method: AnalysisMethod::BuiltIn.into(),
        model_version: 1,
        intents: intents.iter().map(|intent| (*intent).into()).collect(),
        ..Analysis::default()
    });
    let analyses: Vec<Analysis> = analyses.collect();
    let facts = told.iter().zip(&analyses).enumerate();
    fold(facts.map(|(n, ((time, message, _), analysis))| Fact {
        id: InteractionId::of(&tenant, "test", &n.to_string()),
        occurred_at: at(time),
        message,
        analyses: std::slice::from_ref(analysis),
        region: Region::JP,
        zone: Zone::TOKYO,
    }))
}

fn around(rules: &Rules, now: Micros) -> Surroundings<'_> {
    Surroundings {
        moment: Moment {
            now,
            zone: Zone::TOKYO,
        },
        prior: 0.0,
        rules,
        model: None,
        segments: &[],
    }
}

/// What a customer of a state is said to be, at a time.
fn says(state: &State, now: &str, text: &str) -> String {
    let rules = Rules::default();
    let customer = Customer::new(Some(state), Identity::default(), around(&rules, at(now)));
    customer.get(&attribute(text)).to_string()
}

const NOW: &str = "2026-03-14T12:00:00Z";

fn score(scale: SurveyScale, value: i32) -> Interaction {
    Interaction {
        r#type: "survey.answered".to_owned(),
        survey_scores: vec![SurveyScore {
            scale: scale.into(),
            value,
            question: None,
        }],
        ..Interaction::default()
    }
}

#[test]
fn who_is_not_known_has_counts_of_nothing_and_misses_the_rest() {
    let rules = Rules::default();
    let customer = Customer::new(None, Identity::default(), around(&rules, at(NOW)));
    for text in super::ATTRIBUTES {
        let attribute = attribute(text);
        let value = customer.get(&attribute);
        let meaning = attribute.id().definition().meaning;
        let never_missing = meaning.to_lowercase().contains("never missing");
        assert_eq!(value.is_known(), never_missing, "{text} is {value}");
        let nothing = ["false", "0", "0.0", "\"insufficient\""];
        assert!(
            !never_missing || nothing.contains(&value.to_string().as_str()),
            "{text} is {value}"
        );
    }
}

#[test]
fn devices_and_cookies_name_nobody() {
    let rules = Rules::default();
    let state = State::default();
    let is = |namespaces: &[&str], text: &str| {
        let mut makeup = Makeup::default();
        for namespace in namespaces {
            makeup.add(&Makeup::of(namespace, &[]));
        }
        let identity = Identity::of(&makeup, namespaces.len());
        let customer = Customer::new(Some(&state), identity, around(&rules, at(NOW)));
        customer.get(&attribute(text)).to_string()
    };
    assert_eq!(is(&["cookie", "device_id", "cookie"], "anonymous"), "true");
    assert_eq!(is(&["cookie", "email"], "anonymous"), "false");
    assert_eq!(is(&["cookie", "members_card"], "anonymous"), "false");
    assert_eq!(is(&[], "anonymous"), "false");
    assert_eq!(is(&["cookie", "email"], "identifier_count"), "2");
    assert_eq!(is(&["cookie"], "has_identifier(\"cookie\")"), "true");
    assert_eq!(is(&["cookie"], "has_identifier(\"email\")"), "false");
}

#[test]
fn a_segment_that_was_not_worked_out_is_not_known() {
    let (rules, state) = (Rules::default(), State::default());
    let segments = [("gold".to_owned(), false), ("vip".to_owned(), true)];
    let around = Surroundings {
        segments: &segments,
        ..around(&rules, at(NOW))
    };
    let customer = Customer::new(Some(&state), Identity::default(), around);
    let is = |name: &str| customer.get(&attribute(&format!("segment(\"{name}\")")));
    assert_eq!(is("gold"), Value::Boolean(false));
    assert_eq!(is("vip"), Value::Boolean(true));
    assert_eq!(is("new"), Value::Missing);
}

#[test]
fn money_is_in_units_of_its_currency_less_what_was_returned() {
    let paid = |kind: &str, currency: &str, minor_units| Interaction {
        r#type: kind.to_owned(),
        subject: Some(Subject {
            kind: SubjectKind::Order.into(),
            id: format!("{currency}{minor_units}"),
            ..Subject::default()
        }),
        money: Some(Money {
            currency: currency.to_owned(),
            minor_units,
        }),
        ..Interaction::default()
    };
    let state = state(&[
        (NOW, paid("order.placed", "EUR", 12_950), &[]),
        (NOW, paid("order.returned", "EUR", 2_000), &[]),
        (NOW, paid("order.placed", "JPY", 1_980), &[]),
        (NOW, paid("order.placed", "KWD", 1_500), &[]),
    ]);
    assert_eq!(says(&state, NOW, "spend(\"EUR\")"), "109.5");
    assert_eq!(says(&state, NOW, "returned(\"EUR\")"), "20.0");
    assert_eq!(says(&state, NOW, "spend(\"JPY\")"), "1980.0");
    assert_eq!(says(&state, NOW, "spend(\"KWD\")"), "1.5");
    assert_eq!(says(&state, NOW, "spend(\"USD\")"), "0.0");
    assert_eq!(says(&state, NOW, "order_count"), "3");
}

#[test]
fn tickets_are_as_old_as_their_first_sight() {
    let about = |id: &str, kind: &str| Interaction {
        r#type: kind.to_owned(),
        subject: Some(Subject {
            kind: SubjectKind::Ticket.into(),
            id: id.to_owned(),
            ..Subject::default()
        }),
        ..Interaction::default()
    };
    let state = state(&[
        (
            "2026-03-01T00:00:00Z",
            about("closed", "ticket.opened"),
            &[],
        ),
        ("2026-03-02T00:00:00Z", about("old", "ticket.opened"), &[]),
        ("2026-03-03T00:00:00Z", about("new", "ticket.opened"), &[]),
        ("2026-03-04T00:00:00Z", about("old", "ticket.replied"), &[]),
        (
            "2026-03-05T00:00:00Z",
            about("closed", "ticket.closed"),
            &[],
        ),
    ]);
    let time = |day: &str| Value::Time(at(day)).to_string();
    assert_eq!(
        says(&state, NOW, "last_ticket"),
        time("2026-03-03T00:00:00Z")
    );
    assert_eq!(
        says(&state, NOW, "open_since"),
        time("2026-03-02T00:00:00Z")
    );
    assert_eq!(says(&state, NOW, "open_tickets"), "2");
}

#[test]
fn recent_answers_are_those_of_calendar_months_of_the_tenants_zone() {
    let nps = |value| score(SurveyScale::Nps, value);
    let state = state(&[
        // It is February in Tokyo already.
        ("2026-01-31T16:00:00Z", nps(4), &[]),
        ("2026-03-01T00:00:00Z", nps(9), &[]),
        ("2026-03-02T00:00:00Z", nps(10), &[]),
        ("2025-03-20T00:00:00Z", nps(0), &[]),
        ("2026-03-02T00:00:00Z", score(SurveyScale::Ces7, 6), &[]),
    ]);
    let recent = |now: &str, months: u16| {
        says(
            &state,
            now,
            &format!("survey_recent_mean(\"nps\", {months})"),
        )
    };
    assert_eq!(recent(NOW, 1), "9.5");
    assert_eq!(recent(NOW, 2), "7.666667");
    assert_eq!(recent(NOW, 12), "7.666667");
    assert_eq!(recent(NOW, 13), "5.75");
    // In Tokyo April has begun.
    assert_eq!(recent("2026-03-31T15:00:00Z", 1), "no value");
    assert_eq!(
        recent("2026-02-10T00:00:00Z", 1),
        "4.0",
        "none of later months"
    );
    assert_eq!(says(&state, NOW, "survey_mean(\"nps\")"), "5.75");
    assert_eq!(says(&state, NOW, "survey_latest(\"ces_7\")"), "6");
    assert_eq!(says(&state, NOW, "survey_latest(\"csat_7\")"), "no value");
    assert_eq!(says(&state, NOW, "survey_count(\"csat_7\")"), "0");
}

#[test]
fn the_last_intent_is_the_newest_and_of_one_text_the_first_of_the_list() {
    let text = || Interaction {
        r#type: "message.received".to_owned(),
        direction: Direction::Inbound.into(),
        text: Some("words".to_owned()),
        ..Interaction::default()
    };
    let mut told = vec![
        ("2026-03-01T00:00:00Z", text(), &[Intent::Complaint][..]),
        (
            "2026-03-02T00:00:00Z",
            text(),
            &[Intent::Escalation, Intent::Refund, Intent::Question][..],
        ),
    ];
    assert_eq!(says(&state(&told), NOW, "last_intent"), "\"refund\"");
    told.push(("2026-03-03T00:00:00Z", text(), &[]));
    assert_eq!(says(&state(&told), NOW, "last_intent"), "\"refund\"");
    told.push(("2026-03-04T00:00:00Z", text(), &[Intent::Praise]));
    assert_eq!(says(&state(&told), NOW, "last_intent"), "\"praise\"");
    assert_eq!(says(&state(&told), NOW, "signal_count(\"complaint\")"), "1");
    assert_eq!(says(&State::default(), NOW, "last_intent"), "no value");
}

#[test]
fn a_call_adds_its_own_and_the_customers_clock() {
    let (rules, state) = (Rules::default(), State::default());
    // A Sunday in New York, and Monday in Tokyo.
    let now = at("2026-03-15T17:40:00Z");
    let customer = Customer::new(Some(&state), Identity::default(), around(&rules, now));
    let context = [
        ("page".to_owned(), decide::Value::Text("cart".to_owned())),
        (
            "total".to_owned(),
            decide::Value::Number("12.1".parse().unwrap()),
        ),
        (
            "tags".to_owned(),
            decide::Value::Texts(vec!["a".to_owned(), "b".to_owned()]),
        ),
        ("day".to_owned(), decide::Value::Date(Day(20_000))),
        ("page".to_owned(), decide::Value::Flag(true)),
    ];
    let call = |zone: Option<&str>| Call {
        channel: "web",
        placement: "home_hero",
        locale: None,
        zone: zone.map(|zone| zone.parse().unwrap()),
        context: &context,
    };
    let is = |zone: Option<&str>, text: &str| {
        let call = call(zone);
        let asked = Asked {
            customer: &customer,
            call: &call,
        };
        assert_eq!(asked.moment(), customer.moment());
        asked.get(&attribute(text)).to_string()
    };
    let local = |zone| (is(Some(zone), "local_hour"), is(Some(zone), "day_of_week"));
    let pair = |hour: &str, day: &str| (hour.to_owned(), day.to_owned());
    assert_eq!(local("America/New_York"), pair("13", "7"));
    assert_eq!(local("Asia/Tokyo"), pair("2", "1"));
    assert_eq!(local("Asia/Kolkata"), pair("23", "7"));
    assert_eq!(is(None, "local_hour"), "no value");
    assert_eq!(is(None, "locale"), "no value");
    assert_eq!(is(None, "channel"), "\"web\"");
    assert_eq!(is(None, "placement"), "\"home_hero\"");
    assert_eq!(is(None, "context[\"page\"]"), "\"cart\"");
    assert_eq!(is(None, "context[\"total\"]"), "12.1");
    assert_eq!(is(None, "context[\"day\"]"), "date(\"2024-10-04\")");
    assert_eq!(is(None, "context[\"tags\"]"), "[\"a\", \"b\"]");
    assert_eq!(is(None, "context[\"other\"]"), "no value");
    assert_eq!(is(None, "known"), "true");
    assert_eq!(
        customer.get(&attribute("channel")),
        Value::Missing,
        "without a call"
    );
}
