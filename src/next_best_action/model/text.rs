//! The words of an action in several languages.

use std::{fmt, str::FromStr};

/// What a customer reads or hears, in one language. No templates: what is shown is what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The language.
    pub locale: LanguageTag,
    /// One line, 1 to 120 characters.
    pub title: String,
    /// The rest, or what an agent says, at most 1,000 characters; lines end with U+000A.
    pub body: String,
    /// What is on the button, at most 40 characters; empty for none.
    pub call_to_action: String,
    /// Where the button leads: `https://...` or a path that starts with one `/`, at most 500 bytes; empty for nowhere.
    pub link: String,
}

/// A BCP 47 tag of at most 35 bytes in its usual spelling (`ja`, `en-GB`, `zh-Hant-TW`); whether there is such a language is
/// not looked at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LanguageTag(String);

impl LanguageTag {
    /// `und`: not known.
    #[must_use]
    pub fn undetermined() -> Self {
        Self("und".to_owned())
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LanguageTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for LanguageTag {
    type Err = ();

    /// Case means nothing and becomes the usual one; `_` is no separator. Spelling after RFC 5646, 2.1.1.
    fn from_str(text: &str) -> Result<Self, ()> {
        if text.len() > 35 {
            return Err(());
        }
        let mut spelled = String::with_capacity(text.len());
        let mut after_singleton = false;
        for (place, part) in text.split('-').enumerate() {
            let sound =
                (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
            let letters = part.bytes().all(|b| b.is_ascii_alphabetic());
            if !sound || (place == 0 && !(letters && part.len() >= 2)) {
                return Err(());
            }
            if place > 0 {
                spelled.push('-');
            }
            let lower = part.to_ascii_lowercase();
            match part.len() {
                2 if place > 0 && !after_singleton => spelled.push_str(&part.to_ascii_uppercase()),
                4 if place > 0 && letters && !after_singleton => {
                    let (first, rest) = lower.split_at(1);
                    spelled.push_str(&first.to_ascii_uppercase());
                    spelled.push_str(rest);
                }
                _ => spelled.push_str(&lower),
            }
            after_singleton |= part.len() == 1;
        }
        Ok(Self(spelled))
    }
}

/// The text for a locale: of that tag, else of the tag without its last parts (RFC 4647, 3.4, down to the language), else of
/// the default, looked up likewise. `None` when there is neither.
#[must_use]
pub fn choose<'t>(
    texts: &'t [Text],
    wanted: &LanguageTag,
    default: &LanguageTag,
) -> Option<&'t Text> {
    look_up(texts, wanted.as_str()).or_else(|| look_up(texts, default.as_str()))
}

fn look_up<'t>(texts: &'t [Text], wanted: &str) -> Option<&'t Text> {
    let mut range = wanted;
    loop {
        if let Some(text) = texts.iter().find(|text| text.locale.as_str() == range) {
            return Some(text);
        }
        range = range.rsplit_once('-')?.0;
        // A single letter or digit announces what follows it and means nothing alone.
        if let Some((shorter, last)) = range.rsplit_once('-')
            && last.len() == 1
        {
            range = shorter;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(text: &str) -> LanguageTag {
        text.parse().unwrap()
    }

    fn chosen(have: &[&str], wanted: &str, default: &str) -> Option<String> {
        let texts: Vec<Text> = have
            .iter()
            .map(|locale| Text {
                locale: tag(locale),
                title: (*locale).to_owned(),
                body: String::new(),
                call_to_action: String::new(),
                link: String::new(),
            })
            .collect();
        choose(&texts, &tag(wanted), &tag(default)).map(|text| text.title.clone())
    }

    #[test]
    fn the_exact_tag_wins_then_the_language_then_the_default() {
        let have = ["en", "en-GB", "ja", "zh-Hant"];
        for (wanted, expected) in [
            ("en-GB", "en-GB"),
            ("en-US", "en"),
            ("zh-Hant-TW", "zh-Hant"),
            ("zh-Hans", "ja"),
            ("fr", "ja"),
            ("ja-JP-u-ca-japanese", "ja"),
            ("EN-gb", "en-GB"),
        ] {
            assert_eq!(
                chosen(&have, wanted, "ja-JP").as_deref(),
                Some(expected),
                "{wanted}"
            );
        }
        assert_eq!(chosen(&have, "fr", "de"), None);
    }

    #[test]
    fn a_tag_is_spelled_as_usual() {
        for (given, spelled) in [
            ("JA", "ja"),
            ("en-gb", "en-GB"),
            ("ZH-hant-tw", "zh-Hant-TW"),
            ("de-ch-1996", "de-CH-1996"),
            ("ja-jp-U-CA-japanese", "ja-JP-u-ca-japanese"),
        ] {
            assert_eq!(tag(given).as_str(), spelled);
            assert_eq!(tag(spelled), tag(given));
        }
        for bad in [
            "",
            "j",
            "1a",
            "ja_JP",
            "ja-",
            "-ja",
            "toolongtag",
            "日本",
            "ja--JP",
        ] {
            assert_eq!(bad.parse::<LanguageTag>(), Err(()), "{bad}");
        }
    }
}
