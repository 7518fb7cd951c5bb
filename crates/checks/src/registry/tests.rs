//! The catalogue holds together: ids, files, explanations, what is read and what is declared.

use std::{collections::BTreeSet, fs, path::Path};

use dbvitals_model::TargetData;

use super::*;
use crate::{
    Settings,
    check::Run,
    judge::run_recording,
    testing,
    view::{
        DATABASE_SECTIONS, LOG_SECTIONS, PG_SECTIONS, POOLER_SECTIONS, REDIS_SECTIONS, Reads,
        STATEMENT_SECTIONS,
    },
};

#[test]
fn ids_are_unique_and_lines_are_sorted() {
    let ids: BTreeSet<_> = CHECKS.iter().map(|check| check.id).collect();
    assert_eq!(ids.len(), CHECKS.len());
    let source = include_str!("../registry.rs").lines();
    let lines: Vec<_> = source.filter(|line| line.ends_with("::CHECK,")).collect();
    assert_eq!(lines.len(), CHECKS.len());
    assert!(lines.is_sorted(), "sort the lines of CHECKS");
}

/// Ids are final: reports, baselines and ignore rules of users name them.
#[test]
fn the_list_of_ids_is_the_catalogue() {
    let listed: Vec<&str> = include_str!("ids.txt").lines().collect();
    let mut ids: Vec<&str> = CHECKS.iter().map(|check| check.id).collect();
    ids.sort_unstable();
    let only_in = |one: &[&str], other: &[&str]| -> Vec<String> {
        one.iter().filter(|id| !other.contains(id)).map(ToString::to_string).collect()
    };
    assert_eq!(only_in(&ids, &listed), [""; 0], "new checks: add their ids to registry/ids.txt");
    assert_eq!(only_in(&listed, &ids), [""; 0], "an id that was published must stay");
    assert_eq!(listed, ids, "sort registry/ids.txt");
}

#[test]
fn every_check_is_a_file_and_every_file_is_a_check() {
    let mut files = BTreeSet::new();
    collect_files(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut files);
    let ids: BTreeSet<String> = CHECKS.iter().map(|check| check.id.to_owned()).collect();
    assert_eq!(ids, files);
}

/// Ids of the files two levels below `pg/` and `redis/`, and one below `host/`, `plan/` and `log/`.
fn collect_files(src: &Path, ids: &mut BTreeSet<String>) {
    for engine in ["pg", "redis", "host", "plan", "log"] {
        let root = src.join(engine);
        let folders: Vec<_> = if matches!(engine, "host" | "plan" | "log") {
            vec![root]
        } else {
            entries(&root).filter(|path| path.is_dir()).collect()
        };
        for folder in folders {
            for file in entries(&folder).filter(|path| is_check(path)) {
                let stem = file.file_stem().unwrap().to_string_lossy().replace('_', "-");
                ids.insert(format!("{engine}-{stem}"));
            }
        }
    }
}

/// Files without a `CHECK` hold what several checks of a topic share.
fn is_check(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "rs")
        && fs::read_to_string(path).unwrap().contains("pub static CHECK: Check")
}

fn entries(folder: &Path) -> impl Iterator<Item = std::path::PathBuf> {
    fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path())
}

#[test]
fn explanations_have_all_headings_and_name_every_threshold() {
    for check in CHECKS {
        let mut rest = check.explain;
        for heading in
            ["What it detects", "Why it matters", "How to fix", "When to ignore", "References"]
        {
            let at = rest.find(&format!("## {heading}\n"));
            rest = &rest[at.unwrap_or_else(|| panic!("{}: no '{heading}' in order", check.id))..];
        }
        for threshold in check.thresholds {
            let quoted = format!("`{}`", threshold.key);
            assert!(check.explain.contains(&quoted), "{}: explain lacks {quoted}", check.id);
            assert!(threshold.why.len() > 15, "{}: say why {quoted}", check.id);
            let (low, high) = threshold.range;
            assert!((low..=high).contains(&threshold.default), "{}: {quoted}", check.id);
        }
    }
}

