//! Releases whose concurrent index builds can corrupt indexes.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
};

/// PostgreSQL 14.0 to 14.3.
pub static CHECK: Check = Check {
    id: "pg-version-index-corruption",
    title: "Release that corrupts indexes",
    topic: Topic::Configuration,
    component: Component::Maintenance,
    severity: Severity::Critical,
    versions: (14, 14),
    needs: &[],
    uses: &[],
    thresholds: &[],
    fix: None,
    explain: "\
## What it detects
A server of PostgreSQL 14.0 to 14.3.

## Why it matters
In these releases `CREATE INDEX CONCURRENTLY` and `REINDEX CONCURRENTLY` could leave rows out of the index they
built: statements that use it miss rows, and unique keys let repeats in, without any error.

## How to fix
Update to the last release of version 14 (a restart), then check every B-tree that was built concurrently with
`amcheck` (`bt_index_check(index, heapallindexed => true)`) and rebuild what it complains about. Until then build
no index concurrently; other findings that offer to do so must wait.

## When to ignore
Never.

## References
Release notes of PostgreSQL 14.4.
",
    run: Run::Postgres(run),
};

/// The first release of version 14 that builds indexes concurrently without loss.
const SAFE_MINOR: u32 = 4;

#[expect(clippy::unnecessary_wraps, reason = "the shape of every judgement")]
fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let version = pg.server().version;
    if version.major != 14 || version.minor >= SAFE_MINOR {
        return Ok(Vec::new());
    }
    let found = cx.finding(
        Severity::Critical,
        Subject::new("server", pg.name()),
        format!("PostgreSQL {version} can leave rows out of indexes that it builds concurrently"),
        "Update to the last release of version 14, then check all indexes with amcheck.",
    );
    Ok(vec![found.with(Evidence::new(
        "version",
        version.to_string(),
        Unit::Text,
        "server_version",
    ))])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::ServerVersion;

    use super::*;
    use crate::testing;

    fn found(minor: u32) -> usize {
        let snapshot = testing::pg(|pg| pg.server.version = ServerVersion::new(14, minor, 0));
        testing::findings(&CHECK, &snapshot).len()
    }

    #[test]
    fn fires_up_to_the_release_that_mends_it() {
        assert_eq!((found(0), found(3), found(4), found(20)), (1, 1, 0, 0));
    }

    #[test]
    fn other_versions_are_not_asked() {
        testing::skipped(&CHECK, &testing::pg(|_| {}));
    }
}
