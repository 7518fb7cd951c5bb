//! Whether a server holds what can be rebuilt (a cache) or the only copy (a store): told by the user,
//! or inferred from how it is limited and how its keys expire.

use dbvitals_model::redis::Info;

use crate::{redis::facts, view::RedisView, words};

/// What the data are to those who use them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Can be rebuilt.
    Cache,
    /// The only copy.
    Store,
    /// Nothing says either.
    Unknown,
}

/// What a server is for, and how that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// What it is for.
    pub kind: Kind,
    /// The reasoning, as evidence.
    pub why: String,
    /// The user said so.
    pub is_told: bool,
}

/// Below this many keys the share of expiring ones says nothing about the design.
const MIN_KEYS: f64 = 100.0;

/// From this share of expiring keys on, expiry is the rule.
const MOSTLY: f64 = 0.8;

/// Up to this share of expiring keys, expiry is the exception.
const SELDOM: f64 = 0.2;

/// What the server is for. The user's word counts first. Otherwise:
///
/// - a memory limit with an `allkeys-*` policy gives up any key: only a cache may be set up so;
/// - a memory limit with a `volatile-*` policy and mostly expiring keys behaves the same;
/// - a server that never evicts and whose keys mostly live for ever is a store;
/// - anything else (defaults, sessions that expire without a limit) may be either.
pub fn role(redis: &RedisView<'_>, info: &Info) -> Role {
    if let Some(is_cache) = redis.expectations().is_cache {
        let kind = if is_cache { Kind::Cache } else { Kind::Store };
        return Role { kind, why: "told in the configuration".to_owned(), is_told: true };
    }
    let policy = info.text("maxmemory_policy").unwrap_or_default();
    let is_limited = info.number("maxmemory").is_some_and(|limit| limit > 0.0);
    let (keys, expiring) = facts::keys(info);
    let share = if keys >= MIN_KEYS { Some(expiring / keys) } else { None };
    let inferred = |kind, why: String| Role { kind, why, is_told: false };
    match share {
        _ if is_limited && policy.starts_with("allkeys-") => {
            inferred(Kind::Cache, format!("limited, and {policy} gives up any key"))
        }
        Some(share) if is_limited && policy.starts_with("volatile-") && share >= MOSTLY => {
            let expire = words::percent(share);
            inferred(Kind::Cache, format!("limited, {policy}, and {expire} of keys expire"))
        }
        Some(share) if policy == "noeviction" && share <= SELDOM => {
            let expire = words::percent(share);
            inferred(Kind::Store, format!("never evicts, and only {expire} of keys expire"))
        }
        _ => inferred(Kind::Unknown, "neither told nor clear from limits and expiry".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use dbvitals_model::redis::Keyspace;

    use super::*;
    use crate::{
        redis::fixture::{built_with, told, view},
        testing::edit,
    };

    fn of(policy: &str, limit: &str, keys: i64, expires: i64, is_cache: Option<bool>) -> Kind {
        let info = [("maxmemory_policy", policy), ("maxmemory", limit)];
        let snapshot = built_with(&info, &[], |redis| {
            edit(&mut redis.info).keyspace =
                vec![Keyspace { keys, expires, ..Keyspace::default() }];
        });
        view(&told(snapshot, is_cache), |redis| role(redis, redis.info().unwrap()).kind)
    }

    #[test]
    fn is_inferred_only_from_what_says_so() {
        assert_eq!(of("allkeys-lru", "1000", 0, 0, None), Kind::Cache);
        assert_eq!(of("allkeys-lru", "0", 1000, 0, None), Kind::Unknown, "never evicts");
        assert_eq!(of("volatile-lru", "1000", 1000, 800, None), Kind::Cache);
        assert_eq!(of("volatile-lru", "1000", 1000, 799, None), Kind::Unknown);
        assert_eq!(of("noeviction", "0", 1000, 200, None), Kind::Store);
        assert_eq!(of("noeviction", "0", 1000, 201, None), Kind::Unknown);
        assert_eq!(of("noeviction", "0", 99, 0, None), Kind::Unknown, "too few keys");
        assert_eq!(of("noeviction", "0", 1000, 1000, None), Kind::Unknown, "sessions, say");
    }

    #[test]
    fn the_user_s_word_counts_first() {
        assert_eq!(of("allkeys-lru", "1000", 0, 0, Some(false)), Kind::Store);
        assert_eq!(of("noeviction", "0", 1000, 0, Some(true)), Kind::Cache);
    }
}
