//! Checkpoints that write in a burst.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use crate::pg::{config::advice, setting_change::change};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
};

/// `checkpoint_completion_target` below what spreads the writes.
pub static CHECK: Check = Check {
    id: "pg-checkpoint-completion-target",
    title: "Checkpoints are not spread",
    topic: Topic::Configuration,
    component: Component::Configuration,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["settings"],
    uses: &[],
    thresholds: &[&MIN],
    fix: Some(FixKind::Safe),
    explain: "\
## What it detects
`checkpoint_completion_target` is below `min_ratio`.

## Why it matters
A checkpoint writes its pages in that share of the time until the next one: the smaller it is, the
larger the burst that statements have to share the disk with.

## How to fix
Set it to 0.9, the default since PostgreSQL 14; a reload is enough.

## When to ignore
Servers that write next to nothing.

## References
PostgreSQL documentation: WAL Configuration, `checkpoint_completion_target`.
",
    run: Run::Postgres(run),
};

static MIN: Threshold = Threshold {
    key: "min_ratio",
    unit: Unit::Ratio,
    default: 0.7,
    strict: None,
    range: (0.0, 1.0),
    why: "0.9 is the default since 14; with 0.5, the older one, writes come twice as fast as they need to",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let settings = pg.settings()?;
    let name = "checkpoint_completion_target";
    let (present, limit) = (advice::number(settings, name)?, cx.limit(&MIN));
    if present >= limit {
        return Ok(Vec::new());
    }
    let found = advice::about(
        cx,
        Severity::Info,
        settings,
        name,
        format!("checkpoint_completion_target is {present}: checkpoints write in bursts"),
        "Set it to 0.9.",
    )
    .with(
        Evidence::new("share of the time used", present, Unit::Ratio, "pg_settings").against(limit),
    )
    .fixed_by(change(settings, FixKind::Safe, &[(name, "0.9".to_owned())]));
    Ok(vec![found])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, set};

    #[test]
    fn the_limit_has_two_sides() {
        let found = |value| {
            let name = "checkpoint_completion_target";
            testing::findings(&CHECK, &testing::pg(|pg| set(pg, name, value, None)))
        };
        assert!(found("0.7").is_empty());
        let low = found("0.5").remove(0);
        let fix = low.fix.unwrap();
        assert_eq!(fix.statements[0], "ALTER SYSTEM SET checkpoint_completion_target = '0.9';");
        assert_eq!(fix.undo[0], "ALTER SYSTEM SET checkpoint_completion_target = '0.5';");
    }

    #[test]
    fn is_skipped_when_unknown() {
        testing::skipped(&CHECK, &testing::pg(|_| {}));
    }
}
