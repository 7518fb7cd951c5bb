//! `dbvitals query plan`: plans from a file or standard input, without a server.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use dbvitals_checks::{
    judge,
    plan::{compare::compare, compare_sheet},
};
use dbvitals_model::{
    Reason, Section, Snapshot, TargetData, TargetSnapshot, Unavailable,
    plan::Plan,
    statement::{PlanKind, StatementPlan, StatementSnapshot},
};
use dbvitals_query::{Statement, fingerprint, plan};
use dbvitals_report::sheet;
use jiff::Timestamp;

use super::one;
use crate::{
    args::{query::plan::Args, showing::Format},
    commands::{audit, sheets},
    config::in_force::InForce,
    exit::Exit,
    output,
    problem::Problem,
    render,
};

/// More than any plan: what is larger is a log.
const LARGEST: u64 = 64 << 20;

/// Reads, judges, reports; or compares.
pub(crate) fn run(args: &Args) -> Result<Exit, Problem> {
    render::files(&args.showing.output)?;
    let first = args.file.as_deref().filter(|path| *path != Path::new("-"));
    let (name, plans) = read(first)?;
    if let Some(other) = &args.compare {
        let (other_name, others) =
            read(Some(other).filter(|path| *path != Path::new("-")).map(PathBuf::as_path))?;
        let (Some(before), Some(after)) = (plans.first(), others.first()) else {
            return Err(Problem::internal("a reader gave no plan and no reason"));
        };
        return show_comparison((&name, before), (&other_name, after), args);
    }
    let in_force = InForce::of_files(&args.config, &args.judging)?;
    let snapshot = snapshot(&name, plans);
    let report = judge(&snapshot, &in_force.settings);
    render::show(&report, &args.showing)?;
    Ok(audit::exit(&report, &snapshot, in_force.merged.fail_on.value))
}

/// The name of a source and its plans, one at least.
fn read(path: Option<&Path>) -> Result<(String, Vec<Plan>), Problem> {
    let (name, bytes) = if let Some(path) = path {
        let opened = std::fs::File::open(path);
        let bytes = opened.and_then(all).map_err(|error| {
            Problem::usage(format!("cannot read {}: {error}", path.display()))
                .hint("check the path and its permissions")
        })?;
        (path.display().to_string(), bytes)
    } else {
        let bytes = all(std::io::stdin())
            .map_err(|error| Problem::usage(format!("cannot read standard input: {error}")))?;
        ("standard input".to_owned(), bytes)
    };
    if bytes.len() as u64 > LARGEST {
        return Err(Problem::usage(format!("{name} holds more than 64 MB"))
            .hint("cut out the plan; a whole log is read by `dbvitals log`"));
    }
    // Constants in a plan may be in any encoding; its words are ASCII.
    let text = String::from_utf8_lossy(&bytes);
    let plans = plan::read(&text).map_err(|why| {
        Problem::usage(format!("{name}: {why}"))
            .hint("give it what EXPLAIN (ANALYZE, BUFFERS) printed, best in FORMAT JSON")
    })?;
    Ok((name, plans))
}

fn all(source: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(LARGEST + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Every plan as a statement under analysis, without a server.
fn snapshot(source: &str, plans: Vec<Plan>) -> Snapshot {
    let many = plans.len() > 1;
    let targets = plans.into_iter().enumerate().map(|(place, plan)| {
        let name = if many { format!("plan {}", place + 1) } else { "plan".to_owned() };
        TargetSnapshot::new(name, source, TargetData::Statement(Box::new(statement(plan))))
    });
    one::snapshot(targets.collect())
}

fn statement(plan: Plan) -> StatementSnapshot {
    let text = plan.statement.clone().unwrap_or_default();
    let known = Some(text.as_str()).filter(|text| !text.is_empty());
    let class = known.and_then(|text| Statement::parse(text).ok());
    let absent = || {
        let remedy = "plan the statement on its server: dbvitals query analyze --target URL";
        Unavailable::with_remedy(
            Reason::NotAsked,
            "a plan from a file comes without its catalogue",
            remedy,
        )
    };
    StatementSnapshot {
        fingerprint: known.and_then(|text| fingerprint(text).ok()),
        class: class.map(|statement| statement.classify().class.as_str().to_owned()),
        plans: Section::collected(vec![StatementPlan {
            kind: PlanKind::Given,
            parameters: Vec::new(),
            plan,
        }]),
        calls: Section::Unavailable(absent()),
        settings: Section::Unavailable(absent()),
        facts: Section::Unavailable(absent()),
        text,
        ..StatementSnapshot::default()
    }
}

fn show_comparison(
    before: (&str, &Plan),
    after: (&str, &Plan),
    args: &Args,
) -> Result<Exit, Problem> {
    if !args.showing.output.is_empty() {
        return Err(Problem::usage("a comparison is written to standard output only")
            .hint("leave --output out and redirect standard output"));
    }
    let comparison = compare(before.1, after.1);
    let told = compare_sheet::sheet((before.0, after.0), Timestamp::now(), &comparison);
    let showing = &args.showing;
    output::data(&match showing.format {
        Format::Json => sheet::pretty(&told).map_err(Problem::unwritten)?,
        Format::Markdown => sheet::markdown(&[told]),
        Format::Terminal => {
            let style = render::for_terminal(showing.color, showing.width, showing.all);
            sheet::terminal(&[told], style.width, style.color)
        }
        Format::Html => sheets::page(&[told])?,
        Format::Sarif | Format::Junit => {
            return Err(Problem::usage(
                "a comparison is shown as terminal, json, markdown or html",
            )
            .hint("choose one of these with --format"));
        }
    })?;
    // A plan that became dearer is what the comparison was made to find.
    Ok(if comparison.ratio().is_some_and(|ratio| ratio > 1.05) {
        Exit::Findings
    } else {
        Exit::Clean
    })
}
