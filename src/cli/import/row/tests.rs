use std::{
    collections::{HashMap, HashSet},
    env, fs,
    path::{Path, PathBuf},
};

use prost::Message as _;

use super::*;
use crate::{
    cli::import::table::{Input, Table},
    identity::{Region, normalise::normalise},
    proto::v1::{Direction, SubjectStatus, SurveyScale},
};

fn crate_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn mapping(example: &str) -> Mapping {
    let text = fs::read_to_string(crate_root().join("examples").join(example)).unwrap();
    Mapping::parse(&text).unwrap()
}

fn map(mapping: &Mapping, path: &Path) -> Vec<Result<Interaction, Faults>> {
    let input = Input::File(path.to_owned());
    let mut table = Table::open(&input, &mapping.layout, mapping.columns.names()).unwrap();
    let mut mapped = Vec::new();
    while let Some(row) = table.next_row().unwrap() {
        mapped.push(interaction(mapping, &row.unwrap()));
    }
    mapped
}

fn write(directory: &tempfile::TempDir, text: &str) -> PathBuf {
    let path = directory.path().join("input");
    fs::write(&path, text).unwrap();
    path
}

/// The real file, or `None` and a note when it is not on this machine.
fn real(path: &str) -> Option<PathBuf> {
    let default = || crate_root().join("../shared/data");
    let data = env::var_os("CUSTOMER_PROFILE_DATA").map_or_else(default, PathBuf::from);
    let file = data.join(path);
    if file.exists() {
        return Some(file);
    }
    #[expect(
        clippy::print_stdout,
        reason = "the person who runs the tests must see it"
    )]
    {
        println!("SKIPPED: real data");
    }
    None
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Purchases {
    rows: usize,
    events: usize,
    customers: usize,
    cents: i64,
    free: usize,
    most: usize,
}

fn purchases(path: &Path) -> (Purchases, HashMap<String, usize>) {
    let made: Vec<_> = map(&mapping("purchases.toml"), path)
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let mut orders: HashMap<String, usize> = HashMap::new();
    let mut found = Purchases {
        rows: made.len(),
        ..Purchases::default()
    };
    let events: HashSet<_> = made.iter().map(|i| &i.event_id).collect();
    found.events = events.len();
    for interaction in &made {
        let [customer] = interaction.identifiers.as_slice() else {
            panic!("one identifier each");
        };
        *orders.entry(customer.value.clone()).or_default() += 1;
        let money = interaction.money.as_ref().unwrap();
        assert_eq!(money.currency, "USD");
        found.cents += money.minor_units;
        found.free += usize::from(money.minor_units == 0);
    }
    found.customers = orders.len();
    found.most = orders.values().copied().max().unwrap_or_default();
    (found, orders)
}

#[test]
fn purchases_are_orders_of_their_own() {
    let directory = tempfile::tempdir().unwrap();
    let small = " customer_id  date number_of_cds  dollar_value\r\n 00001 19970101  1   11.77\r\n 00002 19970112  1   12.00\r\n 00002 19970112  1   12.00\r\n 00003 19970228  0    0.00\r\n";
    let (found, orders) = purchases(&write(&directory, small));
    let expected = Purchases {
        rows: 4,
        events: 4,
        customers: 3,
        cents: 3_577,
        free: 1,
        most: 2,
    };
    assert_eq!(found, expected);
    assert_eq!(orders["00002"], 2);

    let Some(path) = real("purchases/CDNOW_master.txt") else {
        return;
    };
    let (found, orders) = purchases(&path);
    let expected = Purchases {
        rows: 69_659,
        events: 69_659,
        customers: 23_570,
        cents: 250_031_563,
        free: 80,
        most: 217,
    };
    assert_eq!(found, expected);
    assert_eq!(orders["14048"], 217);
}

/// Rows, distinct event ids, repeats that equal the first, distinct handles as they are compared.
fn support(path: &Path) -> (usize, usize, usize, usize) {
    let made = map(&mapping("support.toml"), path);
    let mut first = HashMap::new();
    let mut handles = HashSet::new();
    let (mut rows, mut equal) = (0, 0);
    for interaction in made {
        let interaction = interaction.unwrap();
        rows += 1;
        let [handle] = interaction.identifiers.as_slice() else {
            panic!("one identifier each");
        };
        handles.insert(
            normalise(&handle.namespace, &handle.value, Region::US)
                .unwrap()
                .value,
        );
        let bytes = interaction.encode_to_vec();
        match first.get(&interaction.event_id) {
            None => {
                first.insert(interaction.event_id, bytes);
            }
            Some(before) => equal += usize::from(*before == bytes),
        }
    }
    (rows, first.len(), equal, handles.len())
}

