//! Whatever happens to a server between two snapshots, no rate is negative and none is more than what truly happened;
//! and where nothing began anew, all of it is counted.

mod cache;
mod event;
mod world;

use jiff::Timestamp;
use proptest::prelude::*;

use self::{
    cache::{COUNTED, Cache, Call, call},
    event::{Event, TABLES, event},
    world::World,
};
use super::since;
use crate::{Snapshot, TargetData, TargetSnapshot, pg::PgSnapshot};

fn saved(data: TargetData, second: i64) -> Snapshot {
    Snapshot::new(
        "",
        Timestamp::from_second(second).unwrap(),
        vec![TargetSnapshot::new("main", "", data)],
    )
}

fn compared(before: &World, after: &World) -> PgSnapshot {
    let earlier = saved(TargetData::Postgres(Box::new(before.pg.clone())), before.clock);
    let mut later = saved(TargetData::Postgres(Box::new(after.pg.clone())), after.clock);
    since(&earlier, &mut later);
    match later.targets.remove(0).data {
        TargetData::Postgres(pg) => *pg,
        _ => unreachable!("it was PostgreSQL"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn postgres_rates_are_true_or_absent(
        earlier in prop::collection::vec(event(), 0..25),
        later in prop::collection::vec(event(), 1..25),
        has_since in any::<bool>(),
    ) {
        let mut world = World::new(has_since);
        for event in &earlier {
            world.apply(event);
        }
        let before = world.clone();
        for event in &later {
            world.apply(event);
        }
        let (was, is) = (&before.truth, &world.truth);
        let pg = compared(&before, &world);
        let quiet = !later.iter().any(Event::disturbs)
            && !earlier.iter().any(|event| matches!(event, Event::Wrap));

        if let Some(window) = pg.window.value() {
            prop_assert!(window.seconds > 0.0);
            for row in window.databases.iter().filter(|row| row.name == "app") {
                prop_assert!(row.commits >= 0 && row.commits <= is.commits - was.commits);
            }
            for row in window.relations.iter().flat_map(|(_, rows)| rows) {
                let id = usize::try_from(row.oid).unwrap();
                prop_assert!(row.seq_scans >= 0 && row.seq_scans <= is.scans[id] - was.scans[id]);
            }
            for row in &window.statements {
                let id = usize::try_from(row.query_id).unwrap();
                prop_assert!(row.calls > 0 && row.calls <= is.calls[id] - was.calls[id]);
                // No call ever was quicker or slower than the mean is said to be.
                prop_assert!(row.mean_exec_time_ms >= is.fastest[id] * (1.0 - 1e-9));
                prop_assert!(row.mean_exec_time_ms <= is.slowest[id] * (1.0 + 1e-9));
                if has_since {
                    prop_assert_eq!(row.calls, is.calls[id] - was.calls[id], "exact with epochs");
                }
            }
        }
        if let Some(growth) = pg.growth.value() {
            prop_assert!(growth.xids.is_none_or(|ids| ids >= 0 && ids <= is.xids - was.xids));
            if !later.iter().any(|event| matches!(event, Event::FreezeEverything)) {
                prop_assert_eq!(growth.xids, Some(is.xids - was.xids), "it outlives restarts");
            }
            for row in &growth.sequences {
                prop_assert!(row.values >= 0 && row.values <= is.drawn);
            }
        }
        if quiet {
            let window = pg.window.value().unwrap();
            let app = window.databases.iter().find(|row| row.name == "app").unwrap();
            prop_assert_eq!(app.commits, is.commits - was.commits);
            let scans: i64 = window.relations[0].1.iter().map(|row| row.seq_scans).sum();
            let truly: i64 = (0..TABLES).map(|table| is.scans[table] - was.scans[table]).sum();
            prop_assert_eq!(scans, truly);
            let growth = pg.growth.value().unwrap();
            prop_assert_eq!(growth.of_sequence("app", "", ""), Some(is.drawn - was.drawn));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn redis_rates_are_true_or_absent(
        earlier in prop::collection::vec(call(), 0..25),
        later in prop::collection::vec(call(), 1..25),
    ) {
        let mut cache = Cache::default();
        for call in &earlier {
            cache.apply(call);
        }
        let before = cache.clone();
        for call in &later {
            cache.apply(call);
        }
        let first = saved(TargetData::Redis(Box::new(before.seen())), before.clock);
        let mut last = saved(TargetData::Redis(Box::new(cache.seen())), cache.clock);
        since(&first, &mut last);
        let TargetData::Redis(redis) = &last.targets[0].data else { unreachable!() };
        let began_anew = |call: &Call| {
            matches!(call, Call::ResetStatistics | Call::Restart | Call::FailOver(_))
        };
        let quiet = !later.iter().any(began_anew);
        let exchanged = later.iter().any(|call| matches!(call, Call::Restart | Call::FailOver(_)));
        if exchanged {
            prop_assert!(redis.window.value().is_none(), "another process");
        }
        prop_assert!(!quiet || redis.window.value().is_some());
        if let Some(window) = redis.window.value() {
            for (place, name) in COUNTED.iter().enumerate() {
                let truly = cache.truly[place] - before.truly[place];
                let counted = window.counters.get(*name).copied();
                prop_assert!(counted.is_none_or(|count| 0 <= count && count <= truly));
                prop_assert!(!quiet || counted == Some(truly));
            }
            for command in &window.commands {
                let id: usize = command.name.parse().unwrap();
                let truly = cache.calls[id] - before.calls[id];
                prop_assert!(command.calls >= 0 && command.calls <= truly);
                prop_assert!(command.total_us >= 0 && (!quiet || command.calls == truly));
            }
        }
    }
}
