//! The findings of the sample.

use dbvitals_model::{Evidence, Finding, Fix, FixKind, Severity, Subject, Unit};

/// Names a database may hold that break careless renderers.
const HOSTILE_NAMES: [&str; 7] = [
    "app.\"line\nbreak\"",
    "app.\"red \x1b[31malert\x1b]0;title\x07\"",
    "app.\"<script>alert('x')</script>\"",
    "app.\"a|b`c``d*e_f[g](h)\"",
    "app.\"🦀 größe 日本語 👩‍💻\"",
    "app.\"\u{202e}desrever & 'quoted' \\ $1\"",
    "app.\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"",
];

fn finding(
    check: &str,
    severity: Severity,
    target: &str,
    subject: Subject,
    message: &str,
) -> Finding {
    Finding {
        key: Finding::key_of(check, target, &subject),
        check: check.to_owned(),
        severity,
        target: target.to_owned(),
        subject,
        message: message.to_owned(),
        evidence: Vec::new(),
        recommendation: String::new(),
        fix: None,
        impact: None,
    }
}

fn advised(mut finding: Finding, recommendation: &str) -> Finding {
    recommendation.clone_into(&mut finding.recommendation);
    finding
}

fn statements(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// An index nobody uses, on a table of any name.
fn unused_index(index: &str, table: &str, megabytes: f64) -> Finding {
    let message = format!(
        "Index {index} of {table} was never scanned in 41 days and takes {megabytes:.0} MB"
    );
    let subject = Subject::within("index", "app", index).of_table(table);
    let fix = Fix::new(FixKind::Review, [format!("DROP INDEX CONCURRENTLY {index};")])
        .locking("ShareUpdateExclusiveLock", format!("vacuum and other DDL on {table}"))
        .undone_by([format!("CREATE INDEX CONCURRENTLY idx ON {table} (bidder_id);")]);
    let finding = finding("pg-unused-index", Severity::Warning, "pg-main", subject, &message)
        .with(
            Evidence::new("size", megabytes * 1_048_576.0, Unit::Bytes, "pg_relation_size")
                .against(1_048_576.0),
        )
        .with(Evidence::new("scans", 0.0, Unit::Count, "pg_stat_user_indexes, all servers"))
        .with(
            Evidence::new("statistics age", 41.0, Unit::Days, "pg_stat_database.stats_reset")
                .against(14.0),
        )
        .fixed_by(fix)
        .promising(format!("frees {megabytes:.0} MB and makes every write to the table cheaper"));
    advised(
        finding,
        "Make sure that no yearly job needs it, then drop it without blocking writes. Keep the definition.",
    )
}

/// All findings, worst first.
pub(super) fn all() -> Vec<Finding> {
    let mut all = critical();
    all.extend(warnings());
    let mut size = 450.0;
    for name in HOSTILE_NAMES {
        all.push(unused_index(name, "app.bids", size));
        size /= 2.0;
    }
    for place in 0..10 {
        all.push(unused_index(&format!("app.idx_legacy_{place}"), "app.auctions", 3.0));
    }
    all.extend(infos());
    all
}

fn critical() -> Vec<Finding> {
    let age = finding(
        "pg-transaction-id-age",
        Severity::Critical,
        "pg-main",
        Subject::new("database", "app"),
        "Database app has used 61 % of its transaction ids; at the present rate it refuses writes in 9 days",
    )
    .with(
        Evidence::new("age", 1_310_000_000.0, Unit::Xids, "pg_database.datfrozenxid")
            .against(1_288_490_189.0),
    )
    .with(Evidence::new("burn rate", 1_060.0, Unit::PerSecond, "two snapshots, 10 s apart"))
    .with(Evidence::new("horizon held by", "replication slot old_etl", Unit::Text, "pg_replication_slots.xmin"))
    .fixed_by(
        Fix::new(
            FixKind::Manual,
            statements(&[
                "SELECT pg_drop_replication_slot('old_etl');",
                "VACUUM (FREEZE, VERBOSE, INDEX_CLEANUP OFF, PARALLEL 0) app.audit_log, app.bids, app.payments, app.notifications;",
            ]),
        )
        .locking("ShareUpdateExclusiveLock", "other vacuums and DDL on these tables"),
    )
    .promising("moves the stop of writes from 9 days to about 40 months");
    let age = advised(
        age,
        "Find out who still needs the slot old_etl; if nobody does, drop it. Then freeze the oldest \
         tables by hand, largest age first, outside the busy hours.",
    );
    let invalid = finding(
        "pg-invalid-index",
        Severity::Critical,
        "pg-main",
        Subject::within("index", "app", "app.users_email_key").of_table("app.users"),
        "Unique index app.users_email_key is invalid: duplicates of email are not refused",
    )
    .with(Evidence::new("valid", "no", Unit::Text, "pg_index.indisvalid"))
    .with(Evidence::new("size", 88_080_384.0, Unit::Bytes, "pg_relation_size"))
    .fixed_by(
        Fix::new(FixKind::Safe, statements(&["REINDEX INDEX CONCURRENTLY app.users_email_key;"]))
            .locking("ShareUpdateExclusiveLock", "vacuum and DDL on app.users")
            .undone_by([]),
    );
    let invalid = advised(invalid, "Remove duplicates if there are any, then rebuild the index.");
    let open = finding(
        "redis-no-authentication",
        Severity::Critical,
        "cache",
        Subject::new("server", "cache"),
        "Redis on cache.internal:6379 answers anyone without a password",
    )
    .with(Evidence::new("bind", "* -::*", Unit::Text, "CONFIG GET bind"))
    .with(Evidence::new("default user", "on nopass ~* &* +@all", Unit::Text, "ACL LIST"))
    .fixed_by(
        Fix::new(
            FixKind::Manual,
            statements(&[
                "ACL SETUSER default on >CHOOSE_A_PASSWORD ~* &* +@all",
                "CONFIG REWRITE",
            ]),
        )
        .locking("none", "clients that connect without the password")
        .undone_by(statements(&["ACL SETUSER default nopass"])),
    );
    let open = advised(open, "Give every client a user of its own, then close the default user.");
    vec![age, invalid, open]
}

fn warnings() -> Vec<Finding> {
    let dominant = finding(
        "pg-dominant-statement",
        Severity::Warning,
        "pg-main",
        Subject::within("statement", "app", "3961877221405893410"),
        "One statement takes 47.2 % of all execution time: SELECT a.*, count(b.id) FROM app.auctions a \
         LEFT JOIN app.bids b ON b.auction_id = a.id WHERE a.status = $1 GROUP BY a.id ORDER BY 2 DESC",
    )
    .with(Evidence::new("share of total time", 0.472, Unit::Ratio, "pg_stat_statements").against(0.3))
    .with(Evidence::new("mean time", 184.3, Unit::Ms, "pg_stat_statements"))
    .with(Evidence::new("calls", 1_284_331.0, Unit::Count, "pg_stat_statements, 12 days"));
    let dominant = advised(
        dominant,
        "Keep the number of bids in app.auctions, or cache the list for a few seconds.",
    );
    let idle = finding(
        "pg-idle-in-transaction",
        Severity::Warning,
        "pg-main",
        Subject::within("session", "app", "pid 48121"),
        "Session 48121 (billing-worker) has been idle in a transaction for 1 h 23 min 45 s",
    )
    .with(
        Evidence::new("idle", 5025.0, Unit::Seconds, "pg_stat_activity.state_change").against(60.0),
    )
    .fixed_by(Fix::new(FixKind::Review, statements(&["SELECT pg_terminate_backend(48121);"])));
    let idle = advised(idle, "End the transaction in the application, or end the session.");
    let dead = finding(
        "pg-dead-tuples",
        Severity::Warning,
        "pg-main",
        Subject::within("table", "app", "app.notifications"),
        "Table app.notifications holds 2.1 million dead rows, 18.4 % of it",
    )
    .with(Evidence::new("dead share", 0.184, Unit::Ratio, "pg_stat_user_tables").against(0.05))
    .with(Evidence::new("dead rows", 2_104_882.0, Unit::Count, "pg_stat_user_tables").against(10_000.0))
    .fixed_by(
        Fix::new(
            FixKind::Safe,
            statements(&["ALTER TABLE app.notifications\n  SET (autovacuum_vacuum_scale_factor = 0.02,\n       autovacuum_vacuum_cost_delay = 0);"]),
        )
        .locking("ShareUpdateExclusiveLock", "vacuum and DDL on app.notifications")
        .undone_by(statements(&["ALTER TABLE app.notifications RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_cost_delay);"])),
    );
    let dead = advised(dead, "Let autovacuum visit this table earlier.");
    let big = finding(
        "redis-big-key",
        Severity::Warning,
        "cache",
        Subject::new("keys", "auction:live:*"),
        "12 keys of pattern auction:live:* hold more than 10 000 elements",
    )
    .with(
        Evidence::new("largest", 3_355_443.0, Unit::Bytes, "MEMORY USAGE, sampled")
            .against(1_048_576.0),
    );
    vec![dominant, dead, idle, advised(big, "Split the sets by auction day.")]
}

fn infos() -> Vec<Finding> {
    let pages = finding(
        "host-transparent-huge-pages",
        Severity::Info,
        "db1",
        Subject::new("host", "db1"),
        "Transparent huge pages are always on",
    )
    .with(Evidence::new(
        "enabled",
        "always",
        Unit::Text,
        "/sys/kernel/mm/transparent_hugepage/enabled",
    ))
    .fixed_by(Fix::new(
        FixKind::Review,
        statements(&["echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled"]),
    ));
    let checkpoints = finding(
        "pg-checkpoint-write-slow",
        Severity::Info,
        "pg-standby",
        Subject::new("server", "pg-standby"),
        "Checkpoints write for 268 s of 300 s on average",
    )
    .with(Evidence::new("write time", 268_000.0, Unit::Ms, "pg_stat_bgwriter"));
    vec![
        advised(pages, "Set them to madvise."),
        advised(checkpoints, "Nothing to do while the disk keeps up."),
    ]
}

/// The finding an ignore rule set aside.
pub(super) fn ignored() -> Finding {
    finding(
        "pg-long-transaction",
        Severity::Warning,
        "pg-main",
        Subject::within("session", "app", "pid 3177"),
        "Session 3177 (pg_dump) has had a transaction open for 2 h 5 min",
    )
}

/// The finding of the baseline that is gone.
pub(super) fn fixed() -> Finding {
    finding(
        "pg-foreign-key-without-index",
        Severity::Warning,
        "pg-main",
        Subject::within("constraint", "app", "bids_auction_id_fkey").of_table("app.bids"),
        "Foreign key bids_auction_id_fkey of app.bids has no index",
    )
}
