//! What the time of a command grows with.

/// Commands and their cost, as the command reference gives it; in words where N is not plain.
const COSTS: &[(&str, &str)] = &[
    ("append", "O(1)"),
    ("bitcount", "O(N) bytes of the string"),
    ("bitop", "O(N) bytes of the strings"),
    ("client|kill", "O(N) connections"),
    ("client|list", "O(N) connections"),
    ("config|get", "O(N) settings"),
    ("debug", "anything"),
    ("decr", "O(1)"),
    ("del", "O(N) elements of the values"),
    ("eval", "what the script does"),
    ("evalsha", "what the script does"),
    ("exists", "O(N) keys named"),
    ("expire", "O(1)"),
    ("fcall", "what the function does"),
    ("flushall", "O(N) all keys, unless ASYNC"),
    ("flushdb", "O(N) all keys, unless ASYNC"),
    ("georadius", "O(N) members in the area"),
    ("geosearch", "O(N) members in the area"),
    ("get", "O(1); large values take time to copy"),
    ("getrange", "O(N) bytes returned"),
    ("hdel", "O(N) fields named"),
    ("hget", "O(1)"),
    ("hgetall", "O(N) fields of the hash"),
    ("hincrby", "O(1)"),
    ("hkeys", "O(N) fields of the hash"),
    ("hmget", "O(N) fields named"),
    ("hmset", "O(N) fields named"),
    ("hscan", "O(COUNT)"),
    ("hset", "O(N) fields named"),
    ("hvals", "O(N) fields of the hash"),
    ("incr", "O(1)"),
    ("info", "O(1)"),
    ("keys", "O(N) all keys"),
    ("lindex", "O(N) elements before it"),
    ("linsert", "O(N) elements before it"),
    ("lpop", "O(N) elements popped"),
    ("lpush", "O(N) elements named"),
    ("lrange", "O(N) elements before and in the range"),
    ("lrem", "O(N) elements of the list"),
    ("lset", "O(N) elements before it"),
    ("ltrim", "O(N) elements removed"),
    ("mget", "O(N) keys named"),
    ("mset", "O(N) keys named"),
    ("publish", "O(N) subscribers"),
    ("restore", "O(N) elements of the value"),
    ("rpop", "O(N) elements popped"),
    ("rpush", "O(N) elements named"),
    ("sadd", "O(N) members named"),
    ("save", "O(N) all keys"),
    ("scan", "O(COUNT)"),
    ("script|load", "O(N) bytes of the script"),
    ("sdiff", "O(N) members of all sets"),
    ("sdiffstore", "O(N) members of all sets"),
    ("set", "O(1); large values take time to copy"),
    ("setex", "O(1); large values take time to copy"),
    ("sinter", "O(N*M) smallest set, number of sets"),
    ("sinterstore", "O(N*M) smallest set, number of sets"),
    ("sismember", "O(1)"),
    ("smembers", "O(N) members of the set"),
    ("sort", "O(N+M*log(M)) elements, elements returned"),
    ("spop", "O(N) members popped"),
    ("srandmember", "O(N) members returned"),
    ("srem", "O(N) members named"),
    ("sscan", "O(COUNT)"),
    ("sunion", "O(N) members of all sets"),
    ("sunionstore", "O(N) members of all sets"),
    ("touch", "O(N) keys named"),
    ("type", "O(1)"),
    ("unlink", "O(N) keys named"),
    ("xadd", "O(1), and O(N) entries trimmed"),
    ("xrange", "O(N) entries returned"),
    ("xread", "O(N) entries returned"),
    ("xreadgroup", "O(N) entries returned"),
    ("xtrim", "O(N) entries removed"),
    ("zadd", "O(log(N)) members of the set"),
    ("zcount", "O(log(N)) members of the set"),
    ("zincrby", "O(log(N)) members of the set"),
    ("zinterstore", "O(N*K) smallest set, number of sets"),
    ("zpopmin", "O(M*log(N)) members popped"),
    ("zrange", "O(log(N)+M) members returned"),
    ("zrangebyscore", "O(log(N)+M) members returned"),
    ("zrank", "O(log(N)) members of the set"),
    ("zrem", "O(M*log(N)) members named"),
    ("zremrangebyscore", "O(log(N)+M) members removed"),
    ("zrevrange", "O(log(N)+M) members returned"),
    ("zscan", "O(COUNT)"),
    ("zscore", "O(1)"),
    ("zunionstore", "O(N) members of all sets"),
];

/// What the time of a command grows with; `None`: not known.
pub fn cost(command: &str) -> Option<&'static str> {
    let place = COSTS.binary_search_by(|(name, _)| (*name).cmp(command)).ok()?;
    COSTS.get(place).map(|(_, cost)| *cost)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_found_by_name() {
        assert!(COSTS.is_sorted());
        assert_eq!(cost("keys"), Some("O(N) all keys"));
        assert_eq!(cost("no-such"), None);
    }
}
