//! Changes of PostgreSQL settings as `ALTER SYSTEM`, with the present values as the way back.

use dbvitals_model::{Fix, FixKind, pg::instance::Settings};

use crate::sql;

/// Settings whose text is a list of quoted names: one literal for all would become one odd name.
const QUOTED_LISTS: &[&str] = &[
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
];

/// Sets each setting, reloads unless all of them need a restart, and restores what was there.
/// Whether a restart is needed is the server's own word (`pg_settings.context`).
pub fn change(settings: &Settings, kind: FixKind, changes: &[(&str, String)]) -> Fix {
    let before: Vec<_> =
        changes.iter().filter_map(|(name, _)| Some((*name, present(settings, name)?))).collect();
    let restarts = changes.iter().any(|(name, _)| needs_restart(settings, name));
    let fix = Fix::new(kind, statements(settings, changes));
    let fix =
        if restarts { fix.locking("none", "everything during the restart it needs") } else { fix };
    if before.len() == changes.len() { fix.undone_by(statements(settings, &before)) } else { fix }
}

/// Whether a change becomes effective only at a restart.
pub fn needs_restart(settings: &Settings, name: &str) -> bool {
    settings.get(name).is_some_and(|setting| setting.context == "postmaster")
}

/// A number of bytes as a memory setting, rounded up: `4GB`, `640MB`.
pub fn memory(bytes: f64) -> String {
    let megabytes = rounded(bytes) / MEGABYTE;
    let gigabytes = (megabytes / 1024.0).round();
    if (gigabytes * 1024.0 - megabytes).abs() < 0.5 {
        format!("{gigabytes:.0}GB")
    } else {
        format!("{megabytes:.0}MB")
    }
}

/// The bytes that [`memory`] writes down: whole megabytes, from 10 GB on whole gigabytes.
pub fn rounded(bytes: f64) -> f64 {
    let megabytes = (bytes / MEGABYTE).ceil().max(1.0);
    let is_large = megabytes >= 10_240.0;
    MEGABYTE * if is_large { (megabytes / 1024.0).ceil() * 1024.0 } else { megabytes }
}

const MEGABYTE: f64 = 1_048_576.0;

/// The value as it would be written into the configuration, unit included where it has a name.
pub fn present(settings: &Settings, name: &str) -> Option<String> {
    let setting = settings.get(name)?;
    let unit = setting.unit.as_deref().unwrap_or_default();
    let is_named = !unit.is_empty() && unit.chars().all(|c| c.is_ascii_alphabetic());
    let is_number = setting.value.parse::<f64>().is_ok_and(|number| number > 0.0);
    let suffix = if is_named && is_number { unit } else { "" };
    Some(format!("{}{suffix}", setting.value))
}

fn statements(settings: &Settings, changes: &[(&str, String)]) -> Vec<String> {
    let mut statements: Vec<_> = changes
        .iter()
        .map(|(name, value)| format!("ALTER SYSTEM SET {name} = {};", quoted(name, value)))
        .collect();
    if changes.iter().any(|(name, _)| !needs_restart(settings, name)) {
        statements.push("SELECT pg_reload_conf();".to_owned());
    }
    statements
}

fn quoted(name: &str, value: &str) -> String {
    if !QUOTED_LISTS.contains(&name) {
        return sql::literal(value);
    }
    let parts = value.split(',').map(|part| sql::literal(part.trim().trim_matches('"')));
    parts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, edit, set};

    #[test]
    fn a_change_carries_its_undo_and_knows_of_restarts() {
        let mut pg = testing::healthy_pg();
        set(&mut pg, "max_wal_size", "1024", Some("MB"));
        set(&mut pg, "wal_buffers", "512", Some("8kB"));
        edit(&mut pg.settings).0[1].context = "postmaster".into();
        let settings = pg.settings.value().unwrap();
        let fix = change(settings, FixKind::Review, &[("max_wal_size", memory(4e9))]);
        assert_eq!(
            fix.statements,
            ["ALTER SYSTEM SET max_wal_size = '3815MB';", "SELECT pg_reload_conf();"]
        );
        assert_eq!(
            fix.undo,
            ["ALTER SYSTEM SET max_wal_size = '1024MB';", "SELECT pg_reload_conf();"]
        );
        let fix = change(settings, FixKind::Review, &[("wal_buffers", "64MB".into())]);
        assert_eq!(fix.statements, ["ALTER SYSTEM SET wal_buffers = '64MB';"]);
        assert_eq!(fix.undo, ["ALTER SYSTEM SET wal_buffers = '512';"]);
        assert!(fix.blocks.contains("restart"));
        assert!(!change(settings, FixKind::Safe, &[("unknown", "1".into())]).reversible);
    }

    #[test]
    fn lists_keep_their_parts_apart() {
        assert_eq!(quoted("shared_preload_libraries", "a, \"b\""), "'a', 'b'");
        assert_eq!(quoted("synchronous_standby_names", "ANY 1 (a, b)"), "'ANY 1 (a, b)'");
    }

    #[test]
    fn sizes_are_round() {
        assert_eq!(memory(4_294_967_296.0), "4GB");
        assert_eq!(memory(10.5 * 1_073_741_824.0), "11GB");
        assert_eq!(memory(0.0), "1MB");
    }
}
