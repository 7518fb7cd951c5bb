//! The server's certificate ends soon.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::{Judged, Skip},
    view::PgView,
};

/// A certificate close to its end.
pub static CHECK: Check = Check {
    id: "pg-certificate-expiring",
    title: "Certificate expiring",
    topic: Topic::Security,
    component: Component::Security,
    severity: Severity::Critical,
    versions: (13, u32::MAX),
    needs: &["certificate"],
    uses: &[],
    thresholds: &[&WARN, &CRIT],
    fix: None,
    explain: "\
## What it detects
The certificate the server showed us ends within `warn_before_days`, or within `critical_before_days`,
or has ended.

## Why it matters
From its end on, clients that verify it (`verify-ca`, `verify-full`) refuse to connect.

## How to fix
Renew it, replace the files and reload; no restart is needed. Then see why the renewal did not come by
itself.

## When to ignore
Servers whose clients do not verify; then mend that.

## References
PostgreSQL documentation: Secure TCP/IP Connections with SSL.
",
    run: Run::Postgres(run),
};

static WARN: Threshold = Threshold {
    key: "warn_before_days",
    unit: Unit::Days,
    default: 30.0,
    strict: None,
    range: (0.0, 3650.0),
    why: "a month before the end an automatic renewal has failed",
};

static CRIT: Threshold = Threshold {
    key: "critical_before_days",
    unit: Unit::Days,
    default: 7.0,
    strict: None,
    range: (0.0, 3650.0),
    why: "a week is the time to get a certificate by hand",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let certificate = pg.certificate()?;
    let Some(end) = certificate.not_after else {
        return Err(Skip::not_applicable("the end of the certificate could not be read"));
    };
    let days = end.duration_since(pg.now()).as_secs_f64() / 86_400.0;
    let (warning, critical) = (cx.limit(&WARN), cx.limit(&CRIT));
    if days > warning {
        return Ok(Vec::new());
    }
    let (severity, limit) = if days <= critical {
        (Severity::Critical, critical)
    } else {
        (Severity::Warning, warning)
    };
    let what = if days <= 0.0 { "ended" } else { "ends" };
    let found = cx
        .finding(
            severity,
            Subject::new("server", pg.name()),
            format!("the server's certificate {what} on {} UTC", end.strftime("%Y-%m-%d %H:%M")),
            "Renew it, replace the files and reload.",
        )
        .with(
            Evidence::new("days left", days, Unit::Days, "certificate of our own connection")
                .against(limit),
        )
        .with(Evidence::new(
            "subject",
            certificate.subject.as_deref().unwrap_or("unknown"),
            Unit::Text,
            "certificate of our own connection",
        ));
    Ok(vec![found])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Finding, Section};

    use super::*;
    use crate::testing::{self, ago, edit};

    fn found(seconds_left: i64) -> Vec<Finding> {
        testing::findings(
            &CHECK,
            &testing::pg(|pg| {
                edit(&mut pg.certificate).not_after = ago(-seconds_left);
            }),
        )
    }

    #[test]
    fn both_limits_have_two_sides() {
        let day = 86_400;
        assert!(found(30 * day + 1).is_empty());
        assert_eq!(found(30 * day)[0].severity, Severity::Warning);
        assert_eq!(found(7 * day + 1)[0].severity, Severity::Warning);
        assert_eq!(found(7 * day)[0].severity, Severity::Critical);
        assert!(found(-1)[0].message.contains("ended"));
    }

    #[test]
    fn is_skipped_without_a_certificate() {
        testing::skipped(&CHECK, &testing::pg(|_| {}));
        testing::skipped(&CHECK, &testing::pg(|pg| pg.certificate = Section::default()));
    }
}
