//! `dbvitals redis keys` and `dbvitals redis patterns`.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use dbvitals_checks::{
    judge,
    redis::look::keys::{self, Page, is_about_keys},
};
use dbvitals_model::{
    Finding, Section, Sheet, Snapshot, TargetData, TargetSnapshot,
    redis::{KeySample, RedisSnapshot},
};
use dbvitals_redis::keyspace::{Manner, Meter, Request, Scan, State, Way, scan};
use jiff::Timestamp;

use crate::{
    args::redis::keys::Args,
    commands::sheets,
    config::{
        in_force::{self, Named},
        target::{Server, Target},
    },
    exit::Exit,
    output,
    problem::Problem,
    progress::Progress,
    runtime,
};

/// Between two lines of progress.
const TICK: Duration = Duration::from_millis(250);

/// Rows of a table unless told otherwise.
const ROWS: (usize, usize) = (10, 50);

/// What became of one server.
struct Walked {
    sheet: Sheet,
    keys: Section<KeySample>,
    is_partial: bool,
    is_interrupted: bool,
}

/// Walks the keys of each server, one after the other, and shows them.
pub(super) fn run(args: &Args, page: Page) -> Result<Exit, Problem> {
    let named = in_force::named(&args.common.targets, &in_force::REDIS)?;
    if args.resume.is_some() && named.targets.len() > 1 {
        return Err(Problem::usage("--resume goes on with one server, and more were named")
            .hint("name one server"));
    }
    let walked = runtime::block_on(all(args, &named, page)).flatten()?;
    print(args, &walked)?;
    Ok(if walked.iter().any(|it| it.is_interrupted) {
        Exit::Interrupted
    } else if walked.len() < named.targets.len() || walked.iter().any(|it| it.is_partial) {
        Exit::Incomplete
    } else {
        Exit::Clean
    })
}

async fn all(args: &Args, named: &Named, page: Page) -> Result<Vec<Walked>, Problem> {
    let progress = Progress::new(args.common.quiet);
    let mut walked = Vec::new();
    for (place, target) in named.targets.iter().enumerate() {
        let Server::Redis(server) = &target.server else { continue };
        match one(args, named, target, server, page, &progress).await {
            Ok(it) => walked.push(it),
            Err(problem) if walked.is_empty() && place + 1 == named.targets.len() => {
                progress.finish();
                return Err(problem);
            }
            Err(problem) => output::talk(&problem.to_string()),
        }
        if walked.last().is_some_and(|it| it.is_interrupted) {
            break;
        }
    }
    progress.finish();
    Ok(walked)
}

async fn one(
    args: &Args,
    named: &Named,
    target: &Target,
    server: &dbvitals_redis::Target,
    page: Page,
    progress: &Progress,
) -> Result<Walked, Problem> {
    let lost = |error: &dbvitals_redis::Error| Problem::lost(&target.name, error.unavailable());
    let timeout = named.merged.timeout.value.min(dbvitals_redis::Options::default().timeout);
    let resume = args.resume.as_deref().filter(|path| path.exists()).map(read).transpose()?;
    progress.step(&target.name, "connecting");
    let options =
        dbvitals_redis::Options { sample_keys: 0, timeout, ..dbvitals_redis::Options::default() };
    let mut seen =
        dbvitals_redis::collect(server, &options).await.map_err(|error| lost(&error))?.snapshot;
    let request = request(args, timeout, &seen);
    let (result, is_interrupted) =
        watched(target, server, &request, resume, progress).await.map_err(|error| lost(&error))?;
    progress.done(&target.name);
    if let Some(path) = &args.resume {
        put_away(path, result.unfinished.as_ref())?;
    } else if result.unfinished.is_some() && !args.common.quiet {
        output::talk("not finished; with --resume FILE a walk can be continued");
    }
    seen.key_sample = result.keys.clone();
    let findings = findings(named, target, &seen);
    let rows = args.top.unwrap_or(if page == Page::Keys { ROWS.0 } else { ROWS.1 });
    Ok(Walked {
        sheet: keys::sheet(&target.name, page, &seen, &result.keys, &findings, rows),
        keys: result.keys,
        is_partial: result.is_partial,
        is_interrupted,
    })
}

