//! Which servers to walk: the one that was named, a replica of it, or every part of its cluster.

use std::time::Duration;

use dbvitals_model::redis::SlotUse;

use super::{
    Meter, Request, State,
    node::{self, Server},
    slots, state,
};
use crate::{Address, Error, Target, command::Command, reply};

/// Longest wait for a replica: where it cannot be reached, the primary is walked.
const PATIENCE: Duration = Duration::from_secs(2);

/// A replica that lags more is passed over.
const LAG: i64 = 10;

/// A member of a cluster, as `CLUSTER NODES` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Member {
    id: String,
    host: String,
    port: u16,
    /// Of the primary, for a replica.
    primary: Option<String>,
    is_well: bool,
    /// Slots it serves.
    slots: i64,
}

/// Opens every server that is to be walked and gives each the index of its entry in the state.
pub(super) async fn servers(
    target: &Target,
    request: &Request,
    meter: &Meter,
    state: &mut State,
) -> Result<Vec<(usize, Server)>, Error> {
    let patience = target.timeout.unwrap_or(request.timeout);
    let servers = if state.nodes.is_empty() {
        let mut first = node::open(target, patience).await?;
        let members = members(&mut first).await;
        let opened = if members.is_empty() {
            vec![(0, alone(target, first, request, patience, state).await)]
        } else {
            of_cluster(target, &members, request, patience, state).await
        };
        let mut servers = Vec::with_capacity(opened.len());
        for (slots, mut server) in opened {
            let mut node = server.node(request).await;
            node.slots = slots;
            if slots > 0 && server.facts.has_slot_stats() {
                state.slots.told(slot_stats(&mut server).await);
            }
            servers.push((state.nodes.len(), server));
            state.nodes.push(node);
        }
        servers
    } else {
        again(target, patience, state).await?
    };
    let total: i64 = state.databases().map(|it| it.keys).sum();
    meter.expects(u64::try_from(total).unwrap_or(0));
    meter.saw(state.named());
    Ok(servers)
}

/// The named server, or a replica in its place.
async fn alone(
    target: &Target,
    primary: Server,
    request: &Request,
    patience: Duration,
    state: &mut State,
) -> Server {
    let replicas = primary.facts.info.iter().flat_map(|info| &info.replicas);
    let fit = replicas.filter(|it| it.state == "online" && it.lag_seconds <= LAG && it.port > 0);
    let Some(replica) = fit.min_by_key(|it| it.lag_seconds).filter(|_| request.prefer_replica)
    else {
        return primary;
    };
    let port = u16::try_from(replica.port).unwrap_or(0);
    let at = reached(target, &replica.address, port);
    let name = at.endpoint();
    match node::open(&at, patience.min(PATIENCE)).await {
        Ok(server) if is_whole_replica(&server) => {
            state.notes.push(format!("walked the replica {name}, to spare the primary"));
            server
        }
        Ok(_) => primary,
        Err(error) => {
            let why = error.unavailable().detail;
            state
                .notes
                .push(format!("walked the primary, for its replica {name} cannot be used: {why}"));
            primary
        }
    }
}

/// A replica that has what its primary has.
fn is_whole_replica(server: &Server) -> bool {
    let text = |name: &str| server.facts.info.as_ref().and_then(|info| info.text(name));
    server.facts.is_replica
        && text("master_link_status") == Some("up")
        && text("loading") != Some("1")
}

/// One server for each part of the slots.
async fn of_cluster(
    target: &Target,
    members: &[Member],
    request: &Request,
    patience: Duration,
    state: &mut State,
) -> Vec<(i64, Server)> {
    let mut servers = Vec::new();
    for primary in members.iter().filter(|it| it.primary.is_none() && it.slots > 0) {
        let replicas = members.iter().filter(|it| it.primary.as_ref() == Some(&primary.id));
        let mut candidates: Vec<&Member> = replicas.filter(|it| it.is_well).collect();
        candidates.sort_by_key(|it| (&it.host, it.port));
        // Where the primary is down, a replica still has its keys.
        let first = if request.prefer_replica { candidates.len() } else { 0 };
        candidates.insert(first, primary);
        let mut why = None;
        for candidate in candidates {
            let at = reached(target, &candidate.host, candidate.port);
            match node::open(&at, patience.min(PATIENCE)).await {
                Ok(server) => {
                    servers.push((primary.slots, server));
                    why = None;
                    break;
                }
                Err(error) => why = Some((at.endpoint(), error.unavailable().detail)),
            }
        }
        if let Some((endpoint, problem)) = why {
            state.lost.push(state::Node {
                endpoint,
                problem: Some(problem),
                slots: primary.slots,
                ..state::Node::default()
            });
        }
    }
    servers
}