#[test]
fn needs_and_uses_are_what_is_read() {
    for check in CHECKS {
        let built = match check.run {
            Run::Postgres(_) | Run::Database(_) => testing::pg(|pg| {
                testing::edit(&mut pg.window);
                testing::edit(&mut pg.growth);
            }),
            Run::Redis(_) => testing::redis(|redis| {
                testing::edit(&mut redis.window);
            }),
            Run::Pooler(_) => testing::pooler(|pooler| {
                testing::edit(&mut pooler.queue);
            }),
            Run::Host(_) => testing::host(|_, _| {}),
            Run::Statement(_) => testing::statement(|_| {}),
            Run::Log(_) => testing::log(|_| {}),
        };
        let reads = Reads::default();
        let settings = Settings::default();
        for mut target in built.targets.clone() {
            // The check must apply, whatever its versions and the side of replication it is for.
            for standby in [false, true] {
                if let TargetData::Postgres(pg) = &mut target.data {
                    pg.server.in_recovery = standby;
                    pg.server.version.major = check.versions.0.max(16).min(check.versions.1);
                }
                let _ = run_recording(check, &built, &target, &settings, &reads);
            }
        }
        let declared: BTreeSet<_> = check.needs.iter().chain(check.uses).copied().collect();
        assert_eq!(reads.into_inner(), declared, "{}: read at the top of `run`", check.id);
        for section in declared {
            let known = [
                PG_SECTIONS,
                DATABASE_SECTIONS,
                REDIS_SECTIONS,
                POOLER_SECTIONS,
                STATEMENT_SECTIONS,
                LOG_SECTIONS,
                &["host"],
            ];
            assert!(known.iter().any(|all| all.contains(&section)), "{}: {section}", check.id);
        }
    }
}

#[test]
fn a_snapshot_without_sections_skips_everything_that_needs_one() {
    use dbvitals_model::{
        pg::{DatabaseSnapshot, PgSnapshot},
        redis::RedisSnapshot,
    };
    let mut pg = PgSnapshot::default();
    pg.server.version.major = 16;
    pg.by_database = vec![DatabaseSnapshot { name: "app".into(), ..Default::default() }];
    let mut redis = RedisSnapshot::default();
    redis.server.version.major = 7;
    let snapshot = testing::snapshot(vec![
        testing::target("main", TargetData::Postgres(Box::new(pg))),
        testing::target("cache", TargetData::Redis(Box::new(redis))),
    ]);
    let report = crate::judge(&snapshot, &Settings::default());
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    for checked in &report.coverage.checked {
        let check = find(&checked.check).unwrap();
        assert!(check.needs.is_empty(), "{} judged what it could not see", check.id);
    }
}

#[test]
fn a_server_with_nothing_in_it_has_no_warnings() {
    for built in [
        testing::pg(|_| {}),
        testing::redis(|_| {}),
        testing::pooler(|_| {}),
        testing::host(|_, _| {}),
        testing::statement(|_| {}),
        testing::log(|_| {}),
    ] {
        let report = crate::judge(&built, &Settings::default());
        let bad: Vec<_> = report.findings.iter().map(|f| (&f.check, &f.message)).collect();
        assert!(bad.is_empty(), "{bad:?}");
    }
}

#[test]
fn views_offer_every_section_of_the_model() {
    use dbvitals_model::{
        log::LogSnapshot,
        pg::{DatabaseSnapshot, PgSnapshot},
        pooler::PoolerSnapshot,
        redis::RedisSnapshot,
        statement::StatementSnapshot,
    };
    fn sections(value: &serde_json::Value) -> BTreeSet<&str> {
        let fields = value.as_object().unwrap().iter();
        fields
            .filter(|(_, v)| v.get("unavailable").is_some())
            .map(|(name, _)| name.as_str())
            .collect()
    }
    let value = |model: Result<serde_json::Value, _>| -> serde_json::Value {
        let model: Result<_, serde_json::Error> = model;
        model.unwrap()
    };
    for (model, offered) in [
        (value(serde_json::to_value(PgSnapshot::default())), PG_SECTIONS),
        (value(serde_json::to_value(DatabaseSnapshot::default())), DATABASE_SECTIONS),
        (value(serde_json::to_value(RedisSnapshot::default())), REDIS_SECTIONS),
        (value(serde_json::to_value(PoolerSnapshot::default())), POOLER_SECTIONS),
        (value(serde_json::to_value(StatementSnapshot::default())), STATEMENT_SECTIONS),
        (value(serde_json::to_value(LogSnapshot::default())), LOG_SECTIONS),
    ] {
        assert_eq!(sections(&model), offered.iter().copied().collect());
    }
}
