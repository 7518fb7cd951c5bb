//! `dbvitals query lint`.

use std::path::Path;

use dbvitals_model::lint::{
    LINT_VERSION, LintLock, LintRemark, LintReport, LintUnread, LintedFile,
};
use dbvitals_query::{
    TableName,
    lint::{self, Options, RULES, Remark},
};
use dbvitals_report::lint as show;

use crate::{
    args::{
        audit::FailOn,
        query::lint::{Args, Format},
    },
    exit::Exit,
    output,
    problem::{Problem, nearest},
    render,
};

/// Reads scripts, and tells what is wrong with them.
pub(crate) fn run(args: &Args) -> Result<Exit, Problem> {
    if args.list_rules {
        return output::data(&rules()).map(|()| Exit::Clean);
    }
    let options = options(args)?;
    let standard = [Path::new("-").to_owned()];
    let files = if args.files.is_empty() { &standard[..] } else { &args.files };
    let mut report = LintReport {
        schema_version: LINT_VERSION,
        postgres_version: args.pg_version,
        files: Vec::new(),
    };
    for path in files {
        report.files.push(file(path, &options)?);
    }
    let text = match args.format {
        Format::Terminal => show::terminal(&report, render::columns(), render::color(args.color)),
        Format::Json => show::pretty(&report).map_err(Problem::unwritten)?,
        Format::Sarif => {
            let rules: Vec<_> = RULES.iter().map(|rule| (rule.name, rule.about)).collect();
            show::sarif(&report, &rules).map_err(Problem::unwritten)?
        }
    };
    output::data(&text)?;
    Ok(exit(&report, args.fail_on))
}

fn exit(report: &LintReport, fail_on: FailOn) -> Exit {
    let is_too_much = |least| report.remarks().any(|found| found.severity >= least);
    if report.files.iter().any(|file| !file.unread.is_empty()) {
        Exit::Incomplete
    } else if fail_on.least().is_some_and(is_too_much) {
        Exit::Findings
    } else {
        Exit::Clean
    }
}

fn options(args: &Args) -> Result<Options, Problem> {
    let table = |name: &String| match name.split_once('.') {
        Some((schema, name)) => TableName { schema: Some(schema.into()), name: name.into() },
        None => TableName { schema: None, name: name.clone() },
    };
    Ok(Options {
        version: args.pg_version,
        in_transaction: args.in_transaction,
        partitioned: args.partitioned.iter().map(table).collect(),
        only: known(&args.rule)?,
        except: known(&args.except)?,
    })
}

/// The names of rules that were typed.
fn known(names: &[String]) -> Result<Vec<&'static str>, Problem> {
    let find = |name: &String| {
        lint::find(name).map(|rule| rule.name).ok_or_else(|| {
            let problem = Problem::usage(format!("no rule is called {name:?}"));
            match nearest(name, RULES.iter().map(|rule| rule.name)) {
                Some(near) => problem.hint(format!("did you mean {near}?")),
                None => problem.hint("`dbvitals query lint --list-rules` lists them"),
            }
        })
    };
    names.iter().map(find).collect()
}

fn file(path: &Path, options: &Options) -> Result<LintedFile, Problem> {
    let text = if path == Path::new("-") {
        output::text("standard input", std::io::stdin())?
    } else {
        output::read(path)?
    };
    let linted = lint::lint(&text, options);
    let unread = linted.unread.into_iter().map(|unread| LintUnread {
        line: unread.place.line,
        column: unread.place.column,
        why: unread.why,
    });
    Ok(LintedFile {
        name: path.display().to_string(),
        statements: linted.statements,
        remarks: linted.remarks.into_iter().map(remark).collect(),
        unread: unread.collect(),
    })
}

fn remark(found: Remark) -> LintRemark {
    let lock = |taken: &lint::Taken| LintLock {
        relation: match &taken.table.schema {
            Some(schema) => format!("{schema}.{}", taken.table.name),
            None => taken.table.name.clone(),
        },
        lock: taken.lock.as_str().to_owned(),
        blocks: taken.lock.blocks().to_owned(),
    };
    LintRemark {
        rule: found.rule.name.to_owned(),
        severity: found.rule.severity,
        line: found.place.line,
        column: found.place.column,
        says: found.says,
        locks: found.locks.iter().map(lock).collect(),
        advice: found.advice,
        instead: found.instead,
    }
}

fn rules() -> String {
    let line = |rule: &lint::Rule| {
        let note = if rule.is_optional { " (only where it is named)" } else { "" };
        format!("{:<45} {:<8} {}{note}\n", rule.name, rule.severity, rule.about)
    };
    RULES.iter().map(line).collect()
}
