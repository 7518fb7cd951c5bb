//! What is known of a server before its keys are walked.

use dbvitals_model::{ServerVersion, redis::Info};

use crate::command::Command;

/// What is known of a server.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) info: Option<Info>,
    /// Our ACL user.
    pub(crate) user: String,
    pub(crate) before_7: bool,
    pub(crate) is_replica: bool,
    /// Keys carry a use counter instead of the time of their last use.
    pub(crate) is_lfu: bool,
}

impl Facts {
    /// From what `INFO` says.
    pub(crate) fn new(info: Option<Info>, user: String, version: Option<ServerVersion>) -> Self {
        let text = |name: &str| info.as_ref().and_then(|info| info.text(name));
        let told =
            || text("redis_version").and_then(|it| it.split('.').next()?.parse::<u32>().ok());
        let major = version.map(|it| it.major).or_else(told);
        Self {
            user,
            before_7: major.is_some_and(|major| major < 7),
            is_replica: text("role") == Some("slave"),
            is_lfu: text("maxmemory_policy").is_some_and(|policy| policy.ends_with("-lfu")),
            info,
        }
    }

    /// The command that tells how much a key is used.
    pub(super) fn use_command(&self) -> Command {
        if self.is_lfu { Command::OBJECT_FREQ } else { Command::OBJECT_IDLETIME }
    }

    /// Whether the server counts by slot: Valkey from 8.0 on, Redis from 8.2 on.
    pub(super) fn has_slot_stats(&self) -> bool {
        let text = |name: &str| self.info.as_ref().and_then(|info| info.text(name));
        let at_least = |name: &str, oldest: (u32, u32)| {
            text(name).is_some_and(|version| {
                let mut parts = version.split('.').filter_map(|part| part.parse::<u32>().ok());
                (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= oldest
            })
        };
        at_least("valkey_version", (8, 0)) || at_least("redis_version", (8, 2))
    }

    /// Whether cursors walk slot by slot: places of the whole table cannot be drawn then.
    pub(super) fn walks_slots(&self) -> bool {
        let int = |name: &str| self.info.as_ref().and_then(|info| info.int(name));
        int("cluster_enabled") == Some(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_counted_by_newer_servers() {
        let of = |fields: &[(&str, &str)]| {
            let fields = fields.iter().map(|(name, text)| ((*name).into(), (*text).into()));
            let info = Info { fields: fields.collect(), ..Info::default() };
            Facts::new(Some(info), "default".into(), None).has_slot_stats()
        };
        assert!(!of(&[("redis_version", "7.0.15")]) && !of(&[("redis_version", "8.0.4")]));
        assert!(of(&[("redis_version", "8.2.0")]) && of(&[("redis_version", "8.10.1")]));
        // Valkey tells the last version of Redis it is compatible with, too.
        assert!(of(&[("redis_version", "7.2.4"), ("valkey_version", "8.0.1")]));
        assert!(!of(&[("redis_version", "7.2.4"), ("valkey_version", "7.2.11")]));
    }
}
