//! Units of currencies.

use iso_currency::Currency;

use crate::criteria::Value;

/// How many digits the minor unit of a currency is away from its unit, by ISO 4217: 0 of the yen, 3 of the Kuwaiti dinar.
/// Of a code without a minor unit amounts are as they are, as everywhere they are shown.
pub(super) fn decimals(code: &str) -> u32 {
    let digits = Currency::from_code(code).and_then(Currency::exponent);
    u32::from(digits.unwrap_or_default())
}

/// An amount in units of its currency.
pub(super) fn units(minor_units: i64, code: &str) -> Value<'static> {
    Value::money(minor_units, decimals(code))
}

/// A figure in minor units of a currency, in its units.
pub(super) fn figure_in_units(minor_units: f64, code: &str) -> Value<'static> {
    let one = (0..decimals(code)).fold(1.0, |one, _| one * 10.0);
    Value::rounded(minor_units / one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minor_units_are_those_of_iso_4217() {
        for code in ["JPY", "KRW", "VND", "CLP", "ISK", "XAF", "UGX"] {
            assert_eq!(decimals(code), 0, "{code}");
        }
        for code in ["KWD", "BHD", "OMR", "JOD", "TND", "IQD", "LYD"] {
            assert_eq!(decimals(code), 3, "{code}");
        }
        for code in ["EUR", "USD", "GBP", "CHF", "CNY", "HUF"] {
            assert_eq!(decimals(code), 2, "{code}");
        }
        assert_eq!((decimals("CLF"), decimals("UYW")), (4, 4));
        assert_eq!(decimals("ZZZ"), 0);
    }

    #[test]
    fn amounts_are_in_units_to_the_last_digit() {
        assert_eq!(units(1_250, "EUR").to_string(), "12.5");
        assert_eq!(units(1_980, "JPY").to_string(), "1980.0");
        assert_eq!(units(-1, "KWD").to_string(), "-0.001");
        assert_eq!(
            figure_in_units(123_456.789, "USD").to_string(),
            "1234.567890".trim_end_matches('0')
        );
        assert_eq!(
            figure_in_units(123_456.789, "JPY").to_string(),
            "123456.789"
        );
    }
}
