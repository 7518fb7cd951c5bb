//! Which commands fill which section, and so which rules a user needs for it.

use crate::command::Command;

const SECTIONS: &[(&str, &[Command])] = &[
    ("acl_log", &[Command::ACL_LOG]),
    ("clients", &[Command::CLIENT_LIST]),
    ("cluster", &[Command::CLUSTER_INFO]),
    ("config", &[Command::CONFIG_GET]),
    ("info", &[Command::INFO]),
    ("key_sample", &[Command::SCAN, Command::TYPE, Command::PTTL, Command::MEMORY_USAGE]),
    ("latency", &[Command::LATENCY_LATEST]),
    ("memory_stats", &[Command::MEMORY_STATS]),
    ("slowlog", &[Command::SLOWLOG_GET]),
    ("users", &[Command::ACL_LIST]),
    ("window", &[Command::INFO]),
];

/// The ACL rules that open a section; `None`: no such section.
pub fn rules(section: &str) -> Option<Vec<&'static str>> {
    let (_, commands) = SECTIONS.iter().find(|(name, _)| *name == section)?;
    Some(commands.iter().map(|command| command.rule).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_opened_by_the_rules_of_its_commands() {
        assert_eq!(rules("latency").unwrap(), ["+latency|latest"]);
        assert_eq!(rules("no_such_section"), None);
        assert!(SECTIONS.is_sorted_by_key(|(name, _)| *name));
    }
}
