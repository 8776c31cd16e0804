//! What rules see of a profile is what its document shows.

use proptest::{prelude::*, sample::select, test_runner::TestCaseError};
use rust_decimal::{Decimal, prelude::ToPrimitive as _};

use super::{Admits, shown_state};
use crate::{
    calendar::{Day, Zone},
    clock::Micros,
    criteria::{Facts as _, Moment, Value},
    next_best_action::facts::{
        Customer, Identity, Surroundings,
        tests::{attribute, model},
    },
    profile::{
        fold::fold,
        laws::made_up::{Recorded, interactions},
        survivorship::{Rule, Rules},
    },
    proto::v1::{Money, Profile, SurveyScale, trait_value::Kind},
    sentiment::history,
};

struct Everything;

impl Admits for Everything {
    fn admits_all_namespaces(&self) -> bool {
        true
    }

    fn admits_namespace(&self, _: &str) -> bool {
        true
    }

    fn admits_trait(&self, _: &str) -> bool {
        true
    }
}

/// A customer, and the document of the same.
struct Both<'a> {
    customer: &'a Customer<'a>,
    shown: &'a Profile,
}

impl Both<'_> {
    fn is(&self, name: &str, expected: Value<'_>) -> Result<(), TestCaseError> {
        let attribute = attribute(name);
        let value = self.customer.get(&attribute);
        prop_assert_eq!(value, expected, "{}", name);
        Ok(())
    }

    fn counts(&self, name: &str, expected: Option<i64>) -> Result<(), TestCaseError> {
        self.is(name, Value::Integer(expected.unwrap_or(0)))
    }

    fn at(&self, name: &str, at: Option<&prost_types::Timestamp>) -> Result<(), TestCaseError> {
        let at = at.and_then(Micros::from_proto);
        self.is(name, at.map_or(Value::Missing, Value::Time))
    }

    fn text(&self, name: &str, text: Option<&str>) -> Result<(), TestCaseError> {
        self.is(name, text.map_or(Value::Missing, Value::Text))
    }

    /// The same but for what is rounded.
    fn near(&self, name: &str, expected: Option<f64>) -> Result<(), TestCaseError> {
        let attribute = attribute(name);
        let value = self.customer.get(&attribute);
        match (value, expected) {
            (Value::Missing, None) => Ok(()),
            (Value::Number(number), Some(expected)) => {
                let off = (number.to_f64().unwrap() - expected).abs();
                prop_assert!(
                    off < 5.1e-7 && number.scale() <= 6,
                    "{name}: {number} {expected}"
                );
                Ok(())
            }
            (value, expected) => Err(TestCaseError::fail(format!("{name}: {value} {expected:?}"))),
        }
    }

    fn activity(&self) -> Result<(), TestCaseError> {
        let shown = self.shown;
        self.at("first_seen", shown.first_seen.as_ref())?;
        self.at("last_seen", shown.last_seen.as_ref())?;
        self.counts("interactions", Some(shown.interactions_total))?;
        let newest = shown.touchpoints.first();
        self.text("last_department", newest.map(|t| t.department.as_str()))?;
        self.text("last_channel", newest.map(|t| t.channel.as_str()))?;
        self.text("last_type", newest.map(|t| t.r#type.as_str()))?;
        for name in ["sales", "web", "order.placed", "page.viewed"] {
            let sum = |of: fn(&crate::proto::v1::InteractionCount) -> &str| {
                let counts = shown.interaction_counts.iter().filter(|c| of(c) == name);
                Some(counts.map(|c| c.count).sum())
            };
            let ask = |by: &str| format!("interactions_by_{by}(\"{name}\")");
            self.counts(&ask("department"), sum(|c| &c.department))?;
            self.counts(&ask("channel"), sum(|c| &c.channel))?;
            self.counts(&ask("type"), sum(|c| &c.r#type))?;
        }
        Ok(())
    }

    fn orders(&self) -> Result<(), TestCaseError> {
        let orders = self.shown.orders.as_ref();
        self.counts("order_count", orders.map(|o| o.count))?;
        self.counts("cancelled_order_count", orders.map(|o| o.cancelled))?;
        self.at(
            "first_order",
            orders.and_then(|o| o.first_order_at.as_ref()),
        )?;
        self.at("last_order", orders.and_then(|o| o.last_order_at.as_ref()))?;
        let value = self.shown.value.as_ref();
        self.counts("order_days", value.map(|v| v.order_days))?;
        let of = |amounts: Option<&[Money]>, code: &str, decimals| {
            let amounts = amounts.unwrap_or_default();
            let found = amounts.iter().find(|money| money.currency == code);
            Value::Number(Decimal::new(found.map_or(0, |m| m.minor_units), decimals))
        };
        for (code, decimals) in [("JPY", 0), ("USD", 2), ("KWD", 3)] {
            let spend = of(orders.map(|o| o.spend.as_slice()), code, decimals);
            self.is(&format!("spend(\"{code}\")"), spend)?;
            let returned = of(orders.map(|o| o.returned.as_slice()), code, decimals);
            self.is(&format!("returned(\"{code}\")"), returned)?;
        }
        let tickets = self.shown.tickets.as_ref();
        self.counts("ticket_count", tickets.map(|t| t.total))?;
        self.counts("open_tickets", tickets.map(|t| t.open))?;
        let open = tickets
            .map(|t| t.open_tickets.as_slice())
            .unwrap_or_default();
        let first = open.iter().filter_map(|t| t.first_seen.as_ref());
        self.at("open_since", first.min_by_key(|at| (at.seconds, at.nanos)))
    }

    fn surveys(&self) -> Result<(), TestCaseError> {
        let scales = [
            ("nps", SurveyScale::Nps),
            ("csat_5", SurveyScale::Csat5),
            ("csat_7", SurveyScale::Csat7),
            ("ces_7", SurveyScale::Ces7),
        ];
        for (name, scale) in scales {
            let mut surveys = self.shown.surveys.iter();
            let survey = surveys.find(|s| s.scale() == scale);
            let ask = |what: &str| format!("survey_{what}(\"{name}\")");
            let latest = survey.map(|s| Value::Integer(s.latest_value.into()));
            self.is(&ask("latest"), latest.unwrap_or_default())?;
            self.at(&ask("answered"), survey.and_then(|s| s.latest_at.as_ref()))?;
            self.counts(&ask("count"), survey.map(|s| s.count))?;
            let mean = survey.map(|s| s.sum.to_f64().unwrap() / s.count.to_f64().unwrap());
            self.near(&ask("mean"), mean)?;
        }
        Ok(())
    }

    fn feelings(&self) -> Result<(), TestCaseError> {
        let felt = self.shown.sentiment.as_ref();
        self.near("sentiment_level", felt.and_then(|f| f.level))?;
        self.near(
            "sentiment_evidence",
            Some(felt.map_or(0.0, |f| f.effective_n)),
        )?;
        self.near("sentiment_worst", felt.and_then(|f| f.worst_of_90_days))?;
        self.near("effort", felt.and_then(|f| f.effort))?;
        let trend = felt.and_then(|f| f.trend.as_ref());
        let trend = trend.map_or("TREND_DIRECTION_INSUFFICIENT", |t| {
            t.direction().as_str_name()
        });
        let trend = trend.rsplit_once('_').unwrap().1.to_lowercase();
        self.text("sentiment_trend", Some(&trend))?;
        let last = felt.and_then(|f| f.last.as_ref());
        self.at("last_feeling", last.and_then(|l| l.occurred_at.as_ref()))?;
        self.near("last_polarity", last.map(|l| l.polarity))?;
        let label = last.map(|l| l.label().as_str_name().rsplit_once('_').unwrap().1);
        let label = label.map(str::to_lowercase);
        self.text("last_label", label.as_deref())?;
        for name in ["leaving", "anger", "topic:delivery"] {
            let signals = felt.map(|f| f.signals.as_slice()).unwrap_or_default();
            let signal = signals.iter().find(|s| s.name == name);
            let ask = |what: &str| format!("{what}(\"{name}\")");
            self.counts(&ask("signal_count"), signal.map(|s| s.count))?;
            self.at(&ask("last_signal"), signal.and_then(|s| s.last_at.as_ref()))?;
            if name == "topic:delivery" {
                let bad = |s: &crate::proto::v1::SentimentSignal| {
                    s.negative.to_f64().unwrap() / s.count.to_f64().unwrap()
                };
                let level = signal.map(|s| 1.0 - 2.0 * bad(s));
                self.near("topic_level(\"delivery\")", level)?;
            }
        }
        Ok(())
    }

    fn worth(&self) -> Result<(), TestCaseError> {
        let value = self.shown.value.as_ref();
        self.near("p_alive", value.and_then(|v| v.p_alive))?;
        self.near("expected_orders", value.and_then(|v| v.expected_orders))?;
        let hundred = value.and_then(|v| v.lifetime_value);
        self.near("lifetime_value", hundred.map(|cents| cents / 100.0))?;
        let score = |score: Option<i32>| score.map(|s| Value::Integer(s.into()));
        let shown = |of: fn(&crate::proto::v1::CustomerValue) -> Option<i32>| {
            score(value.and_then(of)).unwrap_or_default()
        };
        self.is("recency_score", shown(|v| v.recency_score))?;
        self.is("frequency_score", shown(|v| v.frequency_score))?;
        self.is("money_score", shown(|v| v.money_score))?;
        let risk = self.shown.leaving_risk.as_ref();
        self.near("leaving_risk", risk.map(|r| r.score))?;
        let reason = risk.and_then(|r| r.reasons.first());
        self.text("leaving_reason", reason.map(|r| r.kind.as_str()))
    }

    fn traits(&self) -> Result<(), TestCaseError> {
        for name in ["city", "size", "nothing"] {
            let mut traits = self.shown.traits.iter();
            let shown = traits.find(|t| t.name == name);
            let kind = shown.and_then(|t| t.value.as_ref()?.kind.as_ref());
            let value = match kind {
                None | Some(Kind::Unset(_)) => Value::Missing,
                Some(Kind::Text(text)) => Value::Text(text),
                Some(Kind::Integer(number)) => Value::Integer(*number),
                Some(Kind::Decimal(text)) => Value::Number(text.parse().unwrap()),
                Some(Kind::Boolean(is)) => Value::Boolean(*is),
                Some(Kind::Date(text)) => {
                    let midnight = format!("{text}T00:00:00Z").parse().unwrap();
                    Value::Date(Day(Micros::from_datetime(midnight).day()))
                }
                Some(Kind::Time(at)) => Value::Time(Micros::from_proto(at).unwrap()),
                Some(Kind::List(list)) => Value::List(&list.values),
            };
            self.is(&format!("trait[\"{name}\"]"), value)?;
        }
        Ok(())
    }
}

fn rules() -> impl Strategy<Value = Rules> {
    let rule = || {
        let priority = Rule::SourcePriority(vec!["desk".to_owned()]);
        select(vec![
            Rule::Newest,
            Rule::Oldest,
            priority,
            Rule::MostFrequent,
            Rule::Smallest,
            Rule::SetUnion,
        ])
    };
    (rule(), rule()).prop_map(|(city, size)| Rules {
        by_trait: [("city".to_owned(), city), ("size".to_owned(), size)].into(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rules_see_what_a_document_shows(
        made in interactions(0..40, 3),
        rules in rules(),
        seconds in 1_699_990_000..1_780_000_000_i64,
        prior in select(vec![0.0, 0.25]),
        fitted in any::<bool>(),
    ) {
        let state = fold(made.iter().map(Recorded::fact));
        let model = fitted.then(|| model("USD"));
        let now = Micros(seconds * Micros::SECOND);
        let moment = history::Moment::new(now, Zone::TOKYO, prior);
        let shown = shown_state(&state, &rules, (moment, model.as_ref()), &Everything);
        let around = Surroundings {
            moment: Moment { now, zone: Zone::TOKYO },
            prior,
            rules: &rules,
            model: model.as_ref(),
            segments: &[],
        };
        let customer = Customer::new(Some(&state), Identity::default(), around);
        let both = Both { customer: &customer, shown: &shown };
        // What was computed once is asked for a second time.
        for _ in 0..2 {
            both.is("known", Value::Boolean(shown.known))?;
            both.activity()?;
            both.orders()?;
            both.surveys()?;
            both.feelings()?;
            both.worth()?;
            both.traits()?;
        }
    }
}
