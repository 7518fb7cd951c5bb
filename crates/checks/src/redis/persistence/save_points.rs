//! `save`: after how many seconds and changes a snapshot is taken.

use dbvitals_model::redis::Config;

/// What the server is shipped with: hourly, or sooner when much changes.
pub const DEFAULT: &str = "3600 1 300 100 60 10000";

/// Seconds and changes of each save point; empty when snapshots by time are off.
pub fn parse(save: &str) -> Vec<(f64, f64)> {
    let numbers: Vec<f64> = save.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    numbers.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
}

/// Whether snapshots are taken by time; `None` when the setting cannot be read.
pub fn is_on(config: Option<&Config>) -> Option<bool> {
    config.and_then(|config| config.text("save")).map(|save| !parse(save).is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_pairs_and_nothing_else() {
        assert_eq!(parse("3600 1 300 100"), [(3600.0, 1.0), (300.0, 100.0)]);
        assert_eq!(parse(""), []);
        assert_eq!(parse("60"), []);
    }
}
