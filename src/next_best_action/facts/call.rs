//! The same customer in a call.

use super::Customer;
use crate::{
    calendar::Zone,
    criteria::{Attribute, AttributeId, Facts, Moment, Value},
    next_best_action::{decide, situation::questions::borrowed},
};

/// What a call says.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Channel of the placement that is decided for.
    pub channel: &'a str,
    /// The placement.
    pub placement: &'a str,
    /// Locale, as "ja-JP", where the call names one.
    pub locale: Option<&'a str>,
    /// The customer's time zone, where it is known.
    pub zone: Option<Zone>,
    /// What it says of its context, by name; of several with one name the first counts.
    pub context: &'a [(String, decide::Value)],
}

/// A customer in a call.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The customer.
    pub customer: &'a Customer<'a>,
    /// The call.
    pub call: &'a Call<'a>,
}

impl Facts for Asked<'_> {
    fn moment(&self) -> Moment {
        self.customer.moment()
    }

    fn get(&self, attribute: &Attribute) -> Value<'_> {
        let call = self.call;
        match attribute.id() {
            AttributeId::Context => context(call.context, attribute.text(0)),
            AttributeId::Channel => Value::Text(call.channel),
            AttributeId::Placement => Value::Text(call.placement),
            AttributeId::Locale => call.locale.map_or(Value::Missing, Value::Text),
            AttributeId::LocalHour => self.local(|now, zone| zone.minute_of_day(now.now) / 60),
            AttributeId::DayOfWeek => self.local(|now, zone| {
                let day = zone.day(now.now);
                let since_monday = day.0 - day.week().0;
                u16::try_from(since_monday + 1).unwrap_or_default()
            }),
            _ => self.customer.get(attribute),
        }
    }
}

impl Asked<'_> {
    /// What the customer's clocks and calendars show.
    fn local(&self, shown: impl Fn(Moment, Zone) -> u16) -> Value<'static> {
        let zone = self.call.zone;
        zone.map_or(Value::Missing, |zone| {
            Value::Integer(shown(self.moment(), zone).into())
        })
    }
}

fn context<'c>(said: &'c [(String, decide::Value)], name: &str) -> Value<'c> {
    let found = said.iter().find(|(known, _)| known == name);
    found.map_or(Value::Missing, |(_, value)| borrowed(value))
}
