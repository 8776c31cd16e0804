//! What the shop sells, what people are called and where they live: the tables in `data/`.

use std::sync::LazyLock;

/// A language with the country that goes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Locale {
    Japan,
    States,
    Britain,
}

impl Locale {
    /// As BCP 47.
    pub(super) fn tag(self) -> &'static str {
        match self {
            Self::Japan => "ja-JP",
            Self::States => "en-US",
            Self::Britain => "en-GB",
        }
    }

    pub(super) fn language(self) -> &'static str {
        match self {
            Self::Japan => "ja",
            Self::States | Self::Britain => "en",
        }
    }

    pub(super) fn currency(self) -> &'static str {
        match self {
            Self::Japan => "JPY",
            Self::States => "USD",
            Self::Britain => "GBP",
        }
    }

    /// Hours from UTC. Summer time is left out: nobody's life here turns on an hour.
    pub(super) fn offset(self) -> i64 {
        match self {
            Self::Japan => 9,
            Self::States => -6,
            Self::Britain => 0,
        }
    }
}

/// Something that is sold.
#[derive(Clone, Debug)]
pub(super) struct Product {
    pub(super) sku: &'static str,
    /// Comes in sizes.
    pub(super) sized: bool,
    /// Is registered for a guarantee.
    pub(super) gear: bool,
    prices: [i64; 3],
    names: [&'static str; 2],
}

impl Product {
    /// In minor units of the locale's currency.
    pub(super) fn price(&self, locale: Locale) -> i64 {
        match locale {
            Locale::Japan => self.prices[0],
            Locale::States => self.prices[1],
            Locale::Britain => self.prices[2],
        }
    }

    pub(super) fn name(&self, locale: Locale) -> &'static str {
        match locale {
            Locale::Japan => self.names[1],
            Locale::States | Locale::Britain => self.names[0],
        }
    }
}

/// A family or given name.
#[derive(Clone, Debug)]
pub(super) struct Name {
    pub(super) written: &'static str,
    pub(super) kana: &'static str,
    pub(super) latin: &'static str,
}

/// A city with a shop.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) city: &'static str,
    pub(super) postal_code: &'static str,
    pub(super) shop: &'static str,
}

/// All tables.
#[derive(Debug)]
pub(super) struct Catalogue {
    pub(super) products: Vec<Product>,
    japanese: [Vec<Name>; 2],
    english: [Vec<Name>; 2],
    places: [Vec<Place>; 3],
}

/// The tables, read once.
pub(super) static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(read);

impl Catalogue {
    pub(super) fn families(&self, locale: Locale) -> &[Name] {
        &self.names(locale)[0]
    }

    pub(super) fn givens(&self, locale: Locale) -> &[Name] {
        &self.names(locale)[1]
    }

    fn names(&self, locale: Locale) -> &[Vec<Name>; 2] {
        match locale {
            Locale::Japan => &self.japanese,
            Locale::States | Locale::Britain => &self.english,
        }
    }

    pub(super) fn places(&self, locale: Locale) -> &[Place] {
        match locale {
            Locale::Japan => &self.places[0],
            Locale::States => &self.places[1],
            Locale::Britain => &self.places[2],
        }
    }
}

fn rows(text: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split('|').map(str::trim).collect())
}

fn read() -> Catalogue {
    let mut products = Vec::new();
    for row in rows(include_str!("data/products.txt")) {
        if let [sku, kind, yen, cents, pence, english, japanese] = row[..] {
            products.push(Product {
                sku,
                sized: kind == "wear",
                gear: kind == "gear",
                prices: [yen, cents, pence].map(|price| price.parse().unwrap_or_default()),
                names: [english, japanese],
            });
        }
    }
    let all = rows(include_str!("data/names.txt")).collect::<Vec<_>>();
    let names = |wanted: &str| {
        let of = all.iter().filter(|row| row[0] == wanted);
        of.filter_map(|row| match row[..] {
            [_, written, kana, latin] => Some(Name {
                written,
                kana,
                latin,
            }),
            _ => None,
        })
        .collect()
    };
    let cities = rows(include_str!("data/places.txt")).collect::<Vec<_>>();
    let places = |wanted: &str| {
        let of = cities.iter().filter(|row| row[0] == wanted);
        of.filter_map(|row| match row[..] {
            [_, city, postal_code, shop] => Some(Place {
                city,
                postal_code,
                shop,
            }),
            _ => None,
        })
        .collect()
    };
    Catalogue {
        products,
        japanese: [names("ja family"), names("ja given")],
        english: [names("en family"), names("en given")],
        places: [places("ja"), places("en-US"), places("en-GB")],
    }
}
