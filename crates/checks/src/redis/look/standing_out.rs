//! Keys that stand out by one number: size, elements, use, idleness, length of the name.

use dbvitals_model::{
    Measure, Sheet, Unit,
    redis::{KeyInfo, KeySample},
};

/// Adds their tables, each with at most so many rows.
pub(super) fn tables(sheet: &mut Sheet, sample: &KeySample, rows: usize) {
    let number = |number: Option<i64>| number.map_or(f64::NAN, |number| number as f64);
    let big = |it: &KeyInfo| -> Vec<Measure> {
        vec![
            it.name.clone().into(),
            it.database.into(),
            it.memory_bytes.into(),
            number(it.elements).into(),
            number(it.ttl_ms.map(|ms| ms / 1000)).into(),
            number(it.idle_seconds).into(),
            it.kind.clone().into(),
            it.encoding.clone().unwrap_or_default().into(),
        ]
    };
    let columns = [
        ("key", Unit::Text),
        ("db", Unit::Count),
        ("memory", Unit::Bytes),
        ("elements", Unit::Count),
        ("expires in", Unit::Seconds),
        ("idle", Unit::Seconds),
        ("type", Unit::Text),
        ("encoding", Unit::Text),
    ];
    let largest = sample.largest.iter().take(rows).map(big).collect();
    sheet.table("largest", "Largest keys", &columns, largest);
    let mut counted: Vec<&KeyInfo> =
        sample.largest.iter().filter(|it| it.elements.is_some_and(|count| count > 1000)).collect();
    counted.sort_by_key(|it| std::cmp::Reverse(it.elements));
    let most = counted.into_iter().take(rows).map(big).collect();
    sheet.table("most-elements", "Keys with most elements", &columns, most);
    led(
        sheet,
        "hottest",
        "Most used keys seen",
        &sample.hottest,
        ("counter", Unit::Count),
        rows,
        |it| it.frequency,
    );
    led(
        sheet,
        "idlest",
        "Longest unused keys seen",
        &sample.idlest,
        ("idle", Unit::Seconds),
        rows,
        |it| it.idle_seconds,
    );
    let long: Vec<KeyInfo> =
        sample.longest_names.iter().filter(|it| it.name_bytes > 64).cloned().collect();
    led(sheet, "longest-names", "Longest names", &long, ("name", Unit::Bytes), rows, |it| {
        Some(it.name_bytes)
    });
}

/// A table of keys that lead by one number.
fn led(
    sheet: &mut Sheet,
    id: &str,
    title: &str,
    keys: &[KeyInfo],
    by: (&str, Unit),
    rows: usize,
    number: impl Fn(&KeyInfo) -> Option<i64>,
) {
    let row = |it: &KeyInfo| -> Vec<Measure> {
        vec![
            it.name.clone().into(),
            it.database.into(),
            number(it).map_or(f64::NAN, |number| number as f64).into(),
            it.memory_bytes.into(),
            it.kind.clone().into(),
        ]
    };
    let columns = [
        ("key", Unit::Text),
        ("db", Unit::Count),
        by,
        ("memory", Unit::Bytes),
        ("type", Unit::Text),
    ];
    sheet.table(id, title, &columns, keys.iter().take(rows).map(row).collect());
}
