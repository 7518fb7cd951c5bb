//! Damage on disk that nobody would notice.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::{Judged, Skip},
    view::PgView,
};

/// Data checksums.
pub static CHECK: Check = Check {
    id: "pg-data-checksums-off",
    title: "Data checksums off",
    topic: Topic::Configuration,
    component: Component::Configuration,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &[],
    uses: &[],
    thresholds: &[],
    fix: None,
    explain: "\
## What it detects
A server without data checksums. PostgreSQL 18 creates clusters with them; earlier versions did not unless told.

## Why it matters
A bit that flips on a disk, in a controller or in a driver is returned as data, copied into backups and noticed
when no good copy is left. With checksums the read fails and is counted.

## How to fix
Stop the server cleanly and run `pg_checksums --enable` (it reads and writes every file once), standbys likewise;
or enable them on a standby and switch over. The cost in operation is a few percent of the writes, since hint bits
are logged too.

## When to ignore
File systems that check what they read (ZFS, Btrfs), and data that can be made again.

## References
PostgreSQL documentation: Data Checksums; pg_checksums.
",
    run: Run::Postgres(run),
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let on = pg.server().data_checksums;
    let on = on.ok_or_else(|| Skip::not_applicable("data_checksums is not known"))?;
    if on {
        return Ok(Vec::new());
    }
    let found = cx.finding(
        Severity::Info,
        Subject::new("setting", "data_checksums"),
        "data checksums are off: damage on disk is returned as data",
        "Enable them with pg_checksums while the server is stopped, or by way of a standby.",
    );
    Ok(vec![found.with(Evidence::new("data_checksums", "off", Unit::Text, "pg_settings"))])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn fires_when_off_and_is_skipped_when_unknown() {
        let with = |on| testing::pg(|pg| pg.server.data_checksums = on);
        assert_eq!(testing::findings(&CHECK, &with(Some(false))).len(), 1);
        assert!(testing::findings(&CHECK, &with(Some(true))).is_empty());
        testing::skipped(&CHECK, &with(None));
    }
}
