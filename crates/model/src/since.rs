//! An earlier snapshot as the first look: windows of hours or days without anything that runs all the time.
//!
//! Targets are matched by name and told apart by what cannot be shared: the system identifier and the start of a
//! PostgreSQL server, the run id of a Redis server. Where these differ, the figures that began anew are absent, and
//! the reason is said.

mod filesystems;

use crate::{
    Collected, Reason, Section, Snapshot, TargetData, TargetSnapshot, Unavailable,
    pg::{
        PgSnapshot,
        growth::{Growth, Start},
        window::{Look, Window, between},
    },
    redis::{self, RedisSnapshot},
};

/// Gives every target of `later` the window that began with `earlier`.
pub fn since(earlier: &Snapshot, later: &mut Snapshot) {
    let passed = later.taken_at.duration_since(earlier.taken_at).as_secs_f64();
    let same: Vec<bool> =
        later.targets.iter().map(|target| filesystems::is_same(earlier, later, target)).collect();
    for (target, is_same_machine) in later.targets.iter_mut().zip(same) {
        let first = earlier.targets.iter().find(|first| first.name == target.name);
        let trouble = match (first.map(|first| &first.data), &mut target.data) {
            (Some(TargetData::Postgres(first)), TargetData::Postgres(last)) => {
                postgres(first, last)
            }
            (Some(TargetData::Redis(first)), TargetData::Redis(last)) => redis(first, last),
            (Some(TargetData::Host(first)), TargetData::Host(last)) => {
                last.host.growth = filesystems::growth(first, last, passed, is_same_machine);
                None
            }
            (
                _,
                TargetData::Unreachable { .. }
                | TargetData::Pooler(_)
                | TargetData::Statement(_)
                | TargetData::Log(_),
            ) => None,
            (other, data) => {
                let why = match other {
                    Some(TargetData::Unreachable { .. }) => "was not reached",
                    Some(_) => "was another kind of server",
                    None => "was not there",
                };
                let why = obstacle(format!("in the earlier snapshot this target {why}"));
                without(data, &why);
                Some(why.detail)
            }
        };
        note(target, trouble);
    }
}

fn note(target: &mut TargetSnapshot, trouble: Option<String>) {
    target
        .problems
        .extend(trouble.map(|why| format!("no rates since the earlier snapshot: {why}")));
}

fn obstacle(detail: impl Into<String>) -> Unavailable {
    Unavailable { reason: Reason::NotApplicable, detail: detail.into(), remedy: None }
}

fn without(data: &mut TargetData, why: &Unavailable) {
    match data {
        TargetData::Postgres(pg) => {
            pg.window = Section::Unavailable(why.clone());
            pg.growth = Section::Unavailable(why.clone());
        }
        TargetData::Redis(redis) => redis.window = Section::Unavailable(why.clone()),
        TargetData::Host(host) => host.host.growth = Section::Unavailable(why.clone()),
        TargetData::Pooler(_)
        | TargetData::Statement(_)
        | TargetData::Log(_)
        | TargetData::Unreachable { .. } => {}
    }
}

/// Counters over the time between; what was watched while the later look was made stays.
fn postgres(first: &PgSnapshot, last: &mut PgSnapshot) -> Option<String> {
    let seconds = last.server.now.duration_since(first.server.now).as_secs_f64();
    let (then, now) = (&first.server, &last.server);
    let is_same_start = then.started_at.is_some() && then.started_at == now.started_at;
    let is_same_cluster = match (then.system_identifier, now.system_identifier) {
        (Some(then), Some(now)) => then == now,
        // Two servers do not start in the same microsecond.
        _ => is_same_start,
    };
    if !is_same_cluster {
        let why = obstacle("it is another cluster by now: its system identifier differs");
        last.window = Section::Unavailable(why.clone());
        last.growth = Section::Unavailable(why.clone());
        return Some(why.detail);
    }
    if seconds <= 0.0 {
        let why = obstacle("the server's clock does not say that time passed since");
        last.window = Section::Unavailable(why.clone());
        last.growth = Section::Unavailable(why.clone());
        return Some(why.detail);
    }
    let mut growth = Growth::since(&Start::of(first), &Start::of(last), seconds);
    if !is_same_start {
        // Of one cluster, ids and sequences go on; what a server holds on disk for others is its own.
        growth.slots.clear();
        growth.wal_directory_bytes = None;
        let restarted = now.started_at.is_some_and(|at| at > then.now);
        let why = obstacle(if restarted {
            "the server was started after the earlier snapshot: counters from before are not compared"
        } else {
            "another server of the cluster answers by now (a failover): its counters are its own"
        });
        last.growth = Section::collected(growth);
        last.window = Section::Unavailable(why.clone());
        return Some(why.detail);
    }
    last.growth = Section::collected(growth);
    let watched = last.window.value().cloned().unwrap_or_default();
    let (before, after) = (Look::of(first), Look::of(last));
    let mut window = between(&before, &after, seconds);
    (window.sampled, window.series) = (watched.sampled, watched.series);
    total(&mut window, first, last);
    let gaps = gaps(&before, &after, &window);
    last.window = Section::Collected(Collected { value: window, gaps });
    None
}

/// A snapshot keeps the leading statements; their totals it keeps of all. They may count less than the leaders
/// alone where entries were thrown out meanwhile.
fn total(window: &mut Window, first: &PgSnapshot, last: &PgSnapshot) {
    let (Some(then), Some(now)) = (first.statements.value(), last.statements.value()) else {
        return;
    };
    if then.since != now.since {
        return;
    }
    window.total_calls = window.total_calls.max(now.total_calls.saturating_sub(then.total_calls));
    let spent = now.total_exec_time_ms - then.total_exec_time_ms;
    if spent.is_finite() {
        window.total_exec_time_ms = window.total_exec_time_ms.max(spent);
    }
}

/// What began anew meanwhile, in one sentence.
fn gaps(before: &Look, after: &Look, window: &Window) -> Vec<Unavailable> {
    let mut anew = Vec::new();
    for row in &after.databases {
        let was_there = before.databases.iter().any(|other| other.oid == row.oid);
        if was_there && !window.databases.iter().any(|other| other.oid == row.oid) {
            anew.push(format!("database {}", row.name));
        }
    }
    if before.statements_since != after.statements_since {
        anew.push("statements".to_owned());
    }
    let parts = [
        ("checkpoints", before.checkpoints.is_some() && window.checkpoints.is_none()),
        ("WAL", before.wal.is_some() && window.wal.is_none()),
        ("archiver", before.archiver.is_some() && window.archiver.is_none()),
    ];
    anew.extend(parts.iter().filter(|(_, lost)| *lost).map(|(name, _)| (*name).to_owned()));
    if anew.is_empty() {
        return Vec::new();
    }
    vec![obstacle(format!("counters were reset since the earlier snapshot: {}", anew.join(", ")))]
}

fn redis(first: &RedisSnapshot, last: &mut RedisSnapshot) -> Option<String> {
    let seconds = last.server.now.duration_since(first.server.now).as_secs_f64();
    let compared = first.info.value().zip(last.info.value());
    let window = compared.and_then(|(then, now)| {
        // Without a run id nothing tells one server from another.
        then.text("run_id")?;
        redis::Window::between(then, now, seconds)
    });
    if let Some(window) = window {
        last.window = Section::collected(window);
        return None;
    }
    let why =
        obstacle("the server was restarted, another one answers, or its statistics were reset");
    last.window = Section::Unavailable(why.clone());
    Some(why.detail)
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
