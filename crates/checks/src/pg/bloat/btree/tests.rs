//! Sizes of fresh indexes as they were measured, and where there is no estimate.

use super::*;

fn column(type_id: &str, length: i64, width: i64, alignment: &str, distinct: f64) -> Column {
    Column {
        table_oid: 1,
        number: 3,
        name: "c".into(),
        type_id: type_id.into(),
        length,
        average_width: Some(width),
        alignment: alignment.into(),
        storage: if length < 0 { "x" } else { "p" }.into(),
        null_ratio: Some(0.0),
        n_distinct: Some(distinct),
        ..Column::default()
    }
}

fn text(width: i64, distinct: f64) -> Column {
    let mut text = column("text", -1, width, "i", distinct);
    text.width_residues = vec![0; 8];
    text.width_residues[usize::try_from(width % 8).unwrap()] = 1000;
    text
}

fn index(size_bytes: i64) -> Index {
    Index {
        oid: 5,
        table_oid: 1,
        method: "btree".into(),
        key_columns: vec![3],
        size_bytes,
        row_estimate: 1e6,
        ..Index::default()
    }
}

fn of(index: &Index, columns: &[Column]) -> Option<Bloat> {
    estimate(&Facts::new(8192, &[], columns), index)
}

/// A million rows each, on PostgreSQL 15.20.
#[test]
fn fresh_indexes_are_estimated_within_two_points() {
    for (what, column, is_unique, measured) in [
        ("unique bigint", column("int8", 8, 8, "d", -1.0), true, 22_487_040_i64),
        ("integer with 1000 values", column("int4", 4, 4, "i", 1000.0), false, 7_340_032),
        ("md5 text", text(33, -1.0), false, 59_064_320),
        ("text with 7 values", text(7, 7.0), false, 6_963_200),
    ] {
        let index = Index { is_unique, ..index(measured * 2) };
        let found = of(&index, &[column]).unwrap();
        assert!((found.ratio - 0.5).abs() < 0.01, "{what}: {found:?}");
        assert!(found.error() <= 0.03, "{what}: {found:?}");
    }
}

#[test]
fn without_statistics_there_is_no_estimate() {
    let bare = Column { n_distinct: None, null_ratio: None, ..column("int8", 8, 8, "d", 1.0) };
    assert_eq!(of(&index(1 << 30), &[bare]), None);
    assert_eq!(of(&index(1 << 30), &[]), None);
    let hash = Index { method: "hash".into(), ..index(1 << 30) };
    assert_eq!(of(&hash, &[column("int8", 8, 8, "d", 1.0)]), None);
}

#[test]
fn an_expression_is_read_from_the_indexs_own_statistics() {
    let expression = Index { key_columns: vec![0], ..index(1 << 27) };
    assert_eq!(of(&expression, &[text(33, -1.0)]), None);
    // Its average carries the header a value has in memory.
    let own = Column { table_oid: 5, number: 1, average_width: Some(36), ..text(33, -1.0) };
    let found = of(&expression, &[own]).unwrap();
    assert!((found.rebuilt_bytes / 59_064_320.0 - 1.0).abs() < 0.02, "{found:?}");
}

#[test]
fn what_is_folded_hangs_on_type_option_and_included_columns() {
    let small =
        [column("int4", 4, 4, "i", 10.0), Column { number: 4, ..column("int4", 4, 4, "i", 9.0) }];
    let size = |index: Index| of(&index, &small).unwrap().rebuilt_bytes;
    let folded = size(index(1 << 30));
    for unfolded in [
        Index { options: vec!["deduplicate_items=off".into()], ..index(1 << 30) },
        Index { has_equal_images: Some(false), ..index(1 << 30) },
        Index { included_columns: vec![4], ..index(1 << 30) },
        Index { is_unique: true, ..index(1 << 30) },
    ] {
        assert!(size(unfolded) > 2.5 * folded);
    }
}

#[test]
fn unknown_combinations_leave_the_truth_open_above() {
    let columns = [
        column("int4", 4, 4, "i", 2000.0),
        Column { number: 4, ..column("int4", 4, 4, "i", 2000.0) },
    ];
    let both = Index { key_columns: vec![3, 4], ..index(60 << 20) };
    let found = of(&both, &columns).unwrap();
    assert!(found.at_most - found.ratio > 0.2 && found.ratio - found.at_least < 0.05, "{found:?}");
    assert_eq!(found.confidence, Confidence::Low);
    let statistics = [dbvitals_model::pg::schema::ExtendedStatistics {
        table_oid: 1,
        n_distinct: Some(r#"{"3, 4": 2000}"#.into()),
        ..Default::default()
    }];
    let facts = Facts::new(8192, &[], &columns).with_combinations(&statistics);
    let known = estimate(&facts, &both).unwrap();
    assert!(known.ratio > found.ratio + 0.2 && known.error() < 0.05, "{known:?}");
}

#[test]
fn a_predicate_shapes_its_own_column() {
    let nullable = Column { null_ratio: Some(0.9), ..column("int4", 4, 4, "i", 1e5) };
    let size = |predicate: &str| {
        let part = Index { predicate: Some(predicate.into()), row_estimate: 1e5, ..index(1 << 30) };
        of(&part, std::slice::from_ref(&nullable)).unwrap().rebuilt_bytes
    };
    let (present, absent, one) = (size("(c IS NOT NULL)"), size("(c IS NULL)"), size("(c = 4)"));
    assert!(present > 2.5 * absent && present > 2.5 * one, "{present} {absent} {one}");
}
