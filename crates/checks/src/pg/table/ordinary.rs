//! Which relations the checks of tables look at, on which node, and how their findings name them.

use dbvitals_model::{Evidence, Finding, Subject, Unit, pg::relation::Relation};
use jiff::Timestamp;

use crate::{skip::Skip, sql, view::DatabaseView};

/// Tables and materialised views with rows of the user's own: not temporary, not an extension's, not the
/// system's. Partitions are among them, partitioned parents are not.
pub fn stored(relations: &[Relation]) -> impl Iterator<Item = &Relation> {
    relations.iter().filter(|r| matches!(r.kind.as_str(), "r" | "m") && is_users(r))
}

/// Whether a relation is the user's to change.
pub fn is_users(relation: &Relation) -> bool {
    let system = relation.schema == "information_schema" || relation.schema.starts_with("pg_");
    relation.persistence != "t" && relation.extension.is_none() && !system
}

/// The relation of that oid.
pub fn by_oid(relations: &[Relation], oid: i64) -> Option<&Relation> {
    relations.iter().find(|relation| relation.oid == oid)
}

/// The best guess at the number of rows: the larger of the planner's and the statistics' (each is 0 or -1
/// in its own cases).
pub fn rows(relation: &Relation) -> f64 {
    relation.row_estimate.max(relation.live_rows as f64).max(0.0)
}

/// The table as a subject.
pub fn subject(db: &DatabaseView<'_>, relation: &Relation) -> Subject {
    Subject::within("table", db.name(), relation.qualified())
}

/// The table's name for a statement.
pub fn sql_name(relation: &Relation) -> String {
    sql::qualified(&relation.schema, &relation.name)
}

/// The later of the manual and the automatic vacuum.
pub fn last_vacuum(relation: &Relation) -> Option<Timestamp> {
    relation.last_vacuum.max(relation.last_autovacuum)
}

/// The later of the manual and the automatic analyze.
pub fn last_analyze(relation: &Relation) -> Option<Timestamp> {
    relation.last_analyze.max(relation.last_autoanalyze)
}

/// Counters of writes and upkeep are kept where writes happen: a standby has none.
pub fn on_primary(db: &DatabaseView<'_>) -> Result<(), Skip> {
    if db.server().server().in_recovery {
        return Err(Skip::not_applicable("a standby counts no writes; ask its primary"));
    }
    Ok(())
}

/// What a primary in the same snapshot is told need not be told of its standby again.
pub fn not_twice(db: &DatabaseView<'_>) -> Result<(), Skip> {
    let server = db.server();
    if server.server().in_recovery && server.siblings().any(|node| !node.server().in_recovery) {
        return Err(Skip::not_applicable("the primary of this standby is judged instead"));
    }
    Ok(())
}

/// The finding with the age of the counters it rests on.
pub fn with_age(found: Finding, db: &DatabaseView<'_>) -> Finding {
    match db.statistics_age_days() {
        Some(days) => found.with(Evidence::new(
            "statistics age",
            days,
            Unit::Days,
            "pg_stat_database.stats_reset",
        )),
        None => found,
    }
}

/// The finding with the time since a moment, or the word never.
pub fn with_since(
    found: Finding,
    db: &DatabaseView<'_>,
    label: &str,
    moment: Option<Timestamp>,
) -> Finding {
    let source = "pg_stat_all_tables";
    found.with(match db.server().seconds_since(moment) {
        Some(seconds) => Evidence::new(label, seconds, Unit::Seconds, source),
        None => Evidence::new(label, "never", Unit::Text, source),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_system_and_extension_tables_are_left_alone() {
        let named = |schema: &str, kind: &str, persistence: &str| Relation {
            schema: schema.into(),
            kind: kind.into(),
            persistence: persistence.into(),
            ..Relation::default()
        };
        let mut owned = named("app", "r", "p");
        owned.extension = Some("postgis".into());
        let all = vec![
            named("app", "r", "p"),
            named("app", "m", "u"),
            named("app", "p", "p"),
            named("pg_temp_3", "r", "t"),
            named("pg_catalog", "r", "p"),
            owned,
        ];
        assert_eq!(stored(&all).count(), 2);
    }
}
