//! What a role must have for a section to be read whole, as the collectors themselves declare it.

use super::{
    collector::{Collector, Need},
    registry::COLLECTORS,
};

/// Sections that no collector of the registry fills, or not alone, with what they take besides its needs.
const BESIDES: &[(&str, &[&str])] = &[
    ("certificate", &["a TLS connection"]),
    ("columns", &["pg_read_all_data"]),
    ("extended_statistics", &["pg_read_all_data"]),
    ("growth", &["--since, or --interval"]),
    ("index_columns", &["pg_read_all_data"]),
    ("measured", &["extension pgstattuple", "pg_stat_scan_tables"]),
    ("policy_costs", &["dbvitals query rls", "membership in the roles, and BYPASSRLS"]),
    ("sequences", &["pg_read_all_data"]),
    ("statements", &["extension pg_stat_statements", "pg_monitor"]),
    ("statements_status", &["extension pg_stat_statements"]),
    ("window", &["--interval, or --since"]),
];

/// What it takes to read a section whole; empty where any role that may connect sees it. `None`: no such section.
pub fn privileges(section: &str) -> Option<Vec<&'static str>> {
    let mut all: Vec<&str> = collectors(section).flat_map(declared).collect();
    let besides = BESIDES.iter().find(|(name, _)| *name == section);
    all.extend(besides.iter().flat_map(|(_, words)| words.iter()));
    all.dedup();
    (besides.is_some() || collectors(section).next().is_some()).then_some(all)
}

/// The first major version that has a section.
pub fn since(section: &str) -> u32 {
    collectors(section).map(Collector::oldest).min().unwrap_or(13)
}

fn collectors(section: &str) -> impl Iterator<Item = &'static Collector> {
    COLLECTORS.iter().copied().filter(move |collector| collector.section == section)
}

/// `GRANT pg_monitor TO {role};` is `pg_monitor`.
fn declared(collector: &'static Collector) -> impl Iterator<Item = &'static str> {
    collector.needs.iter().map(|need| {
        let (Need::Sees { remedy: text, .. } | Need::Grant(text)) = *need;
        match text.strip_prefix("GRANT ").and_then(|grant| grant.split_once(" TO {role}")) {
            Some((what, _)) => what,
            None if text.contains("superuser") => "superuser",
            None => text,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_privilege_is_what_the_remedy_grants() {
        assert_eq!(privileges("activity").unwrap(), ["pg_monitor"]);
        assert_eq!(privileges("passwords").unwrap(), ["superuser"]);
        assert_eq!(privileges("slots").unwrap(), [""; 0]);
        assert_eq!(
            privileges("hba").unwrap(),
            ["EXECUTE ON FUNCTION pg_catalog.pg_hba_file_rules()"]
        );
        assert_eq!(privileges("no_such_section"), None);
        assert_eq!((since("io"), since("activity")), (16, 13));
    }
}
