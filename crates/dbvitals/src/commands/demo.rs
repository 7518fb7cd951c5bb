//! `dbvitals demo`.

use std::fmt::Write as _;

use crate::{
    args::{
        demo::Args,
        showing::{Color, Format},
    },
    demo,
    exit::Exit,
    output,
    problem::Problem,
    render,
};

/// Builds, audits, shows, and leaves nothing behind but the report.
pub(crate) fn run(args: &Args) -> Result<Exit, Problem> {
    if !(0.01..=100.0).contains(&args.scale) {
        return Err(Problem::usage("--scale must be between 0.01 and 100"));
    }
    let demo = demo::run(args.scale)?;
    let html = render::text(&demo.report, Format::Html, &render::for_file())?;
    output::file(&args.output, html.as_bytes())?;
    let style = render::for_terminal(Color::Auto, None, args.all);
    output::data(&render::text(&demo.report, Format::Terminal, &style)?)?;
    output::talk(&summary(&demo.report, args));
    if args.keep {
        output::talk("the servers keep running; press Enter to stop and remove them");
        // Any end of input will do.
        let _ = std::io::stdin().read_line(&mut String::new());
    }
    let whole = demo::missed(&demo.report).is_empty();
    drop(demo);
    output::talk("the servers are stopped and their folders removed");
    Ok(if whole { Exit::Clean } else { Exit::Incomplete })
}

fn summary(report: &dbvitals_model::report::Report, args: &Args) -> String {
    let missed = demo::missed(report);
    let planted = demo::PLANTS.len();
    let mut text =
        format!("\n{} of {planted} planted kinds of problems were found.", planted - missed.len());
    for (check, what) in missed {
        let _ = write!(text, "\n  missed: {check} ({what})");
    }
    let _ = write!(
        text,
        "\nThresholds of age and size were lowered for this young and small platform; `dbvitals explain` \
         tells the real ones.\nThe report as a page: {}",
        args.output.display()
    );
    text
}
