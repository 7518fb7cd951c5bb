//! What was planted, by the check that should find it, and thresholds brought down to a demo's size.

use dbvitals_model::report::Report;

/// Checks that should find something, with what was planted for them.
#[rustfmt::skip]
pub(crate) static PLANTS: &[(&str, &str)] = &[
    ("pg-autovacuum-disabled", "autovacuum switched off for a table"),
    ("pg-blocked-session", "three sessions waiting for a forgotten transaction"),
    ("pg-btree-on-array-or-jsonb", "a B-tree on a jsonb column"),
    ("pg-column-type-char-n", "a char(2) column"),
    ("pg-column-type-json", "a json column that nobody made jsonb"),
    ("pg-column-type-money", "amounts of type money"),
    ("pg-column-type-timestamp-without-time-zone", "a timestamp without its time zone"),
    ("pg-dead-tuples", "a purge that nobody cleaned up after"),
    ("pg-deadlocks", "two sessions that locked rows in opposite order"),
    ("pg-dominant-statement", "a report that takes most of the server's time"),
    ("pg-duplicate-index", "the same index twice"),
    ("pg-durability-off", "fsync switched off"),
    ("pg-foreign-key-type-mismatch", "an integer that refers to a bigint"),
    ("pg-foreign-key-without-index", "a foreign key without an index"),
    ("pg-idle-in-transaction", "a transaction somebody forgot"),
    ("pg-index-mostly-null", "an index on a column that is almost always NULL"),
    ("pg-index-on-low-cardinality", "an index on a column with three values"),
    ("pg-invalid-index", "a unique index whose build failed"),
    ("pg-low-hot-update-ratio", "an indexed timestamp that every request changes"),
    ("pg-never-analyzed", "a table without statistics"),
    ("pg-not-valid-constraint", "a foreign key that was never validated"),
    ("pg-partition-default-not-empty", "rows that fell into the default partition"),
    ("pg-planner-method-disabled", "merge joins switched off for everybody"),
    ("pg-prepared-transaction-old", "a prepared transaction whose coordinator died"),
    ("pg-public-schema-create", "everybody may create objects in public"),
    ("pg-redundant-index", "an index that is the prefix of another"),
    ("pg-rls-disabled-with-policy", "a policy on a table without row-level security"),
    ("pg-rls-enabled-without-policy", "row-level security without a policy"),
    ("pg-rollback-ratio", "a batch job that gives up"),
    ("pg-security-definer-mutable-path", "a SECURITY DEFINER function without a search_path"),
    ("pg-sequence-exhaustion", "a serial near the end of its type"),
    ("pg-sequential-scan-heavy-table", "an inbox that reads the whole table"),
    ("pg-slot-inactive", "a replication slot whose standby is gone"),
    ("pg-slow-statement", "a report nobody tuned"),
    ("pg-statement-temp-spill", "a sort that spills to disk"),
    ("pg-superuser-login-many", "a second superuser who logs in"),
    ("pg-table-grant-public", "a table that everybody may change"),
    ("pg-table-without-primary-key", "a table without a primary key"),
    ("pg-trigger-disabled", "a trigger switched off and forgotten"),
    ("pg-trust-authentication", "a network that may log in without a password"),
    ("pg-unlogged-table", "an unlogged table"),
    ("pg-unused-index", "an index nobody reads"),
    ("pg-wal-archiver-failing", "an archive command that fails"),
    ("redis-big-key", "lists that only ever grow"),
    ("redis-blocking-command", "KEYS on a live server"),
    ("redis-eviction-policy-mismatch", "an eviction policy that finds nothing to evict"),
    ("redis-keys-without-ttl", "cached auctions that never expire"),
    ("redis-long-key-names", "query strings as key names"),
    ("redis-low-hit-ratio", "look-ups of keys that are not there"),
    ("redis-slow-command", "a sort of everything"),
];

/// Thresholds of age and size that a demonstration of a minute cannot reach: check, key, value.
#[rustfmt::skip]
pub(crate) static LOWERED: &[(&str, &str, f64)] = &[
    ("pg-idle-in-transaction", "warning_seconds", 2.0),
    ("pg-index-mostly-null", "min_size_bytes", 65_536.0),
    ("pg-index-on-low-cardinality", "min_size_bytes", 65_536.0),
    ("pg-low-hot-update-ratio", "min_updates", 1_000.0),
    ("pg-prepared-transaction-old", "warning_seconds", 5.0),
    ("pg-slot-inactive", "min_inactive_seconds", 1.0),
    ("pg-statement-temp-spill", "max_temp_bytes", 1_048_576.0),
    ("redis-long-key-names", "min_saved_bytes", 100_000.0),
    ("redis-long-key-names", "share_ratio", 0.05),
];

/// Planted problems that a report does not hold.
pub(crate) fn missed(report: &Report) -> Vec<&'static (&'static str, &'static str)> {
    PLANTS
        .iter()
        .filter(|(check, _)| !report.findings.iter().any(|finding| finding.check == *check))
        .collect()
}

#[cfg(test)]
mod tests {
    use dbvitals_checks::registry;

    use super::*;

    #[test]
    fn plants_and_lowered_thresholds_exist() {
        for (id, _) in PLANTS {
            assert!(registry::find(id).is_some(), "{id}");
        }
        for (id, key, value) in LOWERED {
            let check = registry::find(id).unwrap_or_else(|| panic!("{id}"));
            let threshold = check.thresholds.iter().find(|t| t.key == *key);
            let threshold = threshold.unwrap_or_else(|| panic!("{id} has no {key}"));
            assert!(*value < threshold.default, "{id}.{key} is not lowered");
        }
    }
}
