//! `search`: profiles by what their traits say, or by when they were last seen, as a table.

use clap::Args;

use super::{
    Failure, client,
    json::Printer,
    say, show, status,
    terminal::{
        Line, Look, Screen, Zone, emit,
        table::{Column, Table},
    },
    timeline::masked,
    words,
};
use crate::proto::v1::{
    Profile, SearchProfilesRequest, TextList, Trait, TraitValue,
    profile_service_client::ProfileServiceClient, trait_value::Kind,
};

/// Profiles of a page.
const PAGE: i32 = 100;
/// Identifiers in a row.
const IDENTIFIERS: usize = 3;
/// What the table shows.
const FIELDS: [&str; 6] = [
    "traits",
    "identifiers",
    "identifiers_total",
    "last_seen",
    "orders",
    "tickets",
];

/// Whom to look for.
#[derive(Args, Debug)]
pub struct SearchArgs {
    /// A trait that the profile shows exactly so, as name=value or name:type=value with a type of text (when not
    /// given), integer, decimal, boolean, date, time, list (a|b) or unset (no value); may be given several times.
    #[arg(long = "trait", value_name = "NAME[:TYPE]=VALUE")]
    traits: Vec<String>,

    /// Last seen at or after this time: a day, which begins at midnight in --time-zone, or RFC 3339.
    #[arg(long, value_name = "TIME")]
    seen_from: Option<String>,

    /// Last seen before this time.
    #[arg(long, value_name = "TIME")]
    seen_before: Option<String>,

    /// At most this many.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..), value_name = "N")]
    limit: u64,

    #[command(flatten)]
    target: client::Target,

    #[command(flatten)]
    look: Look,

    /// Print each profile whole as JSON of the protocol, one a line.
    #[arg(long)]
    json: bool,
}

impl SearchArgs {
    fn request(&self) -> Result<SearchProfilesRequest, Failure> {
        let zone = self.look.time_zone;
        let time = |text: &Option<String>| {
            let read = text.as_deref().map(|text| zone.read(text));
            read.transpose().map_err(Failure::Call)
        };
        let traits: Result<Vec<Trait>, Failure> = self
            .traits
            .iter()
            .map(|text| {
                fact(text, zone).map_err(|wrong| Failure::Call(format!("--trait {text:?} {wrong}")))
            })
            .collect();
        let fields = FIELDS.map(str::to_owned).to_vec();
        Ok(SearchProfilesRequest {
            traits: traits?,
            last_seen_from: time(&self.seen_from)?,
            last_seen_before: time(&self.seen_before)?,
            field_mask: (!self.json).then_some(prost_types::FieldMask { paths: fields }),
            ..SearchProfilesRequest::default()
        })
    }
}

/// A trait as `name=value` or `name:type=value`.
fn fact(text: &str, zone: Zone) -> Result<Trait, String> {
    let (name, value) = text.split_once('=').ok_or("is no name=value")?;
    let (name, r#type) = name.split_once(':').unwrap_or((name, "text"));
    let owned = value.to_owned();
    let kind = match r#type {
        "text" => Kind::Text(owned),
        "integer" => Kind::Integer(value.parse().map_err(|_| "has no 64-bit integer")?),
        "decimal" => Kind::Decimal(owned),
        "boolean" => Kind::Boolean(value.parse().map_err(|_| "is neither true nor false")?),
        "date" => Kind::Date(owned),
        "time" => Kind::Time(zone.read(value)?),
        "list" => Kind::List(TextList {
            values: value.split('|').map(str::to_owned).collect(),
        }),
        "unset" if value.is_empty() => Kind::Unset(true),
        "unset" => return Err("has a value: nothing may stand after unset=".to_owned()),
        _ => {
            let types = "text, integer, decimal, boolean, date, time, list or unset";
            return Err(format!("has an unknown type: expected {types}"));
        }
    };
    Ok(Trait {
        name: name.to_owned(),
        value: Some(TraitValue { kind: Some(kind) }),
    })
}

/// `search`.
pub(super) async fn search(args: &SearchArgs) -> Result<(), Failure> {
    let mut request = args.request()?;
    let mut client = ProfileServiceClient::new(args.target.connect()?);
    let screen = args.look.screen();
    let table = table(&screen);
    let json = Printer::new("Profile")?;
    let mut left = args.limit;
    let mut found = false;
    let mut first = true;
    loop {
        request.page_size = i32::try_from(left).map_or(PAGE, |left| left.min(PAGE));
        let page = client
            .search_profiles(request.clone())
            .await
            .map_err(|status| Failure::Call(status::describe(&status)))?
            .into_inner();
        if std::mem::take(&mut first) {
            masked(&page.masked_fields);
        }
        for profile in &page.profiles {
            let read = if args.json {
                emit(&json.line(profile)?)?
            } else if std::mem::replace(&mut found, true) {
                screen.print(&[row(&table, profile, &screen)])?
            } else {
                screen.print(&[head(&table), row(&table, profile, &screen)])?
            };
            if !read {
                return Ok(());
            }
            left = left.saturating_sub(1);
        }
        if page.next_page_token.is_empty() {
            break;
        }
        if left == 0 {
            say(format_args!("there may be more: --limit shows them"));
            return Ok(());
        }
        request.page_token = page.next_page_token;
    }
    if left == args.limit {
        say(format_args!("nobody was found"));
    }
    Ok(())
}

