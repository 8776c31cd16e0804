//! What people say: templates by language, topic and mood, and the filling of their slots.

use std::{collections::BTreeMap, sync::LazyLock};

use super::{
    catalogue::{Locale, Product},
    random::Random,
};

/// What a text may speak of.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    pub(super) product: &'static Product,
    pub(super) order: String,
    pub(super) days: i64,
    pub(super) shop: &'static str,
    pub(super) city: &'static str,
    pub(super) courier: &'static str,
    pub(super) staff: &'static str,
    pub(super) size: &'static str,
    /// In minor units of the locale's currency.
    pub(super) amount: i64,
    pub(super) quantity: i64,
}

type Templates = BTreeMap<(&'static str, &'static str), Vec<&'static str>>;

static JAPANESE: LazyLock<Templates> = LazyLock::new(|| read(include_str!("data/ja.txt")));
static ENGLISH: LazyLock<Templates> = LazyLock::new(|| read(include_str!("data/en.txt")));

fn templates(locale: Locale) -> &'static Templates {
    match locale {
        Locale::Japan => &JAPANESE,
        Locale::States | Locale::Britain => &ENGLISH,
    }
}

fn read(text: &'static str) -> Templates {
    let mut templates = Templates::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if let Some((tags, words)) = line.split_once(": ")
            && let Some(tags) = tags.split_once(' ')
        {
            templates.entry(tags).or_default().push(words);
        }
    }
    templates
}

/// A text of a topic in a mood; where nobody speaks of the topic in that mood, as the unhappy do.
pub(super) fn words(
    random: &mut Random,
    locale: Locale,
    (topic, mood): (&str, &str),
    name: &str,
    scene: &Scene,
) -> String {
    let known = templates(locale);
    let found = known
        .get(&(topic, mood))
        .or_else(|| known.get(&(topic, "unhappy")));
    found.map_or_else(String::new, |choices| {
        fill(random.pick::<&str>(choices), locale, name, scene)
    })
}

fn fill(template: &str, locale: Locale, name: &str, scene: &Scene) -> String {
    let british = locale == Locale::Britain;
    let mut out = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((slot, later)) = after.split_once('}') else {
            break;
        };
        rest = later;
        match slot {
            "product" => out.push_str(scene.product.name(locale)),
            "order" => out.push_str(&scene.order),
            "days" => out.push_str(&scene.days.to_string()),
            "shop" => out.push_str(scene.shop),
            "city" => out.push_str(scene.city),
            "courier" => out.push_str(scene.courier),
            "staff" => out.push_str(scene.staff),
            "size" => out.push_str(scene.size),
            "amount" => out.push_str(&amount(locale, scene.amount)),
            "name" => out.push_str(name),
            "parcel" => out.push_str(if british { "parcel" } else { "package" }),
            "favourite" => out.push_str(if british { "favourite" } else { "favorite" }),
            "mobile" => out.push_str(if british { "mobile" } else { "cell phone" }),
            _ => (),
        }
    }
    out.push_str(rest);
    match locale {
        Locale::States => out.replace("colour", "color").replace("mum", "mom"),
        Locale::Japan | Locale::Britain => out,
    }
}

/// An amount as people write it.
fn amount(locale: Locale, minor: i64) -> String {
    match locale {
        Locale::Japan if minor >= 1_000 => format!("{},{:03}円", minor / 1_000, minor % 1_000),
        Locale::Japan => format!("{minor}円"),
        Locale::States => format!("${}.{:02}", minor / 100, minor % 100),
        Locale::Britain => format!("£{}.{:02}", minor / 100, minor % 100),
    }
}

const FULL: &str = "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲンァィゥェォャュョッーガギグゲゴザジズゼゾダヂヅデドバビブベボパピプペポ";
const HALF: &str = "ｱ ｲ ｳ ｴ ｵ ｶ ｷ ｸ ｹ ｺ ｻ ｼ ｽ ｾ ｿ ﾀ ﾁ ﾂ ﾃ ﾄ ﾅ ﾆ ﾇ ﾈ ﾉ ﾊ ﾋ ﾌ ﾍ ﾎ ﾏ ﾐ ﾑ ﾒ ﾓ ﾔ ﾕ ﾖ ﾗ ﾘ ﾙ ﾚ ﾛ ﾜ ｦ ﾝ ｧ ｨ ｩ ｪ ｫ ｬ ｭ ｮ ｯ ｰ ｶﾞ ｷﾞ ｸﾞ ｹﾞ ｺﾞ ｻﾞ ｼﾞ ｽﾞ ｾﾞ ｿﾞ ﾀﾞ ﾁﾞ ﾂﾞ ﾃﾞ ﾄﾞ ﾊﾞ ﾋﾞ ﾌﾞ ﾍﾞ ﾎﾞ ﾊﾟ ﾋﾟ ﾌﾟ ﾍﾟ ﾎﾟ";

static HALVES: LazyLock<BTreeMap<char, &'static str>> =
    LazyLock::new(|| FULL.chars().zip(HALF.split(' ')).collect());

/// Katakana in half width, as old terminals and banks write it.
pub(super) fn half_width(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match HALVES.get(&c) {
            Some(half) => out.push_str(half),
            None => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn both_languages_speak_of_the_same_and_each_in_150_ways_or_more() {
        let tags = |locale| templates(locale).keys().collect::<Vec<_>>();
        assert_eq!(tags(Locale::Japan), tags(Locale::Britain));
        for locale in [Locale::Japan, Locale::Britain] {
            let all: Vec<&str> = templates(locale).values().flatten().copied().collect();
            let distinct: BTreeSet<&str> = all.iter().copied().collect();
            assert_eq!(all.len(), distinct.len());
            assert!(distinct.len() >= 150, "{}", distinct.len());
        }
    }

    #[test]
    fn every_line_has_its_tags_and_known_slots() {
        let slots = [
            "product",
            "order",
            "days",
            "shop",
            "city",
            "courier",
            "staff",
            "size",
            "amount",
            "name",
            "parcel",
            "favourite",
            "mobile",
        ];
        for text in [include_str!("data/ja.txt"), include_str!("data/en.txt")] {
            let lines: Vec<&str> = text.lines().filter(|l| !l.starts_with('#')).collect();
            let read: usize = read(text).values().map(Vec::len).sum();
            assert_eq!(read, lines.len());
            for line in lines {
                for part in line.split('{').skip(1) {
                    let slot = part.split('}').next().unwrap();
                    assert!(slots.contains(&slot), "{line}");
                }
            }
        }
    }

    #[test]
    fn half_width_kana_carry_their_voicing() {
        assert_eq!(half_width("タナカ ガク、コスパ"), "ﾀﾅｶ ｶﾞｸ、ｺｽﾊﾟ");
        assert_eq!(FULL.chars().count(), HALF.split(' ').count());
    }

    #[test]
    fn amounts_are_written_as_their_country_does() {
        assert_eq!(amount(Locale::Japan, 12_080), "12,080円");
        assert_eq!(amount(Locale::States, 1_205), "$12.05");
        assert_eq!(amount(Locale::Britain, 990), "£9.90");
    }
}
