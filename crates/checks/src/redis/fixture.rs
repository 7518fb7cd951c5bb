//! Snapshots of one server for the tests of this engine.

use std::cell::RefCell;

use dbvitals_model::{
    Finding, Reason, Section, Severity, Snapshot, TargetData,
    redis::{RedisSnapshot, Window},
};

use crate::{
    check::{Check, Run},
    judge::{Verdicts, run},
    redis::counted,
    registry::CHECKS,
    settings::Settings,
    testing::{self, edit},
    view::RedisView,
};

/// A server with these fields of `INFO` and these settings.
pub(crate) fn built(info: &[(&str, &str)], config: &[(&str, &str)]) -> Snapshot {
    built_with(info, config, |_| {})
}

/// The same, edited further.
pub(crate) fn built_with(
    info: &[(&str, &str)],
    config: &[(&str, &str)],
    change: impl FnOnce(&mut RedisSnapshot),
) -> Snapshot {
    testing::redis(|redis| {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        edit(&mut redis.info).fields.extend(info.iter().map(owned));
        edit(&mut redis.config).0.extend(config.iter().map(owned));
        redis.window = Section::unavailable(Reason::NotAsked, "needs two looks");
        change(redis);
    })
}

/// The same snapshot, with its server edited.
pub(crate) fn edited(mut snapshot: Snapshot, change: impl FnOnce(&mut RedisSnapshot)) -> Snapshot {
    let TargetData::Redis(redis) = &mut snapshot.targets[0].data else { unreachable!() };
    change(redis);
    snapshot
}

/// Ten seconds in which these counters grew.
pub(crate) fn window(redis: &mut RedisSnapshot, counters: &[(&str, i64)]) {
    let counters = counters.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
    redis.window = Section::collected(Window { seconds: 10.0, counters, ..Window::default() });
}

/// The same server, told (not) to be a cache.
pub(crate) fn told(mut snapshot: Snapshot, is_cache: Option<bool>) -> Snapshot {
    for target in &mut snapshot.targets {
        target.expectations.is_cache = is_cache;
    }
    snapshot
}

/// What `look` makes of the server.
pub(crate) fn view<T>(snapshot: &Snapshot, look: impl FnOnce(&RedisView<'_>) -> T) -> T {
    let reads = RefCell::default();
    look(&RedisView::of(snapshot, &snapshot.targets[0], &reads).unwrap())
}

/// The severity of the only finding, if there is one.
pub(crate) fn severity(check: &'static Check, snapshot: &Snapshot) -> Option<Severity> {
    let found = testing::findings(check, snapshot);
    assert!(found.len() <= 1, "{found:?}");
    found.first().map(|finding| finding.severity)
}

/// The only finding.
pub(crate) fn only(check: &'static Check, snapshot: &Snapshot) -> Finding {
    let found = testing::findings(check, snapshot);
    assert_eq!(found.len(), 1, "{found:?}");
    found.into_iter().next().unwrap()
}

/// The statements and the undo of the only finding.
pub(crate) fn fix(check: &'static Check, snapshot: &Snapshot) -> (Vec<String>, Vec<String>) {
    let fix = only(check, snapshot).fix.unwrap();
    (fix.statements, fix.undo)
}

fn checks() -> impl Iterator<Item = &'static Check> {
    CHECKS.iter().copied().filter(|check| matches!(check.run, Run::Redis(_)))
}

#[test]
fn each_check_is_skipped_for_the_reason_its_section_is_missing() {
    for check in checks() {
        for need in check.needs {
            let mut snapshot = testing::redis(|_| {});
            let TargetData::Redis(redis) = &snapshot.targets[0].data else { unreachable!() };
            let mut value = serde_json::to_value(redis).unwrap();
            value[need] = serde_json::json!({
                "unavailable": { "reason": "permission", "detail": "hidden" }
            });
            let redis = serde_json::from_value(value).unwrap();
            snapshot.targets[0].data = TargetData::Redis(Box::new(redis));
            let skip = testing::skipped(check, &snapshot);
            assert_eq!(skip.0.reason, Reason::Permission, "{} without {need}", check.id);
        }
    }
}

#[test]
fn absurd_numbers_stop_no_check() {
    let names: Vec<String> =
        include_str!("fixture/info_fields.txt").lines().map(Into::into).collect();
    for value in ["-1", "0", "NaN", "inf", "-9223372036854775808", "9223372036854775807", "", "x"] {
        let pairs: Vec<_> = names.iter().map(|name| (name.as_str(), value)).collect();
        let snapshot = built_with(&pairs, &pairs, |redis| redis.server.uptime_seconds = -5);
        for check in checks() {
            let Verdicts(parts) =
                run(check, &snapshot, &snapshot.targets[0], &Settings::default()).unwrap();
            for finding in parts.into_iter().filter_map(|(_, judged)| judged.ok()).flatten() {
                assert!(!finding.message.contains("NaN"), "{}", finding.message);
                assert!(!finding.message.contains("inf "), "{}", finding.message);
            }
        }
    }
}

#[test]
fn whoever_minds_the_age_of_counters_declares_how_old_is_news() {
    for check in checks() {
        let minds = check.explain.contains("`recent_seconds`");
        assert_eq!(minds, counted::is_declared(check), "{}", check.id);
    }
}
