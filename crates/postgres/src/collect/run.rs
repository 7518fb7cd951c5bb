//! One run of collecting: the connection for instance-wide sections, and what has come together so far.

use std::time::{Duration, Instant};

use dbvitals_model::{
    Reason, Section, Unavailable,
    pg::{PgSnapshot, statement::Statement},
    snapshot::CollectorCost,
};
use futures_util::StreamExt as _;
use jiff::SignedDuration;

use super::{
    Collected,
    ask::Asking,
    collector::{Collector, File},
    examine::{self, Examined},
    found::Found,
    obstacle,
    offered::offered,
    options::{Options, Progress},
    reader::Reader,
    registry::COLLECTORS,
    statements::{self, Installed},
    window::Before,
};
use crate::{Databases, Error, Session, Target, connect, probe::median};

/// Databases read at the same time.
const SIDE_BY_SIDE: usize = 2;
/// Connections whose making is timed.
const CONNECTS: usize = 3;
/// Longest time for one of them.
const ONE_CONNECT: Duration = Duration::from_secs(2);

/// What is known and what has been read so far.
pub(super) struct Run<'a> {
    pub(super) options: &'a Options<'a>,
    pub(super) progress: &'a (dyn Fn(Progress<'_>) + Sync),
    pub(super) session: Session,
    pub(super) reader: Reader,
    pub(super) deadline: Instant,
    /// When the server told its clock.
    probed_at: Instant,
    /// When the instance-wide counters were read.
    pub(super) counters_at: Option<Instant>,
    pub(super) databases: Databases,
    /// Where statements are read, or why they are not.
    pub(super) place: Result<Installed, Unavailable>,
    pub(super) snapshot: PgSnapshot,
    pub(super) cost: Vec<CollectorCost>,
    pub(super) problems: Vec<String>,
}

