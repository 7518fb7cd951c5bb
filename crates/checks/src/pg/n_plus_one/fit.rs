//! Least squares with factors that are not negative, of few columns.

/// Squares below this share of a column's own are rounding.
const SINGULAR: f64 = 1e-9;

/// What explains a series best.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fit {
    /// A factor for each column.
    pub(super) factors: Vec<f64>,
    /// The sum of squares that is left.
    pub(super) left: f64,
}

impl Fit {
    /// The best fit of columns as long as the series. With so few columns every choice of them is tried: the best one
    /// without a negative factor is the solution.
    pub(super) fn of(series: &[f64], columns: &[&[f64]]) -> Option<Self> {
        let count = u32::try_from(columns.len()).ok().filter(|count| *count <= 8)?;
        let products =
            |one: &[f64], other: &[f64]| -> f64 { one.iter().zip(other).map(|(a, b)| a * b).sum() };
        let square: f64 = products(series, series);
        let mut best = Self { factors: vec![0.0; columns.len()], left: square };
        for choice in 1..2_usize.pow(count) {
            let chosen: Vec<usize> =
                (0..columns.len()).filter(|place| choice & (1 << place) != 0).collect();
            let matrix: Vec<Vec<f64>> = chosen
                .iter()
                .map(|row| {
                    let own = chosen.iter().map(|column| products(columns[*row], columns[*column]));
                    own.chain([products(columns[*row], series)]).collect()
                })
                .collect();
            let Some(solved) = solve(matrix) else { continue };
            if solved.iter().any(|factor| *factor < 0.0) {
                continue;
            }
            let mut factors = vec![0.0; columns.len()];
            for (place, factor) in chosen.iter().zip(&solved) {
                factors[*place] = *factor;
            }
            let left = squares_left(series, columns, &factors);
            if left < best.left {
                best = Self { factors, left };
            }
        }
        Some(best)
    }
}

fn squares_left(series: &[f64], columns: &[&[f64]], factors: &[f64]) -> f64 {
    let explained = |place: usize| -> f64 {
        columns.iter().zip(factors).map(|(column, factor)| column[place] * factor).sum()
    };
    series.iter().enumerate().map(|(place, value)| (value - explained(place)).powi(2)).sum()
}

/// Solves by elimination; `None` where columns say the same.
fn solve(mut rows: Vec<Vec<f64>>) -> Option<Vec<f64>> {
    let count = rows.len();
    let scale: Vec<f64> = (0..count).map(|place| rows[place][place]).collect();
    for pivot in 0..count {
        // The matrix of products is positive: the diagonal is a sound pivot as long as it is not used up.
        if rows[pivot][pivot] <= scale[pivot] * SINGULAR {
            return None;
        }
        let head = rows[pivot].clone();
        for (place, row) in rows.iter_mut().enumerate().filter(|(place, _)| *place != pivot) {
            let factor = row[pivot] / head[pivot];
            debug_assert!(place < count);
            for (value, above) in row.iter_mut().zip(&head) {
                *value -= factor * above;
            }
        }
    }
    Some((0..count).map(|place| rows[place][count] / rows[place][place]).collect())
}

pub(super) fn mean(all: &[f64]) -> f64 {
    if all.is_empty() { 0.0 } else { all.iter().sum::<f64>() / all.len() as f64 }
}

pub(super) fn variance(all: &[f64]) -> f64 {
    let middle = mean(all);
    mean(&all.iter().map(|value| (value - middle).powi(2)).collect::<Vec<f64>>())
}

/// Pearson's correlation; 0 where one does not vary.
pub(super) fn correlation(one: &[f64], other: &[f64]) -> f64 {
    let (a, b) = (mean(one), mean(other));
    let products: Vec<f64> = one.iter().zip(other).map(|(x, y)| (x - a) * (y - b)).collect();
    let spread = (variance(one) * variance(other)).sqrt();
    if spread > 0.0 { mean(&products) / spread } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_found_and_never_negative() {
        let one = [1.0, 2.0, 3.0, 4.0, 5.0];
        let other = [3.0, 1.0, 4.0, 1.0, 5.0];
        let constant = [1.0; 5];
        let series: Vec<f64> =
            one.iter().zip(&other).map(|(a, b)| 2.0 * a + 3.0 * b + 7.0).collect();
        let fit = Fit::of(&series, &[&one, &other, &constant]).unwrap();
        for (found, wanted) in fit.factors.iter().zip([2.0, 3.0, 7.0]) {
            assert!((found - wanted).abs() < 1e-6, "{fit:?}");
        }
        let falling: Vec<f64> = one.iter().map(|a| 10.0 - a).collect();
        let fit = Fit::of(&falling, &[&one, &constant]).unwrap();
        assert!(fit.factors[0].abs() < 1e-9 && (fit.factors[1] - 7.0).abs() < 1e-9, "{fit:?}");
    }

    #[test]
    fn columns_that_say_the_same_are_used_once() {
        let one = [1.0, 2.0, 3.0, 4.0];
        let twice = [2.0, 4.0, 6.0, 8.0];
        let fit = Fit::of(&[3.0, 6.0, 9.0, 12.0], &[&one, &twice]).unwrap();
        assert!(fit.left < 1e-9 && fit.factors.iter().filter(|it| **it > 0.0).count() == 1);
    }
}
