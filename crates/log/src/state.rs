//! Where the last run ended, so that the next one reads what came since.

use serde::{Deserialize, Serialize};

use crate::{shape::mixer::number_of, source::HEAD};

/// Files that are remembered.
const FILES: usize = 500;
const VERSION: u32 = 1;

/// What was read of which files. A file is known by its first bytes: it may be renamed and packed meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    version: u32,
    files: Vec<Remembered>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Remembered {
    /// Its name when it was read last, for people.
    name: String,
    head_bytes: usize,
    head: u64,
    /// Unpacked bytes that were read.
    offset: u64,
}

impl Default for State {
    fn default() -> Self {
        Self { version: VERSION, files: Vec::new() }
    }
}

impl State {
    /// Reads what [`State::write`] wrote.
    pub fn read(text: &str) -> Result<Self, serde_json::Error> {
        let state: Self = serde_json::from_str(text)?;
        if state.version == VERSION {
            Ok(state)
        } else {
            Err(serde::de::Error::custom(format!("version {} is not {VERSION}", state.version)))
        }
    }

    /// As text, to be kept in a file.
    pub fn write(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }

    /// How far a file with this beginning was read.
    pub fn offset(&self, front: &[u8]) -> u64 {
        self.find(front).map_or(0, |place| self.files[place].offset)
    }

    /// Remembers how far a file was read.
    pub fn remember(&mut self, name: &str, front: &[u8], offset: u64) {
        let head = &front[..front.len().min(HEAD)];
        if head.is_empty() {
            return;
        }
        if let Some(place) = self.find(front) {
            self.files.remove(place);
        }
        if self.files.len() >= FILES {
            self.files.remove(0);
        }
        self.files.push(Remembered {
            name: name.to_owned(),
            head_bytes: head.len(),
            head: number_of(head),
            offset,
        });
    }

    fn find(&self, front: &[u8]) -> Option<usize> {
        self.files.iter().rposition(|file| {
            front.get(..file.head_bytes).is_some_and(|head| number_of(head) == file.head)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_its_beginning_when_it_has_grown() {
        let mut state = State::default();
        state.remember("a.log", b"first line\n", 11);
        let state = State::read(&state.write().unwrap()).unwrap();
        assert_eq!(state.offset(b"first line\nsecond line\n"), 11);
        assert_eq!(state.offset(b"other line\n"), 0);
        assert_eq!(state.offset(b"first"), 0);
        assert!(State::read("{\"version\":9,\"files\":[]}").is_err());
    }
}
