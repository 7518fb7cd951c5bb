//! Indexes that are written far more than read.

use dbvitals_model::{Evidence, Finding, Severity, Unit, pg::index::Index};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::index::parts,
    skip::{Judged, Skip},
    view::DatabaseView,
    words,
};

/// Less than one scan a day, and a thousand writes for each.
pub static CHECK: Check = Check {
    id: "pg-rarely-used-index",
    title: "Rarely used index",
    topic: Topic::Indexes,
    component: Component::Indexes,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["indexes", "relations", "databases"],
    uses: &[],
    thresholds: &[&MAX_SCANS, &MIN_WRITES, &MIN_SIZE, &MIN_AGE],
    fix: None,
    explain: "\
## What it detects
An index of at least `min_size_bytes` that was scanned, on all nodes together, less than `max_scans_per_day_count`
times a day over at least `min_age_days` of statistics, while its table was written more than
`writes_per_scan_count` times for each scan. From PostgreSQL 16 on, with the last scan on any node.

## Why it matters
It is kept up to date thousands of times for every time it helps.

## How to fix
Find out which job reads it. If that job can wait for a sequential scan, or build the index for itself, drop it.

## When to ignore
When the rare query is the one that must not be slow.

## References
PostgreSQL documentation: `pg_stat_all_indexes`.
",
    run: Run::Database(run),
};

static MAX_SCANS: Threshold = Threshold {
    key: "max_scans_per_day_count",
    unit: Unit::Count,
    default: 1.0,
    strict: None,
    range: (0.0, 1e6),
    why: "less than daily is a job, not the application",
};

static MIN_WRITES: Threshold = Threshold {
    key: "writes_per_scan_count",
    unit: Unit::Count,
    default: 1000.0,
    strict: None,
    range: (1.0, 1e12),
    why: "a thousand index writes cost more than one scan of most tables saves",
};

static MIN_SIZE: Threshold = Threshold {
    key: "min_size_bytes",
    unit: Unit::Bytes,
    default: 1_048_576.0,
    strict: None,
    range: (0.0, 1e15),
    why: "below 1 MB an index costs less than the attention it takes",
};

static MIN_AGE: Threshold = Threshold {
    key: "min_age_days",
    unit: Unit::Days,
    default: 14.0,
    strict: None,
    range: (1.0, 3650.0),
    why: "two weeks see weekly jobs twice; younger statistics prove nothing",
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (indexes, relations) = (db.indexes()?, db.relations()?);
    db.stats()?;
    if db.server().server().in_recovery {
        return Err(Skip::not_applicable("judged on the primary, with the scans of all nodes"));
    }
    let age = parts::youngest_age_days(db)
        .filter(|age| *age >= cx.limit(&MIN_AGE))
        .ok_or_else(|| Skip::not_applicable("statistics are younger than min_age_days"))?;
    let tables = parts::by_oid(relations);
    let uses = parts::use_on_all_nodes(db, indexes);
    let mut found = Vec::new();
    for index in indexes.iter().filter(|i| parts::is_judged(i) && !parts::is_protected(i)) {
        let name = index.qualified();
        let limit = |threshold| cx.limit_for(threshold, &name);
        let Some(table) = tables.get(&index.table_oid) else { continue };
        let seldom = Seldom {
            used: uses.get(&index.oid).copied().unwrap_or_default(),
            writes: (table.inserts + table.updates - table.hot_updates).max(0) as f64,
            age,
        };
        // Never scanned is another check's business.
        let is_rare = seldom.used.scans > 0
            && seldom.per_day() < limit(&MAX_SCANS)
            && seldom.writes > seldom.scans() * limit(&MIN_WRITES)
            && index.size_bytes as f64 >= limit(&MIN_SIZE);
        if is_rare {
            found.push(finding(db, cx, index, &seldom));
        }
    }
    Ok(found)
}

/// How often an index was read and written.
struct Seldom {
    used: parts::Use,
    writes: f64,
    /// Days of statistics.
    age: f64,
}

impl Seldom {
    fn scans(&self) -> f64 {
        self.used.scans as f64
    }

    fn per_day(&self) -> f64 {
        self.scans() / self.age
    }
}

