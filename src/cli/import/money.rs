//! Exact money: a decimal text and a currency to a whole number of minor units.
//!
//! What must stay true: no amount is rounded, and none is read in two ways. An amount with more decimals than its
//! currency has is refused even when they are zeros, because "1.200" is twelve hundred in half of Europe.

use iso_currency::Currency;

use crate::proto::v1::Money;

/// The amount that a text says.
///
/// # Errors
/// What is wrong, without the text.
pub(crate) fn money(amount: &str, currency: &str) -> Result<Money, String> {
    let code = currency.trim().to_ascii_uppercase();
    let decimals = Currency::from_code(&code)
        .and_then(Currency::exponent)
        .ok_or("currency is not a code of ISO 4217 with a minor unit")?;
    Ok(Money {
        minor_units: minor_units(amount, usize::from(decimals))?,
        currency: code,
    })
}

/// Whether this is the code of a currency that amounts can be in.
#[must_use]
pub(crate) fn is_currency(code: &str) -> bool {
    Currency::from_code(&code.to_ascii_uppercase())
        .and_then(Currency::exponent)
        .is_some()
}

fn minor_units(amount: &str, decimals: usize) -> Result<i64, String> {
    const NOT_A_NUMBER: &str = "amount is not a plain decimal number";
    let amount = amount.trim();
    let (negative, digits) = match amount.as_bytes().first() {
        Some(b'-') => (true, &amount[1..]),
        Some(b'+') => (false, &amount[1..]),
        _ => (false, amount),
    };
    let (whole, fraction) = match digits.split_once('.') {
        None => (digits, ""),
        Some((_, "")) => return Err(NOT_A_NUMBER.to_owned()),
        Some(parts) => parts,
    };
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(fraction) {
        return Err(NOT_A_NUMBER.to_owned());
    }
    if fraction.len() > decimals {
        return Err(format!(
            "amount has {} decimals where its currency has {decimals}",
            fraction.len()
        ));
    }
    let zeros = decimals - fraction.len();
    let mut units: i64 = 0;
    let digits = whole.bytes().chain(fraction.bytes());
    for digit in digits.chain(std::iter::repeat_n(b'0', zeros)) {
        let digit = i64::from(digit - b'0');
        units = units
            .checked_mul(10)
            .and_then(|n| n.checked_add(digit))
            .ok_or("amount is too large")?;
    }
    Ok(if negative { -units } else { units })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn units(amount: &str, currency: &str) -> Option<i64> {
        money(amount, currency).ok().map(|m| m.minor_units)
    }

    #[test]
    fn amounts_are_exact_in_the_minor_unit_of_their_currency() {
        for (amount, currency, expected) in [
            ("11.77", "USD", 1_177),
            ("0.00", "USD", 0),
            (" 12 ", "usd", 1_200),
            ("-0.5", "EUR", -50),
            ("+1200", "JPY", 1_200),
            ("1.234", "KWD", 1_234),
        ] {
            assert_eq!(
                units(amount, currency),
                Some(expected),
                "{amount} {currency}"
            );
        }
    }

    #[test]
    fn amounts_that_would_be_rounded_or_guessed_are_refused() {
        for (amount, currency) in [
            ("12.345", "USD"),
            ("12.340", "USD"),
            ("1200.50", "JPY"),
            ("1200.00", "JPY"),
            ("1,200", "JPY"),
            ("1e3", "JPY"),
            ("12.", "USD"),
            (".5", "USD"),
            ("", "USD"),
            ("-", "USD"),
            ("--1", "USD"),
            ("１２", "JPY"),
            ("92233720368547758.08", "USD"),
            ("12", "XXX"),
            ("12", "dollars"),
            ("12", ""),
        ] {
            assert_eq!(units(amount, currency), None, "{amount} {currency}");
        }
    }

    proptest! {
        #[test]
        fn every_number_of_cents_survives_being_written(cents in -1_000_000_000_000_i64..=1_000_000_000_000) {
            let sign = if cents < 0 { "-" } else { "" };
            let text = format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100);
            prop_assert_eq!(units(&text, "USD"), Some(cents));
        }

        #[test]
        fn any_text_is_an_amount_or_an_error(amount in any::<String>(), currency in "[A-Z]{3}|.*") {
            let _ = money(&amount, &currency);
        }
    }
}
