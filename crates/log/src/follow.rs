//! Reading a log that is still being written, over rotations.

use std::{
    fs::{self, Metadata},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use dbvitals_model::log::Source;

use crate::{
    detect,
    feed::{Feed, Known},
    record::Sink,
    source::{Stream, expand, front},
    summary::Summary,
};

/// A sink that tells how many records it took.
pub trait Counts: Sink {
    /// Records taken so far.
    fn records(&self) -> i64;
}

impl Counts for Summary {
    fn records(&self) -> i64 {
        Self::records(self)
    }
}

/// A file, or the newest file of a folder, that is read as it grows.
#[derive(Debug)]
pub struct Follower {
    path: PathBuf,
    known: Known,
    open: Option<Open>,
    /// Files that were read to their end.
    done: Vec<Source>,
}

#[derive(Debug)]
struct Open {
    path: PathBuf,
    id: (u64, u64),
    stream: Stream,
    feed: Feed,
    bytes: u64,
    records_before: i64,
}

impl Follower {
    /// Follows a file or a folder, from the end of what is there now (`from_end`) or from its beginning.
    pub fn new(path: PathBuf, known: Known, from_end: bool) -> io::Result<Self> {
        let mut follower = Self { path, known, open: None, done: Vec::new() };
        let Some((path, metadata)) = newest(&follower.path)? else { return Ok(follower) };
        let offset = if from_end { metadata.len() } else { 0 };
        follower.open = Some(Open::new(path, &metadata, offset, &follower.known, 0)?);
        Ok(follower)
    }

    /// Reads what has come; gives whether anything had. Call again after a while.
    pub fn poll(&mut self, summary: &mut impl Counts) -> io::Result<bool> {
        let mut came = false;
        if let Some(open) = &mut self.open {
            loop {
                match open.feed.pump(&mut open.stream, summary)? {
                    0 => break,
                    len => {
                        open.bytes += len as u64;
                        came = true;
                    }
                }
            }
            // Whole lines are told at once; a line that is being written waits.
            open.feed.finish(true, summary);
        }
        let Some((path, metadata)) = newest(&self.path)? else { return Ok(came) };
        let is_same = self.open.as_ref().is_some_and(|open| open.is(&metadata));
        if !is_same {
            if let Some(mut open) = self.open.take() {
                open.feed.finish(false, summary);
                self.done.push(open.source(summary));
            }
            self.open = Some(Open::new(path, &metadata, 0, &self.known, summary.records())?);
            return Ok(true);
        }
        Ok(came)
    }

    /// What was read, file by file.
    pub fn finish(mut self, summary: &mut impl Counts) -> (Vec<Source>, Option<String>) {
        let mut zone = None;
        if let Some(mut open) = self.open.take() {
            open.feed.finish(false, summary);
            zone = open.feed.unknown_zone();
            self.done.push(open.source(summary));
        }
        (self.done, zone)
    }
}

impl Open {
    fn new(
        path: PathBuf,
        metadata: &Metadata,
        offset: u64,
        known: &Known,
        records_before: i64,
    ) -> io::Result<Self> {
        let stream = Stream::open(&path, offset)?;
        let mut known = known.clone();
        if offset > 0 {
            // What is passed over still tells how the rest is written.
            let (format, prefix) = detect::detect(&front(&path)?, &known);
            (known.format, known.prefix) = (Some(format), prefix);
        }
        let id = (metadata.dev(), metadata.ino());
        Ok(Self { path, id, stream, feed: Feed::new(known), bytes: offset, records_before })
    }

    /// Whether this is the file that is open, and it was not emptied.
    fn is(&self, metadata: &Metadata) -> bool {
        self.id == (metadata.dev(), metadata.ino()) && metadata.len() >= self.bytes
    }

    fn source(self, summary: &impl Counts) -> Source {
        Source {
            name: self.path.display().to_string(),
            format: self.feed.format().map_or("", crate::Format::as_str).to_owned(),
            prefix: self.feed.prefix().map(|prefix| prefix.as_str().to_owned()),
            bytes: i64::try_from(self.bytes).unwrap_or(i64::MAX),
            records: summary.records() - self.records_before,
            ..Source::default()
        }
    }
}

/// The file, or the file of the folder that was written to last.
fn newest(path: &Path) -> io::Result<Option<(PathBuf, Metadata)>> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        // Between two files of a rotation there is none.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if !metadata.is_dir() {
        return Ok(Some((path.to_owned(), metadata)));
    }
    let inside = expand(&[path.to_owned()]).map_err(|unreadable| unreadable.error)?;
    let dated = inside.into_iter().filter_map(|path| {
        let metadata = fs::metadata(&path).ok()?;
        Some((metadata.modified().ok()?, path, metadata))
    });
    let last = dated.max_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    Ok(last.map(|(_, path, metadata)| (path, metadata)))
}
