//! What is found on a standby that is its primary's to mend.
//!
//! Tables, indexes and columns are the same on every node of a cluster: what the primary is told about an object is
//! not told again about each of its copies, and statements that change one can only run on the primary.

use std::collections::{BTreeMap, BTreeSet};

use dbvitals_model::{Finding, Snapshot, report::Checked};

use crate::{
    check::Run,
    registry,
    view::{PgView, Reads},
};

/// Takes out what is told about the primary already, and sends fixes to where they can run.
pub(crate) fn settle(findings: &mut Vec<Finding>, checked: &mut [Checked], snapshot: &Snapshot) {
    let primaries = primaries(snapshot);
    if primaries.is_empty() {
        return;
    }
    let told: BTreeSet<String> = findings.iter().map(|finding| finding.key.clone()).collect();
    findings.retain_mut(|finding| {
        let Some(primary) = primaries.get(&finding.target) else { return true };
        if !is_replicated(finding) {
            return true;
        }
        let twin = primary
            .as_ref()
            .map(|primary| Finding::key_of(&finding.check, primary, &finding.subject));
        let is_told = twin.is_some_and(|key| told.contains(&key));
        if is_told {
            let count = checked
                .iter_mut()
                .find(|one| one.check == finding.check && one.target == finding.target);
            if let Some(one) = count {
                one.findings = one.findings.saturating_sub(1);
            }
        } else if finding.fix.is_some() {
            finding
                .recommendation
                .push_str(" Run the statements on the primary: a standby only follows.");
        }
        !is_told
    });
}

/// Standbys by name, each with the name of its primary where that is a target, too.
fn primaries(snapshot: &Snapshot) -> BTreeMap<String, Option<String>> {
    let reads = Reads::default();
    let views = snapshot.targets.iter().filter_map(|target| PgView::of(snapshot, target, &reads));
    views
        .filter(|view| view.server().in_recovery)
        .map(|view| {
            let primary = view.siblings().find(|other| !other.server().in_recovery);
            (view.name().to_owned(), primary.map(|primary| primary.name().to_owned()))
        })
        .collect()
}

/// Whether it is about an object that every node has: what is judged database by database.
fn is_replicated(finding: &Finding) -> bool {
    registry::find(&finding.check).is_some_and(|check| matches!(check.run, Run::Database(_)))
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{
        TargetData,
        pg::{PgSnapshot, index::Index},
    };

    use crate::{
        Settings, judge,
        testing::{self, app, edit},
    };

    fn with_invalid_index(change: impl FnOnce(&mut PgSnapshot)) -> TargetData {
        let mut pg = testing::healthy_pg();
        let index = Index {
            oid: 7,
            schema: "public".into(),
            name: "i".into(),
            table: "t".into(),
            method: "btree".into(),
            is_live: true,
            definition: "CREATE INDEX i ON public.t USING btree (a)".into(),
            ..Index::default()
        };
        *edit(&mut app(&mut pg).indexes) = vec![index];
        change(&mut pg);
        TargetData::Postgres(Box::new(pg))
    }

    #[test]
    fn an_object_is_told_once_for_the_cluster_and_mended_on_the_primary() {
        let standby = || with_invalid_index(|pg| pg.server.in_recovery = true);
        let main = with_invalid_index(|_| {});
        let snapshot = testing::snapshot(vec![
            testing::target("s1", standby()),
            testing::target("main", main),
        ]);
        let report = judge(&snapshot, &Settings::default());
        let told: Vec<_> = report
            .findings
            .iter()
            .filter(|finding| finding.check == "pg-invalid-index")
            .map(|finding| finding.target.as_str())
            .collect();
        assert_eq!(told, ["main"]);
        let count = |target: &str| {
            let mine = |c: &&super::Checked| c.check == "pg-invalid-index" && c.target == target;
            report.coverage.checked.iter().find(mine).map(|checked| checked.findings)
        };
        assert_eq!((count("main"), count("s1")), (Some(1), Some(0)));

        let alone = testing::snapshot(vec![testing::target("s1", standby())]);
        let report = judge(&alone, &Settings::default());
        let mut told = report.findings.iter().filter(|f| f.check == "pg-invalid-index");
        assert!(told.next().unwrap().recommendation.contains("on the primary"));
    }
}
