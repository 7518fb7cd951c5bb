//! Sessions of clients: whose they are, what they do, and how to end it.

use dbvitals_model::{
    Evidence, Finding, Fix, FixKind, Severity, Subject, Unit, pg::activity::Session,
};
use jiff::Timestamp;

use crate::{
    check::Threshold,
    context::Context,
    skip::{Judged, Skip},
    sql,
    view::PgView,
    words,
};

/// What the server shows instead of the statement of a session the role may not see.
const HIDDEN: &str = "<insufficient privilege>";

/// Sessions of clients, without our own: no walsenders, no workers, no autovacuum.
pub fn clients<'a>(
    pg: &PgView<'a>,
    sessions: &'a [Session],
) -> impl Iterator<Item = &'a Session> + use<'a> {
    let pg = *pg;
    sessions.iter().filter(move |s| s.backend_type == "client backend" && !is_own(&pg, s.pid))
}

/// Whether it is a session of this tool.
pub fn is_own(pg: &PgView<'_>, pid: i64) -> bool {
    pg.server().own_pids.contains(&pid)
}

/// Whether it stands in an open transaction without doing anything.
pub fn is_idle_in_transaction(session: &Session) -> bool {
    session.state.as_deref().is_some_and(|state| state.starts_with("idle in transaction"))
}

/// The findings, or, when there are none because sessions are hidden, a skip that says so.
pub fn unless_hidden(found: Vec<Finding>, pg: &PgView<'_>, sessions: &[Session]) -> Judged {
    let hidden = sessions.iter().filter(|session| session.query == HIDDEN).count();
    if !found.is_empty() || hidden == 0 {
        return Ok(found);
    }
    let user = sql::ident(&pg.server().user);
    Err(Skip::permission(
        format!("what {hidden} sessions of other roles do is hidden"),
        format!("GRANT pg_read_all_stats TO {user};"),
    ))
}

/// The session as a subject: process id and user.
pub fn subject(session: &Session) -> Subject {
    let name = match &session.user {
        Some(user) => format!("{} ({user})", session.pid),
        None => session.pid.to_string(),
    };
    match &session.database {
        Some(database) => Subject::within("session", database, name),
        None => Subject::new("session", name),
    }
}

/// The session in a sentence: `session 4711 (web, psql)`.
pub fn label(session: &Session) -> String {
    let application = Some(session.application.as_str()).filter(|name| !name.is_empty());
    let who: Vec<&str> = session.user.as_deref().into_iter().chain(application).collect();
    if who.is_empty() {
        format!("session {} ({})", session.pid, session.backend_type)
    } else {
        format!("session {} ({})", session.pid, who.join(", "))
    }
}

/// A finding about a session that has lasted too long, if it has.
#[derive(Debug)]
pub struct Lasting<'a> {
    /// The session.
    pub session: &'a Session,
    /// Since when it lasts.
    pub since: Option<Timestamp>,
    /// The column that says so.
    pub source: &'static str,
    /// What is wrong, before the time: `is idle in its transaction for`.
    pub problem: &'static str,
    /// What to do.
    pub advice: &'static str,
}

impl Lasting<'_> {
    /// Holds the age against both limits.
    pub fn judge(
        &self,
        pg: &PgView<'_>,
        cx: &Context<'_>,
        warning: &Threshold,
        critical: &Threshold,
    ) -> Option<Finding> {
        let age = pg.seconds_since(self.since)?;
        let subject = subject(self.session);
        let severity = cx.above(age, warning, critical, &subject.name)?;
        let limit = if severity == Severity::Critical { critical } else { warning };
        let limit = cx.limit_for(limit, &subject.name);
        let message = format!("{} {} {}", label(self.session), self.problem, words::seconds(age));
        let found = cx
            .finding(severity, subject, message, self.advice)
            .with(Evidence::new("duration", age, Unit::Seconds, self.source).against(limit));
        Some(described(found, self.session))
    }
}

/// The finding with what the server shows of the session.
pub fn described(found: Finding, session: &Session) -> Finding {
    let text = |label: &str, value: Option<&str>, column: &str| {
        value.filter(|value| !value.is_empty()).map(|value| {
            Evidence::new(label, value, Unit::Text, format!("pg_stat_activity.{column}"))
        })
    };
    let wait = match (&session.wait_event_type, &session.wait_event) {
        (Some(class), Some(event)) => Some(format!("{class}: {event}")),
        _ => None,
    };
    let number = |label: &str, value: Option<i64>, column: &str| {
        value.map(|value| {
            Evidence::new(label, value, Unit::Xids, format!("pg_stat_activity.{column}"))
        })
    };
    [
        text("state", session.state.as_deref(), "state"),
        text("waits for", wait.as_deref(), "wait_event"),
        text("client", session.client_address.as_deref(), "client_addr"),
        text("statement", Some(&words::shorten(&session.query, 500)), "query"),
        number("age of its snapshot", session.xmin_age, "backend_xmin"),
    ]
    .into_iter()
    .flatten()
    .fold(found, Finding::with)
}

/// Stops the statement that runs now. An open transaction fails with it and lets go of its locks.
pub fn cancel(session: &Session) -> Fix {
    Fix::new(FixKind::Review, [format!("SELECT pg_cancel_backend({});", session.pid)]).locking(
        "none",
        "nothing; the statement fails with an error and its transaction is rolled back",
    )
}

/// Ends the session.
pub fn terminate(session: &Session) -> Fix {
    Fix::new(FixKind::Review, [format!("SELECT pg_terminate_backend({});", session.pid)]).locking(
        "none",
        "nothing; its transaction is rolled back and the client has to connect again",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_named_by_process_and_user() {
        let mut session =
            Session { pid: 7, backend_type: "checkpointer".into(), ..Session::default() };
        assert_eq!(label(&session), "session 7 (checkpointer)");
        assert_eq!(subject(&session).name, "7");
        session.user = Some("web".into());
        session.application = "psql".into();
        assert_eq!(label(&session), "session 7 (web, psql)");
        assert_eq!(subject(&session).name, "7 (web)");
    }
}
