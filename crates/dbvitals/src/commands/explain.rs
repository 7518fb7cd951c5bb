//! `dbvitals explain`.

use dbvitals_checks::registry;
use dbvitals_report::explain;

use crate::{
    args::{checks::ExplainArgs, showing::Color},
    catalogue,
    exit::Exit,
    output,
    problem::{Problem, nearest},
    render,
};

/// Explains one check.
pub(crate) fn run(args: &ExplainArgs) -> Result<Exit, Problem> {
    let Some(check) = registry::find(&args.check) else {
        let problem = Problem::usage(format!("no check is called {:?}", args.check));
        return Err(match nearest(&args.check, registry::CHECKS.iter().map(|check| check.id)) {
            Some(near) => problem.hint(format!("did you mean {near}?")),
            None => problem.hint("`dbvitals checks` lists them"),
        });
    };
    let text =
        explain::render(&catalogue::doc(check), render::columns(), render::color(Color::Auto));
    output::data(&text).map(|()| Exit::Clean)
}
