//! `ACL LOG`: denied commands and failed logins; what we caused ourselves is left out.

use dbvitals_model::redis::AclDenial;
use redis::Value;

use crate::{connect::CLIENT_NAME, reply};

/// Entries asked for; the server's default length of the log.
pub(crate) const ENTRIES: i64 = 128;

/// Longest text kept of a name, in characters.
const TEXT_LIMIT: usize = 80;

pub(crate) fn decode(value: &Value) -> Vec<AclDenial> {
    reply::items(value).iter().filter_map(denial).collect()
}

fn denial(value: &Value) -> Option<AclDenial> {
    let mut denial = AclDenial::default();
    let ours = format!("name={CLIENT_NAME}");
    for (name, value) in reply::pairs(value) {
        let text = || reply::text(value).map(|text| reply::shorten(&text, TEXT_LIMIT));
        match name.as_str() {
            "count" => denial.count = reply::int(value)?,
            "reason" => denial.reason = text()?,
            "context" => denial.context = text()?,
            "object" => denial.object = text()?,
            "username" => denial.user = text()?,
            "age-seconds" => denial.age_seconds = reply::number(value)?,
            "client-info" => {
                let info = reply::text(value)?;
                if info.split_ascii_whitespace().any(|word| word == ours) {
                    return None;
                }
            }
            _ => {}
        }
    }
    (denial.count > 0).then_some(denial)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::reply::tests::{any_value, array, bulk};

    fn entry(client: &str) -> Value {
        let words = ["count", "3", "reason", "auth", "context", "toplevel", "object", "AUTH"];
        let more = ["username", "joe", "age-seconds", "4.096", "client-info", client];
        array(words.iter().chain(&more).map(|word| bulk(word)))
    }

    #[test]
    fn reads_denials_and_leaves_ours_out() {
        let denials = decode(&array([entry("id=6 name= db=0"), entry("id=7 name=dbvitals db=0")]));
        assert_eq!(denials.len(), 1);
        assert_eq!((denials[0].count, denials[0].user.as_str()), (3, "joe"));
        assert!((denials[0].age_seconds - 4.096).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn any_reply_can_be_read(value in any_value()) {
            let _ = decode(&value);
        }
    }
}
