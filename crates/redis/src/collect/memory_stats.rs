//! `MEMORY STATS`: its numbers, nested ones with a dotted name.

use std::collections::BTreeMap;

use redis::Value;

use crate::reply;

/// Entries kept; the server has some fifty, and two per database.
const KEPT: usize = 2000;

/// Reads the numeric entries: `peak.allocated`, `db.0.overhead.hashtable.main`.
pub(crate) fn decode(value: &Value) -> BTreeMap<String, f64> {
    let mut numbers = BTreeMap::new();
    gather("", value, &mut numbers);
    numbers
}

fn gather(prefix: &str, value: &Value, numbers: &mut BTreeMap<String, f64>) {
    for (name, value) in reply::pairs(value) {
        if numbers.len() >= KEPT {
            return;
        }
        let name = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        match reply::number(value) {
            Some(number) => {
                numbers.insert(name, number);
            }
            None => gather(&name, value, numbers),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::reply::tests::{any_value, array, bulk};

    #[test]
    fn flattens_databases() {
        let database = array([bulk("overhead.hashtable.main"), Value::Int(72)]);
        let stats = decode(&array([
            bulk("peak.allocated"),
            Value::Int(9),
            bulk("db.0"),
            database,
            bulk("fragmentation"),
            bulk("1.5"),
        ]));
        assert!((stats["db.0.overhead.hashtable.main"] - 72.0).abs() < 1e-9);
        assert!((stats["fragmentation"] - 1.5).abs() < 1e-9);
        assert_eq!(stats.len(), 3);
    }

    proptest! {
        #[test]
        fn any_reply_can_be_read(value in any_value()) {
            let _ = decode(&value);
        }
    }
}
