//! Rules as people write them.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::world::{DAY, Held, NOW, World};
use crate::{
    calendar::{Day, Zone},
    clock::Micros,
    criteria::{Reason, Rule, Use, Value, Verdict, reckon},
};

fn rule(text: &str) -> Rule {
    Rule::parse(text, Use::Decision).unwrap_or_else(|faults| panic!("{text}: {faults:?}"))
}

fn ago(days: i64) -> Held {
    Held::Time(Micros(NOW.0 - days * DAY))
}

fn text(of: &str) -> Held {
    Held::Text(of.to_owned())
}

fn customer() -> World {
    World::new()
        .with("known", Held::Boolean(true))
        .with("order_count", Held::Integer(5))
        .with("last_order", ago(40))
        .with("spend(\"EUR\")", Held::Number(Decimal::new(51_250, 2)))
        .with("trait[\"tier\"]", text("gold"))
        .with(
            "trait[\"tags\"]",
            Held::List(vec!["news".into(), "sale".into()]),
        )
        .with("trait[\"birth_date\"]", Held::Date(Day(6_667)))
        .with("sentiment_level", Held::Number(Decimal::new(-412, 3)))
        .with("consent(\"marketing\")", Held::Boolean(false))
        .with("open_complaints", Held::Integer(0))
}

fn says(of: &str) -> &'static str {
    rule(of).evaluate(&customer()).name()
}

#[test]
fn rules_say_what_they_look_like() {
    for (text, verdict) in [
        ("known && order_count >= 3", "pass"),
        ("days_since(last_order) > 30", "pass"),
        ("days_since(last_order) == 40", "pass"),
        ("within(last_order, days(40))", "fail"),
        ("within(last_order, weeks(6))", "pass"),
        ("spend(\"EUR\") / order_count > 102.4", "pass"),
        ("spend(\"EUR\") / order_count == 102.5", "pass"),
        ("order_count / 2 == 2 && order_count % 2 == 1", "pass"),
        ("order_count * -1 < 0", "pass"),
        ("trait[\"tier\"] in [\"silver\", \"gold\"]", "pass"),
        ("trait[\"tier\"] == \"Gold\"", "fail"),
        (
            "trait[\"tier\"].startsWith(\"go\") && !trait[\"tier\"].endsWith(\"x\")",
            "pass",
        ),
        (
            "\"sale\" in trait[\"tags\"] && !(\"sal\" in trait[\"tags\"])",
            "pass",
        ),
        ("sentiment_level < -0.25", "pass"),
        ("sentiment_level == -0.412", "pass"),
        ("consent(\"marketing\")", "fail"),
        ("consent(\"marketing\", \"email\")", "unknown"),
        ("!consent(\"marketing\", \"email\")", "unknown"),
        ("has(consent(\"marketing\", \"email\"))", "fail"),
        ("leaving_risk > 0.5 || order_count > 1", "pass"),
        ("leaving_risk > 0.5 && order_count > 1", "unknown"),
        ("leaving_risk > 0.5 && order_count > 10", "fail"),
        ("trait[\"tier\"] > 3", "unknown"),
        ("order_count / open_complaints > 1", "unknown"),
        ("order_count * 9223372036854775807 > 1", "unknown"),
        ("1.0 == 1", "pass"),
        ("true", "pass"),
    ] {
        assert_eq!(says(text), verdict, "{text}");
    }
}

#[test]
fn an_unknown_says_why() {
    for (text, why) in [
        (
            "leaving_risk > 0.5 && p_alive < 0.3",
            "leaving_risk has no value",
        ),
        (
            "trait[\"tier\"] > 3",
            "trait[\"tier\"] is of another type than the rule asks for",
        ),
        ("order_count / open_complaints > 1", "division by zero"),
        (
            "order_count * 9223372036854775807 > 1",
            "the number is too large",
        ),
        (
            "trait[\"tier\"]",
            "trait[\"tier\"] is of another type than the rule asks for",
        ),
    ] {
        let rule = rule(text);
        let Verdict::Unknown(cause) = rule.evaluate(&customer()) else {
            panic!("{text}");
        };
        assert_eq!(rule.because(cause), why, "{text}");
    }
    let Verdict::Unknown(cause) = rule("1 / open_complaints > 1").evaluate(&customer()) else {
        panic!();
    };
    assert_eq!(
        (cause.attribute, cause.reason),
        (None, Reason::DivisionByZero)
    );
}

#[test]
fn texts_have_one_canonical_form() {
    for (text, canonical) in [
        (
            "  ((known))&&(( order_count>3 ))",
            "known && order_count > 3",
        ),
        ("(a_ && b_) && c_", "known && known && known"),
        ("known||(known&&!known)", "known || known && !known"),
        ("(known||known)&&known", "(known || known) && known"),
        ("order_count-(1-2)-3>0", "order_count - (1 - 2) - 3 > 0"),
        ("-(5) < - - order_count", "-5 < --order_count"),
        ("spend('EUR')>=0500.50", "spend(\"EUR\") >= 500.5"),
        ("2.0 > 1", "2.0 > 1"),
        (
            "last_order > timestamp('2026-01-01T09:00:00+09:00')",
            "last_order > timestamp(\"2026-01-01T00:00:00Z\")",
        ),
        (
            "trait['since'] < date('2026-01-31') // old",
            "trait[\"since\"] < date(\"2026-01-31\")",
        ),
        (
            "trait['x'] == '\\u30b4\"\\n'",
            "trait[\"x\"] == \"ゴ\\\"\\n\"",
        ),
    ] {
        let text = text
            .replace("a_", "known")
            .replace("b_", "known")
            .replace("c_", "known");
        assert_eq!(rule(&text).text(), canonical, "{text}");
    }
}

