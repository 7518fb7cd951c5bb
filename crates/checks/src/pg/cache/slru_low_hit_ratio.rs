//! Small internal caches that miss too often.

use dbvitals_model::{
    Evidence, Finding, Fix, FixKind, Severity, Subject, Unit,
    pg::{counters::Slru, instance::Settings},
};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::setting_change,
    skip::Judged,
    view::PgView,
    words,
};

/// Hit ratio of the caches of transaction status, subtransactions, multixacts and their like.
pub static CHECK: Check = Check {
    id: "pg-slru-low-hit-ratio",
    title: "Internal cache missing often",
    topic: Topic::Cache,
    component: Component::Cache,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["slru"],
    uses: &["settings"],
    thresholds: &[&RATIO, &MIN_READS],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
One of the server's small caches (transaction status, subtransactions, multixacts, notifications …) read
at least `min_blocks_read` blocks from disk and found less than `min_hit_ratio` in memory.

## Why it matters
These caches are consulted for every row version; when they miss, all sessions queue for one lock: the
waits appear as `SubtransSLRU`, `MultiXactMemberSLRU` and their like.

## How to fix
From version 17 on the sizes are settings. Before, remove the cause: many savepoints in one transaction,
exception blocks in loops (subtransactions), many sessions locking the same rows (multixacts), one very
old transaction that makes the server look far back.

## When to ignore
After a restart the caches are empty; notifications are read once by nature.

## References
PostgreSQL documentation: `pg_stat_slru`; Resource Consumption, `subtransaction_buffers`.
",
    run: Run::Postgres(run),
};

static RATIO: Threshold = Threshold {
    key: "min_hit_ratio",
    unit: Unit::Ratio,
    default: 0.95,
    strict: None,
    range: (0.0, 1.0),
    why: "these caches hold what the youngest transactions need and hit nearly always in good health",
};

static MIN_READS: Threshold = Threshold {
    key: "min_blocks_read",
    unit: Unit::Count,
    default: 100_000.0,
    strict: None,
    range: (1.0, 1e12),
    why: "a vacuum that looks far back reads some tens of thousands and is over",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (caches, settings) = (pg.slru()?, pg.settings().ok());
    let judged = caches.iter().filter_map(|cache| {
        let (hit, read) = (cache.blocks_hit.max(0) as f64, cache.blocks_read.max(0) as f64);
        let ratio = hit / (hit + read).max(1.0);
        let suffers = read >= cx.limit_for(&MIN_READS, &cache.name)
            && ratio < cx.limit_for(&RATIO, &cache.name);
        suffers.then(|| finding(pg, cx, settings, cache, ratio))
    });
    Ok(judged.collect())
}

fn finding(
    pg: &PgView<'_>,
    cx: &Context<'_>,
    settings: Option<&Settings>,
    cache: &Slru,
    ratio: f64,
) -> Finding {
    let source = "pg_stat_slru";
    let found = cx
        .finding(
            Severity::Info,
            Subject::new("cache", &cache.name),
            format!(
                "the server's {} cache found {} of what it was asked for and read {} blocks",
                cache.name,
                words::fine_percent(ratio),
                words::count(cache.blocks_read as f64)
            ),
            advice(&cache.name),
        )
        .with(
            Evidence::new("hit ratio", ratio, Unit::Ratio, source)
                .against(cx.limit_for(&RATIO, &cache.name)),
        )
        .with(
            Evidence::new("blocks read", cache.blocks_read, Unit::Count, source)
                .against(cx.limit_for(&MIN_READS, &cache.name)),
        );
    let age = pg.seconds_since(cache.stats_reset.or(pg.server().started_at));
    let found = match age {
        Some(age) => found.with(Evidence::new("age of the statistics", age, Unit::Seconds, source)),
        None => found,
    };
    match settings.and_then(|settings| doubled(settings, &cache.name)) {
        Some(fix) => found.fixed_by(fix),
        None => found,
    }
}

fn advice(name: &str) -> &'static str {
    match name.to_ascii_lowercase().as_str() {
        "subtrans" | "subtransaction" => {
            "Use fewer savepoints and exception blocks per transaction, end long transactions."
        }
        "multixactmember" | "multixactoffset" | "multixact_member" | "multixact_offset" => {
            "Let fewer sessions lock the same rows at once (foreign keys to one hot row), and \
             vacuum the tables concerned."
        }
        _ => {
            "End long transactions and keep tables vacuumed, so that old states are rarely asked for."
        }
    }
}

/// Twice the buffers, where the server lets one choose (17+).
fn doubled(settings: &Settings, cache: &str) -> Option<Fix> {
    let setting = match cache {
        "commit_timestamp" => "commit_timestamp_buffers",
        "multixact_member" => "multixact_member_buffers",
        "multixact_offset" => "multixact_offset_buffers",
        "notify" => "notify_buffers",
        "serializable" => "serializable_buffers",
        "subtransaction" => "subtransaction_buffers",
        "transaction" => "transaction_buffers",
        _ => return None,
    };
    // Blocks; the server wants a multiple of 16, which twice the present value is, too.
    let present = settings.number(setting).filter(|blocks| *blocks >= 16.0)?;
    let change = [(setting, format!("{:.0}", present * 2.0))];
    Some(setting_change::change(settings, FixKind::Review, &change))
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot};

    use super::*;
    use crate::testing::{self, edit, set};

    fn with(name: &str, hit: i64, read: i64) -> Snapshot {
        testing::pg(|pg| {
            set(pg, "subtransaction_buffers", "32", Some("8kB"));
            *edit(&mut pg.slru) = vec![Slru {
                name: name.into(),
                blocks_hit: hit,
                blocks_read: read,
                ..Slru::default()
            }];
        })
    }

    #[test]
    fn thresholds_have_two_sides() {
        let fires = |hit, read| !testing::findings(&CHECK, &with("Subtrans", hit, read)).is_empty();
        assert!(fires(1_899_999, 100_000));
        assert!(!fires(1_900_000, 100_000));
        assert!(!fires(0, 99_999));
        assert!(!fires(0, 0), "nothing asked is no ratio");
    }

    #[test]
    fn offers_more_buffers_only_where_they_are_a_setting() {
        let fix = |name| testing::findings(&CHECK, &with(name, 0, 100_000))[0].fix.clone();
        assert_eq!(fix("Subtrans"), None);
        let statements = fix("subtransaction").unwrap().statements;
        assert_eq!(statements[0], "ALTER SYSTEM SET subtransaction_buffers = '64';");
    }

    #[test]
    fn is_skipped_without_the_section() {
        let hidden = testing::pg(|pg| pg.slru = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &hidden).0.reason, Reason::Failed);
    }
}
