//! The adapter against real servers of every version, and against peers that misbehave.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends at the first surprise; this is no code of the product"
)]

mod access;
mod connecting;
mod faults;
mod keys;
mod keyspace;
mod sections;

use std::time::Duration;

use dbvitals_model::{Section, Unavailable};
use dbvitals_redis::{Collected, Error, Options, Target, collect};

/// Options that give a busy machine the time it needs.
fn options() -> Options {
    Options { sample_time: Duration::from_secs(5), ..Options::default() }
}

/// Collects from a URL.
async fn audit(url: &str) -> Collected {
    audit_with(url, &options()).await
}

async fn audit_with(url: &str, options: &Options) -> Collected {
    collect(&Target::parse(url).unwrap(), options).await.unwrap()
}

/// Why a URL cannot be audited.
async fn failure(url: &str) -> Error {
    collect(&Target::parse(url).unwrap(), &options()).await.err().unwrap()
}

/// The same of a peer that is known to keep silent: there is no need to wait long for that.
async fn failure_of_silent(url: &str) -> Error {
    let options = Options { timeout: Duration::from_millis(200), ..options() };
    collect(&Target::parse(url).unwrap(), &options).await.err().unwrap()
}

/// The value of a section, or a panic that tells why there is none.
fn value<T: std::fmt::Debug>(section: &Section<T>) -> &T {
    section.get().unwrap_or_else(|why| panic!("unavailable: {why:?}"))
}

/// Why a section has no value.
fn why<T: std::fmt::Debug>(section: &Section<T>) -> &Unavailable {
    section.get().expect_err("the section was collected")
}

fn remedy(why: &Unavailable) -> &str {
    why.remedy.as_deref().unwrap_or_default()
}
