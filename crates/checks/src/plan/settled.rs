//! What several checks say of one node, told once: the cause stays, with the symptom as its evidence.
//!
//! Each of them promises the same saving, and what is mended once cannot be saved twice.

use dbvitals_model::{Evidence, Finding, Unit, report::Checked};

use super::{
    function_on_column, implicit_cast, misestimate, row_security_first, slow_scan, stale_statistics,
};
use crate::check::Check;

/// A check, and those whose findings at the same node are its symptoms; the causes that tell the most first.
const CAUSES: [(&Check, &[&Check]); 4] = [
    (
        &row_security_first::CHECK,
        &[&implicit_cast::CHECK, &function_on_column::CHECK, &slow_scan::CHECK],
    ),
    (&implicit_cast::CHECK, &[&function_on_column::CHECK, &slow_scan::CHECK]),
    (&function_on_column::CHECK, &[&slow_scan::CHECK]),
    (&stale_statistics::CHECK, &[&misestimate::CHECK]),
];

/// Takes symptoms into their causes.
pub(crate) fn settle(findings: &mut Vec<Finding>, checked: &mut [Checked]) {
    for (cause, symptoms) in CAUSES {
        let causes: Vec<Finding> =
            findings.iter().filter(|finding| finding.check == cause.id).cloned().collect();
        for told in causes {
            let is_symptom = |finding: &Finding| {
                finding.target == told.target
                    && finding.subject == told.subject
                    && symptoms.iter().any(|symptom| symptom.id == finding.check)
            };
            let taken: Vec<Finding> = findings.extract_if(.., |it| is_symptom(it)).collect();
            for symptom in &taken {
                uncount(symptom, checked);
            }
            if let Some(cause) = findings.iter_mut().find(|finding| finding.key == told.key) {
                for symptom in taken {
                    fold(cause, symptom);
                }
            }
        }
    }
}

fn fold(cause: &mut Finding, symptom: Finding) {
    cause.severity = cause.severity.max(symptom.severity);
    let candidate = symptom.fix.as_ref().map(|fix| fix.statements.join(" "));
    let told = match candidate {
        // Its statements mend the symptom only: they are not the cause's fix.
        Some(candidate) => format!("{}; candidate: {candidate}", symptom.message),
        None => symptom.message,
    };
    cause.evidence.push(Evidence::new(symptom.check, told, Unit::Text, "the same node"));
}

fn uncount(finding: &Finding, checked: &mut [Checked]) {
    let own = |one: &&mut Checked| one.check == finding.check && one.target == finding.target;
    if let Some(one) = checked.iter_mut().find(own) {
        one.findings = one.findings.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use crate::{Settings, plan::seen::testing::planned};

    const SCAN: &str = "Seq Scan on app.users  (cost=0.00..9000.00 rows=10 width=4) (actual time=0.1..90.0 rows=1 loops=1)
  Filter: ((lower(email) = 'x'::text) AND (tenant = 7))
  Rows Removed by Filter: 90000
";

    #[test]
    fn a_cause_takes_its_symptom_in() {
        let report = crate::judge(&planned(SCAN, |_| {}), &Settings::default());
        let checks: Vec<&str> = report.findings.iter().map(|it| it.check.as_str()).collect();
        assert_eq!(checks, ["plan-function-on-column"]);
        let told = &report.findings[0];
        assert!(told.evidence.iter().any(|it| it.label == "plan-slow-scan"), "{told:#?}");
        let counted = |id: &str| {
            report.coverage.checked.iter().find(|it| it.check == id).map(|it| it.findings)
        };
        assert_eq!(counted("plan-slow-scan"), Some(0));
        assert_eq!(counted("plan-function-on-column"), Some(1));
    }

    #[test]
    fn what_is_at_another_node_is_told_itself() {
        let two = format!(
            "Append  (cost=0.0..18000.0 rows=20 width=4) (actual time=0.1..180.0 rows=2 loops=1)\n  ->  {}  ->  {}",
            SCAN.replace('\n', "\n      ").trim_end_matches(' '),
            SCAN.replace("(lower(email) = 'x'::text)", "(email = 'x'::text)")
                .replace('\n', "\n      ")
                .trim_end_matches(' '),
        );
        let report = crate::judge(&planned(&two, |_| {}), &Settings::default());
        let mut checks: Vec<&str> = report.findings.iter().map(|it| it.check.as_str()).collect();
        checks.sort_unstable();
        assert_eq!(checks, ["plan-function-on-column", "plan-slow-scan"]);
    }
}
