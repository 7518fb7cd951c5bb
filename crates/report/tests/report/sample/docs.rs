//! Documentation of some checks of the sample.

use dbvitals_model::{FixKind, Severity, Unit};
use dbvitals_report::{CheckDoc, ThresholdDoc};

const UNUSED_INDEX: &str = "\
## What it detects

An index that was **never scanned** on any server while statistics were kept for at least
`statistics_age_days`.

## Why it matters

Every `INSERT`, and every `UPDATE` that is not HOT, has to write it; it takes disk, cache and vacuum time.

- Writes get slower.
- Backups get larger: see [the manual](https://www.postgresql.org/docs/current/monitoring-stats.html).

## How to fix

1. Look at the definition and keep it.
2. Drop it without blocking writes:

```sql
DROP INDEX CONCURRENTLY schema.index_name_that_is_rather_long_and_must_not_be_wrapped_anywhere_in_a_terminal;
```

## When to ignore

When a *yearly* job needs it.

## References

- <https://www.postgresql.org/docs/current/sql-dropindex.html>
";

/// Two checks with documentation, one of them with thresholds.
pub(crate) fn docs() -> Vec<CheckDoc> {
    vec![
        CheckDoc {
            id: "pg-unused-index".to_owned(),
            title: "Index nobody uses".to_owned(),
            topic: "indexes".to_owned(),
            engine: "postgres".to_owned(),
            severity: Severity::Warning,
            component: "indexes".to_owned(),
            versions: "13 and later".to_owned(),
            needs: vec!["relations".to_owned(), "indexes".to_owned()],
            fix: Some(FixKind::Review),
            thresholds: vec![
                ThresholdDoc {
                    key: "size_bytes".to_owned(),
                    unit: Unit::Bytes,
                    default: 1_048_576.0,
                    strict: None,
                    min: 0.0,
                    max: 1.1e12,
                    why: "Below this an index costs less than the time to think about it."
                        .to_owned(),
                },
                ThresholdDoc {
                    key: "statistics_age_days".to_owned(),
                    unit: Unit::Days,
                    default: 14.0,
                    strict: Some(7.0),
                    min: 1.0,
                    max: 400.0,
                    why: "Two weeks see every weekly job twice.".to_owned(),
                },
            ],
            explain: UNUSED_INDEX.to_owned(),
        },
        CheckDoc {
            id: "redis-no-authentication".to_owned(),
            title: "Redis answers anyone".to_owned(),
            topic: "security".to_owned(),
            engine: "redis".to_owned(),
            severity: Severity::Critical,
            component: "redis".to_owned(),
            versions: String::new(),
            needs: vec!["acl".to_owned()],
            fix: Some(FixKind::Manual),
            thresholds: Vec::new(),
            explain: "## What it detects\n\nA server off loopback that asks no password.\n"
                .to_owned(),
        },
    ]
}
