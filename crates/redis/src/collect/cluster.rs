//! `CLUSTER INFO`.

use std::collections::BTreeMap;

/// Reads `name:value` lines.
pub(crate) fn parse(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter_map(|line| line.trim_end().split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_lines() {
        let cluster = parse("cluster_state:ok\r\ncluster_slots_assigned:16384\r\n");
        assert_eq!(cluster["cluster_state"], "ok");
        assert_eq!(cluster.len(), 2);
    }

    proptest! {
        #[test]
        fn any_text_can_be_read(text in "(?s).{0,200}") {
            let _ = parse(&text);
        }
    }
}
