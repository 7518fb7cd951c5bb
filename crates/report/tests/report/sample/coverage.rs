//! Coverage and cost of the sample.

use dbvitals_model::{
    Reason,
    report::{Checked, Coverage, SectionState, Skipped},
    snapshot::CollectorCost,
};

/// What was examined and what was not.
pub(super) fn coverage() -> Coverage {
    let ran = [
        ("pg-dead-tuples", "pg-main", 1),
        ("pg-dominant-statement", "pg-main", 1),
        ("pg-idle-in-transaction", "pg-main", 1),
        ("pg-invalid-index", "pg-main", 1),
        ("pg-long-transaction", "pg-main", 0),
        ("pg-transaction-id-age", "pg-main", 1),
        ("pg-unused-index", "pg-main", 17),
        ("pg-checkpoint-write-slow", "pg-standby", 1),
        ("pg-low-cache-hit-ratio", "pg-standby", 0),
        ("redis-big-key", "cache", 1),
        ("redis-no-authentication", "cache", 1),
        ("host-transparent-huge-pages", "db1", 1),
    ];
    Coverage {
        checked: ran
            .iter()
            .map(|(check, target, findings)| Checked {
                check: (*check).to_owned(),
                target: (*target).to_owned(),
                findings: *findings,
            })
            .collect(),
        skipped: skipped(),
        sections: vec![
            section("pg-main", "statements", true, None),
            section(
                "pg-main",
                "relations@app",
                true,
                Some("2 tables under an exclusive lock were passed over: app.orders, app.\"<b>\""),
            ),
            section(
                "pg-standby",
                "hba",
                false,
                Some("permission denied for view pg_hba_file_rules"),
            ),
            section("cache", "keyspace", true, None),
        ],
    }
}

fn section(target: &str, section: &str, collected: bool, note: Option<&str>) -> SectionState {
    SectionState {
        target: target.to_owned(),
        section: section.to_owned(),
        collected,
        note: note.map(str::to_owned),
    }
}

fn skipped() -> Vec<Skipped> {
    let skip = |check: &str,
                target: &str,
                part: Option<&str>,
                class,
                reason: &str,
                remedy: Option<&str>| Skipped {
        check: check.to_owned(),
        target: target.to_owned(),
        part: part.map(str::to_owned),
        reason: reason.to_owned(),
        class,
        remedy: remedy.map(str::to_owned),
    };
    let mut all = vec![
        skip(
            "pg-replica-lag-time",
            "pg-main",
            None,
            Reason::NotApplicable,
            "only on a standby",
            None,
        ),
        skip(
            "pg-deadlocks",
            "pg-main",
            None,
            Reason::NotAsked,
            "a rate needs two snapshots",
            Some("dbvitals audit --interval 10s"),
        ),
        skip(
            "pg-table-low-hit-ratio",
            "pg-standby",
            Some("legacy"),
            Reason::Failed,
            "the connection was lost",
            None,
        ),
    ];
    for check in [
        "pg-trust-authentication",
        "pg-md5-passwords",
        "pg-password-none",
        "pg-ssl-off",
        "pg-unencrypted-connections",
        "pg-certificate-expiring",
        "pg-listen-all-without-ssl",
        "pg-audit-logging-off",
    ] {
        all.push(skip(
            check,
            "pg-standby",
            None,
            Reason::Permission,
            "permission denied for view pg_hba_file_rules",
            Some("GRANT pg_read_all_settings TO dbvitals;"),
        ));
    }
    for check in ["pg-slow-statement", "pg-frequent-statement"] {
        all.push(skip(check, "pg-standby", Some("legacy"), Reason::Extension, "pg_stat_statements is not installed in this database", Some("Add pg_stat_statements to shared_preload_libraries, restart, then run CREATE EXTENSION pg_stat_statements in database legacy")));
    }
    all
}

/// What each collector cost.
pub(super) fn cost() -> Vec<CollectorCost> {
    let one = |target: &str, collector: &str, elapsed_ms, rows, bytes| CollectorCost {
        target: target.to_owned(),
        collector: collector.to_owned(),
        elapsed_ms,
        rows,
        bytes,
    };
    vec![
        one("pg-main", "settings", 4.1, 361, 48_211),
        one("pg-main", "relations@app", 41.7, 1_204, 310_400),
        one("pg-main", "statements", 22.9, 5_000, 1_184_000),
        one("pg-main", "indexes@app", 18.2, 2_611, 540_120),
        one("pg-standby", "relations@app", 39.0, 1_204, 310_400),
        one("pg-standby", "replication", 0.42, 1, 212),
        one("cache", "info", 0.8, 190, 6_411),
        one("cache", "keyspace", 61.5, 10_000, 812_004),
    ]
}
