//! Nothing goes beyond the page but statements to paste.

use dbvitals_report::terminal;
use proptest::prelude::*;
use unicode_width::UnicodeWidthStr;

use crate::sample;

/// Every statement a report offers to paste, as it is printed.
fn statements(report: &dbvitals_model::report::Report) -> Vec<String> {
    let fixes = report.findings.iter().filter_map(|f| f.fix.as_ref());
    let rewrites = report.statements.iter().flat_map(|statement| &statement.rewrites);
    let rewritten = rewrites.filter_map(|rewrite| Some(format!("{};", rewrite.text.as_ref()?)));
    let suggestions = || report.statements.iter().flat_map(|statement| &statement.suggestions);
    let suggested = suggestions().filter_map(|one| Some(format!("{};", one.text.as_ref()?)));
    let rewritten = rewritten.chain(suggested);
    let fixes = fixes.chain(suggestions().filter_map(|one| one.fix.as_ref()));
    fixes
        .flat_map(|fix| fix.statements.iter().chain(&fix.undo))
        .cloned()
        .chain(report.coverage.skipped.iter().filter_map(|s| s.remedy.clone()))
        .chain(rewritten)
        .flat_map(|text| {
            dbvitals_report::visible::block(&text)
                .lines()
                .map(|l| l.trim().to_owned())
                .collect::<Vec<_>>()
        })
        .collect()
}

fn assert_fits(report: &dbvitals_model::report::Report, options: &terminal::Options) {
    let exempt = statements(report);
    for line in terminal::render(report, options).lines() {
        let fits = line.width() <= options.width || exempt.iter().any(|s| s == line.trim());
        assert!(fits, "{} cells at {}: {line}", line.width(), options.width);
    }
}

#[test]
fn the_sample_fits_at_every_width() {
    for width in [40, 50, 60, 72, 80, 100, 120, 200] {
        for all in [false, true] {
            let options = terminal::Options { width, all, ..Default::default() };
            assert_fits(&sample::rich(), &options);
            assert_fits(&sample::analysed(), &options);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_text_fits(text in "\\PC{0,200}", name in ".{1,70}", width in 40_usize..160) {
        let mut report = sample::rich();
        for finding in report.findings.iter_mut().take(6) {
            finding.message.clone_from(&text);
            finding.recommendation.clone_from(&text);
            finding.subject.name.clone_from(&name);
            finding.target.clone_from(&name);
            finding.evidence[0].label.clone_from(&name);
            finding.evidence[0].source.clone_from(&text);
        }
        report.targets[0].name.clone_from(&name);
        report.coverage.skipped[3].reason.clone_from(&text);
        assert_fits(&report, &terminal::Options { width, ..Default::default() });
    }
}
