//! No name and no text from a server breaks a format or reaches a terminal raw.

use dbvitals_model::report::{Analysed, Report};
use dbvitals_report::{ColorChoice, html, json, junit, markdown, sarif, terminal, visible};
use proptest::prelude::*;

use crate::sample;

/// The sample with a text in every place that a server can fill.
fn holding(text: &str) -> Report {
    let text = text.to_owned();
    let mut report = sample::rich();
    for target in &mut report.targets {
        target.endpoint.clone_from(&text);
        target.problems.push(text.clone());
        target.offered.push(text.clone());
        if let Some(version) = &mut target.version {
            version.clone_from(&text);
        }
    }
    report.readiness.reasons.push(text.clone());
    report.score.capped_by = Some(text.clone());
    for finding in
        report.findings.iter_mut().chain(report.ignored.iter_mut().map(|i| &mut i.finding))
    {
        finding.message.clone_from(&text);
        finding.recommendation.clone_from(&text);
        finding.impact = Some(text.clone());
        finding.subject.name.clone_from(&text);
        finding.subject.database = Some(text.clone());
        for evidence in &mut finding.evidence {
            evidence.label.clone_from(&text);
            evidence.value = text.as_str().into();
            evidence.source.clone_from(&text);
        }
        if let Some(fix) = &mut finding.fix {
            fix.statements.push(text.clone());
            fix.undo.push(text.clone());
            fix.blocks.clone_from(&text);
        }
    }
    for skipped in &mut report.coverage.skipped {
        skipped.reason.clone_from(&text);
        skipped.part = Some(text.clone());
        skipped.remedy = Some(text.clone());
    }
    report.statements = statements(&text);
    for overview in &mut report.overview {
        overview.title.clone_from(&text);
        overview.note = Some(text.clone());
        overview.rows[0][0] = text.as_str().into();
    }
    report
}

/// Analysed statements with a text in every place that a server or a person can fill.
fn statements(text: &str) -> Vec<Analysed> {
    let text = text.to_owned();
    let mut statements = sample::analysed().statements;
    for statement in &mut statements {
        statement.text.clone_from(&text);
        statement.refused = Some(text.clone());
        statement.role = Some(text.clone());
        for suggestion in &mut statement.suggestions {
            suggestion.why.clone_from(&text);
            suggestion.instead.clone_from(&text);
            suggestion.changes.clone_from(&text);
            suggestion.text = Some(text.clone());
            suggestion.needs = vec![text.clone()];
            if let Some(fix) = &mut suggestion.fix {
                fix.statements = vec![text.clone()];
            }
        }
        for rewrite in &mut statement.rewrites {
            rewrite.text = Some(text.clone());
            rewrite.because.clone_from(&text);
            rewrite.needs = vec![text.clone()];
        }
        for plan in &mut statement.plans {
            plan.parameters = vec![Some(text.clone())];
            plan.besides = vec![(text.clone(), 1.0)];
            for step in &mut plan.steps {
                step.title.clone_from(&text);
                step.aside = Some(text.clone());
                step.details = vec![("Filter".to_owned(), text.clone())];
            }
        }
    }
    statements
}

/// Texts that attack some format, among random ones.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("</script><script>alert(1)</script>".to_owned()),
        Just("\x1b]0;owned\x07\x1b[2J\u{9b}31m".to_owned()),
        Just("' onmouseover='alert(1)\" x=\"".to_owned()),
        Just("]]> --> <!-- &amp; &#27; <![CDATA[".to_owned()),
        Just("| a | b |\n|---|---|\n```\n</details>".to_owned()),
        "[\\x00-\\x{2fff}]{0,40}",
        ".{0,40}",
    ]
}

fn has_raw_control(text: &str) -> bool {
    text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t'))
}

