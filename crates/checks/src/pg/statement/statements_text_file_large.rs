//! The file of statement texts grown beyond what is cheap to read.

use dbvitals_model::{Evidence, Fix, FixKind, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::{Judged, Skip},
    sql,
    view::PgView,
    words,
};

/// Size of `pgss_query_texts.stat`.
pub static CHECK: Check = Check {
    id: "pg-statements-text-file-large",
    title: "Large file of statement texts",
    topic: Topic::Statements,
    component: Component::Queries,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["statements_status"],
    uses: &[],
    thresholds: &[&SIZE],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
The file in which `pg_stat_statements` keeps the texts of statements is larger than `max_size_bytes`.

## Why it matters
Every reader of the view loads the whole file into its memory, and every clean-up rewrites it under a
lock that all statements wait for. When the server cannot load it, all texts are lost.

## How to fix
Shorten what is long: lists of thousands of values, rows inserted by the thousand in one statement. Pass
arrays (`= ANY ($1)`) instead. `pg_stat_statements_reset()` empties the file, and all counters with it.

## When to ignore
Servers where nothing reads the view often.

## References
PostgreSQL documentation: pg_stat_statements.
",
    run: Run::Postgres(run),
};

static SIZE: Threshold = Threshold {
    key: "max_size_bytes",
    unit: Unit::Bytes,
    default: 262_144_000.0,
    strict: None,
    range: (1.0, 1e13),
    why: "250 MB is 50 kB for each of the default 5,000 statements, and what each reader allocates",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let status = pg.statements_status()?;
    if !status.is_preloaded || status.installed_in.is_none() {
        return Err(Skip::not_applicable("pg_stat_statements is not at work here"));
    }
    let Some(size) = status.text_file_bytes.map(|bytes| bytes as f64) else {
        return Err(Skip::permission(
            "the size of the file of statement texts is only for superusers to see",
            "run the audit as a superuser",
        ));
    };
    let name = "pg_stat_statements";
    let limit = cx.limit_for(&SIZE, name);
    if size <= limit {
        return Ok(Vec::new());
    }
    let function = match &status.schema {
        Some(schema) => sql::qualified(schema, "pg_stat_statements_reset"),
        None => "pg_stat_statements_reset".to_owned(),
    };
    let fix = Fix::new(FixKind::Review, [format!("SELECT {function}();")])
        .locking("none", "nothing; every tool that reads the counters starts again from zero");
    let found = cx
        .finding(
            Severity::Warning,
            Subject::new("extension", name),
            format!("the texts of pg_stat_statements take {}", words::bytes(size)),
            "Shorten long statements: pass arrays instead of lists. Reset the statistics only if no \
             other tool depends on them.",
        )
        .with(
            Evidence::new("size", size, Unit::Bytes, "pg_stat_tmp/pgss_query_texts.stat")
                .against(limit),
        );
    Ok(vec![found.fixed_by(fix)])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot, pg::statement::Status};

    use super::*;
    use crate::testing::{self, edit};

    fn with(text_file_bytes: Option<i64>) -> Snapshot {
        testing::pg(|pg| {
            *edit(&mut pg.statements_status) = Status {
                is_preloaded: true,
                installed_in: Some("app".into()),
                schema: Some("Stats".into()),
                text_file_bytes,
                ..Status::default()
            };
        })
    }

    #[test]
    fn the_size_has_two_sides() {
        assert!(testing::findings(&CHECK, &with(Some(262_144_000))).is_empty());
        let large = testing::findings(&CHECK, &with(Some(262_144_001))).remove(0);
        assert_eq!(large.message, "the texts of pg_stat_statements take 250 MB");
        let fix = large.fix.unwrap();
        assert_eq!(fix.statements, ["SELECT \"Stats\".pg_stat_statements_reset();"]);
        assert!(!fix.reversible);
    }

    #[test]
    fn is_skipped_when_the_size_is_hidden_or_unknown() {
        assert_eq!(testing::skipped(&CHECK, &with(None)).0.reason, Reason::Permission);
        let unknown = testing::pg(|pg| {
            pg.statements_status = Section::unavailable(Reason::Timeout, "took too long");
        });
        assert_eq!(testing::skipped(&CHECK, &unknown).0.reason, Reason::Timeout);
        let absent = testing::pg(|pg| *edit(&mut pg.statements_status) = Status::default());
        assert_eq!(testing::skipped(&CHECK, &absent).0.reason, Reason::NotApplicable);
    }
}
