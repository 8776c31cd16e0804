//! Normalisers: the form in which identifiers are compared.
//!
//! Every normaliser is idempotent and total. Width and kana forms are folded by NFKC first, which turns full-width letters
//! and digits into plain ones and half-width kana with its voicing marks into full-width kana.

use std::{borrow::Cow, fmt, str::FromStr};

use phonenumber::{Mode, country};
use unicode_normalization::UnicodeNormalization as _;

use super::{
    blocked::is_blocked,
    model::{Normalised, Unusable},
    namespace::{Normaliser, rule},
};

/// The country that phone numbers without a prefix belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region(country::Id);

impl Region {
    /// Japan.
    pub const JP: Self = Self(country::Id::JP);
    /// The United States.
    pub const US: Self = Self(country::Id::US);
}

impl FromStr for Region {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        country::Id::from_str(text).map(Self).map_err(|_| ())
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_ref())
    }
}

/// NFKC of a text; of ASCII that is the text itself.
fn nfkc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.nfkc().collect())
    }
}

/// The comparable form of a value, or why there is none.
///
/// # Errors
/// When the value is blocked, or not of its namespace's form.
pub fn normalise(namespace: &str, raw: &str, region: Region) -> Result<Normalised, Unusable> {
    let folded = nfkc(raw);
    if is_blocked(&folded) {
        return Err(Unusable::Blocked);
    }
    let folded = folded.trim();
    let value = match rule(namespace).normaliser {
        Normaliser::Email => email(folded)?,
        Normaliser::Phone => phone(folded, region)?,
        Normaliser::Handle => handle(folded),
        Normaliser::Id => folded.to_owned(),
    };
    if value.is_empty() {
        return Err(Unusable::Empty);
    }
    if value != folded && is_blocked(&value) {
        return Err(Unusable::Blocked);
    }
    Ok(Normalised {
        namespace: namespace.to_owned(),
        value,
    })
}

fn email(folded: &str) -> Result<String, Unusable> {
    let lower = folded.to_lowercase();
    // Lower case can leave NFKC (for example of "İ"), and what is compared must be a fixed point.
    let lower = nfkc(&lower);
    let bare = lower.strip_prefix("mailto:").unwrap_or(&lower);
    let bare = bare.trim_end_matches('.');
    let (local, domain) = bare.rsplit_once('@').ok_or(Unusable::NotAnEmail)?;
    let sound = !local.is_empty()
        && !local.contains('@')
        && !local.starts_with("mailto:")
        && domain.contains('.')
        && domain.split('.').all(|label| !label.is_empty())
        && !bare
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || "<>,;\"".contains(c));
    if sound {
        Ok(bare.to_owned())
    } else {
        Err(Unusable::NotAnEmail)
    }
}

fn phone(folded: &str, region: Region) -> Result<String, Unusable> {
    let plain: String = folded
        .strip_prefix("tel:")
        .unwrap_or(folded)
        .chars()
        .map(|c| match c {
            // Dashes that people type, the long-vowel mark among them.
            '\u{2010}'..='\u{2015}' | '\u{2212}' | 'ー' | '\u{2500}' => '-',
            c => c,
        })
        .collect();
    // The parser allocates by length; no number with its punctuation is longer.
    if plain.len() > 64 {
        return Err(Unusable::NotAPhone);
    }
    let number = phonenumber::parse(Some(region.0), &plain).map_err(|_| Unusable::NotAPhone)?;
    if phonenumber::is_valid(&number) {
        Ok(number.format().mode(Mode::E164).to_string())
    } else {
        Err(Unusable::NotAPhone)
    }
}

fn handle(folded: &str) -> String {
    let lower = folded.to_lowercase();
    let lower = nfkc(&lower);
    // Together: what comes to light behind an `@` and a space may be another `@`.
    let bare = lower.trim_start_matches(|c: char| c == '@' || c.is_whitespace());
    bare.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value(namespace: &str, raw: &str) -> Result<String, Unusable> {
        normalise(namespace, raw, Region::JP).map(|n| n.value)
    }

    #[test]
    fn ascii_is_folded_already() {
        let all: String = (0..128).map(char::from).collect();
        let folded: String = all.nfkc().collect();
        assert_eq!(folded, all);
    }

    #[test]
    fn email_folds_width_and_case() {
        assert_eq!(
            value("email", " Ｔａｒｏ.Yamada＠Example.CO.JP "),
            Ok("taro.yamada@example.co.jp".into())
        );
        assert_eq!(
            value("email", "mailto:A@b.example"),
            Ok("a@b.example".into())
        );
        for bad in ["taro", "a@b", "@b.c", "a@.c", "a b@c.d", "a@b@c.d"] {
            assert_eq!(value("email", bad), Err(Unusable::NotAnEmail), "{bad}");
        }
    }

    #[test]
    fn phone_becomes_e164_in_the_tenant_region() {
        for same in [
            "090-1234-5678",
            "０９０ー１２３４ー５６７８",
            "+81 90 1234 5678",
            "(090)1234‐5678",
        ] {
            assert_eq!(value("phone", same), Ok("+819012345678".into()), "{same}");
        }
        assert_eq!(
            normalise("phone", "(212) 736-5000", Region::US).map(|n| n.value),
            Ok("+12127365000".into())
        );
        for bad in ["12", "call me", "+999999999999999999"] {
            assert_eq!(value("phone", bad), Err(Unusable::NotAPhone), "{bad}");
        }
    }

    #[test]
    fn ids_keep_case_and_leading_zeros_but_not_width() {
        assert_eq!(value("customer_id", " ００123a "), Ok("00123a".into()));
        assert_eq!(value("loyalty_id", "ｶﾞ1"), Ok("ガ1".into()));
    }

    #[test]
    fn handles_lose_case_and_the_at_sign() {
        assert_eq!(value("social_handle", "@JNardino"), Ok("jnardino".into()));
        assert_eq!(value("social_handle", "@ @ a"), Ok("a".into()));
        for nothing in ["@@", "@ @"] {
            assert_eq!(value("social_handle", nothing), Err(Unusable::Empty));
        }
        assert_eq!(value("social_handle", "@guest"), Err(Unusable::Blocked));
    }

    proptest! {
        #[test]
        fn every_normaliser_is_idempotent_and_never_panics(
            namespace in prop::sample::select(vec!["email", "phone", "social_handle", "customer_id", "x"]),
            raw in prop_oneof![any::<String>(), "[@ａ-ｚA-Z0-9.+ -]{0,24}", "\\+?[0-9()ー -]{5,20}", "[a-cİ]{1,3}@[a-c]\\.[a-c.]{1,3}"],
        ) {
            if let Ok(once) = normalise(namespace, &raw, Region::JP) {
                let twice = normalise(namespace, &once.value, Region::JP);
                prop_assert_eq!(twice.map(|n| n.value), Ok(once.value));
            }
        }
    }
}
