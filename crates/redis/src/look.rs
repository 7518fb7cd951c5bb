//! Looks into one matter of one server (slow log, latency, clients) over a connection that stays open.

mod clients;
mod histogram;
mod latency;
mod slowlog;

use std::{collections::BTreeMap, time::Duration};

use dbvitals_model::{
    Section,
    redis::{Info, Server, Window, look::Ground},
};
use redis::Value;

pub use self::slowlog::Position;
use crate::{
    Error, Target,
    collect::{config, info, section, server, with},
    command::Command,
    connect::{self, Opened},
    link::Answer,
    reply,
};

/// An open connection that is asked for one matter again and again.
#[derive(Debug)]
pub struct Watch {
    opened: Opened,
    target: Target,
    user: String,
    named: Option<String>,
}

impl Watch {
    /// Connects and signs in; every wait ends after `patience`.
    pub async fn open(target: &Target, patience: Duration) -> Result<Self, Error> {
        let patience = target.timeout.unwrap_or(patience);
        let mut opened = connect::open(target, patience).await?;
        let who = [(Command::ACL_WHOAMI, Command::ACL_WHOAMI.cmd())];
        let answer = opened.link.stage("ACL WHOAMI", &who).await.pop();
        let named = answer.and_then(Result::ok).as_ref().and_then(reply::text);
        let user = named.clone().unwrap_or_else(|| target.user_name().to_owned());
        Ok(Self { opened, target: target.clone(), user, named })
    }

    /// Why the connection is of no more use, if it is.
    pub fn lost(&self) -> Option<&Error> {
        self.opened.link.lost()
    }

    /// The server, its counters and its settings now.
    pub async fn ground(&mut self) -> Ground {
        let wanted = [
            (Command::TIME, Command::TIME.cmd()),
            with(Command::INFO, "everything"),
            with(Command::CONFIG_GET, "*"),
        ];
        let mut answers = self.opened.link.stage("INFO", &wanted).await.into_iter();
        let mut next = || answers.next().unwrap_or(Ok(Value::Nil));
        let (now, told) = (next(), next());
        let info = self.section(Command::INFO, told, |value| {
            info::parse(&reply::text(value).unwrap_or_default())
        });
        let config = self.section(Command::CONFIG_GET, next(), config::decode);
        let mut known = Server { user: self.named.clone(), ..Server::default() };
        if let Some(now) = now.ok().as_ref().and_then(server::clock) {
            known.now = now;
        }
        let server = server::describe(&self.opened, &self.target, &known, &info);
        Ground { server, info, config }
    }

    /// One command's section.
    async fn ask<T>(
        &mut self,
        command: Command,
        words: &[&str],
        decode: impl FnOnce(&Value) -> T,
    ) -> Section<T> {
        let mut cmd = command.cmd();
        for word in words {
            cmd.arg(*word);
        }
        let answer = self.opened.link.stage(&command.name(), &[(command, cmd)]).await.pop();
        self.section(command, answer.unwrap_or(Ok(Value::Nil)), decode)
    }

    fn section<T>(
        &self,
        command: Command,
        answer: Answer,
        decode: impl FnOnce(&Value) -> T,
    ) -> Section<T> {
        section(command, &self.user, answer, decode)
    }
}

/// Counters between two looks; why there are none where the looks cannot be compared.
fn between(before: &Section<Info>, after: &Section<Info>, length: Duration) -> Section<Window> {
    match (before, after) {
        (Section::Collected(before), Section::Collected(after)) => {
            match Window::between(&before.value, &after.value, length.as_secs_f64()) {
                Some(window) => Section::collected(window),
                None => Section::unavailable(
                    dbvitals_model::Reason::Failed,
                    "the server restarted or its statistics were reset between the two looks",
                ),
            }
        }
        (Section::Unavailable(why), _) | (_, Section::Unavailable(why)) => {
            Section::Unavailable(why.clone())
        }
    }
}

/// Values by name of a reply of pairs.
fn by_name<T>(value: &Value, read: impl Fn(&Value) -> Option<T>) -> BTreeMap<String, T> {
    let pairs = reply::pairs(value).into_iter();
    pairs.filter_map(|(name, value)| Some((name.to_ascii_lowercase(), read(value)?))).collect()
}
