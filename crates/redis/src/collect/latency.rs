//! `LATENCY LATEST`: the spikes the latency monitor saw.

use dbvitals_model::redis::LatencyEvent;
use jiff::Timestamp;
use redis::Value;

use crate::reply;

/// Reads rows of `[event, unix time, latest ms, worst ms]`; later versions append more.
pub(crate) fn decode(value: &Value) -> Vec<LatencyEvent> {
    let row = |row: &Value| {
        let [event, at, latest, worst, ..] = reply::items(row) else { return None };
        Some(LatencyEvent {
            event: reply::text(event)?,
            at: reply::int(at).and_then(|seconds| Timestamp::from_second(seconds).ok()),
            latest_ms: reply::int(latest)?,
            max_ms: reply::int(worst)?,
        })
    };
    reply::items(value).iter().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::reply::tests::{any_value, array, bulk};

    #[test]
    fn reads_events() {
        let numbers = [1_700_000_000, 251, 1001, 9].map(Value::Int);
        let row = array([bulk("command")].into_iter().chain(numbers));
        let events = decode(&array([row, Value::Nil]));
        assert_eq!(events.len(), 1);
        assert_eq!((events[0].latest_ms, events[0].max_ms), (251, 1001));
    }

    proptest! {
        #[test]
        fn any_reply_can_be_read(value in any_value()) {
            let _ = decode(&value);
        }
    }
}
