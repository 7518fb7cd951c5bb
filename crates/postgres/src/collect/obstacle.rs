//! Why a section could not be read, and what would open it.

use dbvitals_model::{Reason, Unavailable};

use super::{
    collector::{Collector, Role},
    reader::Reader,
};
use crate::{DecodeError, Error};

/// A collector the server cannot answer, known from its version and role.
pub(super) fn beforehand(collector: &Collector, reader: &Reader) -> Option<Unavailable> {
    if collector.role == Role::Standby && !reader.in_recovery() {
        return Some(plain(Reason::NotApplicable, "the server is not a standby"));
    }
    if collector.text(reader.major()).is_none() {
        let detail = format!("needs PostgreSQL {} or newer", collector.oldest());
        return Some(plain(Reason::Version, detail));
    }
    None
}

/// What the server or the connection said instead of an answer.
pub(super) fn of_error(error: &Error, collector: &Collector, reader: &Reader) -> Unavailable {
    let detail = error.to_string();
    if error.is_permission() {
        return Unavailable { reason: Reason::Permission, detail, remedy: reader.grant(collector) };
    }
    if error.is_locked() {
        return plain(Reason::Locked, "an exclusive lock was in the way");
    }
    if error.is_out_of_time() {
        return no_time_left();
    }
    if error.is_timeout() {
        let detail = format!("no answer within {} s", collector.timeout.as_secs());
        return plain(Reason::Timeout, detail);
    }
    plain(Reason::Failed, detail)
}

/// Rows that do not fit.
pub(super) fn of_shape(error: &DecodeError) -> Unavailable {
    plain(Reason::Failed, error.to_string())
}

/// The time for all collectors is over.
pub(super) fn no_time_left() -> Unavailable {
    let remedy = "raise --timeout";
    Unavailable::with_remedy(Reason::Timeout, "the time for this server was over", remedy)
}

/// A reason with no remedy.
pub(super) fn plain(reason: Reason, detail: impl Into<String>) -> Unavailable {
    Unavailable { reason, detail: detail.into(), remedy: None }
}
