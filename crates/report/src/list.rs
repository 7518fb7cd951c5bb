//! The list of checks: a table for the terminal, JSON for programs.

use dbvitals_model::Severity;

use crate::{
    CheckDoc, ColorChoice, humanize,
    page::{BAD, DIM, FAIR, NOTE, PLAIN, Page},
    table::{Align, Table, cell},
    words,
};

/// A table of checks by engine and topic, in the order given.
pub fn render(checks: &[CheckDoc], width: usize, color: ColorChoice) -> String {
    let mut page = Page::new(width, color);
    let mut topics: Vec<(&str, &str)> = Vec::new();
    for check in checks {
        let topic = (check.engine.as_str(), check.topic.as_str());
        if !topics.contains(&topic) {
            topics.push(topic);
        }
    }
    for (engine, topic) in topics {
        let of_topic: Vec<&CheckDoc> =
            checks.iter().filter(|c| c.engine == engine && c.topic == topic).collect();
        let title = format!("{engine} {topic}");
        page.heading(&title, &humanize::plural(of_topic.len(), "check", "checks"));
        let mut table =
            Table::plain(&[Align::Left, Align::Left, Align::Left, Align::Left]).whole_first();
        for check in of_topic {
            let style = match check.severity {
                Severity::Critical => BAD,
                Severity::Warning => FAIR,
                Severity::Info => NOTE,
            };
            table.row(vec![
                cell(&check.id),
                (style, check.severity.to_string()),
                cell(&check.title),
                (DIM, check.versions.clone()),
            ]);
        }
        table.print(&mut page, 2);
        page.blank();
    }
    let count = humanize::plural(checks.len(), "check", "checks");
    page.para(0, PLAIN, &format!("{count}; dbvitals explain <check> tells more about one."));
    page.finish()
}

/// All that is known of the checks, as JSON.
pub fn json(checks: &[CheckDoc]) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(checks)?;
    text.push('\n');
    Ok(text)
}

/// `severity warning · fix: review before running · …`, for the head of an explanation.
pub(crate) fn facts(check: &CheckDoc) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("Severity", check.severity.to_string()),
        ("Engine", check.engine.clone()),
        ("Versions", check.versions.clone()),
        ("Component", words::component(&check.component)),
        ("Reads", check.needs.join(", ")),
        (
            "Fix",
            check.fix.map_or_else(|| "advice only".to_owned(), |k| words::fix_kind(k).to_owned()),
        ),
    ];
    facts.retain(|(_, text)| !text.is_empty());
    facts
}
