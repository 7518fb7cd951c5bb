//! Which of a command's words is its first key.

use crate::reply;

/// Commands whose second word names what they do.
const CONTAINERS: &[&str] = &[
    "acl", "client", "cluster", "command", "config", "debug", "function", "latency", "memory",
    "module", "object", "pubsub", "script", "slowlog", "xgroup", "xinfo",
];

/// Commands with the first key elsewhere than in the second word.
const ELSEWHERE: &[(&str, usize)] = &[
    ("bitop", 2),
    ("blmpop", 3),
    ("bzmpop", 3),
    ("lmpop", 2),
    ("memory|usage", 2),
    ("migrate", 3),
    ("object|encoding", 2),
    ("object|freq", 2),
    ("object|idletime", 2),
    ("object|refcount", 2),
    ("sintercard", 2),
    ("xgroup|create", 2),
    ("xgroup|createconsumer", 2),
    ("xgroup|delconsumer", 2),
    ("xgroup|destroy", 2),
    ("xgroup|setid", 2),
    ("xinfo|consumers", 2),
    ("xinfo|groups", 2),
    ("xinfo|stream", 2),
    ("zdiff", 2),
    ("zinter", 2),
    ("zintercard", 2),
    ("zmpop", 2),
    ("zunion", 2),
];

/// Commands whose second word is their first key, separated by blanks.
const SECOND: &str = "\
    append bitcount bitfield bitfield_ro bitpos blmove blpop brpop brpoplpush bzpopmax bzpopmin copy \
    decr decrby del dump exists expire expireat expiretime geoadd geodist geohash geopos georadius \
    georadius_ro georadiusbymember geosearch geosearchstore get getbit getdel getex getrange getset \
    hdel hexists hexpire hget hgetall hgetdel hgetex hincrby hincrbyfloat hkeys hlen hmget hmset \
    hpexpire hpttl hrandfield hscan hset hsetex hsetnx hstrlen httl hvals incr incrby incrbyfloat \
    lcs lindex linsert llen lmove lpop lpos lpush lpushx lrange lrem lset ltrim mget mset msetnx \
    persist pexpire pexpireat pexpiretime pfadd pfcount pfmerge psetex pttl rename renamenx restore \
    rpop rpoplpush rpush rpushx sadd scard sdiff sdiffstore set setbit setex setnx setrange sinter \
    sinterstore sismember smembers smismember smove sort sort_ro spop srandmember srem sscan strlen \
    substr sunion sunionstore touch ttl type unlink vadd vsim watch xack xadd xautoclaim xclaim xdel \
    xlen xpending xrange xrevrange xtrim zadd zcard zcount zdiffstore zincrby zinterstore zlexcount \
    zmscore zpopmax zpopmin zrandmember zrange zrangebylex zrangebyscore zrangestore zrank zrem \
    zremrangebylex zremrangebyrank zremrangebyscore zrevrange zrevrangebylex zrevrangebyscore \
    zrevrank zscan zscore zunionstore";

/// Longest command name kept, in characters.
const NAME_LIMIT: usize = 40;

/// The lowercase command, with its subcommand where it has one: `config|set`.
pub(crate) fn command_name(words: &[String]) -> String {
    let word = |index: usize| words.get(index).map(|word| word.to_ascii_lowercase());
    let name = word(0).unwrap_or_default();
    let subcommand = word(1).filter(|sub| {
        CONTAINERS.contains(&name.as_str())
            && sub.len() <= NAME_LIMIT
            && sub.chars().all(|c| c.is_ascii_lowercase() || c == '-')
    });
    match subcommand {
        Some(subcommand) => format!("{name}|{subcommand}"),
        None => reply::shorten(&name, NAME_LIMIT),
    }
}

/// The first key of a command named as by [`command_name`]; `None` when it has none, or is not known.
pub(crate) fn first_key<'a>(command: &str, words: &'a [String]) -> Option<&'a str> {
    let position = match command {
        "eval" | "evalsha" | "eval_ro" | "evalsha_ro" | "fcall" | "fcall_ro" => {
            let keys: u32 = words.get(2)?.parse().ok()?;
            if keys == 0 {
                return None;
            }
            3
        }
        "xread" | "xreadgroup" => {
            words.iter().position(|word| word.eq_ignore_ascii_case("streams"))? + 1
        }
        _ if SECOND.split(' ').any(|name| name == command) => 1,
        _ => ELSEWHERE.iter().find(|(name, _)| *name == command)?.1,
    };
    words.get(position).map(String::as_str).filter(|key| !key.starts_with("... ("))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(line: &str) -> Option<String> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        first_key(&command_name(&words), &words).map(str::to_owned)
    }

    #[test]
    fn lists_are_sorted_and_whole() {
        assert!(SECOND.split(' ').is_sorted() && SECOND.split(' ').all(|name| !name.is_empty()));
        assert!(CONTAINERS.is_sorted() && ELSEWHERE.is_sorted());
    }

    #[test]
    fn finds_the_first_key() {
        for (line, wanted) in [
            ("GET a", Some("a")),
            ("hgetall h", Some("h")),
            ("EVAL script 2 a b", Some("a")),
            ("EVAL script 0 secret", None),
            ("XREAD COUNT 2 STREAMS s 0", Some("s")),
            ("BITOP AND dest a b", Some("dest")),
            ("OBJECT ENCODING o", Some("o")),
            ("XGROUP CREATE s g $", Some("s")),
            ("CONFIG SET requirepass x", None),
            ("KEYS *", None),
            ("AUTH secret", None),
            ("module.get a", None),
        ] {
            assert_eq!(key(line).as_deref(), wanted, "{line}");
        }
    }
}
