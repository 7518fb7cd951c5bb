//! Which servers were named, where, and what is expected of them.

use std::path::PathBuf;

use dbvitals_checks::settings::Pattern;
use dbvitals_model::snapshot::{Expectations, TargetKind};
use secrecy::SecretString;

use crate::{
    args::{
        audit::sample_rate,
        targets::{NodeArgs, TargetArgs},
    },
    config::{
        file::{self, File},
        ignore,
        merged::{Merged, Origin},
    },
    problem::{Problem, nearest},
};

/// A server to examine.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// The name findings carry.
    pub(crate) name: String,
    /// How to reach it.
    pub(crate) server: Server,
    /// What the user told about it.
    pub(crate) expectations: Expectations,
    /// The role the user believes it has.
    pub(crate) role: Option<Role>,
    /// Databases to examine.
    pub(crate) databases: Databases,
    /// Looks at its sessions per second.
    pub(crate) samples_per_second: f64,
    /// Whether the standbys it knows are audited, too.
    pub(crate) with_replicas: bool,
    /// Whether every host of its URL is a target of its own.
    pub(crate) all_nodes: bool,
}

/// How to reach a server.
#[derive(Debug, Clone)]
pub(crate) enum Server {
    /// PostgreSQL.
    Postgres(Box<dbvitals_postgres::Target>),
    /// Redis or Valkey.
    Redis(Box<dbvitals_redis::Target>),
}

/// What a target is said to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Primary,
    Replica,
    Cache,
}

/// Databases by pattern.
#[derive(Debug, Clone)]
pub(crate) struct Databases {
    include: Vec<Pattern>,
    exclude: Vec<Pattern>,
}

/// A look into the environment, so that nothing below reads it globally.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Variables of libpq that name a server.
const NAMING: &[&str] = &["PGHOST", "PGHOSTADDR", "PGPORT", "PGSERVICE", "PGDATABASE", "PGUSER"];

/// The servers of the command line, else of the file, else of libpq's environment.
pub(crate) fn resolve(
    args: &TargetArgs,
    merged: &Merged,
    file: &File,
    env: Environment<'_>,
) -> Result<Vec<Target>, Problem> {
    let resolver = Resolver { merged, file, env };
    let targets = if !args.targets.is_empty() {
        args.targets.iter().map(|text| resolver.typed(text)).collect::<Result<Vec<_>, _>>()?
    } else if !file.targets.is_empty() {
        file.targets.keys().map(|name| resolver.named(name)).collect::<Result<Vec<_>, _>>()?
    } else if NAMING.iter().any(|name| env(name).is_some()) {
        vec![resolver.typed("postgres://")?]
    } else {
        return Err(Problem::usage("no target: nothing to examine").hint(
            "name one, as in `dbvitals audit postgres://user@host/db redis://host`, \
             or write targets into dbvitals.toml",
        ));
    };
    distinct(targets)
}

/// The targets with what the flags add: each host of a URL with several a target of its own, and whose standbys are
/// to be followed.
pub(crate) fn nodes(targets: Vec<Target>, flags: NodeArgs) -> Result<Vec<Target>, Problem> {
    let each = targets.into_iter().flat_map(|target| {
        let all = target.all_nodes || flags.all_nodes;
        let target =
            Target { with_replicas: target.with_replicas || flags.with_replicas, ..target };
        if all { hosts(target) } else { vec![target] }
    });
    distinct(each.collect())
}

/// One target per host; the user's name stays in front of each. What was said of the role of one is not said of all.
fn hosts(target: Target) -> Vec<Target> {
    let Server::Postgres(server) = &target.server else { return vec![target] };
    let nodes = server.nodes();
    if nodes.len() < 2 {
        return vec![target];
    }
    let is_named = target.name != server.endpoint();
    let one = |node: dbvitals_postgres::Target| {
        let place = node.endpoint();
        let name = match place.strip_suffix(&format!("/{}", node.database())) {
            Some(place) if is_named => format!("{}/{place}", target.name),
            _ => place,
        };
        Target { name, role: None, server: Server::Postgres(Box::new(node)), ..target.clone() }
    };
    nodes.into_iter().map(one).collect()
}

