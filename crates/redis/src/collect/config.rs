//! `CONFIG GET *`, secrets replaced before anything is kept.

use dbvitals_model::redis::Config;
use redis::Value;

use crate::reply;

/// What stands in the place of a secret that is set. One that is not set stays empty, so that it can be judged.
pub(crate) const HIDDEN: &str = "(hidden)";

/// Settings whose value is a secret or half of one.
const SECRETS: &[&str] = &["requirepass", "masterauth", "masteruser", "primaryauth", "primaryuser"];

/// Parts of names that betray a secret, whatever module it belongs to.
const SECRET_PARTS: &[&str] = &["pass", "secret", "credential", "token", "apikey", "api-key"];

pub(crate) fn decode(reply: &Value) -> Config {
    let pairs = reply::pairs(reply).into_iter().filter_map(|(name, value)| {
        let name = name.to_ascii_lowercase();
        let value = reply::text(value)?;
        let value = if is_secret(&name) && !value.is_empty() { HIDDEN.to_owned() } else { value };
        Some((name, value))
    });
    Config(pairs.collect())
}

fn is_secret(name: &str) -> bool {
    SECRETS.contains(&name) || SECRET_PARTS.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::reply::tests::{any_value, array, bulk};

    #[test]
    fn keeps_settings_and_hides_secrets() {
        let words = ["maxmemory", "100", "requirepass", "hunter2", "tls-key-file-pass", "hunter2"];
        let more = ["masterauth", "", "tls-auth-clients", "no", "MASTERUSER", "hunter2"];
        let config = decode(&array(words.iter().chain(&more).map(|word| bulk(word))));
        assert_eq!(config.int("maxmemory"), Some(100));
        assert_eq!(config.text("requirepass"), Some(HIDDEN));
        assert_eq!(config.text("masterauth"), Some(""));
        assert_eq!(config.text("tls-auth-clients"), Some("no"));
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    proptest! {
        #[test]
        fn any_reply_can_be_read(value in any_value()) {
            let _ = decode(&value);
        }

        #[test]
        fn no_password_survives(name in "[a-z-]{0,6}pass[a-z]{0,4}", secret in "[A-Z]{8,12}") {
            let config = decode(&array([bulk(&name), bulk(&secret)]));
            let kept = format!("{config:?}");
            prop_assert!(!kept.contains(&secret));
        }
    }
}
