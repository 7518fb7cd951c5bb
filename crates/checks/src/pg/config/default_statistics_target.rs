//! Statistics too coarse or too fine.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use crate::pg::{config::advice, setting_change::change};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
};

/// `default_statistics_target` far from its default.
pub static CHECK: Check = Check {
    id: "pg-default-statistics-target",
    title: "Statistics target",
    topic: Topic::Configuration,
    component: Component::Configuration,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["settings"],
    uses: &[],
    thresholds: &[&MIN, &MAX],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
`default_statistics_target` is below `min_count` or above `max_count` for everybody.

## Why it matters
Too small, the planner misjudges columns with uneven values; too large, each ANALYZE reads more and each
planning compares longer lists, for every column.

## How to fix
Set it to 100, and raise single columns: `ALTER TABLE … ALTER COLUMN … SET STATISTICS`.

## When to ignore
Analytical servers with few, long statements may go higher.

## References
PostgreSQL documentation: Statistics Used by the Planner.
",
    run: Run::Postgres(run),
};

static MIN: Threshold = Threshold {
    key: "min_count",
    unit: Unit::Count,
    default: 100.0,
    strict: None,
    range: (1.0, 10000.0),
    why: "100 is the default; fewer values than that miss common ones in every larger table",
};

static MAX: Threshold = Threshold {
    key: "max_count",
    unit: Unit::Count,
    default: 1000.0,
    strict: None,
    range: (1.0, 10000.0),
    why: "beyond 1000 for all columns planning and ANALYZE become slow; single columns may have more",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let settings = pg.settings()?;
    let name = "default_statistics_target";
    let (present, setting) = (advice::number(settings, name)?, advice::setting(settings, name)?);
    let (least, most) = (cx.limit(&MIN), cx.limit(&MAX));
    if (least..=most).contains(&present) || !advice::is_for_all(setting) {
        return Ok(Vec::new());
    }
    let (limit, what) = if present < least {
        (least, "estimates are coarse")
    } else {
        (most, "planning and ANALYZE are slow")
    };
    let found = advice::about(
        cx,
        Severity::Info,
        settings,
        name,
        format!("default_statistics_target is {present} for every column: {what}"),
        "Set it to 100 and raise single columns that need more.",
    )
    .with(
        Evidence::new("values kept per column", present, Unit::Count, "pg_settings").against(limit),
    )
    .fixed_by(change(settings, FixKind::Review, &[(name, "100".to_owned())]));
    Ok(vec![found])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, set};

    #[test]
    fn both_limits_have_two_sides() {
        let found = |value| {
            let name = "default_statistics_target";
            testing::findings(&CHECK, &testing::pg(|pg| set(pg, name, value, None)))
        };
        assert!(found("100").is_empty());
        assert!(found("1000").is_empty());
        assert!(found("99")[0].message.contains("coarse"));
        let high = found("1001").remove(0);
        assert!(high.message.contains("slow"));
        assert_eq!(
            high.fix.unwrap().statements[0],
            "ALTER SYSTEM SET default_statistics_target = '100';"
        );
    }

    #[test]
    fn is_skipped_when_unknown() {
        testing::skipped(&CHECK, &testing::pg(|_| {}));
    }
}
