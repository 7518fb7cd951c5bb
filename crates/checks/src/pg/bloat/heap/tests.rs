//! Rows and pages of known layouts.

use super::*;

fn column(number: i64, type_id: &str, null: f64, width: i64) -> Column {
    let (length, alignment, storage) = match type_id {
        "int2" => (2, "s", "p"),
        "int4" => (4, "i", "p"),
        "int8" | "timestamptz" => (8, "d", "p"),
        "bool" => (1, "c", "p"),
        "uuid" => (16, "c", "p"),
        _ => (-1, "i", "x"),
    };
    Column {
        number,
        type_id: type_id.into(),
        type_name: type_id.into(),
        length,
        alignment: alignment.into(),
        storage: storage.into(),
        null_ratio: Some(null),
        average_width: Some(width),
        ..Column::default()
    }
}

fn row(columns: &[Column]) -> Row {
    Row::of(&columns.iter().collect::<Vec<_>>())
}

fn of(columns: &[Column], rows: f64, pages: f64, fillfactor: f64) -> Option<Bloat> {
    let columns: Vec<&Column> = columns.iter().collect();
    estimate(&Heap {
        rows,
        rows_doubt: 0.0,
        pages,
        page_bytes: 8192.0,
        fillfactor,
        changed: 0.0,
        columns: &columns,
    })
}

fn near(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-9, "{a} is not {b}");
}

#[test]
fn columns_are_aligned_in_their_order() {
    // 24 + bool 1 + pad 7 + int8 8 + bool 1 + pad 7 + int8 8 = 56
    let bad = [("bool", 1), ("int8", 2), ("bool", 3), ("int8", 4)];
    let bad: Vec<_> = bad.map(|(kind, number)| column(number, kind, 0.0, 0)).to_vec();
    near(row(&bad).bytes, 56.0);
    // 24 + 8 + 8 + 1 + 1 + pad 6 = 48
    let good = [("int8", 1), ("int8", 2), ("bool", 3), ("bool", 4)];
    let good: Vec<_> = good.map(|(kind, number)| column(number, kind, 0.0, 0)).to_vec();
    near(row(&good).bytes, 48.0);
    assert!(row(&good).is_exact);
}

#[test]
fn a_bitmap_costs_only_rows_with_a_null_and_more_than_eight_columns() {
    let few = [column(1, "int8", 0.0, 8), column(2, "int8", 0.5, 8)];
    near(row(&few).bytes, 24.0 + 8.0 + 4.0);
    let mut many: Vec<_> = (1..=8).map(|number| column(number, "int8", 0.0, 8)).collect();
    many.push(column(9, "int8", 0.5, 8));
    // Half the rows: 24 + 72; the others: 32 + 64.
    near(row(&many).bytes, 96.0);
    assert!(!row(&many).is_exact);
}

#[test]
fn a_dropped_column_is_null_for_ever() {
    let mut columns: Vec<_> = (1..=9).map(|number| column(number, "int8", 0.0, 8)).collect();
    columns[0].is_dropped = true;
    columns[0].null_ratio = None;
    near(row(&columns).bytes, 32.0 + 64.0);
    assert!(row(&columns).is_exact);
}

#[test]
fn text_is_padded_by_the_average_of_what_may_follow() {
    // 24 + 10.5 + (3.5 before the eight-byte value) + 8
    let columns = [column(1, "text", 0.0, 10), column(2, "int8", 0.0, 8)];
    near(row(&columns).bytes, 46.0);
    assert!(row(&columns).doubt > 1.0);
}

#[test]
fn blank_padded_text_has_one_size() {
    let mut fixed = column(1, "bpchar", 0.0, 11);
    fixed.type_name = "character(10)".into();
    // 24 + 11 + 1 + int4 4
    near(row(&[fixed, column(2, "int4", 0.0, 4)]).bytes, 40.0);
}

#[test]
fn a_toasted_value_is_its_pointer() {
    // 24 + 4 + 18.5 + 3.5
    near(row(&[column(1, "int4", 0.0, 4), column(2, "text", 0.0, 18)]).bytes, 50.0);
}

#[test]
fn a_fresh_table_has_no_bloat_whatever_its_fillfactor() {
    // int8, int8: 40 bytes and a pointer of 4; (8192 - 24) / 44 = 185.6
    let columns = [column(1, "int8", 0.0, 8), column(2, "int8", 0.0, 8)];
    let fresh = of(&columns, 185_000.0, 1000.0, 100.0).unwrap();
    near(fresh.ratio, 0.0);
    assert_eq!(fresh.confidence, Confidence::High);
    // At 70: (8168 - 2457.6) / 44 = 129.8
    near(of(&columns, 129_000.0, 1000.0, 70.0).unwrap().ratio, 0.0);
}

#[test]
fn what_was_deleted_is_bloat_with_its_bytes() {
    let columns = [column(1, "int8", 0.0, 8), column(2, "int8", 0.0, 8)];
    let half = of(&columns, 92_500.0, 1000.0, 100.0).unwrap();
    near(half.ratio, 0.5);
    near(half.wasted_bytes(), 500.0 * 8192.0);
    assert!(half.error() < 0.03);
    near(of(&columns, 0.0, 1000.0, 100.0).unwrap().ratio, 1.0);
}

#[test]
fn narrow_rows_are_held_by_the_number_of_item_pointers() {
    let columns = [column(1, "bool", 0.0, 1)];
    near(of(&columns, 226_000.0, 1000.0, 100.0).unwrap().rebuilt_bytes, 1000.0 * 8192.0);
    let none = [column(1, "bool", 1.0, 0)];
    near(of(&none, 291_000.0, 1000.0, 100.0).unwrap().rebuilt_bytes, 1000.0 * 8192.0);
}

#[test]
fn nothing_is_said_without_statistics_or_pages() {
    let hidden = Column { null_ratio: None, average_width: None, ..column(1, "text", 0.0, 0) };
    assert_eq!(of(std::slice::from_ref(&hidden), 1e6, 1000.0, 100.0), None);
    assert_eq!(of(&[column(1, "int8", 0.0, 8)], 1e6, 0.0, 100.0), None);
    let partly = of(&[column(1, "int8", 0.0, 8), hidden], 1e5, 1000.0, 100.0).unwrap();
    assert_eq!(partly.confidence, Confidence::Low);
    assert_eq!(partly.reasons, ["1 columns have no statistics"]);
}

#[test]
fn doubts_lower_the_confidence_and_widen_the_error() {
    let columns = [column(1, "int8", 0.0, 8)];
    let columns: Vec<&Column> = columns.iter().collect();
    let heap = Heap {
        rows: 100_000.0,
        rows_doubt: 0.0,
        pages: 1000.0,
        page_bytes: 8192.0,
        fillfactor: 100.0,
        changed: 2.0,
        columns: &columns,
    };
    let stale = estimate(&heap).unwrap();
    assert_eq!(stale.confidence, Confidence::Low);
    assert!(stale.error() > 0.08);
    let unsure = estimate(&Heap { changed: 0.0, rows_doubt: 0.1, ..heap }).unwrap();
    assert_eq!(unsure.confidence, Confidence::Medium);
}

#[test]
fn odd_values_stay_within_bounds() {
    let odd = Column {
        length: -7,
        average_width: Some(-3),
        null_ratio: Some(9.0),
        ..column(0, "x", 0.0, 0)
    };
    let found = of(&[odd], -5.0, 10.0, -1.0).unwrap();
    assert!((0.0..=1.0).contains(&found.ratio) && (0.0..=1.0).contains(&found.error()));
}
