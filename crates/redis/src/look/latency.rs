//! Latency: events, histograms of commands, counters, and round trips of our own.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use dbvitals_model::{
    Reason, Section, ServerVersion,
    redis::{
        LatencyEvent,
        look::{Histogram, LatencyLook, Occurrence},
    },
};

use super::{Watch, between, histogram};
use crate::{
    collect::{latency, unless_monitored},
    command::Command,
};

/// Most events whose history is asked for; there are fewer than twenty kinds.
const MOST_EVENTS: usize = 32;

impl Watch {
    /// Watches for `length`, with a `PING` every `every`.
    pub async fn latency(&mut self, length: Duration, every: Duration) -> LatencyLook {
        let before = self.ground().await;
        let histograms_before = self.histograms(before.server.version).await;
        let begun = Instant::now();
        let pings_ms = self.pings(length, every).await;
        let histograms = self.histograms(before.server.version).await;
        let passed = begun.elapsed();
        let ground = self.ground().await;
        let events = self.ask(Command::LATENCY_LATEST, &[], latency::decode).await;
        let events = unless_monitored(events, ground.config.value());
        let history = self.history(&events).await;
        let window = between(&before.info, &ground.info, passed);
        LatencyLook { ground, events, history, histograms, histograms_before, window, pings_ms }
    }

    /// Round trips one after the other, in milliseconds; a refused `PING` makes the trip all the same.
    async fn pings(&mut self, length: Duration, every: Duration) -> Vec<f64> {
        let ping = Command::PING.cmd();
        let begun = Instant::now();
        let mut times = Vec::new();
        while begun.elapsed() < length && self.lost().is_none() {
            let sent = Instant::now();
            let _ = self.opened.link.one("PING", &ping).await;
            let took = sent.elapsed();
            if self.lost().is_none() {
                times.push(took.as_secs_f64() * 1000.0);
            }
            let left = length.saturating_sub(begun.elapsed());
            tokio::time::sleep(every.saturating_sub(took).min(left)).await;
        }
        times
    }

    async fn histograms(&mut self, version: ServerVersion) -> Section<BTreeMap<String, Histogram>> {
        if version < ServerVersion::new(7, 0, 0) {
            let detail = "the server keeps no histograms of its commands before 7.0";
            return Section::unavailable(Reason::Version, detail);
        }
        self.ask(Command::LATENCY_HISTOGRAM, &[], histogram::decode).await
    }

    async fn history(
        &mut self,
        events: &Section<Vec<LatencyEvent>>,
    ) -> Section<BTreeMap<String, Vec<Occurrence>>> {
        let names: Vec<&str> = match events {
            Section::Unavailable(why) => return Section::Unavailable(why.clone()),
            Section::Collected(it) => it.value.iter().map(|event| event.event.as_str()).collect(),
        };
        let mut all = BTreeMap::new();
        for name in names.into_iter().take(MOST_EVENTS) {
            match self.ask(Command::LATENCY_HISTORY, &[name], histogram::history).await {
                Section::Collected(rows) => all.insert(name.to_owned(), rows.value),
                Section::Unavailable(why) => return Section::Unavailable(why),
            };
        }
        Section::collected(all)
    }
}
