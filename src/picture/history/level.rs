//! The line of the level.
//!
//! At the end `e` of each bucket that holds feelings the line stands at `N/D`, where over the buckets `i` that begin before
//!
//! - `N` is the sum of `count_i mean_i 2^(-(e - m_i)/h)`,
//! - `D` is the sum of `count_i 2^(-(e - m_i)/h)`,
//!
//! `m_i` being the middle of bucket `i` and `h` the half-life. Between buckets nothing is said and the line does not move:
//! there it is drawn thin. The level of the heading is exact to the day and leans to the mean of all customers while there
//! are few feelings; the line, made of buckets alone, does not.

use super::{
    model::{Bucket, History},
    sheet::Sheet,
};
use crate::clock::Micros;

/// Microseconds of a day.
const DAY: f64 = 86_400e6;
/// Weights below it are none.
const LEAST: f64 = 1e-12;

/// The level at the end of each bucket.
pub(super) fn levels(buckets: &[Bucket], half_life_days: i32) -> Vec<f64> {
    let half_life = f64::from(half_life_days);
    let decay = |from: Micros, to: Micros| (-days(from, to) / half_life).exp2();
    let (mut sum, mut weight) = (0.0, 0.0);
    let mut last: Option<Micros> = None;
    let mut levels = Vec::with_capacity(buckets.len());
    for bucket in buckets {
        let aged = last.map_or(1.0, |last| decay(last, bucket.end));
        let middle = Micros(i64::midpoint(bucket.begin.0, bucket.end.0));
        let fresh = counted(bucket.count) * decay(middle, bucket.end);
        sum = sum * aged + fresh * bucket.mean;
        weight = weight * aged + fresh;
        last = Some(bucket.end);
        let level = if weight > LEAST {
            sum / weight
        } else {
            bucket.mean
        };
        levels.push(level.clamp(-1.0, 1.0));
    }
    levels
}

fn counted(count: i64) -> f64 {
    f64::from(i32::try_from(count).unwrap_or(i32::MAX))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "of distances within a few thousand years the days matter"
)]
fn days(from: Micros, to: Micros) -> f64 {
    (to.0 - from.0) as f64 / DAY
}

/// Draws it.
pub(super) fn draw(sheet: &mut Sheet<'_>, history: &History) -> Result<(), String> {
    let levels = levels(&history.buckets, history.half_life_days);
    let mut run: Vec<(i64, f64)> = Vec::new();
    let mut runs = Vec::new();
    for (bucket, level) in history.buckets.iter().zip(&levels) {
        match run.last().copied() {
            None => run.push((bucket.begin.0, *level)),
            Some((end, before)) if bucket.begin.0 > end => {
                let (from, to) = (sheet.x(Micros(end)), sheet.x(bucket.begin));
                let y = sheet.y(before);
                sheet.dashes([(from, y), (to, y)], super::Ink::Level)?;
                sheet.keep_line((from, y), (to, y));
                runs.push(std::mem::take(&mut run));
                run.push((bucket.begin.0, before));
            }
            Some(_) => (),
        }
        run.push((bucket.end.0, *level));
    }
    runs.push(run);
    for run in runs {
        for two in run.windows(2) {
            let place = |(at, level): (i64, f64)| (sheet.x(Micros(at)), sheet.y(level));
            let (from, to) = (place(two[0]), place(two[1]));
            sheet.keep_line(from, to);
        }
        if run.len() > 1 {
            sheet.curve(run, 3)?;
        }
    }
    for (bucket, level) in history.buckets.iter().zip(&levels) {
        let place = (sheet.x(bucket.end), sheet.y(*level));
        let told = format!(
            "level {level:+.2}; {} with a mean of {:+.2}",
            crate::picture::words::count(
                usize::try_from(bucket.count).unwrap_or_default(),
                "feeling"
            ),
            bucket.mean
        );
        sheet.tell(place, 6, &told);
    }
    Ok(())
}
