//! Files, standard input, and what is packed in them.

use std::{
    fs::{self, File},
    io::{self, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use flate2::read::MultiGzDecoder;
use ruzstd::decoding::StreamingDecoder;

/// Bytes of a log by which it is known again.
pub(crate) const HEAD: usize = 1024;
/// Bytes looked at to find the first time.
const FRONT: u64 = 64 << 10;

/// Why a log could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}: {error}", path.display())]
pub struct Unreadable {
    /// Which file.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub error: io::Error,
}

/// How a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    /// Not at all.
    Plain,
    /// `gzip`.
    Gzip,
    /// `zstd`.
    Zstd,
}

impl Packing {
    /// Tells it by the first bytes.
    pub(crate) fn of(magic: &[u8]) -> Self {
        match magic {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            _ => Self::Plain,
        }
    }

    /// Its name; `None` for none.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
        }
    }
}

/// An unpacked stream.
pub(crate) struct Stream {
    /// How it was packed.
    pub packing: Packing,
    inner: Box<dyn Read>,
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream").field("packing", &self.packing).finish_non_exhaustive()
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer)
    }
}

impl Stream {
    /// Unpacks whatever a stream is packed in.
    pub(crate) fn unpack(mut input: impl Read + 'static) -> io::Result<Self> {
        let mut magic = [0; 4];
        let mut len = 0;
        while len < magic.len() {
            match input.read(&mut magic[len..])? {
                0 => break,
                read => len += read,
            }
        }
        let packing = Packing::of(&magic[..len]);
        let whole = io::Cursor::new(magic[..len].to_vec()).chain(input);
        let inner: Box<dyn Read> = match packing {
            Packing::Plain => Box::new(whole),
            Packing::Gzip => {
                Box::new(MultiGzDecoder::new(BufReader::with_capacity(1 << 17, whole)))
            }
            Packing::Zstd => Box::new(Frames::new(BufReader::with_capacity(1 << 17, whole))),
        };
        Ok(Self { packing, inner })
    }

    /// Opens a file, some bytes of the unpacked log behind its beginning.
    pub(crate) fn open(path: &Path, from: u64) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut magic = [0; 4];
        let len = file.read(&mut magic)?;
        if Packing::of(&magic[..len]) == Packing::Plain {
            file.seek(SeekFrom::Start(from))?;
            return Ok(Self { packing: Packing::Plain, inner: Box::new(file) });
        }
        file.seek(SeekFrom::Start(0))?;
        let mut stream = Self::unpack(file)?;
        io::copy(&mut stream.by_ref().take(from), &mut io::sink())?;
        Ok(stream)
    }
}

/// All frames of a zstd stream, one behind the other.
struct Frames<R: Read> {
    decoder: Option<Box<StreamingDecoder<R, ruzstd::decoding::FrameDecoder>>>,
    input: Option<R>,
}

impl<R: Read> Frames<R> {
    fn new(input: R) -> Self {
        Self { decoder: None, input: Some(input) }
    }
}

impl<R: io::BufRead> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(decoder) = &mut self.decoder {
                let len = decoder.read(buffer)?;
                if len > 0 || buffer.is_empty() {
                    return Ok(len);
                }
            }
            if let Some(decoder) = self.decoder.take() {
                self.input = Some(decoder.into_inner());
            }
            let Some(mut input) = self.input.take() else { return Ok(0) };
            if input.fill_buf()?.is_empty() {
                self.input = Some(input);
                return Ok(0);
            }
            let decoder = StreamingDecoder::new(input)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
            self.decoder = Some(Box::new(decoder));
        }
    }
}

/// The first bytes of an unpacked file: enough to know it again and to find its first time.
pub(crate) fn front(path: &Path) -> io::Result<Vec<u8>> {
    let mut front = Vec::new();
    let read = Stream::open(path, 0)?.take(FRONT).read_to_end(&mut front);
    // A file that breaks off may still be readable at its beginning.
    match read {
        Err(error) if front.is_empty() => Err(error),
        _ => Ok(front),
    }
}

/// The files of folders, in place of the folders.
pub(crate) fn expand(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Unreadable> {
    let mut files = Vec::new();
    for path in paths {
        let unreadable = |error| Unreadable { path: path.clone(), error };
        if !fs::metadata(path).map_err(unreadable)?.is_dir() {
            files.push(path.clone());
            continue;
        }
        let mut inside = Vec::new();
        for entry in fs::read_dir(path).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            if entry.path().is_file() && is_log(&entry.path()) {
                inside.push(entry.path());
            }
        }
        inside.sort();
        files.extend(inside);
    }
    Ok(files)
}

/// Whether a file of a folder has the name of a log, packed or rotated.
fn is_log(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase());
    let Some(name) = name else { return false };
    let bare = name.trim_end_matches(".gz").trim_end_matches(".zst");
    let bare = bare.trim_end_matches(|sign: char| sign.is_ascii_digit() || sign == '-');
    let bare = bare.trim_end_matches('.');
    [".log", ".csv", ".json"].iter().any(|ending| bare.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn packed_streams_are_unpacked_member_by_member() {
        let pack = |text: &str| {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gzip.write_all(text.as_bytes()).unwrap();
            gzip.finish().unwrap()
        };
        let two = [pack("hello "), pack("world")].concat();
        let mut read = String::new();
        let mut stream = Stream::unpack(io::Cursor::new(two)).unwrap();
        stream.read_to_string(&mut read).unwrap();
        assert_eq!((read.as_str(), stream.packing), ("hello world", Packing::Gzip));
        let frame = |text: &str| {
            ruzstd::encoding::compress_to_vec(
                text.as_bytes(),
                ruzstd::encoding::CompressionLevel::Fastest,
            )
        };
        let two = [frame("hello "), frame("world")].concat();
        let mut read = String::new();
        let mut stream = Stream::unpack(io::Cursor::new(two)).unwrap();
        stream.read_to_string(&mut read).unwrap();
        assert_eq!((read.as_str(), stream.packing), ("hello world", Packing::Zstd));
    }

    #[test]
    fn a_packed_file_that_is_cut_is_an_error_and_not_an_end() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&[b'x'; 10_000]).unwrap();
        let mut packed = gzip.finish().unwrap();
        packed.truncate(packed.len() - 6);
        let mut stream = Stream::unpack(io::Cursor::new(packed)).unwrap();
        assert!(stream.read_to_end(&mut Vec::new()).is_err());
    }

    #[test]
    fn rotated_logs_are_known_by_their_names() {
        for name in [
            "postgresql.log",
            "postgresql.log.1",
            "postgresql-15-main.log.2.gz",
            "a.csv",
            "b.json.zst",
            "x.log-20240501",
        ] {
            assert!(is_log(Path::new(name)), "{name}");
        }
        assert!(!is_log(Path::new("core.1234")) && !is_log(Path::new("notes.txt")));
    }
}
