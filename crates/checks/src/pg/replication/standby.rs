//! Standbys as their primary sees them, and the same servers as targets of their own.

use dbvitals_model::{Reason, Unavailable, pg::replication::Replica};

use super::pairing;
use crate::{skip::Skip, view::PgView};

/// Receivers that are standbys: neither logical subscribers, nor base backups, nor archivers that
/// receive WAL and never replay it.
pub fn standbys(replicas: &[Replica]) -> impl Iterator<Item = &Replica> {
    replicas.iter().filter(|replica| {
        let only_receives =
            replica.state.as_deref() == Some("streaming") && replica.replay_lag_bytes.is_none();
        !replica.is_logical && replica.state.as_deref() != Some("backup") && !only_receives
    })
}

/// A name that stays the same when the standby reconnects: `s1@10.0.0.5`.
pub fn label(replica: &Replica) -> String {
    let unnamed = ["", "walreceiver"].contains(&replica.application.as_str());
    let name = match &replica.slot_name {
        Some(slot) if unnamed => slot.as_str(),
        _ if replica.application.is_empty() => "walreceiver",
        _ => replica.application.as_str(),
    };
    match &replica.client_address {
        Some(address) => format!("{name}@{address}"),
        None => name.to_owned(),
    }
}

/// An error when the role may not see what its standbys do.
pub fn visible(pg: &PgView<'_>, replicas: &[Replica]) -> Result<(), Skip> {
    if replicas.iter().all(|replica| replica.state.is_some()) {
        return Ok(());
    }
    Err(hidden(pg, "the state of standbys is hidden"))
}

/// Whether the role may see the state of the WAL receiver.
pub fn sees_receiver(pg: &PgView<'_>) -> bool {
    let server = pg.server();
    let may = |role: &String| ["pg_monitor", "pg_read_all_stats"].contains(&role.as_str());
    server.is_superuser || server.member_of.iter().any(may)
}

/// The skip for what only members of `pg_monitor` see.
pub fn hidden(pg: &PgView<'_>, what: &str) -> Skip {
    let user = crate::sql::ident(&pg.server().user);
    Skip::permission(what, format!("GRANT pg_monitor TO {user};"))
}

/// The primary of this standby, where it was audited too.
pub fn primary<'a>(pg: &PgView<'a>) -> Option<PgView<'a>> {
    pg.siblings().find(|other| !other.server().in_recovery)
}

/// The target behind a connected standby, where it was audited too.
pub fn target_of<'a>(
    pg: &PgView<'a>,
    replicas: &'a [Replica],
    replica: &Replica,
) -> Option<PgView<'a>> {
    let pairs = pairing::pairs(pg, replicas);
    pairs.into_iter().find(|pair| std::ptr::eq(pair.replica, replica))?.target
}

/// How long a standby waits on purpose before it replays, in milliseconds.
pub fn apply_delay_ms(standby: &PgView<'_>) -> f64 {
    let settings = standby.settings().ok();
    settings.and_then(|settings| settings.millis("recovery_min_apply_delay")).unwrap_or(0.0)
}

/// The skip of a check that compares two nodes of a cluster.
pub fn needs_node(which: &str) -> Skip {
    Skip(Unavailable::with_remedy(
        Reason::NotAsked,
        format!("the {which} is not among the targets"),
        format!("name the {which} as a further target"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replica(state: &str, replay: Option<i64>) -> Replica {
        Replica {
            state: Some(state.into()),
            replay_lag_bytes: replay,
            application: "walreceiver".into(),
            ..Replica::default()
        }
    }

    #[test]
    fn what_only_receives_is_no_standby() {
        let subscriber = Replica { is_logical: true, ..replica("streaming", Some(0)) };
        let all = [
            replica("streaming", Some(0)),
            replica("catchup", None),
            replica("backup", None),
            replica("streaming", None),
            subscriber,
        ];
        assert_eq!(standbys(&all).count(), 2);
    }

    #[test]
    fn names_do_not_change_with_the_connection() {
        let mut named = replica("streaming", Some(0));
        assert_eq!(label(&named), "walreceiver");
        named.slot_name = Some("s1".into());
        named.client_address = Some("10.0.0.5".into());
        assert_eq!(label(&named), "s1@10.0.0.5");
        named.application = "east".into();
        assert_eq!(label(&named), "east@10.0.0.5");
    }
}