impl<'a> Run<'a> {
    /// Connects, learns who answers and which databases there are.
    pub(super) async fn begin(
        target: &Target,
        options: &'a Options<'a>,
        progress: &'a (dyn Fn(Progress<'_>) + Sync),
    ) -> Result<Self, Error> {
        let deadline = Instant::now() + options.budget;
        let mut session = connect(target, options.connect_timeout).await?;
        let server = session.probe().await?;
        let probed_at = Instant::now();
        progress(Progress::Connected);
        let databases = session.databases(options.wanted).await?;
        let reader = Reader::of(&server);
        let snapshot = PgSnapshot { server, ..PgSnapshot::default() };
        let nowhere = obstacle::plain(Reason::Failed, "not looked for");
        let mut run = Self {
            options,
            progress,
            session,
            reader,
            deadline,
            probed_at,
            counters_at: None,
            databases,
            place: Err(nowhere),
            snapshot,
            cost: Vec::new(),
            problems: Vec::new(),
        };
        run.note_pid();
        if options.enters_databases && options.examines_databases {
            run.time_connecting().await;
        }
        statements::locate(&mut run).await;
        Ok(run)
    }

    /// How instance-wide collectors are asked.
    pub(super) fn asking(&self) -> Asking<'_> {
        let (reader, deadline) = (&self.reader, self.deadline);
        Asking { reader, deadline, database: None, opens_nothing: false }
    }

    /// Reads all instance-wide sections in one batch.
    pub(super) async fn read_instance(&mut self) {
        (self.progress)(Progress::Instance);
        self.advance_clock();
        let due: Vec<&'static Collector> = COLLECTORS
            .iter()
            .copied()
            .filter(|collector| {
                !collector.is_per_database() && collector.cost <= self.options.dearest
            })
            .collect();
        self.read(&due).await;
        self.counters_at = Some(Instant::now());
        self.snapshot.certificate = match self.session.certificate() {
            Some(certificate) => Section::collected(certificate),
            None if self.snapshot.server.tls => {
                Section::unavailable(Reason::Failed, "the server's certificate cannot be read")
            }
            None => Section::unavailable(Reason::NotApplicable, "the connection is not encrypted"),
        };
    }

    /// Brings the server's clock to this moment: a window may have passed since it was told, and ages of
    /// sessions are reckoned from it.
    fn advance_clock(&mut self) {
        let passed = SignedDuration::try_from(self.probed_at.elapsed()).unwrap_or_default();
        let now = &mut self.snapshot.server.now;
        *now = now.checked_add(passed).unwrap_or(*now);
        self.probed_at = Instant::now();
    }

    /// Reads these instance-wide sections.
    pub(super) async fn read(&mut self, due: &[&'static Collector]) {
        let asking = Asking {
            reader: &self.reader,
            deadline: self.deadline,
            database: None,
            opens_nothing: false,
        };
        for (collector, found) in asking.ask(&mut self.session, due, &mut self.cost).await {
            self.file(collector, found);
        }
    }

    fn file(&mut self, collector: &Collector, found: Found) {
        if let File::Instance(file) = collector.file {
            file(&mut self.snapshot, found);
        }
    }

    /// Reads `pg_stat_statements`; answers all its entries, for the window.
    pub(super) async fn read_statements(&mut self, before: Option<&Before>) -> Vec<Statement> {
        (self.progress)(Progress::Statements);
        statements::read(self, before.map(Before::statements)).await
    }

    /// Reads each database, two at a time; the first connection serves its own database.
    pub(super) async fn read_databases(&mut self) {
        for (name, why) in &self.databases.passed_over {
            self.snapshot.by_database.push(examine::closed(name, &self.reader, why));
        }
        if self.options.enters_databases && self.options.examines_databases {
            let examined = self.each_database().await;
            for database in examined {
                self.snapshot.by_database.push(database.snapshot);
                self.cost.extend(database.cost);
                self.problems.extend(database.problem);
            }
        }
        self.snapshot.by_database.sort_by(|one, other| one.name.cmp(&other.name));
    }

    async fn each_database(&mut self) -> Vec<Examined> {
        let home = self.snapshot.server.database.clone();
        let names = self.databases.examined.clone();
        let mut all = Vec::with_capacity(names.len());
        if names.contains(&home) {
            (self.progress)(Progress::Database { name: &home, number: 1, of: names.len() });
            all.push(self.examine_home(&home).await);
        }
        let mut work = Vec::new();
        for name in names.into_iter().filter(|name| *name != home) {
            let number = all.len() + work.len() + 1;
            work.push(self.examine_apart(name, number));
        }
        let apart: Vec<Examined> =
            futures_util::stream::iter(work).buffered(SIDE_BY_SIDE).collect().await;
        all.extend(apart);
        all
    }

    /// Reads the database of the first connection; a large one with the help of a second connection.
    async fn examine_home(&mut self, home: &str) -> Examined {
        let asking = Asking {
            reader: &self.reader,
            deadline: self.deadline,
            database: Some(home),
            opens_nothing: false,
        };
        let is_wide = examine::is_wide(&mut self.session, asking).await;
        // Without room for another connection, one does it all.
        let mut second = if is_wide { self.enter(home).await.ok() } else { None };
        let asking = Asking {
            reader: &self.reader,
            deadline: self.deadline,
            database: Some(home),
            opens_nothing: false,
        };
        let (session, helper) = (&mut self.session, second.as_mut());
        let (server, options) = (&self.snapshot.server, self.options);
        let examined = examine::examine(session, helper, asking, home, server, options).await;
        if let Some(second) = second {
            second.close().await;
        }
        examined
    }

    /// Reads a database over a connection of its own, a large one over two.
    async fn examine_apart(&self, name: String, number: usize) -> Examined {
        let of = self.databases.examined.len();
        (self.progress)(Progress::Database { name: &name, number, of });
        match self.enter(&name).await {
            Ok(mut session) => {
                let asking = Asking { database: Some(&name), ..self.asking() };
                let (server, options) = (&self.snapshot.server, self.options);
                let is_wide = examine::is_wide(&mut session, asking).await;
                let mut second = if is_wide { self.enter(&name).await.ok() } else { None };
                let helper = second.as_mut();
                let examined =
                    examine::examine(&mut session, helper, asking, &name, server, options).await;
                for session in [Some(session), second].into_iter().flatten() {
                    session.close().await;
                }
                examined
            }
            Err(why) => Examined {
                snapshot: examine::closed(&name, &self.reader, &why),
                cost: Vec::new(),
                problem: Some(format!("database {name}: {}", why.detail)),
            },
        }
    }

    /// A connection to another database of the same server, if there is time left.
    pub(super) async fn enter(&self, name: &str) -> Result<Session, Unavailable> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left < Duration::from_millis(1) {
            return Err(obstacle::no_time_left());
        }
        let target = self.session.target_for(name);
        connect(&target, self.options.connect_timeout.min(left))
            .await
            .map_err(|error| error.unavailable())
    }

    /// Connects again, one connection after the other, so that one slow moment is not taken for the rule. A server
    /// that has let us in and lets nobody in after us is worth a word.
    async fn time_connecting(&mut self) {
        let target = self.session.target_for(&self.snapshot.server.database);
        let mut times = vec![self.session.facts.connect_ms];
        while times.len() < CONNECTS {
            match connect(&target, self.options.connect_timeout.min(ONE_CONNECT)).await {
                Ok(session) => {
                    times.push(session.facts.connect_ms);
                    session.close().await;
                }
                Err(error) => {
                    self.problems.push(format!("a further connection failed: {error}"));
                    break;
                }
            }
        }
        let server = &mut self.snapshot.server;
        server.connect_tries = i64::try_from(times.len()).unwrap_or(i64::MAX);
        server.connect_ms = Some(median(&mut times));
    }

    /// Our own process is never a finding.
    fn note_pid(&mut self) {
        let pids = &mut self.snapshot.server.own_pids;
        if let Some(pid) = self.session.announced_pid()
            && !pids.contains(&pid)
        {
            pids.push(pid);
        }
    }

    /// Says good-bye; answers all that came together.
    pub(super) async fn finish(mut self) -> Collected {
        if let Some(error) = &self.session.lost {
            self.problems
                .push(format!("the connection was lost: what follows is missing ({error})"));
        }
        let offered = offered(&self.snapshot, self.session.endpoint());
        self.session.close().await;
        Collected {
            snapshot: self.snapshot,
            host: None,
            cost: self.cost,
            problems: self.problems,
            offered,
        }
    }
}

/// Where statements are read: over the first connection, or over another.
pub(super) fn is_home(run: &Run<'_>, installed: &Installed) -> bool {
    run.snapshot.server.database == installed.database
}