fn finding(db: &DatabaseView<'_>, cx: &Context<'_>, index: &Index, seldom: &Seldom) -> Finding {
    let name = index.qualified();
    let limit = |threshold| cx.limit_for(threshold, &name);
    let idle = db.server().seconds_since(seldom.used.last_scan);
    let last =
        idle.map_or_else(String::new, |idle| format!(", last {} ago,", words::seconds(idle)));
    let scans = "pg_stat_all_indexes, all nodes";
    let per_scan = seldom.writes / seldom.scans();
    let found = cx
        .finding(
            Severity::Info,
            parts::subject(db, index),
            format!(
                "index {name} was scanned {} times in {:.0} days{last} and written {} times",
                words::count(seldom.scans()),
                seldom.age,
                words::count(seldom.writes)
            ),
            "Find out which job reads it and whether that job could do without.",
        )
        .with(
            Evidence::new("scans per day", seldom.per_day(), Unit::Count, scans)
                .against(limit(&MAX_SCANS)),
        )
        .with(
            Evidence::new("writes per scan", per_scan, Unit::Count, "pg_stat_all_tables")
                .against(limit(&MIN_WRITES)),
        )
        .with(Evidence::new("size", index.size_bytes, Unit::Bytes, "pg_relation_size"))
        .with(
            Evidence::new("statistics age", seldom.age, Unit::Days, "stats_reset")
                .against(cx.limit(&MIN_AGE)),
        );
    match idle {
        Some(idle) => found.with(Evidence::new(
            "since its last scan",
            idle,
            Unit::Seconds,
            "pg_stat_all_indexes.last_idx_scan, all nodes",
        )),
        None => found,
    }
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{TargetData, pg::relation::Relation};

    use super::*;
    use crate::{
        pg::index::fixture,
        testing::{self, ago, app, edit},
    };

    fn snapshot(scans: i64, inserts: i64, days: i64) -> dbvitals_model::Snapshot {
        testing::pg(|pg| {
            edit(&mut pg.databases)[0].stats_reset = ago(days * 86_400);
            let db = app(pg);
            *edit(&mut db.indexes) = vec![Index { scans, ..fixture::index(5, "i") }];
            *edit(&mut db.relations) = vec![Relation { inserts, ..fixture::table() }];
        })
    }

    fn fires(scans: i64, inserts: i64) -> bool {
        !testing::findings(&CHECK, &snapshot(scans, inserts, 60)).is_empty()
    }

    #[test]
    fn scans_and_writes_have_two_sides() {
        assert!(fires(59, 59_001));
        assert!(!fires(60, 1_000_000));
        assert!(!fires(59, 59_000));
        assert!(!fires(0, 1_000_000), "never scanned is another check's business");
    }

    #[test]
    fn the_last_scan_is_the_latest_of_all_nodes() {
        let last_scans = |primary: Option<i64>, standby: Option<i64>| {
            let mut built = snapshot(3, 1_000_000, 60);
            let TargetData::Postgres(main) = &mut built.targets[0].data else { panic!() };
            edit(&mut app(main).indexes)[0].last_scan = primary.and_then(ago);
            let mut second = main.clone();
            second.server.in_recovery = true;
            edit(&mut app(&mut second).indexes)[0].last_scan = standby.and_then(ago);
            built.targets.push(testing::target("s1", TargetData::Postgres(second)));
            let settings = crate::Settings::default();
            let verdicts = crate::judge::run(&CHECK, &built, &built.targets[0], &settings);
            let found = verdicts.unwrap().0.remove(0).1.unwrap().remove(0);
            let label = "since its last scan";
            let evidence = found.evidence.into_iter().find(|evidence| evidence.label == label);
            (found.message, evidence.map(|evidence| evidence.value))
        };
        let (message, evidence) = last_scans(Some(5 * 86_400), Some(3 * 86_400));
        assert!(message.contains("scanned 6 times in 60 days, last 3 d ago, and"), "{message}");
        assert_eq!(evidence, Some((3.0 * 86_400.0).into()));
        for (primary, standby) in [(Some(7200), None), (None, Some(7200)), (Some(7200), Some(9000))]
        {
            assert_eq!(last_scans(primary, standby).1, Some(7200.0.into()));
        }
        let (message, evidence) = last_scans(None, None);
        assert!(message.contains("in 60 days and written"), "before 16: {message}");
        assert_eq!(evidence, None);
    }

    #[test]
    fn young_statistics_prove_nothing() {
        assert!(!testing::skipped(&CHECK, &snapshot(1, 9_999_999, 13)).is_gap());
    }
}