#[test]
fn versions_are_stable_for_ever() {
    let version = |text: &str| rule(text).version().to_string();
    assert_eq!(version("known"), version(" ( known ) "));
    assert_ne!(version("order_count > 1"), version("order_count > 1.0"));
    assert_eq!(version("known && order_count >= 3"), "363179fdac9d468e");
}

#[test]
fn rules_fall_due_when_time_may_change_them() {
    let due = |text: &str| {
        let due = rule(text).falls_due(&customer());
        due.map(|due| (due.0 - NOW.0) / DAY)
    };
    assert_eq!(due("order_count > 3"), None);
    assert_eq!(due("days_since(last_order) > 30"), None);
    assert_eq!(due("days_since(last_order) > 60"), Some(21));
    assert_eq!(due("60 < days_since(last_order)"), Some(21));
    assert_eq!(due("days_since(last_order) in [90, 60]"), Some(20));
    assert_eq!(due("within(last_order, days(60))"), Some(20));
    assert_eq!(due("order_count > 9 && days_since(last_order) > 60"), None);
    assert_eq!(
        due("order_count > 3 && days_since(last_order) > 60"),
        Some(21)
    );
    assert_eq!(due("order_count > 3 || days_since(last_order) > 60"), None);
    assert_eq!(due("days_since(last_order) * 2 > 120"), Some(1));
    assert_eq!(due("days_since(first_seen) > 60"), None);
    // 14 March; 00:09 of the 15th in Tokyo. Born on 3 April 1988.
    assert_eq!(customer().moment.zone, Zone::TOKYO);
    assert_eq!(
        due("days_until_anniversary(trait[\"birth_date\"]) <= 7"),
        Some(11)
    );
    let level = rule("sentiment_level < 0").falls_due(&customer()).unwrap();
    assert_eq!(level.to_string(), "2026-03-15T15:00:00Z");
    let risk = rule("leaving_risk > 0.5").falls_due(&customer()).unwrap();
    assert_eq!(risk.to_string(), "2026-03-14T16:00:00Z");
}

#[test]
fn figures_and_money_become_exact_numbers() {
    let number = |text: &str| Value::Number(text.parse().unwrap());
    assert_eq!(Value::rounded(0.1), number("0.1"));
    assert_eq!(Value::rounded(-0.412_000_4), number("-0.412"));
    assert_eq!(Value::rounded(2.0 / 3.0), number("0.666667"));
    for none in [f64::NAN, f64::INFINITY, 1e30, -1e300] {
        assert_eq!(Value::rounded(none), Value::Missing, "{none}");
    }
    assert_eq!(Value::money(1_250, 2), number("12.50"));
    assert_eq!(Value::money(-1_980, 0), number("-1980"));
    assert_eq!(Value::money(1, 99), Value::Missing);
}

#[test]
fn the_last_of_february_returns_every_year() {
    let day = |text: &str| Day(text.parse::<NaiveDate>().unwrap().to_epoch_days());
    let ahead = |born: &str, today: &str| reckon::until_anniversary(day(born), day(today));
    assert_eq!(ahead("2024-02-29", "2026-02-27"), 1);
    assert_eq!(ahead("2024-02-29", "2026-02-28"), 0);
    assert_eq!(ahead("2024-02-29", "2026-03-01"), 364);
    assert_eq!(ahead("2024-02-29", "2027-03-01"), 365);
    assert_eq!(ahead("2024-02-29", "2028-02-28"), 1);
    assert_eq!(ahead("2030-05-01", "2026-04-30"), 1);
}

#[test]
fn an_explanation_reads_like_this() {
    let rule = rule("order_count >= 3 && (days_since(last_order) > 60 || p_alive < 0.3)");
    let why = rule.explain(&customer()).to_string();
    let expected = "\
unknown, since p_alive has no value
  unknown (p_alive has no value): order_count >= 3 && (days_since(last_order) > 60 || p_alive < 0.3)
    pass: order_count >= 3
      order_count = 5
    unknown (p_alive has no value): days_since(last_order) > 60 || p_alive < 0.3
      fail: days_since(last_order) > 60
        days_since(last_order) = 40
          last_order = timestamp(\"2026-02-02T15:09:26Z\")
      unknown (p_alive has no value): p_alive < 0.3
        p_alive = unknown (p_alive has no value)
asked for
  order_count = 5
    Orders placed and not cancelled; never missing, 0 without any.
  last_order = timestamp(\"2026-02-02T15:09:26Z\")
    When the last order that counts was placed. Missing without an order.
  p_alive = no value
    Probability that they still are a customer (BG/NBD). Missing of who ordered on one day only or never, and without a model.
";
    assert_eq!(why, expected, "{why}");
}
