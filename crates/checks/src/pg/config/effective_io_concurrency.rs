//! Reads one after the other on storage that takes many.

use dbvitals_model::{FixKind, Severity, Unit};

use crate::pg::{
    config::{advice, storage},
    setting_change::change,
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
    words,
};

/// `effective_io_concurrency` of a single disk although reads are fast.
pub static CHECK: Check = Check {
    id: "pg-effective-io-concurrency",
    title: "Concurrency of reads",
    topic: Topic::Configuration,
    component: Component::Configuration,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["settings", "databases"],
    uses: &[],
    thresholds: &[&FAST],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
`effective_io_concurrency` is 1 or less (the default until 17 is 1), although reading a block takes less
than `max_read_ms` on average. Needs `track_io_timing`.

## Why it matters
Bitmap scans then wait for each block in turn, where flash and arrays serve hundreds at once.

## How to fix
Set it to 200 on flash, to the number of disks on an array; a reload is enough.

## When to ignore
Systems without read-ahead advice (there it must be 0), and data that is all in memory.

## References
PostgreSQL documentation: Resource Consumption, `effective_io_concurrency`.
",
    run: Run::Postgres(run),
};

static FAST: Threshold = Threshold {
    key: "max_read_ms",
    unit: Unit::Ms,
    default: 1.0,
    strict: None,
    range: (0.0, 1000.0),
    why: "a spinning disk needs 5 ms and more for a random block; one below 1 ms comes from flash or from memory",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (settings, read_ms) = (pg.settings()?, storage::read_ms(pg));
    let name = "effective_io_concurrency";
    let (present, setting) = (advice::number(settings, name)?, advice::setting(settings, name)?);
    // Where the system cannot read ahead, the server's own default is 0.
    let is_impossible = setting.boot_value.as_deref() == Some("0");
    if present > 1.0 || is_impossible || !advice::is_for_all(setting) {
        return Ok(Vec::new());
    }
    let (read_ms, limit) = (read_ms?, cx.limit(&FAST));
    if read_ms >= limit {
        return Ok(Vec::new());
    }
    let found = advice::about(
        cx,
        Severity::Info,
        settings,
        name,
        format!(
            "effective_io_concurrency is {present} on storage that reads a block in {}",
            words::millis(read_ms)
        ),
        "Set it to 200 on flash, to the number of disks on an array.",
    )
    .with(storage::evidence(read_ms, limit))
    .fixed_by(change(settings, FixKind::Review, &[(name, "200".to_owned())]));
    Ok(vec![found])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, edit, set};

    fn built(value: &str, read_ms: f64) -> dbvitals_model::Snapshot {
        testing::pg(|pg| {
            set(pg, "effective_io_concurrency", value, None);
            edit(&mut pg.settings).0[0].boot_value = Some("1".into());
            let database = &mut edit(&mut pg.databases)[0];
            database.blocks_read = 10_000;
            database.block_read_time_ms = read_ms * 10_000.0;
        })
    }

    #[test]
    fn fires_on_fast_storage_only() {
        let found = |value, ms| testing::findings(&CHECK, &built(value, ms));
        assert_eq!(found("1", 0.5).len(), 1);
        assert!(found("1", 1.0).is_empty());
        assert!(found("16", 0.5).is_empty());
    }

    #[test]
    fn is_skipped_without_times() {
        testing::skipped(&CHECK, &built("1", 0.0));
    }
}
