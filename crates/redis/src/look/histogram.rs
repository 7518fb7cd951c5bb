//! `LATENCY HISTOGRAM` and `LATENCY HISTORY`.

use std::collections::BTreeMap;

use dbvitals_model::redis::look::{Histogram, Occurrence};
use jiff::Timestamp;
use redis::Value;

use super::by_name;
use crate::reply;

/// `[command, [calls, n, histogram_usec, [bound, calls up to it, …]], …]`, flat or as maps.
pub(super) fn decode(value: &Value) -> BTreeMap<String, Histogram> {
    by_name(value, |value| {
        let pairs = reply::pairs(value);
        let field = |name: &str| pairs.iter().find(|(known, _)| known == name).map(|(_, it)| *it);
        let buckets = reply::pairs(field("histogram_usec")?).into_iter();
        let mut buckets: Vec<(i64, i64)> = buckets
            .filter_map(|(bound, calls)| Some((bound.parse().ok()?, reply::int(calls)?)))
            .collect();
        buckets.sort_unstable();
        Some(Histogram { calls: reply::int(field("calls")?)?, buckets })
    })
}

/// Rows of `[unix time, milliseconds]`, oldest first.
pub(super) fn history(value: &Value) -> Vec<Occurrence> {
    let row = |row: &Value| {
        let [at, ms, ..] = reply::items(row) else { return None };
        let at = reply::int(at).and_then(|seconds| Timestamp::from_second(seconds).ok());
        Some(Occurrence { at, ms: reply::int(ms)? })
    };
    reply::items(value).iter().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::reply::tests::{any_value, array, bulk};

    #[test]
    fn reads_histograms_of_each_protocol() {
        let numbers = |all: &[i64]| array(all.iter().map(|it| Value::Int(*it)));
        let inner = [bulk("calls"), Value::Int(3), bulk("histogram_usec"), numbers(&[1, 2, 4, 3])];
        let flat = array([bulk("config|get"), array(inner)]);
        let wanted = Histogram { calls: 3, buckets: vec![(1, 2), (4, 3)] };
        assert_eq!(decode(&flat), BTreeMap::from([("config|get".to_owned(), wanted.clone())]));
        let buckets =
            Value::Map(vec![(Value::Int(1), Value::Int(2)), (Value::Int(4), Value::Int(3))]);
        let inner =
            Value::Map(vec![(bulk("calls"), Value::Int(3)), (bulk("histogram_usec"), buckets)]);
        assert_eq!(decode(&Value::Map(vec![(bulk("get"), inner)]))["get"], wanted);
    }

    proptest! {
        #[test]
        fn any_reply_can_be_read(value in any_value()) {
            let _ = (decode(&value), history(&value));
        }
    }
}
