//! Who answered, and its settings.
#![expect(missing_docs, reason = "fields carry the server's own names and their unit in the name")]

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ServerVersion;

/// The server behind a connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Server {
    pub version: ServerVersion,
    /// `version()`, for distributions that say more than the number.
    pub version_text: String,
    /// Equal on a primary and all its physical standbys; `None` where the role may not read it.
    pub system_identifier: Option<i64>,
    pub in_recovery: bool,
    /// The timeline a primary writes; `None` on a standby (see its recovery) and where it cannot be told.
    pub timeline: Option<i64>,
    pub started_at: Option<Timestamp>,
    pub config_loaded_at: Option<Timestamp>,
    /// The server's clock when collection began: the "now" of every age.
    pub now: Timestamp,
    /// The database we are connected to for instance-wide sections.
    pub database: String,
    pub user: String,
    pub is_superuser: bool,
    /// Predefined roles the user is a member of (`pg_monitor`, `pg_read_all_stats` …), directly or not.
    pub member_of: Vec<String>,
    /// Our own backends, so that they are never findings.
    pub own_pids: Vec<i64>,
    pub data_checksums: Option<bool>,
    pub cluster_name: Option<String>,
    pub block_size_bytes: i64,
    /// Time to connect, authenticate and be ready: the median of so many tries.
    pub connect_ms: Option<f64>,
    pub connect_tries: i64,
    /// Round trip of `select 1` on the open connection: the median of several.
    pub round_trip_ms: Option<f64>,
    /// Connected through a unix socket or a loopback address.
    pub is_local: bool,
    /// Our own connection is encrypted.
    pub tls: bool,
    /// A pooler stands between us and the server.
    pub pooler: Option<String>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            version: ServerVersion::new(0, 0, 0),
            version_text: String::new(),
            system_identifier: None,
            in_recovery: false,
            timeline: None,
            started_at: None,
            config_loaded_at: None,
            now: Timestamp::UNIX_EPOCH,
            database: String::new(),
            user: String::new(),
            is_superuser: false,
            member_of: Vec::new(),
            own_pids: Vec::new(),
            data_checksums: None,
            cluster_name: None,
            block_size_bytes: 8192,
            connect_ms: None,
            connect_tries: 0,
            round_trip_ms: None,
            is_local: false,
            tls: false,
            pooler: None,
        }
    }
}

/// One configuration file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConfigFile {
    /// `config_file`, `hba_file`, `auto_file` (what `ALTER SYSTEM` writes).
    pub kind: String,
    pub path: String,
    /// To the second; `None` where there is no such file.
    pub modified_at: Option<Timestamp>,
}

/// `pg_settings` in the server's order (sorted by name).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Settings(pub Vec<Setting>);

/// One row of `pg_settings`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Setting {
    pub name: String,
    /// `reset_val`: what a new session gets. Our own `SET`s shadow `setting`.
    pub value: String,
    /// `8kB`, `kB`, `MB`, `ms`, `s`, `min`, or none.
    pub unit: Option<String>,
    /// `bool`, `integer`, `real`, `enum`, `string`.
    pub kind: String,
    /// `postmaster` (restart), `sighup` (reload), `superuser`, `user` …
    pub context: String,
    pub source: String,
    pub boot_value: Option<String>,
    pub pending_restart: bool,
}

impl Settings {
    /// The setting of that name.
    pub fn get(&self, name: &str) -> Option<&Setting> {
        self.0.iter().find(|setting| setting.name == name)
    }

    /// The value as text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).map(|setting| setting.value.as_str())
    }

    /// A boolean setting; `None` where it does not exist.
    pub fn is_on(&self, name: &str) -> Option<bool> {
        self.text(name).map(|value| value == "on")
    }

    /// A number in the setting's own unit.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.text(name)?.parse().ok()
    }

    /// A memory setting in bytes, whatever its unit. Negative values (meaning "automatic") stay negative.
    pub fn bytes(&self, name: &str) -> Option<i64> {
        let setting = self.get(name)?;
        let number: i64 = setting.value.parse().ok()?;
        let scale = match setting.unit.as_deref() {
            None | Some("" | "B") => 1,
            Some("kB") => 1 << 10,
            Some("8kB") => 8 << 10,
            Some("16kB") => 16 << 10,
            Some("32kB") => 32 << 10,
            Some("MB") => 1 << 20,
            Some("16MB") => 16 << 20,
            Some("GB") => 1 << 30,
            Some(_) => return None,
        };
        Some(if number < 0 { number } else { number.saturating_mul(scale) })
    }

    /// A time setting in milliseconds, whatever its unit.
    pub fn millis(&self, name: &str) -> Option<f64> {
        let setting = self.get(name)?;
        let number: f64 = setting.value.parse().ok()?;
        let scale = match setting.unit.as_deref() {
            Some("us") => 0.001,
            None | Some("" | "ms") => 1.0,
            Some("s") => 1000.0,
            Some("min") => 60_000.0,
            Some("h") => 3_600_000.0,
            Some("d") => 86_400_000.0,
            Some(_) => return None,
        };
        Some(number * scale)
    }
}
