//! What a server says of itself when first met: version, role, privileges, databases.

use std::time::{Duration, Instant};

use dbvitals_model::{Reason, ServerVersion, Unavailable, pg::instance::Server};
use jiff::Timestamp;
use serde::Deserialize;
use tokio::time::timeout;

use crate::{
    Error,
    error::Kind,
    session::{Query, Session},
};

const LIMIT: Duration = Duration::from_secs(5);

/// Round trips that are measured.
const ROUND_TRIPS: usize = 3;

/// The databases of a server, sorted by what becomes of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Databases {
    /// To be examined, by name.
    pub examined: Vec<String>,
    /// Wanted, but not to be entered, and why. Templates and databases nobody wants are in neither list.
    pub passed_over: Vec<(String, Unavailable)>,
}

#[derive(Debug, Deserialize)]
struct ServerRow {
    version_num: u32,
    version_text: String,
    in_recovery: bool,
    #[serde(default)]
    started_at: Option<Timestamp>,
    #[serde(default)]
    config_loaded_at: Option<Timestamp>,
    now: Timestamp,
    database: String,
    user: String,
    is_superuser: bool,
    #[serde(default)]
    data_checksums: Option<bool>,
    #[serde(default)]
    cluster_name: Option<String>,
    block_size_bytes: i64,
    pid: i64,
}

#[derive(Debug, Deserialize)]
struct NameRow {
    name: String,
}

#[derive(Debug, Deserialize)]
struct IdentifierRow {
    system_identifier: i64,
}

#[derive(Debug, Deserialize)]
struct TimelineRow {
    #[serde(default)]
    timeline: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct DatabaseRow {
    name: String,
    allows_connections: bool,
    may_connect: bool,
}

impl Session {
    /// Learns who answers: one batch, and some round trips to measure.
    ///
    /// A server older than 13 is an error. The system identifier is `None` where the role may not read it.
    pub async fn probe(&mut self) -> Result<Server, Error> {
        let round_trip_ms = self.round_trip().await?;
        let answers = self
            .batch(&[
                query("server", include_str!("probe/server.sql")),
                query("memberships", include_str!("probe/memberships.sql")),
                query("identifier", include_str!("probe/identifier.sql")),
                query("timeline", include_str!("probe/timeline.sql")),
            ])
            .await;
        let mut tables = answers.into_iter().map(|answer| answer.result);
        let mut next = || tables.next().unwrap_or_else(|| Err(self.lost_error()));
        let row: ServerRow = next()?.one()?;
        let member_of: Vec<NameRow> = next()?.decode()?;
        let identifier = match next() {
            Ok(table) => Some(table.one::<IdentifierRow>()?.system_identifier),
            Err(error) if error.is_lost() => return Err(error),
            Err(_) => None,
        };
        let timeline = match next() {
            Ok(table) => table.one::<TimelineRow>()?.timeline,
            Err(error) if error.is_lost() => return Err(error),
            Err(_) => None,
        };
        let version = ServerVersion::from_pg_num(row.version_num);
        if version.major < 13 {
            return Err(Error::from(Kind::TooOld { version }).at(&self.facts.endpoint));
        }
        let has_pooler = self.facts.announced_pid.is_some_and(|announced| announced != row.pid);
        Ok(Server {
            version,
            version_text: row.version_text,
            system_identifier: identifier,
            in_recovery: row.in_recovery,
            timeline,
            started_at: row.started_at,
            config_loaded_at: row.config_loaded_at,
            now: row.now,
            database: row.database,
            user: row.user,
            is_superuser: row.is_superuser,
            member_of: member_of.into_iter().map(|role| role.name).collect(),
            own_pids: vec![row.pid],
            data_checksums: row.data_checksums,
            cluster_name: row.cluster_name.filter(|name| !name.is_empty()),
            block_size_bytes: row.block_size_bytes,
            connect_ms: Some(self.facts.connect_ms),
            connect_tries: 1,
            round_trip_ms,
            is_local: self.facts.is_local,
            tls: self.facts.tls,
            pooler: has_pooler.then(|| "a connection pooler".to_owned()),
        })
    }

    /// The databases to examine: those that let us in, are no templates, and are `wanted`.
    pub async fn databases(
        &mut self,
        wanted: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<Databases, Error> {
        let asked = [query("databases", include_str!("probe/databases.sql"))];
        let answer = self.batch(&asked).await.pop();
        let table = answer.map_or_else(|| Err(self.lost_error()), |answer| answer.result)?;
        let mut databases = Databases::default();
        for row in table.decode::<DatabaseRow>()? {
            if !wanted(&row.name) {
                continue;
            }
            match obstacle(&row, &self.facts.pinned.user) {
                None => databases.examined.push(row.name),
                Some(why) => databases.passed_over.push((row.name, why)),
            }
        }
        Ok(databases)
    }

    /// The process id of the server's side, as announced at login; behind a pooler it means nothing.
    pub fn announced_pid(&self) -> Option<i64> {
        self.facts.announced_pid
    }

    /// The time of `select 1` and its answer, in milliseconds: the median of several; `None` where the role's own limit
    /// cut all of them short, which is set so low that nothing can be measured.
    async fn round_trip(&mut self) -> Result<Option<f64>, Error> {
        let mut times = Vec::with_capacity(ROUND_TRIPS);
        for _ in 0..ROUND_TRIPS {
            times.extend(self.one_round_trip().await?);
        }
        Ok((!times.is_empty()).then(|| median(&mut times)))
    }

    async fn one_round_trip(&mut self) -> Result<Option<f64>, Error> {
        let start = Instant::now();
        match timeout(LIMIT, self.client.simple_query("select /* dbvitals */ 1")).await {
            Ok(Ok(_)) => Ok(Some(start.elapsed().as_secs_f64() * 1000.0)),
            Ok(Err(error)) if error.is_closed() => Err(self.lost_error()),
            Ok(Err(error)) => {
                let error = Error::from(error);
                if error.is_timeout() { Ok(None) } else { Err(error) }
            }
            Err(_) => {
                let doing = "waiting for the first answer";
                let error = Error::from(Kind::TimedOut { doing, after: LIMIT });
                self.lost = Some(error.clone());
                self.canceller.abort().await;
                Err(error)
            }
        }
    }
}

/// The middle one; of an even number, the larger of the middle two.
pub(crate) fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn query(name: &'static str, sql: &str) -> Query {
    Query { name, sql: sql.to_owned(), timeout: LIMIT }
}

fn obstacle(row: &DatabaseRow, user: &str) -> Option<Unavailable> {
    if !row.allows_connections {
        let detail = format!("the database {} does not allow connections", row.name);
        return Some(Unavailable { reason: Reason::Disabled, detail, remedy: None });
    }
    if !row.may_connect {
        let detail = format!("the role may not connect to the database {}", row.name);
        let (name, user) = (quoted(&row.name), quoted(user));
        let remedy = format!("GRANT CONNECT ON DATABASE {name} TO {user}");
        return Some(Unavailable::with_remedy(Reason::Permission, detail, remedy));
    }
    None
}

/// A name as SQL takes it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
