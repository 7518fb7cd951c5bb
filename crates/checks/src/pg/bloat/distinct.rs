//! How many different keys an index has.

use dbvitals_model::pg::index::Index;

use super::facts::Facts;

/// Bounds of the number of different keys, the bounds being equal where it is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Distinct {
    /// At least so many: those of the most varied column.
    pub(super) least: f64,
    /// At most so many, which holds where columns have nothing to do with each other.
    pub(super) most: f64,
}

/// Different values of `rows` rows taken at random from a table of `all` rows with `distinct` values.
pub(super) fn among(rows: f64, all: f64, distinct: f64) -> f64 {
    if rows >= all || distinct <= 1.0 || all <= 0.0 {
        return distinct.min(rows.max(1.0));
    }
    let each = all / distinct;
    (distinct * (1.0 - (1.0 - rows / all).powf(each))).clamp(1.0, rows.max(1.0))
}

/// The keys of several columns: by what the server counted of the combination, else between bounds. `single` are
/// the numbers of values of each column, a null counting as one.
pub(super) fn of_keys(facts: &Facts<'_>, index: &Index, rows: f64, single: &[f64]) -> Distinct {
    let most = single.iter().product::<f64>().clamp(1.0, rows.max(1.0));
    let least = single.iter().copied().fold(1.0, f64::max).min(most);
    if single.len() < 2 || least >= 0.98 * rows {
        return Distinct { least: most, most };
    }
    let counted = facts
        .combinations(index.table_oid)
        .iter()
        .find_map(|text| counted(text, &index.key_columns));
    match counted {
        Some(number) => {
            let all = facts.table(index.table_oid).map_or(rows, |table| table.row_estimate);
            let number = among(rows, all, number).clamp(least.min(rows), rows.max(1.0));
            Distinct { least: number, most: number }
        }
        None => Distinct { least, most },
    }
}

/// The number of exactly these columns in `{"1, 2": 100, "1, 2, 3": 700}`.
fn counted(text: &str, columns: &[i64]) -> Option<f64> {
    let mut wanted: Vec<i64> = columns.to_vec();
    wanted.sort_unstable();
    let body = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    // Entries are parted by commas behind numbers, columns by commas within quotes.
    let mut rest = body;
    while let Some((_, after)) = rest.split_once('"') {
        let (names, after) = after.split_once('"')?;
        let (number, after) = match after.split_once(',') {
            Some((number, after)) => (number, after),
            None => (after, ""),
        };
        let mut these: Vec<i64> =
            names.split(',').map(|name| name.trim().parse().ok()).collect::<Option<_>>()?;
        these.sort_unstable();
        if these == wanted {
            return number.trim_start_matches(':').trim().parse().ok();
        }
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_count_of_a_combination_is_found() {
        let text = r#"{"1, 2": 100, "1, 3": 7, "1, 2, 3": 700}"#;
        assert_eq!(counted(text, &[2, 1]), Some(100.0));
        assert_eq!(counted(text, &[1, 2, 3]), Some(700.0));
        assert_eq!(counted(text, &[2, 3]), None);
        assert_eq!(counted("{}", &[1, 2]), None);
        assert_eq!(counted("nonsense", &[1, 2]), None);
    }

    #[test]
    fn a_part_of_the_rows_has_a_part_of_the_values() {
        assert!((among(1e5, 1e6, 1e6) - 1e5).abs() < 1.0, "unique stays unique");
        assert!((among(5e5, 1e6, 10.0) - 10.0).abs() < 1e-6, "few values are all there");
        let some = among(1e5, 1e6, 5e5);
        assert!((9e4..1e5).contains(&some), "{some}");
        assert!((among(0.0, 1e6, 10.0) - 1.0).abs() < 1e-9);
    }
}
