//! Statements that vacuum, analyze or tune one table, with the lock they take.

use dbvitals_model::{Fix, FixKind, pg::relation::Relation};

use super::ordinary::sql_name;

/// The lock of VACUUM, ANALYZE and `SET (autovacuum_…)`.
pub const MILD_LOCK: &str = "ShareUpdateExclusiveLock";

/// Plain `VACUUM`, with `ANALYZE` in one go.
pub fn vacuum(table: &Relation) -> Fix {
    let name = sql_name(table);
    Fix::new(FixKind::Safe, [format!("VACUUM (ANALYZE) {name};")]).locking(
        MILD_LOCK,
        format!(
            "other VACUUM, ANALYZE and DDL on {name}, not reads or writes; truncating an empty tail \
             asks for AccessExclusiveLock and gives way at once"
        ),
    )
}

/// `ANALYZE` alone.
pub fn analyze(table: &Relation) -> Fix {
    let name = sql_name(table);
    Fix::new(FixKind::Safe, [format!("ANALYZE {name};")])
        .locking(MILD_LOCK, format!("other VACUUM and DDL on {name}, not reads or writes"))
}

/// `ALTER TABLE … SET (key = value, …)` with the way back to what was set before.
pub fn set_options(table: &Relation, options: &[(&str, &str)]) -> Fix {
    let name = sql_name(table);
    let list = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(key, value)| format!("{key} = {value}")).collect::<Vec<_>>().join(", ")
    };
    let before: Vec<(&str, &str)> =
        options.iter().filter_map(|(key, _)| Some((*key, table.option(key)?))).collect();
    let fresh: Vec<&str> =
        options.iter().map(|(key, _)| *key).filter(|key| table.option(key).is_none()).collect();
    let mut undo = Vec::new();
    if !before.is_empty() {
        undo.push(format!("ALTER TABLE {name} SET ({});", list(&before)));
    }
    if !fresh.is_empty() {
        undo.push(format!("ALTER TABLE {name} RESET ({});", fresh.join(", ")));
    }
    Fix::new(FixKind::Safe, [format!("ALTER TABLE {name} SET ({});", list(options))])
        .locking(MILD_LOCK, format!("VACUUM and DDL on {name} for a moment, not reads or writes"))
        .undone_by(undo)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_go_back_to_what_they_were() {
        let table = Relation {
            schema: "app".into(),
            name: "Orders".into(),
            options: vec!["fillfactor=90".into()],
            ..Relation::default()
        };
        let fix = set_options(&table, &[("fillfactor", "80"), ("autovacuum_enabled", "true")]);
        assert_eq!(
            fix.statements,
            ["ALTER TABLE app.\"Orders\" SET (fillfactor = 80, autovacuum_enabled = true);"]
        );
        assert_eq!(
            fix.undo,
            [
                "ALTER TABLE app.\"Orders\" SET (fillfactor = 90);",
                "ALTER TABLE app.\"Orders\" RESET (autovacuum_enabled);"
            ]
        );
    }
}
