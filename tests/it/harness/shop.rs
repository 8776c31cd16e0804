//! Made-up interactions as the export that `examples/shop.toml` maps.

use std::path::{Path, PathBuf};

use customer_profile::proto::v1::{
    ConsentState, Direction, Interaction, SubjectKind, SubjectStatus, SurveyScale,
    trait_value::Kind,
};

const COLUMNS: [&str; 23] = [
    "system",
    "event_id",
    "occurred_at",
    "department",
    "channel",
    "type",
    "direction",
    "subject",
    "subject_id",
    "status",
    "customer_id",
    "email",
    "phone",
    "name",
    "interests",
    "amount",
    "currency",
    "scale",
    "score",
    "consent",
    "consent_channel",
    "language",
    "text",
];

/// A file of the examples.
pub fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(name)
}

/// The rows of those that the export has an identifier for.
fn rows(interactions: &[Interaction]) -> Vec<[String; 23]> {
    let known = ["customer_id", "email", "phone"];
    interactions
        .iter()
        .filter(|i| {
            let mut found = i.identifiers.iter();
            found.any(|i| known.contains(&i.namespace.as_str()) && i.value != "不明")
        })
        .map(row)
        .collect()
}

fn row(made: &Interaction) -> [String; 23] {
    let of = |namespace: &str| {
        let mut found = made.identifiers.iter();
        let found = found.find(|i| i.namespace == namespace && i.value != "不明");
        found.map(|i| i.value.clone()).unwrap_or_default()
    };
    let subject = made.subject.clone().unwrap_or_default();
    let kind = match subject.kind() {
        SubjectKind::Order => "order",
        SubjectKind::Ticket => "ticket",
        _ => "",
    };
    let status = match subject.status() {
        SubjectStatus::Open => "open",
        SubjectStatus::Pending => "pending",
        SubjectStatus::Closed => "closed",
        _ => "",
    };
    let (amount, currency) = amount(made);
    let (scale, score) = made
        .survey_scores
        .first()
        .map_or_else(Default::default, |s| {
            let scale = match s.scale() {
                SurveyScale::Nps => "nps",
                _ => "csat_5",
            };
            (scale, s.value.to_string())
        });
    let consent = made.consent_changes.first();
    let state = consent.map_or("", |c| match c.state() {
        ConsentState::Granted => "granted",
        _ => "denied",
    });
    let direction = match made.direction() {
        Direction::Outbound => "outbound",
        _ => "inbound",
    };
    [
        made.source.clone(),
        made.event_id.clone(),
        local_time(made),
        made.department.clone(),
        made.channel.clone(),
        made.r#type.clone(),
        direction.into(),
        kind.into(),
        subject.id.clone(),
        status.into(),
        of("customer_id"),
        of("email"),
        of("phone"),
        text_trait(made, "full_name"),
        text_trait(made, "interests"),
        amount,
        currency,
        scale.into(),
        score,
        state.into(),
        consent.and_then(|c| c.channel.clone()).unwrap_or_default(),
        made.language.clone().unwrap_or_default(),
        made.text.clone().unwrap_or_default(),
    ]
}

fn amount(made: &Interaction) -> (String, String) {
    let Some(money) = &made.money else {
        return Default::default();
    };
    let amount = match money.currency.as_str() {
        "USD" => format!("{}.{:02}", money.minor_units / 100, money.minor_units % 100),
        _ => money.minor_units.to_string(),
    };
    (amount, money.currency.clone())
}

fn text_trait(made: &Interaction, name: &str) -> String {
    let given = made.traits.iter().find(|t| t.name == name);
    let kind = given.and_then(|t| t.value.clone()?.kind);
    match kind {
        Some(Kind::Text(text)) => text,
        Some(Kind::List(list)) => list.values.join("|"),
        _ => String::new(),
    }
}

/// As the export writes it: minutes, in Japan.
fn local_time(made: &Interaction) -> String {
    let seconds = made.occurred_at.unwrap().seconds + 9 * 3_600;
    let at = chrono::DateTime::from_timestamp(seconds, 0).unwrap();
    at.format("%Y-%m-%d %H:%M").to_string()
}

/// Writes them as CSV; answers with the number of rows.
pub fn write_csv(path: &Path, interactions: &[Interaction]) -> u64 {
    let mut file = csv::Writer::from_path(path).unwrap();
    // A column that no row fills: the mapping names it.
    file.write_record(COLUMNS.iter().chain(&["page"])).unwrap();
    let rows = rows(interactions);
    for row in &rows {
        file.write_record(row.iter().map(String::as_str).chain([""]))
            .unwrap();
    }
    file.flush().unwrap();
    u64::try_from(rows.len()).unwrap()
}

/// The same rows as objects, gzipped, and the mapping for them.
pub fn write_ndjson_gz(path: &Path, mapping: &Path, interactions: &[Interaction]) {
    use std::io::Write as _;
    let file = std::fs::File::create(path).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    for row in rows(interactions) {
        let object: serde_json::Map<String, serde_json::Value> = COLUMNS
            .iter()
            .zip(row)
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| ((*name).to_owned(), value.into()))
            .collect();
        writeln!(gzip, "{}", serde_json::Value::Object(object)).unwrap();
    }
    gzip.finish().unwrap().sync_all().unwrap();
    let text = std::fs::read_to_string(example("shop.toml")).unwrap();
    let text = text.replace("format = \"csv\"", "format = \"ndjson\"");
    std::fs::write(mapping, text).unwrap();
}
