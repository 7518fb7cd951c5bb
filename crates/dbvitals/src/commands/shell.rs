//! `dbvitals completions` and `dbvitals man`: rendered from the same definition as `--help`.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::{args::Cli, exit::Exit, output, problem::Problem};

/// Prints a completion script.
pub(crate) fn completions(shell: Shell) -> Result<Exit, Problem> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "dbvitals", &mut script);
    output::data(&String::from_utf8_lossy(&script)).map(|()| Exit::Clean)
}

/// Prints the manual page: the command and, below it, every subcommand.
pub(crate) fn man() -> Result<Exit, Problem> {
    let command = Cli::command();
    let mut page = Vec::new();
    let written = clap_mangen::Man::new(command.clone()).render(&mut page).and_then(|()| {
        command.get_subcommands().try_for_each(|sub| {
            let name = format!("dbvitals-{}", sub.get_name());
            clap_mangen::Man::new(sub.clone().name(name)).render(&mut page)
        })
    });
    written.map_err(|error| Problem::internal(error.to_string()))?;
    output::data(&String::from_utf8_lossy(&page)).map(|()| Exit::Clean)
}
