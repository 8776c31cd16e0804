//! The rates that are stated, and what came of them.

use super::{Person, Population, Trap};

/// Name, what is stated, how many there are, of how many.
type Rate = (&'static str, &'static str, usize, usize);

/// Prints the rates: what is stated, and what came of it.
pub(crate) fn print_rates(population: &Population) {
    println!("{:<34} {:>8} {:>10} {:>10}", "rate", "stated", "came", "of");
    for (name, stated, came, of) in of_people(population)
        .into_iter()
        .chain(of_things(population))
    {
        println!(
            "{name:<34} {stated:>8} {:>8.2} % {of:>10}",
            percent(came, of)
        );
    }
}

fn of_people(population: &Population) -> Vec<Rate> {
    let all = population.people.len();
    let rate = |name, stated, test: &dyn Fn(&Person) -> bool| {
        let came = population.people.iter().filter(|p| test(p)).count();
        (name, stated, came, all)
    };
    let trapped = |name, stated, trap| rate(name, stated, &|p| p.traps.has(trap));
    vec![
        rate("people with an account", "70 % +", &|p| p.account.is_some()),
        rate("people with a loyalty card", "40 %", &|p| p.card.is_some()),
        rate("people with a second address", "25 %", &|p| {
            p.addresses.len() > 1
        }),
        rate("people with a phone", "85 %", &|p| !p.phones.is_empty()),
        trapped("people with a family address", "5 %", Trap::FamilyAddress),
        trapped("people at the kiosk", "2 %", Trap::Kiosk),
        trapped("people typing test@test.com", "1 %", Trap::TestAddress),
    ]
}

fn of_things(population: &Population) -> Vec<Rate> {
    let records = &population.records;
    let kind = |name: &str| records.iter().filter(|r| r.kind == name).count();
    let trapped = |name, stated, trap| {
        let came = records.iter().filter(|r| r.traps.has(trap)).count();
        (name, stated, came, records.len())
    };
    let devices = &population.devices;
    let shared = devices.iter().filter(|d| d.users.len() > 1).count();
    let phones: Vec<_> = population.people.iter().flat_map(|p| &p.phones).collect();
    let recycled = phones.iter().filter(|p| p.recycled).count();
    let forwarded = kind("mail.clicked.forwarded");
    let clicks = kind("mail.clicked") + forwarded;
    vec![
        ("devices shared by 2 to 4", "15 %", shared, devices.len()),
        ("recycled phones", "2 %", recycled, phones.len()),
        ("clicks in forwarded mail", "3 %", forwarded, clicks),
        trapped("records with fillers", "-", Trap::Filler),
        trapped("anonymous records", "20 %", Trap::Anonymous),
    ]
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of records are far below 2^52"
)]
fn percent(part: usize, whole: usize) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}
