//! `dbvitals config`.

use crate::{
    args::{
        audit::Looking,
        config::{Command, ShowArgs},
    },
    config::{DEFAULT_FILE, in_force::InForce, show},
    exit::Exit,
    output,
    problem::Problem,
};

/// Shows settings in force, or the default file.
pub(crate) fn run(command: &Command) -> Result<Exit, Problem> {
    match command {
        Command::Default => output::data(DEFAULT_FILE).map(|()| Exit::Clean),
        Command::Show(args) => show_settings(args),
    }
}

fn show_settings(args: &ShowArgs) -> Result<Exit, Problem> {
    let in_force = InForce::of(&args.targets, &args.judging, Looking::default())?;
    let wants_targets = !args.targets.targets.is_empty() || !in_force.file.targets.is_empty();
    let targets = if wants_targets { in_force.targets(&args.targets)? } else { Vec::new() };
    let InForce { file, merged, settings } = &in_force;
    output::data(&show::render(merged, file, settings, &targets)).map(|()| Exit::Clean)
}