fn distinct(targets: Vec<Target>) -> Result<Vec<Target>, Problem> {
    let mut names = std::collections::BTreeSet::new();
    match targets.iter().find(|target| !names.insert(target.name.as_str())) {
        Some(twice) => Err(Problem::usage(format!("two targets are called {}", twice.name))
            .hint("give each a name of its own, as in `main=postgres://…`")),
        None => Ok(targets),
    }
}

struct Resolver<'a> {
    merged: &'a Merged,
    file: &'a File,
    env: Environment<'a>,
}

impl Resolver<'_> {
    /// A target as typed: a name of the file, or a URL or connection string with or without a name.
    fn typed(&self, text: &str) -> Result<Target, Problem> {
        if self.file.targets.contains_key(text) {
            return self.named(text);
        }
        let (name, address) = split_name(text);
        if !address.contains("://") && !address.contains('=') {
            let known: Vec<_> = self.file.targets.keys().map(String::as_str).collect();
            let problem = Problem::usage(format!("{text:?} is neither a URL nor a known target"));
            return Err(match nearest(text, known) {
                Some(near) => problem.hint(format!("did you mean {near}?")),
                None => problem.hint("write postgres://host/db, redis://host or host=… dbname=…"),
            });
        }
        let server = self.server(address)?;
        let name = name.map_or_else(|| server.endpoint(), str::to_owned);
        self.target(name, server, &file::Target::default())
    }

    /// A target of the configuration file.
    fn named(&self, name: &str) -> Result<Target, Problem> {
        let written = &self.file.targets[name];
        let url = written.url.as_deref().ok_or_else(|| {
            Problem::usage(format!("target {name} has no url"))
                .hint(format!("write `url = \"postgres://…\"` below [targets.{name}]"))
        })?;
        let mut server =
            self.server(url).map_err(|problem| problem.within(&format!("target {name}")))?;
        if let Some(variable) = &written.password_env {
            let password = (self.env)(variable).ok_or_else(|| {
                Problem::usage(format!("target {name}: variable {variable} is not set"))
            })?;
            server = server.with_password(SecretString::from(password));
        }
        server.set_files(written)?;
        self.target(name.to_owned(), server, written)
    }

    fn target(
        &self,
        name: String,
        server: Server,
        written: &file::Target,
    ) -> Result<Target, Problem> {
        let role = written.role.as_deref().map(|role| read_role(role, &name)).transpose()?;
        let include = written.include.as_ref().unwrap_or(&self.merged.include.value);
        let exclude = written.exclude.as_ref().unwrap_or(&self.merged.exclude.value);
        let is_redis = matches!(server, Server::Redis(_));
        if is_redis && written.sample_rate.is_some() {
            return Err(Problem::usage(format!(
                "target {name}: sample_rate is for PostgreSQL targets"
            ))
            .hint("sessions are sampled there; leave it out for Redis"));
        }
        Ok(Target {
            expectations: Expectations {
                replicas: written.replicas,
                is_cache: (is_redis && role.is_some()).then_some(role == Some(Role::Cache)),
            },
            role,
            databases: Databases {
                include: ignore::patterns(include, "include")?,
                exclude: ignore::patterns(exclude, "exclude")?,
            },
            samples_per_second: self.sample_rate(&name, written)?,
            name,
            server,
            with_replicas: written.with_replicas,
            all_nodes: written.all_nodes,
        })
    }

    /// A rate that was typed is for all targets; else the target's own comes before that of the file.
    fn sample_rate(&self, name: &str, written: &file::Target) -> Result<f64, Problem> {
        let common = &self.merged.sample_rate;
        let own = written
            .sample_rate
            .map(sample_rate)
            .transpose()
            .map_err(|why| Problem::usage(format!("target {name}: sample_rate: {why}")))?;
        let is_typed = matches!(common.origin, Origin::Typed(_));
        Ok(own.filter(|_| !is_typed).unwrap_or(common.value))
    }

    fn server(&self, address: &str) -> Result<Server, Problem> {
        let scheme = address.split_once("://").map(|(scheme, _)| scheme);
        match scheme {
            Some("postgres" | "postgresql") | None => {
                dbvitals_postgres::Target::parse(address, &|name| (self.env)(name))
                    .map(|target| Server::Postgres(Box::new(target)))
                    .map_err(|error| Problem::usage(error.to_string()))
            }
            Some("redis" | "rediss" | "unix" | "redis+unix" | "valkey" | "valkeys") => {
                dbvitals_redis::Target::parse(address)
                    .map(|target| target.or_environment(|name| (self.env)(name)))
                    .map(|target| Server::Redis(Box::new(target)))
                    .map_err(|error| Problem::usage(error.to_string()))
            }
            Some(other) => Err(Problem::usage(format!("unknown scheme {other:?}")).hint(
                "use postgres://, redis://, rediss:// (TLS), unix:// (Redis socket), \
                 or a libpq key=value string",
            )),
        }
    }
}

