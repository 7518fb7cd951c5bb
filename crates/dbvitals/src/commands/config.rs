//! `dbvitals config`.

use crate::{
    args::{
        audit::Looking,
        config::{Command, ShowArgs},
    },
    config::{DEFAULT_FILE, file::File, judging, merged::Merged, show, target},
    environment,
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
    let (file, path) = File::load(args.targets.config.as_deref())?;
    let merged =
        Merged::new(&args.targets, &args.judging, Looking::default(), &file, path.as_deref())?;
    let settings = judging::settings(&merged, &file)?;
    let wants_targets = !args.targets.targets.is_empty() || !file.targets.is_empty();
    let targets = if wants_targets {
        target::resolve(&args.targets, &merged, &file, &environment::variable)?
    } else {
        Vec::new()
    };
    output::data(&show::render(&merged, &file, &settings, &targets)).map(|()| Exit::Clean)
}