/// Connects again to the servers of an interrupted walk.
async fn again(
    target: &Target,
    patience: Duration,
    state: &mut State,
) -> Result<Vec<(usize, Server)>, Error> {
    let mut servers = Vec::new();
    for (index, node) in state.nodes.iter_mut().enumerate() {
        if node.databases.iter().all(|it| it.is_done) {
            continue;
        }
        let at = match node.endpoint.rsplit_once(':') {
            Some((host, port)) if node.endpoint != target.endpoint() => {
                let host = host.trim_start_matches('[').trim_end_matches(']');
                reached(target, host, port.parse().unwrap_or(0))
            }
            _ => target.clone(),
        };
        let server = node::open(&at, patience).await?;
        let text = |name: &str| server.facts.info.as_ref().and_then(|info| info.text(name));
        if text("run_id").map(str::to_owned) != node.run_id {
            return Err(Error::Stale { endpoint: node.endpoint.clone() });
        }
        node.problem = None;
        servers.push((index, server));
    }
    state.refusals.remove("");
    Ok(servers)
}

/// The same user, password and encryption at another address. Databases are chosen later.
fn reached(target: &Target, host: &str, port: u16) -> Target {
    let address = Address::Tcp { host: host.to_owned(), port };
    Target { address, database: 0, ..target.clone() }
}

/// The members of a server's cluster; none where it is of none.
async fn members(server: &mut Server) -> Vec<Member> {
    let info = server.facts.info.as_ref();
    if info.and_then(|info| info.int("cluster_enabled")) != Some(1) {
        return Vec::new();
    }
    let answer = server.link.one("CLUSTER NODES", &Command::CLUSTER_NODES.cmd()).await;
    let text = answer.ok().as_ref().and_then(reply::text).unwrap_or_default();
    text.lines().filter_map(member).collect()
}

/// What the server counts of its fullest slots (Valkey 8.0 and Redis 8.2 on); nothing where it does not, or not for us.
async fn slot_stats(server: &mut Server) -> Vec<SlotUse> {
    let mut command = Command::CLUSTER_SLOT_STATS.cmd();
    command.arg("ORDERBY").arg("key-count").arg("LIMIT").arg(slots::TOLD).arg("DESC");
    let answer = server.link.one("CLUSTER SLOT-STATS", &command).await;
    answer.ok().as_ref().map(slots::decode).unwrap_or_default()
}

/// How many slots `5461-10922` or `7` are; `None` for one on its way, `[5461->-x]`.
fn count(range: &str) -> Option<i64> {
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let (first, last): (i64, i64) = (first.parse().ok()?, last.parse().ok()?);
    Some(last.saturating_sub(first).saturating_add(1).max(0))
}

/// `id host:port@bus,name flags primary ping pong epoch link slots…`
fn member(line: &str) -> Option<Member> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [id, address, flags, primary, _, _, _, link, slots @ ..] = words.as_slice() else {
        return None;
    };
    let (host, port) = address.split(['@', ',']).next()?.rsplit_once(':')?;
    let has = |flag: &str| flags.split(',').any(|it| it == flag);
    if has("handshake") || has("noaddr") || host.is_empty() {
        return None;
    }
    Some(Member {
        id: (*id).to_owned(),
        host: host.to_owned(),
        port: port.parse().ok()?,
        primary: (*primary != "-").then(|| (*primary).to_owned()),
        is_well: (*link == "connected" || has("myself")) && !has("fail") && !has("fail?"),
        slots: slots.iter().filter_map(|range| count(range)).sum(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_members_of_a_cluster() {
        let well =
            member("07c3 127.0.0.1:30004@31004,host4 slave e7d1 0 1426238317239 4 connected")
                .unwrap();
        assert_eq!(
            (well.host.as_str(), well.port, well.primary.as_deref()),
            ("127.0.0.1", 30004, Some("e7d1"))
        );
        assert!(well.is_well && well.slots == 0);
        let own = member("e7d1 ::1:30001@31001 myself,master - 0 0 1 connected 0-5460 [5461->-x]")
            .unwrap();
        assert_eq!((own.host.as_str(), own.primary, own.slots), ("::1", None, 5461));
        let dead = member("67ed 127.0.0.1:30002@31002 master,fail - 1 1 2 disconnected 5461-10922")
            .unwrap();
        assert!(!dead.is_well && dead.slots == 5462);
        assert_eq!(member("07c3 :0@0 master,noaddr - 0 0 0 disconnected"), None);
        assert_eq!(member("nonsense"), None);
    }
}
