//! Times of reads and writes that nobody takes.

use dbvitals_model::{Evidence, Fix, FixKind, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    pg::replication::worth,
    skip::{Judged, Skip},
    sql,
    view::PgView,
};

/// `track_io_timing` is off.
pub static CHECK: Check = Check {
    id: "pg-io-timing-off",
    title: "I/O times are not taken",
    topic: Topic::Statements,
    component: Component::Queries,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["settings"],
    uses: &["databases"],
    thresholds: &[],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
`track_io_timing` is off, the server's default, and not all databases fit into `shared_buffers`: then there is
nothing to wait for.

## Why it matters
Without it nobody can tell a statement that computes from one that waits for the disk, nor see a disk
becoming slower.

## How to fix
Run `pg_test_timing` on the machine: when a reading of the clock takes less than 100 ns, switch it on. No
restart is needed.

## When to ignore
Machines with a slow clock source, such as some virtual ones.

## References
PostgreSQL documentation: Run-time Statistics, `track_io_timing`; pg_test_timing.
",
    run: Run::Postgres(run),
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let name = "track_io_timing";
    let (settings, databases) = (pg.settings()?, pg.databases().ok());
    match settings.is_on(name) {
        None => return Err(Skip::not_applicable("track_io_timing is not known")),
        Some(true) => return Ok(Vec::new()),
        Some(false) => {}
    }
    let buffers = settings.bytes("shared_buffers").map(|bytes| bytes as f64);
    let data = databases.map(|databases| worth::data_bytes(databases));
    if data.zip(buffers).is_some_and(|(data, buffers)| data < buffers) {
        return Ok(Vec::new());
    }
    let fix = Fix::new(FixKind::Review, sql::alter_system(name, "on", false))
        .locking("none", "nothing; each read and write takes two readings of the clock more")
        .undone_by(sql::alter_system(name, "off", false));
    let found = cx
        .finding(
            Severity::Info,
            Subject::new("setting", name),
            "track_io_timing is off: waits for the disk cannot be told from computing",
            "Switch it on, after pg_test_timing has shown that the clock is fast.",
        )
        .with(Evidence::new(name, "off", Unit::Text, "pg_settings").against("on"))
        .fixed_by(fix);
    Ok(vec![found])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section};

    use super::*;
    use crate::testing::{self, edit, set};

    #[test]
    fn what_fits_into_the_buffers_is_not_waited_for() {
        let found = |bytes: i64| {
            let snapshot = testing::pg(|pg| {
                set(pg, "track_io_timing", "off", None);
                set(pg, "shared_buffers", "16384", Some("8kB"));
                edit(&mut pg.databases)[0].size_bytes = Some(bytes);
            });
            testing::findings(&CHECK, &snapshot).len()
        };
        assert_eq!((found((128 << 20) - 1), found(128 << 20)), (0, 1));
    }

    #[test]
    fn fires_only_when_off() {
        let found = |value| {
            testing::findings(&CHECK, &testing::pg(|pg| set(pg, "track_io_timing", value, None)))
        };
        assert!(found("on").is_empty());
        let off = found("off").remove(0);
        assert_eq!(off.severity, Severity::Info);
        assert_eq!(
            off.fix.unwrap().statements,
            ["ALTER SYSTEM SET track_io_timing = 'on';", "SELECT pg_reload_conf();"]
        );
    }

    #[test]
    fn is_skipped_when_unknown() {
        testing::skipped(&CHECK, &testing::pg(|_| {}));
        let none = testing::pg(|pg| {
            pg.settings = Section::unavailable(Reason::Permission, "hidden");
        });
        assert_eq!(testing::skipped(&CHECK, &none).0.reason, Reason::Permission);
    }
}