fn request(args: &Args, timeout: Duration, seen: &RedisSnapshot) -> Request {
    let count = |keys: u32| usize::try_from(keys).unwrap_or(usize::MAX);
    let way = match args.quick {
        _ if args.full => Way::All,
        Some(keys) => Way::Places(count(keys)),
        None => Way::Survey(count(args.sample)),
    };
    Request {
        manner: if args.fast { Manner::Fast } else { Manner::Gentle },
        most_time: args.max_time,
        prefer_replica: args.prefer_replica,
        databases: args.database.clone(),
        hit_ratio_keys: args.hit_ratio_keys.clone(),
        seed: args.seed.unwrap_or_else(|| seen.server.now.as_microsecond().unsigned_abs()),
        timeout,
        ..Request::new(way)
    }
}

/// Walks, tells how far it is, and ends early with what was found when the user interrupts.
async fn watched(
    target: &Target,
    server: &dbvitals_redis::Target,
    request: &Request,
    resume: Option<State>,
    progress: &Progress,
) -> Result<(Scan, bool), dbvitals_redis::Error> {
    let meter = Meter::default();
    let walk = scan(server, request, resume, &meter);
    let interrupted = runtime::interrupted();
    tokio::pin!(walk, interrupted);
    let begun = Instant::now();
    let mut first = None;
    let mut is_interrupted = false;
    loop {
        tokio::select! {
            result = &mut walk => return result.map(|scan| (scan, is_interrupted)),
            () = &mut interrupted, if !is_interrupted => {
                is_interrupted = true;
                meter.stop();
            }
            () = tokio::time::sleep(TICK) => {
                let (named, total) = meter.progress();
                let first = *first.get_or_insert(named);
                progress.step(&target.name, &how_far(named, total, named - first, begun.elapsed()));
            }
        }
    }
}

/// `1,200,000 of 2,000,000 keys, 150,000/s, 5 s left`.
fn how_far(named: u64, total: u64, since: u64, elapsed: Duration) -> String {
    let count = |number: u64| dbvitals_checks::words::count(number as f64);
    let speed = since as f64 / elapsed.as_secs_f64().max(0.001);
    let left = if speed > 0.0 { total.saturating_sub(named) as f64 / speed } else { 0.0 };
    format!(
        "{} of {} keys, {}/s, {left:.0} s left",
        count(named),
        count(total),
        dbvitals_checks::words::count(speed.round())
    )
}

fn read(path: &Path) -> Result<State, Problem> {
    let text = output::read(path)?;
    State::from_json(&text).map_err(|why| {
        Problem::usage(format!("cannot go on from {}: {why}", path.display()))
            .hint("remove the file to begin anew")
    })
}

/// Writes how far the walk went; a finished walk leaves nothing behind.
fn put_away(path: &Path, unfinished: Option<&State>) -> Result<(), Problem> {
    match unfinished {
        Some(state) => {
            let text = state.to_json().map_err(Problem::internal)?;
            output::file(path, text.as_bytes())
        }
        None if path.exists() => std::fs::remove_file(path).map_err(|error| {
            Problem::usage(format!("cannot remove {}: {error}", path.display()))
                .hint("the walk is finished: remove it by hand, or the next run goes on where an earlier one stopped")
        }),
        None => Ok(()),
    }
}

/// What the checks that rest on the keys say.
fn findings(named: &Named, target: &Target, seen: &RedisSnapshot) -> Vec<Finding> {
    let seen = TargetSnapshot {
        expectations: target.expectations.clone(),
        ..TargetSnapshot::new(
            &target.name,
            target.server.endpoint(),
            TargetData::Redis(Box::new(seen.clone())),
        )
    };
    let snapshot = Snapshot::new(env!("CARGO_PKG_VERSION"), Timestamp::now(), vec![seen]);
    let report = judge(&snapshot, &named.settings);
    report.findings.into_iter().filter(|finding| is_about_keys(&finding.check)).collect()
}

fn print(args: &Args, walked: &[Walked]) -> Result<(), Problem> {
    let shown: Result<Vec<_>, _> = walked
        .iter()
        .map(|it| Ok((it.sheet.clone(), serde_json::to_value(it.keys.value())?)))
        .collect();
    sheets::print_with(&shown.map_err(Problem::unwritten)?, "keys", &args.common)
}
