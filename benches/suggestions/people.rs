//! People in households, some of which are traps: twins, and fathers and sons of one name; and strangers of one name.

use std::collections::HashSet;

use super::{
    names::{self, Name},
    random::Random,
};

#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) household: usize,
    pub(crate) japanese: bool,
    pub(crate) family: Name,
    pub(crate) given: Name,
    /// Year, month, day.
    pub(crate) birth: (usize, usize, usize),
    pub(crate) home: Home,
    /// E.164.
    pub(crate) phone: String,
    pub(crate) email: (String, &'static str),
}

#[derive(Clone, Debug)]
pub(crate) struct Home {
    pub(crate) postal: String,
    pub(crate) city: &'static str,
    pub(crate) town: &'static str,
    pub(crate) numbers: [usize; 3],
}

const CITIES: [&str; 24] = [
    "世田谷区",
    "横浜市",
    "大阪市",
    "名古屋市",
    "札幌市",
    "福岡市",
    "川崎市",
    "神戸市",
    "京都市",
    "さいたま市",
    "広島市",
    "仙台市",
    "千葉市",
    "堺市",
    "新潟市",
    "浜松市",
    "熊本市",
    "岡山市",
    "静岡市",
    "船橋市",
    "金沢市",
    "那覇市",
    "練馬区",
    "渋谷区",
];
const TOWNS: [&str; 16] = [
    "丸の内",
    "本町",
    "栄町",
    "緑が丘",
    "旭町",
    "中央",
    "桜台",
    "若葉町",
    "東山",
    "西新井",
    "大手町",
    "港南",
    "北野",
    "南青山",
    "泉",
    "美しが丘",
];
const ENGLISH_CITIES: [&str; 16] = [
    "Seattle",
    "Portland",
    "San Francisco",
    "Chicago",
    "Boston",
    "New York",
    "Austin",
    "Denver",
    "Atlanta",
    "London",
    "Manchester",
    "Bristol",
    "Leeds",
    "Houston",
    "Phoenix",
    "San Diego",
];
const STREETS: [&str; 16] = [
    "Oak Street",
    "Main Street",
    "Park Avenue",
    "Maple Drive",
    "Cedar Lane",
    "Pine Road",
    "Lake Street",
    "Hill Road",
    "Church Street",
    "High Street",
    "Elm Avenue",
    "River Road",
    "Mill Lane",
    "King Street",
    "Queen Street",
    "Station Road",
];
pub(crate) const DOMAINS: [&str; 5] = [
    "mail.example",
    "post.example",
    "phone.example",
    "web.example",
    "inbox.example",
];
const WORDS: [&str; 20] = [
    "blue", "sky", "cat", "moon", "happy", "star", "tiger", "coffee", "snow", "lucky", "rock",
    "ocean", "panda", "rose", "wind", "ramen", "piano", "soccer", "neko", "hana",
];

pub(crate) fn people(random: &mut Random, count: usize) -> Vec<Person> {
    let mut people: Vec<Person> = Vec::with_capacity(count);
    let mut household = 0;
    while people.len() < count {
        let size = *random.pick(&[1, 1, 1, 1, 2, 2, 2, 3, 3, 4]);
        let size = size.min(count - people.len());
        let first = person(random, household);
        let from = people.len();
        people.push(first.clone());
        for _ in 1..size {
            let mut other = person(random, household);
            other.japanese = first.japanese;
            other.home = first.home.clone();
            if random.chance(92) {
                other.family = first.family.clone();
            } else {
                other.family = names::family(random, first.japanese);
            }
            other.given = names::given(random, first.japanese);
            other.phone = phone(random, first.japanese);
            other.email = email(random, &other.family, &other.given);
            people.push(other);
        }
        if size >= 2 && random.chance(6) {
            // Twins are the last two.
            let twin = people[people.len() - 2].clone();
            let last = people.last_mut().unwrap();
            (last.birth, last.family) = (twin.birth, twin.family);
        } else if size >= 2 && random.chance(1) {
            let (family, given) = (first.family.clone(), first.given.clone());
            let son = &mut people[from + 1];
            (son.family, son.given) = (family, given);
            son.birth.0 = first.birth.0 + 27;
        }
        household += 1;
    }
    // Nobody has another one's address: the two would be one profile.
    let mut given_out = HashSet::new();
    for (number, person) in people.iter_mut().enumerate() {
        if !given_out.insert(person.email.clone()) {
            person.email.0 += &number.to_string();
        }
    }
    people
}

fn person(random: &mut Random, household: usize) -> Person {
    let japanese = random.chance(60);
    let (family, given) = if random.chance(2) {
        names::namesake(random, japanese)
    } else {
        (
            names::family(random, japanese),
            names::given(random, japanese),
        )
    };
    Person {
        household,
        japanese,
        birth: (
            1945 + random.below(61),
            1 + random.below(12),
            1 + random.below(28),
        ),
        home: home(random, japanese),
        phone: phone(random, japanese),
        email: email(random, &family, &given),
        family,
        given,
    }
}

/// One of about 4,000 postal codes; each has its city and its town.
pub(crate) fn home(random: &mut Random, japanese: bool) -> Home {
    let numbers = [
        1 + random.below(8),
        1 + random.below(30),
        1 + random.below(20),
    ];
    let area = random.below(120);
    if japanese {
        let at = random.below(CITIES.len());
        return Home {
            postal: format!("{}{:02}-{:04}", at + 1, area % 100, (area * 37) % 10_000),
            city: CITIES[at],
            town: TOWNS[area % TOWNS.len()],
            numbers,
        };
    }
    let at = random.below(ENGLISH_CITIES.len());
    Home {
        postal: format!("{:02}{area:03}", 10 + at * 5),
        city: ENGLISH_CITIES[at],
        town: random.pick::<&str>(&STREETS),
        numbers,
    }
}

pub(crate) fn phone(random: &mut Random, japanese: bool) -> String {
    if japanese {
        let prefix = random.pick(&["70", "80", "90", "90"]);
        format!("+81{prefix}{:08}", random.below(100_000_000))
    } else {
        format!(
            "+1{}{:07}",
            201 + random.below(700),
            2_000_000 + random.below(8_000_000)
        )
    }
}

pub(crate) fn email(random: &mut Random, family: &Name, given: &Name) -> (String, &'static str) {
    let plain = |latin: &str| {
        let ascii = latin.to_lowercase().replace('ō', "o").replace('ū', "u");
        ascii.replace('\'', "")
    };
    let number = random.below(100);
    let local = match random.below(4) {
        0 => format!("{}.{}", plain(&given.latin), plain(&family.latin)),
        1 => format!("{}{}{number:02}", plain(&family.latin), plain(&given.latin)),
        2 => format!("{}_{}{number}", random.pick(&WORDS), plain(&given.latin)),
        _ => format!("{}{}{number}", random.pick(&WORDS), random.pick(&WORDS)),
    };
    (local, random.pick::<&str>(&DOMAINS))
}
