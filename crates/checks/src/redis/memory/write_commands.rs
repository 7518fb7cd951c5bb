//! Which commands write, so that evictions can be held against writes.

use dbvitals_model::redis::CommandStat;

/// Commands of all versions that store or change data, sorted. Deletions are none: they make room.
const WRITES: &[&str] = &[
    "append",
    "bitfield",
    "bitop",
    "copy",
    "decr",
    "decrby",
    "geoadd",
    "geosearchstore",
    "getset",
    "hincrby",
    "hincrbyfloat",
    "hmset",
    "hset",
    "hsetex",
    "hsetnx",
    "incr",
    "incrby",
    "incrbyfloat",
    "linsert",
    "lmove",
    "lpush",
    "lpushx",
    "lset",
    "mset",
    "msetnx",
    "pfadd",
    "pfmerge",
    "psetex",
    "restore",
    "rpoplpush",
    "rpush",
    "rpushx",
    "sadd",
    "sdiffstore",
    "set",
    "setbit",
    "setex",
    "setnx",
    "setrange",
    "sinterstore",
    "smove",
    "sunionstore",
    "xadd",
    "zadd",
    "zdiffstore",
    "zincrby",
    "zinterstore",
    "zrangestore",
    "zunionstore",
];

/// Calls of commands that store data.
pub fn calls(commands: &[CommandStat]) -> f64 {
    let writes = commands.iter().filter(|stat| WRITES.binary_search(&stat.name.as_str()).is_ok());
    writes.map(|stat| stat.calls.max(0) as f64).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_stores_and_nothing_else() {
        assert!(WRITES.is_sorted());
        let stat =
            |name: &str, calls| CommandStat { name: name.into(), calls, ..Default::default() };
        let commands = [stat("set", 3), stat("get", 50), stat("zadd", 4), stat("del", 9)];
        assert!((calls(&commands) - 7.0).abs() < f64::EPSILON);
    }
}
