//! Reading replies, whatever shape they have: foreign bytes never fail, they are only shown differently.

use redis::Value;

/// A text: bulk, simple or a number; invalid UTF-8 replaced.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => Some(text.clone()),
        Value::Okay => Some("OK".to_owned()),
        Value::Int(number) => Some(number.to_string()),
        Value::Double(number) => Some(number.to_string()),
        Value::Boolean(yes) => Some(yes.to_string()),
        _ => None,
    }
}

/// An integer, also one written as text.
pub(crate) fn int(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        _ => text(value)?.trim().parse().ok(),
    }
}

/// A finite number, also one written as text.
pub(crate) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Double(number) => Some(*number),
        _ => text(value)?.trim().parse().ok(),
    }
    .filter(|number: &f64| number.is_finite())
}

/// The items of an array; empty for anything else.
pub(crate) fn items(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) | Value::Set(items) | Value::Push { data: items, .. } => items,
        Value::Attribute { data, .. } => items(data),
        _ => &[],
    }
}

/// Name and value pairs of a flat array or a map.
pub(crate) fn pairs(value: &Value) -> Vec<(String, &Value)> {
    match value {
        Value::Map(entries) => {
            entries.iter().filter_map(|(name, value)| Some((text(name)?, value))).collect()
        }
        other => items(other)
            .chunks_exact(2)
            .filter_map(|pair| match pair {
                [name, value] => Some((text(name)?, value)),
                _ => None,
            })
            .collect(),
    }
}

/// Rows and bytes of payload, for the cost table.
pub(crate) fn size(value: &Value) -> (u64, u64) {
    let rows = match value {
        Value::Map(entries) => entries.len(),
        Value::Nil => 0,
        other => match items(other).len() {
            0 if payload(other) > 0 => 1,
            count => count,
        },
    };
    (u64::try_from(rows).unwrap_or(u64::MAX), payload(value))
}

fn payload(value: &Value) -> u64 {
    let length = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
    match value {
        Value::BulkString(bytes) => length(bytes.len()),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => length(text.len()),
        Value::Map(entries) => {
            entries.iter().map(|(name, value)| payload(name) + payload(value)).sum()
        }
        Value::Int(_) | Value::Double(_) => 8,
        Value::Okay => 2,
        other => items(other).iter().map(payload).sum(),
    }
}

/// Shortens a text for keeping: at most `limit` characters, an ellipsis where something was cut.
pub(crate) fn shorten(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Replies of any shape, nested a little, with any bytes.
    pub(crate) fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Nil),
            Just(Value::Okay),
            any::<i64>().prop_map(Value::Int),
            any::<f64>().prop_map(Value::Double),
            prop::collection::vec(any::<u8>(), 0..40).prop_map(Value::BulkString),
            "\\PC{0,40}".prop_map(Value::SimpleString),
            "[ -~]{0,80}".prop_map(|text| Value::BulkString(text.into_bytes())),
        ];
        leaf.prop_recursive(3, 40, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::Array),
                prop::collection::vec((inner.clone(), inner), 0..4).prop_map(Value::Map),
            ]
        })
    }

    pub(crate) fn bulk(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    pub(crate) fn array(items: impl IntoIterator<Item = Value>) -> Value {
        Value::Array(items.into_iter().collect())
    }

    #[test]
    fn reads_numbers_in_every_dress() {
        assert_eq!(int(&bulk("42")), Some(42));
        assert_eq!(int(&Value::Int(7)), Some(7));
        assert_eq!(number(&bulk("1.5")), Some(1.5));
        assert_eq!(number(&bulk("inf")), None);
        assert_eq!(int(&Value::Nil), None);
    }

    #[test]
    fn shortens_by_characters() {
        assert_eq!(shorten("žluťoučký", 3), "žlu…");
        assert_eq!(shorten("abc", 3), "abc");
    }

    proptest! {
        #[test]
        fn any_reply_can_be_read(value in any_value()) {
            let _ = (text(&value), int(&value), number(&value), size(&value));
            let _ = pairs(&value).len();
        }
    }
}
