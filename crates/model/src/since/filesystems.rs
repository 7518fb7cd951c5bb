//! Growth of a machine's filesystems between two snapshots.

use super::obstacle;
use crate::{
    Section, Snapshot, TargetData, TargetSnapshot,
    host::{FilesystemGrowth, HostGrowth, HostSnapshot},
    pg::PgSnapshot,
    redis::RedisSnapshot,
};

/// Whether a machine is the one of that name in the earlier snapshot: it carries a server that is known to be the
/// same. A machine's name alone says nothing; every one is called after itself.
pub(super) fn is_same(earlier: &Snapshot, later: &Snapshot, target: &TargetSnapshot) -> bool {
    let TargetData::Host(host) = &target.data else { return false };
    host.serves.iter().any(|name| {
        let find = |snapshot: &Snapshot| snapshot.targets.iter().position(|it| &it.name == name);
        let (Some(then), Some(now)) = (find(earlier), find(later)) else { return false };
        is_same_server(&earlier.targets[then].data, &later.targets[now].data)
    })
}

/// The same process, or one that was started later over the same data in the same role: a standby that took over
/// has its primary's identifier, but ran before.
fn is_same_server(then: &TargetData, now: &TargetData) -> bool {
    match (then, now) {
        (TargetData::Postgres(then), TargetData::Postgres(now)) => {
            let place = |pg: &PgSnapshot| {
                let settings = pg.settings.value();
                let folder = settings.and_then(|settings| settings.text("data_directory"));
                (pg.server.system_identifier, pg.server.in_recovery, folder.map(str::to_owned))
            };
            let began = (then.server.started_at, now.server.started_at);
            let goes_on = began.0.is_some() && began.0 == began.1;
            let restarted = began.1.is_some_and(|at| at > then.server.now);
            then.server.system_identifier.is_some()
                && place(then) == place(now)
                && (goes_on || restarted)
        }
        (TargetData::Redis(then), TargetData::Redis(now)) => {
            let run = |redis: &RedisSnapshot| {
                redis.info.value().and_then(|info| info.text("run_id")).map(str::to_owned)
            };
            run(then).is_some() && run(then) == run(now)
        }
        _ => false,
    }
}

/// Bytes taken on each filesystem that still has its size.
pub(super) fn growth(
    first: &HostSnapshot,
    last: &HostSnapshot,
    seconds: f64,
    is_same_machine: bool,
) -> Section<HostGrowth> {
    if !is_same_machine {
        let why = "no server on it is known to be the one it carried in the earlier snapshot";
        return Section::Unavailable(obstacle(why));
    }
    if seconds <= 0.0 {
        return Section::Unavailable(obstacle("no time passed since the earlier snapshot"));
    }
    let (Some(then), Some(now)) = (first.host.filesystems.value(), last.host.filesystems.value())
    else {
        return Section::Unavailable(obstacle("filesystems were not read both times"));
    };
    let mut filesystems: Vec<FilesystemGrowth> = Vec::new();
    for last in now {
        let first = then.iter().find(|first| {
            first.mount_point == last.mount_point && first.total_bytes == last.total_bytes
        });
        let known = filesystems.iter().any(|known| known.mount_point == last.mount_point);
        if let Some(first) = first.filter(|_| !known)
            && let Some(bytes) = first.available_bytes.checked_sub(last.available_bytes)
        {
            filesystems.push(FilesystemGrowth { mount_point: last.mount_point.clone(), bytes });
        }
    }
    Section::collected(HostGrowth { seconds, filesystems })
}
