//! What `synchronous_standby_names` asks for.

use dbvitals_model::pg::replication::Replica;

use super::standby;

/// How many of which standbys a commit waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    /// So many must confirm.
    pub number: usize,
    /// Of these; `*` stands for any.
    pub names: Vec<String>,
}

/// Reads `FIRST 2 (a, b, c)`, `ANY 1 (*)`, `2 (a, b)` or `a, b`; `None` when empty or unreadable.
pub fn demand(text: &str) -> Option<Demand> {
    let text = text.trim();
    let (head, list) = match text.split_once('(') {
        Some((head, rest)) => (head.trim(), rest.trim_end().strip_suffix(')')?),
        None => ("1", text),
    };
    let number = head.split_whitespace().next_back()?.parse().ok()?;
    let names: Vec<_> = list
        .split(',')
        .map(|name| name.trim().trim_matches('"').to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    (!names.is_empty()).then_some(Demand { number, names })
}

impl Demand {
    /// How many connected standbys can confirm a commit now.
    pub fn able(&self, replicas: &[Replica]) -> usize {
        standby::standbys(replicas)
            .filter(|replica| replica.state.as_deref() == Some("streaming"))
            .filter(|replica| {
                let is_it =
                    |name: &String| name == "*" || name.eq_ignore_ascii_case(&replica.application);
                self.names.iter().any(is_it)
            })
            .count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_form() {
        let read = |text| demand(text).map(|d| (d.number, d.names.join("+")));
        assert_eq!(read("s1"), Some((1, "s1".into())));
        assert_eq!(read("s1, \"S 2\""), Some((1, "s1+S 2".into())));
        assert_eq!(read("FIRST 2 (a, b, c)"), Some((2, "a+b+c".into())));
        assert_eq!(read("any 1 (*)"), Some((1, "*".into())));
        assert_eq!(read("2(a,b)"), Some((2, "a+b".into())));
        assert_eq!(read("  "), None);
        assert_eq!(read("FIRST x (a)"), None);
    }

    #[test]
    fn only_streaming_standbys_of_that_name_can_confirm() {
        let of = |application: &str, state: &str| Replica {
            application: application.into(),
            state: Some(state.into()),
            replay_lag_bytes: Some(0),
            ..Replica::default()
        };
        let all = [of("S1", "streaming"), of("s2", "catchup"), of("s3", "streaming")];
        assert_eq!(demand("s1, s2").unwrap().able(&all), 1);
        assert_eq!(demand("*").unwrap().able(&all), 2);
    }
}
