//! What happened hour by hour.

use crate::{
    histogram::Histogram,
    moment::{HOUR, Micros},
};

/// Hours that are kept: a year. Wild times beyond them are one hour.
const HOURS: usize = 8784;

/// One hour.
#[derive(Debug, Default)]
pub(super) struct HourSum {
    pub(super) records: i64,
    pub(super) histogram: Histogram,
    pub(super) statements: i64,
    pub(super) micros: i64,
    pub(super) errors: i64,
    pub(super) connections: i64,
    pub(super) connections_peak: i64,
    pub(super) lock_waits: i64,
    pub(super) temp_bytes: i64,
    pub(super) checkpoints: i64,
}

/// All hours, oldest first, and what has no time or no room.
#[derive(Debug, Default)]
pub(super) struct Hours {
    pub(super) known: Vec<(i64, HourSum)>,
    pub(super) rest: HourSum,
    current: usize,
}

impl HourSum {
    #[inline]
    pub(super) fn statement(&mut self, micros: i64) {
        self.statements += 1;
        self.micros += micros;
        self.histogram.add(micros);
    }

    /// A connection, in a second that had so many so far.
    pub(super) fn connected(&mut self, in_second: i64) {
        self.connections += 1;
        self.connections_peak = self.connections_peak.max(in_second);
    }
}

impl Hours {
    /// The hour of a time.
    #[inline]
    pub(super) fn at(&mut self, time: Option<Micros>) -> &mut HourSum {
        let Some(hour) = time.map(|time| time.div_euclid(HOUR)) else { return &mut self.rest };
        let is_current = self.known.get(self.current).is_some_and(|(known, _)| *known == hour);
        if !is_current {
            match self.known.binary_search_by_key(&hour, |(hour, _)| *hour) {
                Ok(place) => self.current = place,
                Err(_) if self.known.len() >= HOURS => return &mut self.rest,
                Err(place) => {
                    self.known.insert(place, (hour, HourSum::default()));
                    self.current = place;
                }
            }
        }
        &mut self.known[self.current].1
    }
}