fn table(screen: &Screen) -> Table<6> {
    let column = |least, most, right, dispensable| Column {
        least,
        most,
        right,
        dispensable,
    };
    let columns = [
        column(36, 36, false, 0),
        column(10, 28, false, 1),
        column(14, screen.width, false, 5),
        column(10, 10, false, 2),
        column(6, 6, true, 4),
        column(4, 4, true, 3),
    ];
    Table::new(columns, screen.width)
}

fn head(table: &Table<6>) -> Line {
    table.head([
        "PROFILE",
        "NAME",
        "IDENTIFIERS",
        "LAST SEEN",
        "ORDERS",
        "OPEN",
    ])
}

fn row(table: &Table<6>, profile: &Profile, screen: &Screen) -> Line {
    let shown = profile.identifiers.iter().take(IDENTIFIERS);
    let identifiers: Vec<&str> = shown.map(|i| i.value.as_str()).collect();
    let orders = profile.orders.as_ref().map_or(0, |orders| orders.count);
    let open = profile.tickets.as_ref().map_or(0, |tickets| tickets.open);
    table.row([
        Line::of(&profile.profile_id),
        Line::of(&show::name(&profile.traits).unwrap_or_default()),
        Line::of(&identifiers.join(" ")),
        Line::of(&screen.zone.day(profile.last_seen.as_ref())),
        Line::of(&orders.to_string()),
        Line::default().with(words::open_tone(open), &open.to_string()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cli::terminal::text,
        clock::Micros,
        proto::v1::{OrderSummary, ProfileIdentifier, ProfileTrait},
    };

    fn zone() -> Zone {
        Zone::parse("UTC").unwrap()
    }

    fn kind(text: &str) -> Kind {
        fact(text, zone()).unwrap().value.unwrap().kind.unwrap()
    }

    #[test]
    fn values_of_traits_are_typed() {
        assert!(kind("a=5") == Kind::Text("5".into()));
        assert!(kind("a=b=c") == Kind::Text("b=c".into()));
        assert!(kind("a:integer=-5") == Kind::Integer(-5));
        assert!(kind("a:decimal=1.50") == Kind::Decimal("1.50".into()));
        assert!(kind("a:boolean=true") == Kind::Boolean(true));
        assert!(kind("a:date=1984-02-29") == Kind::Date("1984-02-29".into()));
        assert!(kind("a:unset=") == Kind::Unset(true));
        let values = vec!["tea".into(), "coffee".into()];
        assert!(kind("a:list=tea|coffee") == Kind::List(TextList { values }));
        assert!(matches!(kind("a:time=2024-01-01"), Kind::Time(_)));
        for wrong in [
            "a",
            "a:integer=x",
            "a:boolean=1",
            "a:unset=1",
            "a:colour=red",
            "a:time=noon",
        ] {
            assert!(fact(wrong, zone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_profile_is_a_row_of_any_width() {
        let identifier = |value: &str| ProfileIdentifier {
            value: value.into(),
            ..ProfileIdentifier::default()
        };
        let profile = Profile {
            profile_id: "0198c0de-0000-7000-8000-000000000001".into(),
            identifiers: vec![identifier("C-0001"), identifier("hanako@example.com")],
            traits: vec![ProfileTrait {
                name: "full_name".into(),
                value: Some(TraitValue {
                    kind: Some(Kind::Text("山田 花子".into())),
                }),
                ..ProfileTrait::default()
            }],
            orders: Some(OrderSummary {
                count: 2,
                ..OrderSummary::default()
            }),
            ..Profile::default()
        };
        let at = |width| {
            let screen = Screen {
                width,
                colour: false,
                zone: zone(),
                now: Micros(0),
            };
            let table = table(&screen);
            [head(&table), row(&table, &profile, &screen)].map(|line| line.render(false))
        };
        assert_eq!(
            at(100),
            [
                "PROFILE                               NAME               IDENTIFIERS        LAST SEEN   ORDERS  OPEN",
                "0198c0de-0000-7000-8000-000000000001  山田 花子          C-0001 hanako@ex…  unknown          2     0",
            ]
        );
        assert_eq!(
            at(60)[0],
            "PROFILE                               NAME        LAST SEEN"
        );
        for width in 40..130 {
            for line in at(width) {
                assert!(text::width(&line) <= width, "{width}: {line}");
            }
        }
    }
}
