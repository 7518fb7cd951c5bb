//! A Redis server that tells both what can be seen and what truly happened.

use jiff::Timestamp;
use proptest::prelude::*;

use crate::{
    Section,
    redis::{CommandStat, Info, RedisSnapshot},
};

/// What may happen to a Redis server.
#[derive(Debug, Clone)]
pub(super) enum Call {
    Hit(i64),
    /// A command was called so often, so long each time.
    Command(usize, i64, i64),
    ResetStatistics,
    Restart,
    /// A replica with counters of its own takes over under the same name.
    FailOver(i64),
    Evict(i64),
}

pub(super) fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        4 => (1..900_i64).prop_map(Call::Hit),
        5 => (0..3_usize, 1..900_i64, 1..90_i64).prop_map(|(c, n, us)| Call::Command(c, n, us)),
        1 => Just(Call::ResetStatistics),
        1 => Just(Call::Restart),
        1 => (0..100_000_i64).prop_map(Call::FailOver),
        2 => (1..90_i64).prop_map(Call::Evict),
    ]
}

#[derive(Debug, Clone, Default)]
pub(super) struct Cache {
    pub(super) clock: i64,
    run: i64,
    up_since: i64,
    /// Hits, commands, evictions as the server counts them, and as they truly were.
    counted: [i64; 3],
    pub(super) truly: [i64; 3],
    commands: [(i64, i64); 3],
    pub(super) calls: [i64; 3],
}

pub(super) const COUNTED: [&str; 3] = ["keyspace_hits", "total_commands_processed", "evicted_keys"];

impl Cache {
    fn count(&mut self, what: usize, times: i64) {
        self.counted[what] += times;
        self.truly[what] += times;
    }

    pub(super) fn apply(&mut self, call: &Call) {
        self.clock += 1;
        match call {
            Call::Hit(times) => {
                self.count(0, *times);
                self.count(1, *times);
            }
            Call::Command(command, times, us) => {
                self.count(1, *times);
                self.commands[*command].0 += times;
                self.commands[*command].1 += times * us;
                self.calls[*command] += times;
            }
            Call::ResetStatistics => {
                self.counted = [0; 3];
                self.commands = [(0, 0); 3];
            }
            Call::Restart => {
                self.run += 1;
                self.up_since = self.clock;
                self.apply(&Call::ResetStatistics);
            }
            Call::FailOver(own) => {
                self.run += 1;
                self.counted = [*own; 3];
                self.commands = [(*own, *own); 3];
            }
            Call::Evict(keys) => self.count(2, *keys),
        }
    }

    pub(super) fn seen(&self) -> RedisSnapshot {
        let mut redis = RedisSnapshot::default();
        redis.server.now = Timestamp::from_second(1_000_000 + self.clock).unwrap();
        let mut info = Info::default();
        info.fields.insert("run_id".into(), self.run.to_string());
        info.fields.insert("uptime_in_seconds".into(), (self.clock - self.up_since).to_string());
        for (name, count) in COUNTED.iter().zip(self.counted) {
            info.fields.insert((*name).into(), count.to_string());
        }
        let commands = self.commands.iter().enumerate().filter(|(_, (calls, _))| *calls > 0);
        info.commands = commands
            .map(|(id, (calls, total_us))| CommandStat {
                name: id.to_string(),
                calls: *calls,
                total_us: *total_us,
                ..CommandStat::default()
            })
            .collect();
        redis.info = Section::collected(info);
        redis
    }
}
