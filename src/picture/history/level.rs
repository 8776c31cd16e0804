//! The line of the level.
//!
//! At the end of each bucket that holds feelings the line stands at the level that the service gives for it, which is that of
//! the heading as it was then. Between buckets nothing is said and the line does not move: there it is drawn thin.

use super::{model::History, sheet::Sheet};
use crate::clock::Micros;

/// Draws it.
pub(super) fn draw(sheet: &mut Sheet<'_>, history: &History) -> Result<(), String> {
    let mut run: Vec<(i64, f64)> = Vec::new();
    let mut runs = Vec::new();
    for bucket in &history.buckets {
        match run.last().copied() {
            None => run.push((bucket.begin.0, bucket.level)),
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
        run.push((bucket.end.0, bucket.level));
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
    for bucket in &history.buckets {
        let level = bucket.level;
        let place = (sheet.x(bucket.end), sheet.y(level));
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
