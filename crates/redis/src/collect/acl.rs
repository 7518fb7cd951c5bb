//! `ACL LIST`: who may do what; password hashes are counted, never kept.

use dbvitals_model::redis::User;
use redis::Value;

use crate::reply;

/// Users kept.
const KEPT: usize = 2000;

/// Reads lines such as `user default on #… ~* &* +@all`.
pub(crate) fn decode(value: &Value) -> Vec<User> {
    let lines = reply::items(value).iter().take(KEPT);
    lines.filter_map(|line| user(&reply::text(line)?)).collect()
}

fn user(line: &str) -> Option<User> {
    // Selectors (7.0+) stand in parentheses at the end; they only widen what the root rules grant to some keys.
    let root = line.split(" (").next().unwrap_or_default();
    let mut words = root.split_ascii_whitespace();
    if words.next() != Some("user") {
        return None;
    }
    let mut user = User { name: words.next()?.to_owned(), ..User::default() };
    for word in words {
        match word {
            "on" => user.is_enabled = true,
            "off" => user.is_enabled = false,
            "nopass" => user.no_password = true,
            "~*" | "allkeys" | "%RW~*" => user.all_keys = true,
            "resetkeys" => user.all_keys = false,
            "allcommands" => command_rule(&mut user, "+@all"),
            "nocommands" => command_rule(&mut user, "-@all"),
            _ if word.starts_with('#') || word.starts_with('>') => user.passwords += 1,
            _ if word.starts_with('+') || word.starts_with('-') => command_rule(&mut user, word),
            _ => {}
        }
    }
    Some(user)
}

fn command_rule(user: &mut User, rule: &str) {
    match rule {
        "+@all" => user.all_commands = true,
        _ if rule.starts_with('-') => user.all_commands = false,
        _ => {}
    }
    user.command_rules.push(rule.to_owned());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::reply::tests::{any_value, array, bulk};

    fn one(line: &str) -> User {
        decode(&array([bulk(line)])).remove(0)
    }

    #[test]
    fn reads_the_default_user_of_each_version() {
        for line in [
            "user default on nopass ~* +@all",
            "user default on nopass sanitize-payload ~* &* +@all",
        ] {
            let user = one(line);
            assert!(user.is_enabled && user.no_password && user.all_keys && user.all_commands);
            assert_eq!((user.passwords, user.command_rules.len()), (0, 1));
        }
    }

    #[test]
    fn hashes_are_counted_and_forgotten() {
        let user =
            one("user joe on #0123456789abcdef #fedcba ~cache:* +@all -@dangerous (~x +set)");
        assert_eq!((user.passwords, user.all_commands, user.all_keys), (2, false, false));
        assert_eq!(user.command_rules, ["+@all", "-@dangerous"]);
        assert!(!format!("{user:?}").contains("abcdef"));
    }

    #[test]
    fn a_disabled_user_is_disabled() {
        assert!(!one("user x off resetchannels -@all").is_enabled);
    }

    proptest! {
        #[test]
        fn any_reply_can_be_read(value in any_value(), line in "(user )?\\PC{0,60}") {
            let _ = (decode(&value), decode(&array([bulk(&line)])));
        }
    }
}
