//! A table: columns that give way to each other when there is little room.

use super::line::{Line, Tone};

/// Blanks between two columns.
const GAP: usize = 2;

/// A column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    /// The least columns of the terminal that it is of use in.
    pub(crate) least: usize,
    /// The most that it takes.
    pub(crate) most: usize,
    /// Whether it is aligned to the right.
    pub(crate) right: bool,
    /// Who goes first when there is no room for all: the greatest.
    pub(crate) dispensable: u8,
}

/// Columns with their widths; one that found no room has none.
#[derive(Debug)]
pub(crate) struct Table<const N: usize> {
    columns: [Column; N],
    widths: [usize; N],
}

impl<const N: usize> Table<N> {
    /// Fits the columns into a width.
    pub(crate) fn new(columns: [Column; N], room: usize) -> Self {
        let mut widths = columns.map(|column| column.least);
        let taken = |widths: &[usize; N]| {
            let shown = widths.iter().filter(|w| **w > 0);
            let (sum, count) = shown.fold((0, 0usize), |(sum, n), w| (sum + w, n + 1));
            sum + GAP * count.saturating_sub(1)
        };
        while taken(&widths) > room {
            let shown = (0..N).filter(|n| widths[*n] > 0);
            match shown.max_by_key(|n| columns[*n].dispensable) {
                Some(n) => widths[n] = 0,
                None => break,
            }
        }
        loop {
            let left = room.saturating_sub(taken(&widths));
            let grows = |n: &usize| widths[*n] > 0 && widths[*n] < columns[*n].most;
            let narrowest = (0..N).filter(grows).min_by_key(|n| widths[*n]);
            match narrowest {
                Some(n) if left > 0 => widths[n] += 1,
                _ => break,
            }
        }
        Self { columns, widths }
    }

    /// The line above the table.
    pub(crate) fn head(&self, titles: [&str; N]) -> Line {
        self.row(titles.map(|title| Line::default().with(Tone::Faint, title)))
    }

    /// A line of it.
    pub(crate) fn row(&self, cells: [Line; N]) -> Line {
        let mut line = Line::default();
        let shown = cells.into_iter().zip(self.columns).zip(self.widths);
        for ((cell, column), width) in shown.filter(|(_, width)| *width > 0) {
            if line.width() > 0 {
                line = line.plain(&" ".repeat(GAP));
            }
            let cell = cell.cut(width);
            line = line.then(if column.right {
                cell.right(width)
            } else {
                cell.padded(width)
            });
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_grow_evenly_and_the_most_dispensable_go_first() {
        let column = |least, most, right, dispensable| Column {
            least,
            most,
            right,
            dispensable,
        };
        let columns = [
            column(4, 4, false, 0),
            column(4, 40, false, 1),
            column(4, 40, false, 3),
            column(3, 3, true, 2),
        ];
        let cells = || ["p-1", "山田 花子", "something", "7"].map(Line::of);
        let at = |room| {
            let table = Table::new(columns, room);
            [table.head(["ID", "NAME", "WHAT", "N"]), table.row(cells())]
                .map(|line| line.render(false))
        };
        assert_eq!(
            at(40),
            [
                "ID    NAME            WHAT             N",
                "p-1   山田 花子       something        7",
            ]
        );
        assert_eq!(at(17), ["ID    NAME      N", "p-1   山田…     7"]);
        assert_eq!(at(10), ["ID    NAME", "p-1   山…"]);
        assert_eq!(at(3), ["", ""]);
    }
}
