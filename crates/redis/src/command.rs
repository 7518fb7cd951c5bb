//! The commands an audit sends, each with the ACL rule that allows it.

use redis::Cmd;

/// Everything a user needs for a complete audit, besides `+ping` and sight of the keys (`%R~*`, or `~*` before 7.0).
/// None of these commands writes.
pub const MONITOR_RULES: &str = "+info +config|get +slowlog|get +slowlog|len +latency|latest \
     +latency|history +latency|histogram +client|list +client|setname +memory|stats +memory|usage \
     +acl|list +acl|log +acl|whoami +cluster|info +cluster|nodes +hello +time +ping +select +readonly \
     +dbsize +scan +type +pttl +object|encoding +object|idletime +object|freq +llen +scard +zcard \
     +hlen +xlen +hmget";

/// A command without its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Command {
    /// The name and, for some, the subcommand, in capitals.
    pub(crate) words: &'static [&'static str],
    /// The ACL rule that allows it: `+config|get`.
    pub(crate) rule: &'static str,
}

/// What newer servers offer besides. Older ones refuse a rule for a command they do not know, so these are apart:
/// `CLUSTER SLOT-STATS` is of Valkey 8.0 and Redis 8.2, `COMMANDLOG` of Valkey 8.1.
pub const NEWER_RULES: &str = "+cluster|slot-stats +commandlog|get";

macro_rules! commands {
    ($($name:ident = $words:expr, $rule:literal;)*) => {
        impl Command {
            $(pub(crate) const $name: Self = Self { words: &$words, rule: $rule };)*
        }
        #[cfg(test)]
        const ALL: &[Command] = &[$(Command::$name),*];
    };
}

commands! {
    ACL_LIST = ["ACL", "LIST"], "+acl|list";
    ACL_LOG = ["ACL", "LOG"], "+acl|log";
    ACL_WHOAMI = ["ACL", "WHOAMI"], "+acl|whoami";
    CLIENT_LIST = ["CLIENT", "LIST"], "+client|list";
    CLIENT_SETNAME = ["CLIENT", "SETNAME"], "+client|setname";
    CLUSTER_INFO = ["CLUSTER", "INFO"], "+cluster|info";
    CLUSTER_NODES = ["CLUSTER", "NODES"], "+cluster|nodes";
    CLUSTER_SLOT_STATS = ["CLUSTER", "SLOT-STATS"], "+cluster|slot-stats";
    COMMANDLOG_GET = ["COMMANDLOG", "GET"], "+commandlog|get";
    CONFIG_GET = ["CONFIG", "GET"], "+config|get";
    DBSIZE = ["DBSIZE"], "+dbsize";
    HELLO = ["HELLO"], "+hello";
    HLEN = ["HLEN"], "+hlen";
    HMGET = ["HMGET"], "+hmget";
    INFO = ["INFO"], "+info";
    LATENCY_HISTOGRAM = ["LATENCY", "HISTOGRAM"], "+latency|histogram";
    LATENCY_HISTORY = ["LATENCY", "HISTORY"], "+latency|history";
    LATENCY_LATEST = ["LATENCY", "LATEST"], "+latency|latest";
    LLEN = ["LLEN"], "+llen";
    MEMORY_STATS = ["MEMORY", "STATS"], "+memory|stats";
    MEMORY_USAGE = ["MEMORY", "USAGE"], "+memory|usage";
    OBJECT_ENCODING = ["OBJECT", "ENCODING"], "+object|encoding";
    OBJECT_FREQ = ["OBJECT", "FREQ"], "+object|freq";
    OBJECT_IDLETIME = ["OBJECT", "IDLETIME"], "+object|idletime";
    PING = ["PING"], "+ping";
    PTTL = ["PTTL"], "+pttl";
    READONLY = ["READONLY"], "+readonly";
    SCAN = ["SCAN"], "+scan";
    SCARD = ["SCARD"], "+scard";
    SELECT = ["SELECT"], "+select";
    SLOWLOG_GET = ["SLOWLOG", "GET"], "+slowlog|get";
    SLOWLOG_LEN = ["SLOWLOG", "LEN"], "+slowlog|len";
    TIME = ["TIME"], "+time";
    TYPE = ["TYPE"], "+type";
    XLEN = ["XLEN"], "+xlen";
    ZCARD = ["ZCARD"], "+zcard";
}

impl Command {
    /// The command, ready for arguments.
    pub(crate) fn cmd(self) -> Cmd {
        let mut cmd = Cmd::new();
        for word in self.words {
            cmd.arg(*word);
        }
        cmd
    }

    /// `CONFIG GET`.
    pub(crate) fn name(self) -> String {
        self.words.join(" ")
    }

    /// `config_get`: the collector's name in the cost table.
    pub(crate) fn collector(self) -> String {
        self.words.join("_").to_ascii_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_rules_are_those_of_the_commands() {
        let mut wanted: Vec<&str> = ALL.iter().map(|command| command.rule).collect();
        let mut documented: Vec<&str> =
            MONITOR_RULES.split_whitespace().chain(NEWER_RULES.split_whitespace()).collect();
        wanted.sort_unstable();
        documented.sort_unstable();
        assert_eq!(wanted, documented);
    }

    #[test]
    fn each_rule_is_its_command() {
        for command in ALL {
            let rule = format!("+{}", command.words.join("|").to_ascii_lowercase());
            assert_eq!(command.rule, rule);
        }
    }

    #[test]
    fn nothing_dangerous_is_known() {
        for word in ["KEYS", "MONITOR", "EVAL", "RESETSTAT", "SET", "DEBUG", "RESET", "FLUSHALL"] {
            assert!(ALL.iter().all(|command| !command.words.contains(&word)), "{word}");
        }
    }
}
