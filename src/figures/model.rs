//! How the customers of a tenant buy: a model a day, fitted on a sample of them.

use std::{
    collections::{BTreeMap, HashMap},
    hash::BuildHasher,
};

use prost::Message as _;
use sqlx::PgConnection;

use crate::{
    calendar::{Day, Zone},
    clock::Micros,
    error::Error,
    experience::{
        Purchasing,
        bg_nbd::{self, History},
        contribution::{Cell, Contribution, Group, Purchases},
        gamma_gamma::{self, Spending},
        measure::FLOOR,
        rfm::{self, CutPoints},
    },
    ids::TenantId,
    proto::state::v1::{CustomerHistory, ValueModel},
    storage::{Storage, contributions, figures},
};

/// Customers that a model is fitted on.
const FITTED: i64 = 20_000;

/// Customers of whom there has to be one before a model is kept.
const FEWEST: u64 = 40;

/// Customers that are kept with it, for means.
const KEPT: usize = 2_000;

/// The customers that are kept with a model.
pub(super) fn sample(
    stored: &ValueModel,
) -> impl Iterator<Item = (History, Option<Spending>)> + Clone + '_ {
    stored.sample.iter().filter_map(|one| {
        let history = History::new(one.repeats, one.last, one.age).ok()?;
        Some((history, Spending::new(one.repeats, one.repeat_spend)))
    })
}

/// The latest model of each tenant. Those of which the one in `known` is of today are as they are; a tenant that has none of
/// today, in its own time zone, gets one.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "figures.fit", skip_all)]
pub async fn fit_models(
    storage: &Storage,
    known: &HashMap<TenantId, Purchasing, impl BuildHasher>,
    now: Micros,
) -> Result<HashMap<TenantId, Purchasing>, Error> {
    let mut connection = storage.acquire().await?;
    let days = contributions::model_days(&mut connection).await?;
    drop(connection);
    let mut models = HashMap::new();
    for (tenant, zone, stored) in days {
        let zone: Result<Zone, ()> = zone.parse();
        let zone = zone.map_err(|()| Error::bug("modelling purchases", "no time zone"))?;
        let today = zone.day(now);
        let model = match known.get(&tenant) {
            Some(known) if known.day >= today => Some(known.clone()),
            _ if stored.is_some_and(|day| day >= today.0) => latest(storage, &tenant).await?,
            _ => fit_one(storage, &tenant, today).await?,
        };
        models.extend(model.map(|model| (tenant, model)));
    }
    Ok(models)
}

async fn latest(storage: &Storage, tenant: &TenantId) -> Result<Option<Purchasing>, Error> {
    let mut connection = storage.acquire().await?;
    let stored = read(&mut connection, tenant).await?;
    Ok(stored.map(|stored| Purchasing::of(&stored)))
}

/// The latest model of a tenant as it is stored.
pub(super) async fn read(
    connection: &mut PgConnection,
    tenant: &TenantId,
) -> Result<Option<ValueModel>, Error> {
    let body = contributions::latest_model(connection, tenant).await?;
    let stored = body.map(|body| ValueModel::decode(body.as_slice()));
    let stored = stored.transpose();
    stored.map_err(|e| Error::bug("reading a model of purchases", e))
}

/// The model of today; `None` where too few customers have ordered.
async fn fit_one(
    storage: &Storage,
    tenant: &TenantId,
    today: Day,
) -> Result<Option<Purchasing>, Error> {
    let mut connection = storage.acquire().await?;
    let bodies = contributions::who_ordered(&mut connection, tenant, FITTED).await?;
    drop(connection);
    let mut customers = Vec::with_capacity(bodies.len());
    for body in bodies {
        let contribution =
            Contribution::decode(&body).map_err(|e| Error::bug("reading a contribution", e))?;
        customers.extend(contribution.purchases);
    }
    // A fit takes seconds of a core.
    let fitted = tokio::task::spawn_blocking(move || fitted(&customers, today));
    let mut model = fitted
        .await
        .map_err(|e| Error::bug("fitting purchases", e))?;
    // That of a shop that has just begun is not kept: it is looked again soon.
    if model.customers < FEWEST {
        return Ok(None);
    }
    let mut connection = storage.acquire().await?;
    model.mean_feeling = mean_feeling(&mut connection, tenant, today).await?;
    let body = model.encode_to_vec();
    contributions::put_model(&mut connection, tenant, today.0, &body).await?;
    drop(connection);
    // Another instance may have been faster: its model counts.
    latest(storage, tenant).await
}