/// Markdown without its code blocks, where everything is text.
fn outside_fences(markdown: &str) -> String {
    let mut out = String::new();
    let mut fence: Option<String> = None;
    for line in markdown.lines() {
        let ticks: String = line.trim_start().chars().take_while(|c| *c == '`').collect();
        match &fence {
            Some(open) if line.trim() == open => fence = None,
            None if ticks.len() >= 3 => fence = Some(ticks),
            None => {
                out.push_str(line);
                out.push('\n');
            }
            Some(_) => {}
        }
    }
    assert!(fence.is_none(), "a fence is left open");
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..Default::default() })]

    #[test]
    fn terminal_gets_no_foreign_control_characters(text in texts()) {
        let report = holding(&text);
        let options = terminal::Options { all: true, ..Default::default() };
        prop_assert!(!has_raw_control(&terminal::render(&report, &options)));
        let painted = terminal::Options { color: ColorChoice::Always, ..options };
        let out = terminal::render(&report, &painted);
        for tail in out.split('\x1b').skip(1) {
            let code = tail.strip_prefix('[').and_then(|t| t.split_once('m'));
            prop_assert!(code.is_some_and(|(c, _)| c.chars().all(|d| d.is_ascii_digit() || d == ';')));
        }
        prop_assert!(!has_raw_control(&out.replace('\x1b', "")));
    }

    #[test]
    fn json_reads_back(text in texts()) {
        let report = holding(&text);
        let read: Report = serde_json::from_str(&json::pretty(&report).unwrap()).unwrap();
        prop_assert_eq!(&read, &report);
        let line = json::compact(&report).unwrap();
        prop_assert_eq!(line.lines().count(), 1);
        prop_assert_eq!(serde_json::from_str::<Report>(&line).unwrap(), report);
        prop_assert!(!has_raw_control(&line));
    }

    #[test]
    fn sarif_parses_and_keeps_every_finding(text in texts()) {
        let report = holding(&text);
        let out = sarif::render(&report, &sample::docs(), &sarif::Options::default()).unwrap();
        let log: serde_json::Value = serde_json::from_str(&out).unwrap();
        let results = log["runs"][0]["results"].as_array().unwrap();
        prop_assert_eq!(results.len(), report.findings.len() + report.ignored.len() + 1);
        prop_assert!(results[0]["message"]["text"].as_str().unwrap().contains(&text));
        prop_assert!(!has_raw_control(&out));
    }

    #[test]
    fn junit_is_well_formed(text in texts()) {
        let mut report = holding(&text);
        report.targets[0].name = text;
        let out = junit::render(&report, &junit::Options::default()).unwrap();
        prop_assert!(!has_raw_control(&out));
        let mut reader = quick_xml::Reader::from_str(&out);
        let mut depth = 0_i32;
        loop {
            match reader.read_event() {
                Ok(quick_xml::events::Event::Start(_)) => depth += 1,
                Ok(quick_xml::events::Event::End(_)) => depth -= 1,
                Ok(quick_xml::events::Event::Eof) => break,
                Ok(_) => {}
                Err(error) => prop_assert!(false, "{error}"),
            }
        }
        prop_assert_eq!(depth, 0);
        prop_assert!(!out.contains("<script"));
    }

    #[test]
    fn markdown_holds_no_foreign_markup(text in texts()) {
        let report = holding(&text);
        let out = markdown::render(&report);
        prop_assert!(!has_raw_control(&out));
        let outside = outside_fences(&out);
        prop_assert!(!outside.contains("<script"));
        prop_assert!(!outside.contains("<!--"));
        let opened = outside.matches("<details").count();
        prop_assert_eq!(opened, outside.matches("</details>").count());
        // A table row has as many cells as its head, whatever the cells hold.
        let mut cells = None;
        for line in outside.lines() {
            if !line.starts_with('|') {
                cells = None;
                continue;
            }
            let count = line.replace("\\\\", "").replace("\\|", "").matches('|').count();
            prop_assert_eq!(*cells.get_or_insert(count), count, "{}", line);
        }
    }

    #[test]
    fn html_has_no_foreign_markup(text in texts()) {
        // A report with harmless texts in the same places has the same marks of markup.
        let text = format!("x{text}");
        let harmless = if visible::is_altered(&text) { "x\x07" } else { "x" };
        let out = html::render(&holding(&text)).unwrap();
        let plain = html::render(&holding(harmless)).unwrap();
        prop_assert!(!has_raw_control(&out));
        for mark in ['<', '>', '"', '\''] {
            prop_assert_eq!(out.matches(mark).count(), plain.matches(mark).count(), "{}", mark);
        }
        prop_assert_eq!(out.matches("<script").count(), 1);
    }
}

#[test]
fn html_asks_nothing_of_a_network() {
    let page = html::render(&sample::rich()).unwrap();
    for reference in
        ["http:", "https:", "src=\"", "url(", "@import", "<link", "<iframe", "<img", "fetch("]
    {
        assert!(!page.contains(reference), "{reference}");
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn html_links_lead_somewhere() {
    let page = html::render(&sample::rich()).unwrap();
    for link in page.split("href=\"#").skip(1) {
        let anchor = link.split('"').next().unwrap();
        assert!(page.contains(&format!("id=\"{anchor}\"")), "{anchor}");
    }
}

#[test]
fn json_of_impossible_numbers_reads_back() {
    let mut report = sample::rich();
    report.findings[0].evidence[0].value = f64::NAN.into();
    report.findings[0].evidence[0].threshold = Some(f64::INFINITY.into());
    report.metrics[0].measured = Some(f64::NAN);
    let read: Report = serde_json::from_str(&json::compact(&report).unwrap()).unwrap();
    assert_eq!(read.findings[0].evidence[0].value, "unknown".into());
    assert_eq!(read.findings[0].evidence[0].threshold, Some("unlimited".into()));
    assert_eq!(read.metrics[0].measured, None);
}
