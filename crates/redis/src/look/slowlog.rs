//! The slow log, and what is new in it since an earlier look.

use std::time::Instant;

use dbvitals_model::{
    Section,
    redis::{
        Slowlog,
        look::{LargeCommand, SlowlogLook},
    },
};
use redis::Value;

use super::Watch;
use crate::{
    collect::{command_log, slowlog},
    command::Command,
    reply,
};

/// Where a look at the slow log ended, for the next one to begin at.
#[derive(Debug, Clone, Copy)]
pub struct Position {
    newest: Option<i64>,
    at: Instant,
}

impl Watch {
    /// Where the slow log ends now.
    pub async fn slowlog_position(&mut self) -> Position {
        // One entry is enough: it is the newest. Our own counts too, for its id is what is asked for.
        let newest = self.ask(Command::SLOWLOG_GET, &["1"], slowlog::newest_id).await;
        Position { newest: newest.value().copied().flatten(), at: Instant::now() }
    }

    /// At most `most` of the newest entries: those since a position, or all the log holds. With it the position for
    /// the next look.
    pub async fn slowlog(&mut self, most: u32, since: Option<Position>) -> (SlowlogLook, Position) {
        let length = self.ask(Command::SLOWLOG_LEN, &[], reply::int).await;
        let length = length.value().copied().flatten();
        let most = most.to_string();
        let mut newest = None;
        let decode = |value: &Value| {
            newest = slowlog::newest_id(value);
            slowlog::decode(value, length)
        };
        let found: Section<Slowlog> = self.ask(Command::SLOWLOG_GET, &[&most], decode).await;
        let next = Position { newest, at: Instant::now() };
        let seconds = since.map(|since| since.at.elapsed().as_secs_f64());
        let since_id = since.and_then(|since| since.newest);
        let ground = self.ground().await;
        let mut look =
            SlowlogLook { ground, slowlog: found, since_id, seconds, ..SlowlogLook::default() };
        if since.is_none() && command_log::is_kept(&look.ground.server) {
            look.large_requests = self.large(&most, "large-request").await;
            look.large_replies = self.large(&most, "large-reply").await;
        }
        (look, next)
    }

    /// One of the logs that Valkey keeps beside the slow one; nothing where it may not be read.
    async fn large(&mut self, most: &str, log: &str) -> Vec<LargeCommand> {
        let words = [most, log];
        let found = self.ask(Command::COMMANDLOG_GET, &words, command_log::decode).await;
        found.value().cloned().unwrap_or_default()
    }
}
