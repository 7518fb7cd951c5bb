//! `dbvitals checks`.

use dbvitals_report::{CheckDoc, list};

use crate::{
    args::{
        checks::{Args, ListFormat},
        showing::Color,
    },
    catalogue,
    config::ignore::pattern,
    exit::Exit,
    output,
    problem::{Problem, nearest},
    render,
};

/// Lists the catalogue.
pub(crate) fn run(args: &Args) -> Result<Exit, Problem> {
    let mut docs = catalogue::docs();
    if let Some(topic) = &args.topic {
        let mut topics: Vec<String> = docs.iter().map(|doc| doc.topic.clone()).collect();
        topics.sort();
        topics.dedup();
        if !topics.contains(topic) {
            let problem = Problem::usage(format!("unknown topic {topic:?}"));
            return Err(match nearest(topic, topics.iter().map(String::as_str)) {
                Some(near) => problem.hint(format!("did you mean {near}?")),
                None => problem.hint(format!("topics: {}", topics.join(", "))),
            });
        }
        docs.retain(|doc| &doc.topic == topic);
    }
    if let Some(filter) = &args.filter {
        let pattern = pattern(filter, "the filter")?;
        let wanted = |doc: &CheckDoc| {
            pattern.matches(&doc.id)
                || doc.id.contains(filter.as_str())
                || doc.title.to_lowercase().contains(&filter.to_lowercase())
        };
        docs.retain(wanted);
    }
    let text = match args.format {
        ListFormat::Table => list::render(&docs, render::columns(), render::color(Color::Auto)),
        ListFormat::Json => list::json(&docs).map_err(Problem::unwritten)?,
    };
    output::data(&text).map(|()| Exit::Clean)
}
