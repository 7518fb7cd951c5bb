//! What a user may do, by its command rules in order.

use dbvitals_model::redis::User;

/// Commands that stop, empty or take over a server, with the categories rules can name them by.
const DANGEROUS: &[(&str, &[&str])] = &[
    ("acl", &["@admin"]),
    ("config", &["@admin"]),
    ("debug", &["@admin"]),
    ("failover", &["@admin"]),
    ("flushall", &["@keyspace", "@write"]),
    ("flushdb", &["@keyspace", "@write"]),
    ("keys", &["@keyspace", "@read"]),
    ("module", &["@admin"]),
    ("monitor", &["@admin"]),
    ("replicaof", &["@admin"]),
    ("save", &["@admin"]),
    ("shutdown", &["@admin"]),
    ("swapdb", &["@keyspace", "@write"]),
];

/// The dangerous commands a user may run whole. Rules for subcommands (`+config|get`) allow less than
/// the command and do not count.
pub fn dangerous(user: &User) -> Vec<&'static str> {
    let may = |(command, categories): &(&'static str, &[&str])| {
        let mut allowed = user.all_commands && user.command_rules.is_empty();
        for rule in &user.command_rules {
            let rule = rule.to_ascii_lowercase();
            let named = |name: &str| {
                name == *command
                    || name == "@all"
                    || name == "@dangerous"
                    || categories.contains(&name)
            };
            match rule.as_str() {
                "allcommands" => allowed = true,
                "nocommands" => allowed = false,
                _ => match rule.split_at_checked(1) {
                    Some(("+", name)) if named(name) => allowed = true,
                    Some(("-", name)) if named(name) => allowed = false,
                    _ => {}
                },
            }
        }
        allowed.then_some(*command)
    };
    DANGEROUS.iter().filter_map(may).collect()
}

/// Whether nothing is kept from the user: every command on every key.
pub fn is_unrestricted(user: &User) -> bool {
    user.all_keys && dangerous(user).len() == DANGEROUS.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(rules: &[&str]) -> Vec<&'static str> {
        let command_rules = rules.iter().map(|rule| (*rule).to_owned()).collect();
        dangerous(&User { command_rules, ..User::default() })
    }

    #[test]
    fn rules_hold_in_their_order() {
        assert_eq!(may(&["+@all"]).len(), DANGEROUS.len());
        assert_eq!(may(&["+@all", "-@dangerous"]), Vec::<&str>::new());
        assert_eq!(may(&["-@dangerous", "+@all"]).len(), DANGEROUS.len());
        assert_eq!(may(&["+@all", "-@admin"]), ["flushall", "flushdb", "keys", "swapdb"]);
        assert_eq!(may(&["-@all", "+@read", "+get"]), ["keys"]);
        assert_eq!(may(&["+@all", "-@dangerous", "+keys"]), ["keys"]);
        assert_eq!(may(&["-@all", "+config|get", "+info"]), Vec::<&str>::new());
        assert_eq!(may(&["allcommands", "nocommands"]), Vec::<&str>::new());
    }
}
