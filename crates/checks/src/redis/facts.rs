//! Single facts of a server; a missing one is a skip that names it.

use dbvitals_model::{
    Reason, Subject,
    redis::{Config, Info, Window},
};

use crate::{skip::Skip, view::RedisView};

/// A number of `INFO`.
pub fn number(info: &Info, name: &str) -> Result<f64, Skip> {
    info.number(name)
        .filter(|number| number.is_finite())
        .ok_or_else(|| Skip::not_applicable(format!("INFO has no {name}")))
}

/// A text of `INFO`.
pub fn text<'a>(info: &'a Info, name: &str) -> Result<&'a str, Skip> {
    info.text(name).ok_or_else(|| Skip::not_applicable(format!("INFO has no {name}")))
}

/// A setting as text.
pub fn setting<'a>(config: &'a Config, name: &str) -> Result<&'a str, Skip> {
    config.text(name).ok_or_else(|| Skip::not_applicable(format!("CONFIG GET has no {name}")))
}

/// A setting as a number (bytes, seconds, microseconds: as the server prints it).
pub fn setting_number(config: &Config, name: &str) -> Result<f64, Skip> {
    let value = setting(config, name)?;
    let number = value.parse().ok().filter(|number: &f64| number.is_finite());
    number
        .ok_or_else(|| Skip::not_applicable(format!("the setting {name} is not a number: {value}")))
}

/// Keys of all logical databases, and how many of them have a time to live.
pub fn keys(info: &Info) -> (f64, f64) {
    let sum = |count: fn(&dbvitals_model::redis::Keyspace) -> i64| {
        info.keyspace.iter().map(|db| count(db).max(0) as f64).sum::<f64>()
    };
    (sum(|db| db.keys), sum(|db| db.expires))
}

/// The server as the subject of a finding.
pub fn server(redis: &RedisView<'_>) -> Subject {
    Subject::new("server", redis.name())
}

/// A setting as the subject of a finding.
pub fn of_setting(name: &str) -> Subject {
    Subject::new("setting", name)
}

/// Whether it follows another server.
pub fn is_replica(redis: &RedisView<'_>, info: &Info) -> bool {
    info.text("role").unwrap_or(&redis.server().role) == "slave"
}

/// The window, for checks that make sense only with one.
pub fn window<'a>(redis: &RedisView<'a>) -> Result<&'a Window, Skip> {
    let was_not_asked = |skip: &Skip| skip.0.reason == Reason::NotAsked;
    redis.window().map_err(|skip| if was_not_asked(&skip) { Skip::needs_window() } else { skip })
}
