//! Reading a set of logs from beginning to end.

use std::path::PathBuf;

use dbvitals_model::log::{LogSnapshot, Source};

use crate::{
    detect,
    feed::{Feed, Known},
    moment::Micros,
    source::{Stream, Unreadable, expand, front},
    state::State,
    summary::{Limits, Summary},
};

/// What to read.
#[derive(Debug, Default)]
pub struct Request {
    /// Files and folders; `-` is standard input.
    pub paths: Vec<PathBuf>,
    /// What is known of them.
    pub known: Known,
    /// How much to read and to keep.
    pub limits: Limits,
    /// Where the last run ended; a last line without its end is then left for the next.
    pub state: Option<State>,
}

/// What was read.
#[derive(Debug)]
pub struct Read {
    /// All of it, for judgement.
    pub log: LogSnapshot,
    /// Where this run ended.
    pub state: State,
}

/// A file and where to begin.
struct Planned {
    path: PathBuf,
    front: Vec<u8>,
    first: Option<Micros>,
}

/// Reads logs, oldest first. `progress` is told the bytes that were read.
pub fn read(request: Request, progress: &mut dyn FnMut(u64)) -> Result<Read, Unreadable> {
    let Request { paths, known, limits, state } = request;
    let keeps_part = state.is_some();
    let mut state = state.unwrap_or_default();
    let mut summary = Summary::new(limits);
    let mut sources = Vec::new();
    let mut unknown_zone = None;
    let (stdin, files): (Vec<_>, Vec<_>) =
        paths.into_iter().partition(|path| path.as_os_str() == "-");
    for planned in plan(&files, &known)? {
        let offset = state.offset(&planned.front);
        let unreadable = |error| Unreadable { path: planned.path.clone(), error };
        let stream = Stream::open(&planned.path, offset).map_err(unreadable)?;
        let name = planned.path.display().to_string();
        let mut feed = Feed::new(known.clone());
        let mut source = drain(&mut feed, stream, keeps_part, &mut summary, progress);
        source.resumed_at = signed(offset);
        source.name.clone_from(&name);
        state.remember(&name, &planned.front, offset + feed.done());
        unknown_zone = unknown_zone.or_else(|| feed.unknown_zone());
        sources.push(source);
    }
    if !stdin.is_empty() {
        let unreadable = |error| Unreadable { path: PathBuf::from("-"), error };
        let stream = Stream::unpack(std::io::stdin()).map_err(unreadable)?;
        let mut feed = Feed::new(known);
        let mut source = drain(&mut feed, stream, false, &mut summary, progress);
        source.name = "standard input".to_owned();
        unknown_zone = unknown_zone.or_else(|| feed.unknown_zone());
        sources.push(source);
    }
    Ok(Read { log: summary.snapshot(sources, unknown_zone), state })
}

/// The files in the order of their first records.
fn plan(paths: &[PathBuf], known: &Known) -> Result<Vec<Planned>, Unreadable> {
    let mut all = Vec::new();
    for path in expand(paths)? {
        let front = front(&path).map_err(|error| Unreadable { path: path.clone(), error })?;
        let first = detect::first_time(&front, known);
        all.push(Planned { path, front, first });
    }
    all.sort_by(|a, b| a.first.cmp(&b.first).then_with(|| a.path.cmp(&b.path)));
    Ok(all)
}

/// Reads a stream to its end. A stream that breaks off tells why in its source; what came before counts.
fn drain(
    feed: &mut Feed,
    mut stream: Stream,
    keeps_part: bool,
    summary: &mut Summary,
    progress: &mut dyn FnMut(u64),
) -> Source {
    let before = summary.records();
    let mut bytes = 0_u64;
    let problem = loop {
        match feed.pump(&mut stream, summary) {
            Ok(0) => break None,
            Ok(len) => {
                bytes += len as u64;
                progress(len as u64);
            }
            Err(error) => break Some(error.to_string()),
        }
    };
    feed.finish(keeps_part && problem.is_none(), summary);
    Source {
        name: String::new(),
        format: feed.format().map_or("", crate::Format::as_str).to_owned(),
        compression: stream.packing.name().map(str::to_owned),
        prefix: feed.prefix().map(|prefix| prefix.as_str().to_owned()),
        bytes: signed(bytes),
        records: summary.records() - before,
        resumed_at: 0,
        problem,
    }
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
