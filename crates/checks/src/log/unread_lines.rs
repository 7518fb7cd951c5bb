//! Lines of the log that could not be read.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    log::facts,
    skip::Judged,
    view::LogView,
    words,
};

/// Lines of the log that could not be read.
pub static CHECK: Check = Check {
    id: "log-unread-lines",
    title: "Unread lines",
    topic: Topic::Log,
    component: Component::Configuration,
    severity: Severity::Warning,
    versions: (0, u32::MAX),
    needs: &[],
    uses: &[],
    thresholds: &[&SHARE],
    fix: None,
    explain: "\
## What it detects
More than `max_unread_ratio` of what was read is lines that belong to no record, records had to be cut, or messages are in another
language than English. Examples are told.

## Why it matters
What could not be read is missing from every number of this report.

## How to fix
Say how the log was written: `--prefix` with the value of `log_line_prefix`, `--log-format`. Where several programs write to one file,
take the server's lines apart first. csvlog and jsonlog have no such doubts. Of other languages statements, their durations and the
severity of errors are read, errors are told apart by their SQLSTATE (csvlog, jsonlog, `%e`), and nothing else: set `lc_messages = 'C'`.

## When to ignore
A log that was cut by hand.

## References
PostgreSQL documentation: log_line_prefix; log_destination.
",
    run: Run::Log(run),
};

static SHARE: Threshold = Threshold {
    key: "max_unread_ratio",
    unit: Unit::Ratio,
    default: 0.01,
    strict: None,
    range: (0.0, 1.0),
    why: "one line in a hundred is a cut beginning or another program's output, more is a wrong prefix",
};

#[expect(clippy::unnecessary_wraps, reason = "the shape of every judgement")]
fn run(log: &LogView<'_>, cx: &Context<'_>) -> Judged {
    let whole = log.log();
    let lines = (whole.records + whole.unread.lines).max(1) as f64;
    let (share, limit) = (whole.unread.lines as f64 / lines, cx.limit(&SHARE));
    let zone = whole.unknown_zone.as_ref();
    let is_bad = share > limit;
    let nothing = !is_bad && whole.unread.lines == 0 && whole.unread.cut_records == 0;
    let broken: Vec<_> =
        whole.sources.iter().filter_map(|source| source.problem.as_ref()).collect();
    let language = whole.language.as_ref();
    if nothing && zone.is_none() && broken.is_empty() && language.is_none() {
        return Ok(Vec::new());
    }
    let mut parts = Vec::new();
    if whole.unread.lines > 0 {
        let lines = words::count(whole.unread.lines as f64);
        parts.push(format!(
            "{lines} lines are no part of any record ({})",
            words::fine_percent(share)
        ));
    }
    if whole.unread.cut_records > 0 {
        let cut = words::count(whole.unread.cut_records as f64);
        parts.push(format!("{cut} records were longer than 8 MB and are cut"));
    }
    if let Some(zone) = zone {
        parts.push(format!("the time zone {zone} is not known, its times are taken for UTC"));
    }
    if let Some(problem) = broken.first() {
        parts.push(format!("{} files broke off: {problem}", broken.len()));
    }
    if let Some(language) = language {
        parts.push(format!(
            "messages are in {language}: only statements, durations and errors are read"
        ));
    }
    let is_bad = is_bad || language.is_some();
    let severity = if is_bad || !broken.is_empty() { Severity::Warning } else { Severity::Info };
    let mut finding = cx
        .finding(
            severity,
            Subject::new("log", log.name()),
            parts.join("; "),
            if language.is_some() { IN_ENGLISH } else { HOW_WRITTEN },
        )
        .with(Evidence::new("unread", share, Unit::Ratio, facts::SOURCE).against(limit));
    for example in &whole.unread.examples {
        finding = finding.with(facts::text("line", example));
    }
    Ok(vec![finding])
}

const HOW_WRITTEN: &str =
    "Say how the log was written: --prefix with the value of log_line_prefix, or --log-format.";
const IN_ENGLISH: &str =
    "Let the server write English: ALTER SYSTEM SET lc_messages = 'C'; SELECT pg_reload_conf();";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn unread_lines_are_a_warning_from_the_share_on_and_a_remark_below() {
        let severity = |lines| {
            let built = testing::log(|log| {
                log.records = 10_000 - lines;
                log.unread.lines = lines;
            });
            testing::findings(&CHECK, &built).first().map(|found| found.severity)
        };
        assert_eq!(severity(0), None);
        assert_eq!(severity(100), Some(Severity::Info));
        assert_eq!(severity(101), Some(Severity::Warning));
    }

    #[test]
    fn another_language_is_told_with_how_to_have_english() {
        let built = testing::log(|log| log.language = Some("German".into()));
        let found = testing::findings(&CHECK, &built);
        assert!(found[0].message.contains("German"), "{found:?}");
        assert!(found[0].recommendation.contains("lc_messages"), "{found:?}");
    }

    #[test]
    fn a_zone_nobody_knows_is_told() {
        let built = testing::log(|log| log.unknown_zone = Some("QQQ".into()));
        assert!(testing::findings(&CHECK, &built)[0].message.contains("QQQ"));
    }
}
