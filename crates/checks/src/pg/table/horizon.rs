//! Who keeps vacuum from removing dead rows: sessions, slots, prepared transactions, standbys.

use dbvitals_model::pg::activity::Session;

use crate::{skip::Skip, view::PgView};

/// One holder of an old snapshot or transaction id.
#[derive(Debug, Clone, PartialEq)]
pub struct Holder {
    /// What it is.
    pub kind: Kind,
    /// A stable name for the subject: `4711 (app)`, a slot's name, a gid, a standby's name.
    pub name: String,
    /// What it is and what it does, in words.
    pub description: String,
    /// Transactions begun since.
    pub held_xids: i64,
    /// For how long, where that can be told.
    pub held_seconds: Option<f64>,
    /// The database whose tables it affects; `None` for all.
    pub database: Option<String>,
    /// Holds back system catalogues only.
    pub catalogues_only: bool,
    /// The backend, for a session.
    pub pid: Option<i64>,
}

/// The kind of a holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An open transaction.
    Session,
    /// A prepared transaction.
    Prepared,
    /// A replication slot without a consumer.
    IdleSlot,
    /// A replication slot in use.
    Slot,
    /// `hot_standby_feedback` of a standby without a slot.
    Standby,
}

impl Kind {
    /// The class of the subject.
    pub fn subject(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Prepared => "prepared transaction",
            Self::IdleSlot | Self::Slot => "slot",
            Self::Standby => "replica",
        }
    }
}

impl Holder {
    /// Whether it keeps the dead rows of a database's ordinary tables.
    pub fn affects(&self, database: &str) -> bool {
        !self.catalogues_only && self.database.as_deref().is_none_or(|name| name == database)
    }
}

/// All holders, the one that holds most transactions first. Reads `activity`, and `prepared_transactions`,
/// `slots` and `replicas` where they are there.
pub fn holders(pg: &PgView<'_>) -> Result<Vec<Holder>, Skip> {
    let (activity, prepared) = (pg.activity(), pg.prepared_transactions());
    let (slots, replicas) = (pg.slots(), pg.replicas());
    let own = &pg.server().own_pids;
    let mut found: Vec<Holder> = activity?
        .iter()
        .filter(|session| holds(session) && !own.contains(&session.pid))
        .filter_map(|session| of_session(pg, session))
        .collect();
    found.extend(prepared.ok().into_iter().flatten().map(|transaction| Holder {
        kind: Kind::Prepared,
        name: transaction.gid.clone(),
        description: format!(
            "prepared transaction {} of {} in {}",
            transaction.gid, transaction.owner, transaction.database
        ),
        held_xids: transaction.xid_age,
        held_seconds: pg.seconds_since(transaction.prepared_at),
        database: Some(transaction.database.clone()),
        catalogues_only: false,
        pid: None,
    }));
    found.extend(slots.ok().into_iter().flatten().filter_map(|slot| {
        let held_xids = slot.xmin_age.max(slot.catalog_xmin_age)?;
        let (kind, state) =
            if slot.active { (Kind::Slot, "active") } else { (Kind::IdleSlot, "inactive") };
        Some(Holder {
            kind,
            name: slot.name.clone(),
            description: format!("{state} {} replication slot {}", slot.kind, slot.name),
            held_xids,
            held_seconds: if slot.active { None } else { pg.seconds_since(slot.inactive_since) },
            database: None,
            catalogues_only: slot.xmin_age.is_none_or(|age| age < held_xids),
            pid: None,
        })
    }));
    found.extend(replicas.ok().into_iter().flatten().filter_map(|replica| {
        Some(Holder {
            kind: Kind::Standby,
            name: replica.application.clone(),
            description: format!(
                "hot_standby_feedback of standby {} at {}",
                replica.application,
                replica.client_address.as_deref().unwrap_or("a local socket")
            ),
            held_xids: replica.xmin_age?,
            held_seconds: None,
            database: None,
            catalogues_only: false,
            pid: Some(replica.pid),
        })
    }));
    found.sort_by(|a, b| b.held_xids.cmp(&a.held_xids).then_with(|| a.name.cmp(&b.name)));
    Ok(found)
}

/// A session whose snapshot counts. Vacuums are ignored by other vacuums, parallel workers share their
/// leader's snapshot, walsenders are told as standbys and slots.
fn holds(session: &Session) -> bool {
    let vacuums =
        session.query.trim_start().get(..6).is_some_and(|word| word.eq_ignore_ascii_case("vacuum"));
    !vacuums
        && session.leader_pid.is_none()
        && !matches!(session.backend_type.as_str(), "autovacuum worker" | "walsender")
}

fn of_session(pg: &PgView<'_>, session: &Session) -> Option<Holder> {
    let user = session.user.as_deref().unwrap_or("unknown");
    let state = session.state.as_deref().unwrap_or(&session.backend_type);
    Some(Holder {
        kind: Kind::Session,
        name: format!("{} ({user})", session.pid),
        description: format!(
            "session {} of {user} in {} ({state})",
            session.pid,
            session.database.as_deref().unwrap_or("no database")
        ),
        held_xids: session.xmin_age.max(session.xid_age)?,
        held_seconds: pg.seconds_since(session.transaction_started_at),
        database: session.database.clone(),
        catalogues_only: false,
        pid: Some(session.pid),
    })
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use dbvitals_model::pg::{
        PgSnapshot,
        replication::{Replica, Slot},
    };

    use super::*;
    use crate::testing::{self, ago, edit};

    fn told(edit: impl FnOnce(&mut PgSnapshot)) -> Vec<Holder> {
        let snapshot = testing::pg(edit);
        let reads = RefCell::default();
        let view = PgView::of(&snapshot, &snapshot.targets[0], &reads).unwrap();
        holders(&view).unwrap()
    }

    #[test]
    fn vacuums_workers_and_our_own_sessions_hold_nothing() {
        let old = Session {
            pid: 7,
            backend_type: "client backend".into(),
            xmin_age: Some(9),
            ..Session::default()
        };
        let sessions = vec![
            Session { query: "VACUUM app.orders".into(), ..old.clone() },
            Session { backend_type: "autovacuum worker".into(), ..old.clone() },
            Session { backend_type: "walsender".into(), ..old.clone() },
            Session { leader_pid: Some(3), ..old.clone() },
            Session { pid: 8, ..old.clone() },
            Session { xmin_age: None, ..old.clone() },
        ];
        let found = told(|pg| {
            *edit(&mut pg.activity) = sessions;
            pg.server.own_pids = vec![8];
        });
        assert_eq!(found, []);
        assert_eq!(told(|pg| *edit(&mut pg.activity) = vec![old]).len(), 1);
    }

    #[test]
    fn every_kind_of_holder_is_named_the_oldest_first() {
        let found = told(|pg| {
            *edit(&mut pg.slots) = vec![Slot {
                name: "cdc".into(),
                kind: "logical".into(),
                catalog_xmin_age: Some(50),
                inactive_since: ago(60),
                ..Slot::default()
            }];
            *edit(&mut pg.replicas) = vec![Replica {
                application: "standby1".into(),
                xmin_age: Some(70),
                ..Replica::default()
            }];
        });
        let names: Vec<_> = found.iter().map(|holder| holder.name.as_str()).collect();
        assert_eq!(names, ["standby1", "cdc"]);
        assert_eq!(found[1].kind, Kind::IdleSlot);
        assert_eq!(found[1].held_seconds, Some(60.0));
        assert!(found[1].catalogues_only && !found[1].affects("app"));
        assert!(found[0].affects("app"));
    }
}