/// Mean polarity of the months of the year before.
async fn mean_feeling(
    connection: &mut PgConnection,
    tenant: &TenantId,
    today: Day,
) -> Result<Option<f64>, Error> {
    let cell = |day: Day| Cell::Felt(day, Group::All).name();
    let (from, before) = (cell(Day(today.0 - 365).month()), cell(Day(today.0 + 1)));
    let (mut weight, mut weighted) = (0_i64, 0_i64);
    for (name, sums) in figures::range(connection, tenant, &from, &before).await? {
        let everyone = matches!(Cell::parse(&name), Some(Cell::Felt(_, Group::All)));
        if let ([_, _, _, _, of_month, _, sum, _], true) = (&sums[..], everyone) {
            weight = weight.wrapping_add(*of_month);
            weighted = weighted.wrapping_add(*sum);
        }
    }
    // In tenths of a thousandth: precise enough, and exact as a number.
    let mean = weighted.checked_mul(10).and_then(|w| w.checked_div(weight));
    let mean = mean.and_then(|mean| i32::try_from(mean).ok());
    Ok(mean.map(|mean| f64::from(mean) / 10_000.0))
}

/// The model of some customers.
fn fitted(customers: &[Purchases], today: Day) -> ValueModel {
    let currency = commonest_currency(customers);
    let mut sample = bg_nbd::fit::Sample::default();
    let mut spending: BTreeMap<Spending, u64> = BTreeMap::new();
    let mut kept = Vec::new();
    let mut figures = Vec::new();
    for customer in customers.iter().filter(|one| one.last <= today) {
        let Some(history) = history(customer, today) else {
            continue;
        };
        sample.add(history, 1);
        // Without a spend in this currency a customer takes no part in what is paid.
        let repeat_spend = customer.repeat_spend_in(&currency).unwrap_or_default();
        if let Some(spent) = Spending::new(history.repeats(), repeat_spend) {
            *spending.entry(spent).or_default() += 1;
        }
        if kept.len() < KEPT {
            kept.push(CustomerHistory {
                repeats: history.repeats(),
                last: history.last(),
                age: history.age(),
                repeat_spend,
                twice_median_gap: customer.twice_median_gap,
                net: customer.net_in(&currency),
            });
        }
        figures.push(money(customer, &currency, today));
    }
    let ordering = bg_nbd::fit::fit(&sample).ok();
    let paying = gamma_gamma::fit(&spending).ok();
    let cuts = CutPoints::of(&figures, FLOOR, 0);
    ValueModel {
        day: today.0,
        customers: sample.customers(),
        purchases: ordering.map_or_else(Vec::new, |fit| {
            let p = fit.parameters;
            vec![p.r(), p.alpha(), p.a(), p.b()]
        }),
        spending: paying.map_or_else(Vec::new, |fit| {
            let p = fit.parameters;
            vec![p.p(), p.q(), p.gamma()]
        }),
        currency,
        recency_cuts: cuts.map_or_else(Vec::new, |cuts| cuts.days_since.to_vec()),
        frequency_cuts: cuts.map_or_else(Vec::new, |cuts| {
            let whole = |cut: u64| i64::try_from(cut).unwrap_or(i64::MAX);
            cuts.orders.map(whole).to_vec()
        }),
        money_cuts: cuts
            .and_then(|cuts| cuts.net)
            .map_or_else(Vec::new, Vec::from),
        sample: kept,
        mean_feeling: None,
    }
}

/// The history of a customer up to a day.
pub(crate) fn history(customer: &Purchases, today: Day) -> Option<History> {
    let repeats = customer.days.checked_sub(1)?;
    let (first, last) = (customer.first.0.into(), customer.last.0.into());
    History::between(first, last, repeats, today.0.into())
}

/// The three figures of a customer in one currency.
pub(crate) fn money(customer: &Purchases, currency: &str, today: Day) -> rfm::Figures {
    rfm::Figures {
        days_since: i64::from(today.0) - i64::from(customer.last.0),
        orders: customer.days.into(),
        net: customer.net_in(currency),
    }
}

/// The currency that most customers have paid in; of several the first by name.
fn commonest_currency(customers: &[Purchases]) -> String {
    let mut paid: BTreeMap<&str, u64> = BTreeMap::new();
    let stated = |currency: &&String| !currency.is_empty();
    let currencies = customers.iter().flat_map(|one| one.spend.keys());
    for currency in currencies.filter(stated) {
        *paid.entry(currency).or_default() += 1;
    }
    let commonest = paid.iter().max_by(|a, b| a.1.cmp(b.1).then(b.0.cmp(a.0)));
    commonest.map_or_else(String::new, |(currency, _)| (*currency).to_owned())
}
