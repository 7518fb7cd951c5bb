//! How far an integer type reaches, how much of that may be used, and the statements that widen a column.

use dbvitals_model::{Fix, FixKind, Unit};

use crate::{check::Threshold, sql};

/// How much of its numbers a key may have used before somebody plans what comes then.
pub static WARNING: Threshold = Threshold {
    key: "warning_ratio",
    unit: Unit::Ratio,
    default: 0.7,
    strict: Some(0.5),
    range: (0.05, 1.0),
    why: "widening a large key takes weeks of preparation; two sevenths more are left",
};

/// How much, before it is a question of time.
pub static CRITICAL: Threshold = Threshold {
    key: "critical_ratio",
    unit: Unit::Ratio,
    default: 0.85,
    strict: None,
    range: (0.05, 1.0),
    why: "the rest may last less long than the migration",
};

/// The largest value of an integer type by its catalogue or SQL name.
pub fn largest(type_name: &str) -> Option<i64> {
    match type_name {
        "int2" | "smallint" => Some(i64::from(i16::MAX)),
        "int4" | "integer" => Some(i64::from(i32::MAX)),
        "int8" | "bigint" => Some(i64::MAX),
        _ => None,
    }
}

/// Rewrites a column as `bigint`: right for a small table, a plan of its own for a large one.
pub fn widened(schema: &str, table: &str, column: &str) -> Fix {
    let (name, column) = (sql::qualified(schema, table), sql::ident(column));
    Fix::new(FixKind::Manual, [format!("ALTER TABLE {name} ALTER COLUMN {column} TYPE bigint;")])
        .locking(
            "AccessExclusiveLock",
            format!("all reads and writes of {name} while the table and its indexes are rewritten"),
        )
}
