//! The last questions about the largest keys: type, use, encoding, elements.

use super::{
    extra::{ask, length_of},
    leaders::Key,
    walk::Walk,
};
use crate::{Error, command::Command};

/// Keys of one request.
const AT_ONCE: usize = 8;

impl Walk<'_> {
    /// Completes what is known of the largest keys of one database.
    pub(super) async fn describe(&mut self, keys: Vec<Key>) -> Result<(), Error> {
        let mut keys: Vec<Key> = keys
            .into_iter()
            .filter(|key| key.database == self.database && key.encoding.is_none())
            .collect();
        for some in keys.chunks_mut(AT_ONCE) {
            self.uses_and_encodings(some).await?;
            self.lengths(some).await?;
            for key in some {
                self.state.complete(key);
            }
        }
        Ok(())
    }

    async fn uses_and_encodings(&mut self, keys: &mut [Key]) -> Result<(), Error> {
        let asks = *self.asks;
        let command = self.facts.use_command();
        for key in &*keys {
            if asks.idle {
                ask(self.wire, command, &key.name);
            }
            if asks.encoding {
                ask(self.wire, Command::OBJECT_ENCODING, &key.name);
            }
            if asks.kind {
                ask(self.wire, Command::TYPE, &key.name);
            }
        }
        self.wire.send().await?;
        for key in keys {
            let mut is_hidden = false;
            if asks.idle {
                let number = self.number(command).await?.number();
                match command {
                    Command::OBJECT_IDLETIME => key.idle_seconds = number,
                    _ => key.frequency = number,
                }
            }
            if asks.encoding {
                key.encoding = self
                    .word(Command::OBJECT_ENCODING, &mut is_hidden)
                    .await?
                    .map(std::borrow::Cow::into_owned);
            }
            if asks.kind
                && let Some(kind) = self.word(Command::TYPE, &mut is_hidden).await?
                && kind != "none"
            {
                key.kind = kind.into_owned();
            }
        }
        Ok(())
    }

    async fn lengths(&mut self, keys: &mut [Key]) -> Result<(), Error> {
        if !self.asks.length {
            return Ok(());
        }
        for key in &*keys {
            if let Some(command) = length_of(&key.kind) {
                ask(self.wire, command, &key.name);
            }
        }
        self.wire.send().await?;
        for key in keys {
            if let Some(command) = length_of(&key.kind) {
                key.elements = self.number(command).await?.number();
            }
        }
        Ok(())
    }
}