impl Server {
    /// What it is meant to be.
    pub(crate) fn kind(&self) -> TargetKind {
        match self {
            Self::Postgres(_) => TargetKind::Postgres,
            Self::Redis(_) => TargetKind::Redis,
        }
    }

    /// Host, port and database, without user or secret.
    pub(crate) fn endpoint(&self) -> String {
        match self {
            Self::Postgres(target) => target.endpoint(),
            Self::Redis(target) => target.endpoint(),
        }
    }

    fn with_password(self, password: SecretString) -> Self {
        match self {
            Self::Postgres(target) => Self::Postgres(Box::new(target.with_password(&password))),
            Self::Redis(mut target) => {
                target.password = Some(password);
                Self::Redis(target)
            }
        }
    }

    /// Certificates of the file; PostgreSQL's belong in its URL, where libpq's users look for them.
    fn set_files(&mut self, written: &file::Target) -> Result<(), Problem> {
        let client = pair(written.cert_file.as_ref(), written.key_file.as_ref())?;
        if written.ca_file.is_none() && client.is_none() {
            return Ok(());
        }
        match self {
            Self::Redis(target) => {
                let tls = target.tls.as_mut().ok_or_else(|| {
                    Problem::usage("certificates are given for a redis:// URL without TLS")
                        .hint("write rediss://")
                })?;
                if written.ca_file.is_some() {
                    tls.ca_file.clone_from(&written.ca_file);
                }
                if client.is_some() {
                    tls.client = client;
                }
                Ok(())
            }
            Self::Postgres(_) => {
                Err(Problem::usage("ca_file, cert_file and key_file are for Redis targets")
                    .hint("write sslrootcert=, sslcert= and sslkey= into the PostgreSQL url"))
            }
        }
    }
}

impl Databases {
    /// Whether a database is to be examined.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.include.iter().any(|pattern| pattern.matches(name))
            && !self.exclude.iter().any(|pattern| pattern.matches(name))
    }
}

fn pair(
    certificate: Option<&PathBuf>,
    key: Option<&PathBuf>,
) -> Result<Option<(PathBuf, PathBuf)>, Problem> {
    match (certificate, key) {
        (Some(certificate), Some(key)) => Ok(Some((certificate.clone(), key.clone()))),
        (None, None) => Ok(None),
        _ => Err(Problem::usage("cert_file and key_file go together")),
    }
}

fn read_role(text: &str, target: &str) -> Result<Role, Problem> {
    match text {
        "primary" | "master" => Ok(Role::Primary),
        "replica" | "standby" => Ok(Role::Replica),
        "cache" => Ok(Role::Cache),
        _ => Err(Problem::usage(format!("target {target}: unknown role {text:?}"))
            .hint("use primary, replica or cache")),
    }
}

/// `NAME=URL`, where NAME is a plain word and the rest has a scheme; otherwise all is address.
fn split_name(text: &str) -> (Option<&str>, &str) {
    match text.split_once('=') {
        Some((name, rest)) if rest.contains("://") && is_word(name) => (Some(name), rest),
        _ => (None, text),
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

#[cfg(test)]
mod tests;