#[test]
fn messages_that_were_exported_twice_are_equal() {
    let directory = tempfile::tempdir().unwrap();
    let small = "tweet_id,handle,airline,created_excel_serial,location,text\n1,@Jn,Air,42059.4694328704,,hello\n2,ann,Air,42059.5,Rome,\"bye\nbye\"\n1,@Jn,Air,42059.4694328704,,hello\n";
    assert_eq!(support(&write(&directory, small)), (3, 2, 1, 2));

    let Some(path) = real("support/airline_tweets.csv") else {
        return;
    };
    assert_eq!(support(&path), (11_624, 11_502, 122, 6_116));
}

#[test]
fn the_example_shop_maps_without_a_fault() {
    let made = map(
        &mapping("shop.toml"),
        &crate_root().join("examples/shop.csv"),
    );
    let made: Vec<_> = made.into_iter().map(Result::unwrap).collect();
    assert_eq!(made.len(), 56);
    let types: HashSet<_> = made.iter().map(|i| i.r#type.as_str()).collect();
    assert_eq!(types.len(), 9, "{types:?}");
    for identifier in made.iter().flat_map(|i| &i.identifiers) {
        let normalised = normalise(&identifier.namespace, &identifier.value, Region::JP);
        assert!(normalised.is_ok(), "{}", identifier.namespace);
    }
    // Union of what came together: customers.
    let sets = made.iter().map(|i| {
        let keys = i.identifiers.iter();
        keys.map(|k| normalise(&k.namespace, &k.value, Region::JP).unwrap())
            .map(|n| format!("{}:{}", n.namespace, n.value))
            .collect::<HashSet<_>>()
    });
    let mut people: Vec<HashSet<String>> = Vec::new();
    for mut set in sets {
        people.retain(|person| {
            let same = !person.is_disjoint(&set);
            if same {
                set.extend(person.iter().cloned());
            }
            !same
        });
        people.push(set);
    }
    assert_eq!(people.len(), 12);
    let hanako = people
        .iter()
        .find(|p| p.contains("email:hanako@example.com"))
        .unwrap();
    assert!(hanako.contains("customer_id:C-0001") && hanako.contains("phone:+819012345601"));
}

const FULL: &str = r#"
format = "csv"
[interaction]
source = "s"
event_id = "{id}"
occurred_at = { column = "at", format = "%Y-%m-%d" }
department = "{department}"
channel = "web"
type = "x"
direction = "{direction}"
text = { value = "{text}", when = { column = "id", equals = ["1", "2"] } }
subject = { kind = "{kind}", id = "{subject}", status = "{status}" }
money = { amount = "{amount}", currency = "{currency}" }
sentiment = { polarity = "{polarity}", confidence = "{sure}", method = "agent" }
attributes = { n = { value = "{n}", type = "number" }, b = { value = "{b}", type = "boolean" } }
[[interaction.identifiers]]
namespace = "email"
value = "{email}"
[[interaction.traits]]
name = "age"
value = "{age}"
type = "integer"
[[interaction.traits]]
name = "born"
value = "{born}"
type = "date"
[[interaction.traits]]
name = "tags"
value = "{tags}"
type = "list"
separator = "|"
[[interaction.survey_scores]]
scale = "{scale}"
value = "{score}"
[[interaction.consent_changes]]
purpose = "marketing"
state = "{consent}"
address = { namespace = "email", value = "{email}", when = { column = "scope", equals = "address" } }
"#;

fn full(values: &[(&str, &str)]) -> Result<Interaction, Faults> {
    let mapping = Mapping::parse(FULL).unwrap();
    let names = mapping.columns.names();
    let known = |name: &str| names.iter().any(|n| n == name);
    assert!(values.iter().all(|(name, _)| known(name)));
    let text = |name: &String| {
        let given = values.iter().find(|(n, _)| n == name);
        given.map_or_else(String::new, |(_, value)| (*value).to_owned())
    };
    let row = Row {
        line: 2,
        number: 1,
        values: names.iter().map(text).collect(),
    };
    interaction(&mapping, &row)
}

#[test]
fn what_is_empty_is_left_out() {
    let least = [
        ("id", "1"),
        ("at", "2024-02-29"),
        ("department", "sales"),
        ("email", "a@b.example"),
    ];
    let made = full(&least).unwrap();
    assert_eq!(made.occurred_at.unwrap().seconds, 1_709_164_800);
    assert!(made.subject.is_none() && made.money.is_none() && made.text.is_none());
    assert!(made.sentiment.is_none());
    assert!(made.traits.is_empty() && made.survey_scores.is_empty());
    assert!(made.consent_changes.is_empty() && made.attributes.is_none());
    assert_eq!(made.direction, 0);
}

#[test]
fn what_is_there_is_typed() {
    let made = full(&[
        ("id", "2"),
        ("at", "2024-02-29"),
        ("department", "sales"),
        ("email", "a@b.example"),
        ("direction", "inbound"),
        ("text", " hi "),
        ("kind", "ticket"),
        ("subject", "T-1"),
        ("status", "pending"),
        ("amount", "-3.50"),
        ("currency", "eur"),
        ("polarity", "-0.75"),
        ("sure", "0.9"),
        ("n", "2.5"),
        ("b", "Yes"),
        ("age", "41"),
        ("born", "1984-02-29"),
        ("tags", "a| b ||c"),
        ("scale", "nps"),
        ("score", "9"),
        ("consent", "denied"),
        ("scope", "address"),
    ])
    .unwrap();
    assert_eq!(made.direction(), Direction::Inbound);
    assert_eq!(made.text.as_deref(), Some(" hi "));
    assert_eq!(
        made.subject.as_ref().unwrap().status(),
        SubjectStatus::Pending
    );
    assert_eq!(made.money.unwrap().minor_units, -350);
    let felt = made.sentiment.unwrap();
    assert_eq!(felt.method, "agent");
    assert_eq!((felt.polarity, felt.confidence), (-0.75, Some(0.9)));
    assert_eq!(made.attributes.unwrap().fields.len(), 2);
    assert_eq!(made.survey_scores[0].scale(), SurveyScale::Nps);
    assert!(made.consent_changes[0].address.is_some());
    let tags = made.traits[2].value.clone().unwrap().kind;
    assert!(matches!(tags, Some(trait_value::Kind::List(list)) if list.values == ["a", "b", "c"]));
}

#[test]
fn every_fault_of_a_row_is_named_without_its_texts() {
    let faults = full(&[
        ("id", "7"),
        ("at", "2024-02-31"),
        ("direction", "zzz"),
        ("kind", "zzz"),
        ("subject", "S"),
        ("amount", "1.999"),
        ("currency", "USD"),
        ("polarity", "zzz"),
        ("sure", "zzz"),
        ("n", "zzz"),
        ("b", "zzz"),
        ("age", "4x"),
        ("born", "1983-02-29"),
        ("scale", "zzz"),
        ("score", "zzz"),
        ("consent", "granted"),
        ("scope", "address"),
    ])
    .unwrap_err();
    assert_eq!(faults.event_id.as_deref(), Some("7"));
    let paths: Vec<&str> = faults
        .reasons
        .iter()
        .filter_map(|reason| reason.split(' ').next())
        .collect();
    assert_eq!(
        paths,
        [
            "occurred_at",
            "department",
            "subject.kind",
            "direction",
            "identifiers",
            "traits[0].value",
            "traits[1].value",
            "survey_scores[0].value",
            "survey_scores[0].scale",
            "money",
            "consent_changes[0].address",
            "attributes.b",
            "attributes.n",
            "sentiment.polarity",
            "sentiment.confidence",
        ],
        "{:?}",
        faults.reasons
    );
    assert!(!faults.reasons.iter().any(|reason| reason.contains("zzz")));
}

#[test]
fn an_interaction_that_no_service_takes_is_a_fault_of_its_row() {
    let long = "あ".repeat(30_000);
    let faults = full(&[
        ("id", "1"),
        ("at", "2024-01-01"),
        ("department", "d"),
        ("email", "a@b.example"),
        ("text", &long),
    ])
    .unwrap_err();
    assert!(faults.reasons[0].contains("more than 65536"), "{faults:?}");
}
