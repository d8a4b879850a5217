//! What benchmarks found, in one form: a row for each figure that is shown, kept, or held against a limit.

use super::figures;
use anyhow::Context;
use serde::Serialize;

/// One figure.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    /// Of what.
    pub(super) what: String,
    /// `times`, `ns`, `us` or `KB`.
    pub(super) unit: &'static str,
    pub(super) median: f64,
    pub(super) best: f64,
    pub(super) runs: usize,
    /// The most that it should be.
    pub(super) limit: Option<f64>,
}

impl Row {
    /// A figure measured once.
    pub(super) fn once(what: &str, unit: &'static str, found: f64, limit: f64) -> Row {
        Row { what: what.to_owned(), unit, median: found, best: found, runs: 1, limit: Some(limit) }
    }

    /// Median and best of many.
    pub(super) fn of(what: &str, unit: &'static str, all: &[f64], limit: Option<f64>) -> anyhow::Result<Row> {
        let found = figures(all).with_context(|| format!("{what}: nothing was measured"))?;
        Ok(Row { what: what.to_owned(), unit, median: found.median, best: found.best, runs: all.len(), limit })
    }

    /// How many times as much as a floor that was measured in the same rounds.
    pub(super) fn ratio(what: &str, ours: &[f64], floor: &[f64], limit: Option<f64>) -> anyhow::Result<Row> {
        let both = figures(ours).zip(figures(floor)).with_context(|| format!("{what}: nothing was measured"))?;
        let (median, best) = (both.0.median / both.1.median, both.0.best / both.1.best);
        Ok(Row { what: what.to_owned(), unit: "times", median, best, runs: ours.len(), limit })
    }

    /// Whether it keeps its limit, by the better of its two figures: what else a machine does makes none smaller.
    pub(super) fn keeps(&self) -> Option<bool> {
        self.limit.map(|limit| self.median.min(self.best) <= limit)
    }

    /// How many digits behind the point mean something.
    pub(super) fn digits(&self) -> usize {
        if self.unit == "times" { 2 } else { 0 }
    }
}

/// Prints `rows` with a title.
pub(super) fn print(title: &str, rows: &[Row]) {
    println!("\n{title:<44} {:>9} {:>9}  unit   runs", "median", "best");
    for row in rows {
        let digits = row.digits();
        let Row { what, unit, median, best, runs, .. } = row;
        let limit = match (row.limit, row.keeps()) {
            (Some(limit), Some(true)) => format!("   limit {limit}"),
            (Some(limit), _) => format!("   limit {limit}: NOT kept"),
            _ => String::new(),
        };
        println!("  {what:<42} {median:>9.digits$} {best:>9.digits$}  {unit:<5} {runs:>5}{limit}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_that_of_medians_and_of_bests() {
        let row = Row::ratio("it", &[4.0, 2.0, 6.0], &[2.0, 1.0, 4.0], Some(1.5)).unwrap();
        assert_eq!((row.median.to_string(), row.best.to_string(), row.runs), ("2".into(), "2".into(), 3));
        assert_eq!(row.keeps(), Some(false));
        assert!(Row::ratio("it", &[], &[1.0], None).is_err());
    }
}
