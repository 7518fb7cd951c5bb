//! Clusters in words: what every format shows of their nodes.

use dbvitals_model::cluster::{Cluster, ClusterNode, FailoverPoint, ReadBasis};

use crate::humanize;

/// A heading per column of the table of nodes.
pub(crate) const COLUMNS: [&str; 8] =
    ["node", "role", "timeline", "write lag", "flush lag", "replay lag", "conflicts", "reads"];

/// Settings named in one line before the rest is counted.
const NAMED: usize = 6;

/// One row of the table, as long as [`COLUMNS`].
pub(crate) fn row(node: &ClusterNode) -> [String; 8] {
    let lag = &node.lag;
    [
        node.name.clone(),
        role(node),
        node.timeline.map_or_else(dash, |timeline| timeline.to_string()),
        distance(node, lag.write_bytes, lag.write_ms),
        distance(node, lag.flush_bytes, lag.flush_ms),
        distance(node, lag.replay_bytes, lag.replay_ms),
        node.conflicts.map_or_else(dash, |count| humanize::number(count as f64)),
        node.read_ratio.map_or_else(dash, humanize::percent),
    ]
}

fn dash() -> String {
    "–".to_owned()
}

/// `primary`; `standby of main, streaming, sync, slot s1`; `standby, not audited`.
fn role(node: &ClusterNode) -> String {
    let mut words = node.role.clone();
    if let Some(upstream) = &node.upstream {
        append!(words, " of {upstream}");
    }
    for fact in [&node.state, &node.sync_state].into_iter().flatten() {
        append!(words, ", {fact}");
    }
    if let Some(slot) = &node.slot {
        append!(words, ", slot {slot}");
    }
    if !node.audited {
        words.push_str(", not audited");
    }
    words
}

/// What a node is, with its timeline, in one line.
pub(crate) fn standing(node: &ClusterNode) -> String {
    match node.timeline {
        Some(timeline) => format!("{}, timeline {timeline}", role(node)),
        None => role(node),
    }
}

/// A node's lag, reads and conflicts in lines, where there are any.
pub(crate) fn figures(node: &ClusterNode) -> Vec<String> {
    let lag = &node.lag;
    let steps = [
        ("written", lag.write_bytes, lag.write_ms),
        ("flushed", lag.flush_bytes, lag.flush_ms),
        ("replayed", lag.replay_bytes, lag.replay_ms),
    ];
    let known = steps.into_iter().filter(|(_, bytes, millis)| bytes.is_some() || millis.is_some());
    let lags: Vec<_> = known
        .map(|(step, bytes, millis)| format!("{step} {}", distance(node, bytes, millis)))
        .collect();
    let mut lines = Vec::new();
    if !lags.is_empty() && node.role != "primary" {
        lines.push(format!("lag until {}", lags.join(" · ")));
    }
    let mut rest = Vec::new();
    if let Some(share) = node.read_ratio {
        rest.push(format!("{} of reads", humanize::percent(share)));
    }
    if let Some(count) = node.conflicts.filter(|count| *count > 0) {
        let cancelled = usize::try_from(count).unwrap_or(usize::MAX);
        let queries = humanize::plural(cancelled, "query", "queries");
        rest.push(format!("{queries} cancelled by replay"));
    }
    if !rest.is_empty() {
        lines.push(rest.join(" · "));
    }
    lines
}

/// `12 MB, 3.2 s`; a dash where nothing follows or nothing is known.
fn distance(node: &ClusterNode, bytes: Option<i64>, millis: Option<f64>) -> String {
    let parts: Vec<String> =
        [bytes.map(|bytes| humanize::bytes(bytes as f64)), millis.map(humanize::duration_ms)]
            .into_iter()
            .flatten()
            .collect();
    if node.role == "primary" || parts.is_empty() { dash() } else { parts.join(", ") }
}

/// `3 nodes, 1 not audited`.
pub(crate) fn summary(cluster: &Cluster) -> String {
    let nodes = humanize::plural(cluster.nodes.len(), "node", "nodes");
    let strangers = cluster.nodes.iter().filter(|node| !node.audited).count();
    match strangers {
        0 => nodes,
        count => format!("{nodes}, {} not audited", humanize::number(count as f64)),
    }
}

/// Sentences below the table: how reads were counted, what differs, what is odd, who is missing.
pub(crate) fn sentences(cluster: &Cluster) -> Vec<String> {
    let mut all = cluster.notes.clone();
    for node in cluster.nodes.iter().filter(|node| !node.settings.is_empty()) {
        let one = |d: &dbvitals_model::cluster::SettingDifference| {
            format!("{} {} (primary {})", d.name, shown(&d.standby), shown(&d.primary))
        };
        let mut list = node.settings.iter().take(NAMED).map(one).collect::<Vec<_>>().join(", ");
        if let Some(more) = node.settings.len().checked_sub(NAMED).filter(|more| *more > 0) {
            append!(list, " and {more} more");
        }
        all.push(format!("Settings of {} that differ: {list}", node.name));
    }
    if let Some(basis) =
        cluster.reads.filter(|_| cluster.nodes.iter().any(|n| n.read_ratio.is_some()))
    {
        all.push(match basis {
            ReadBasis::Window(seconds) => format!(
                "Reads are shares of block requests within {}",
                humanize::duration_ms(seconds * 1000.0)
            ),
            ReadBasis::Lifetime(seconds) => format!(
                "Reads are shares of mean block requests since statistics began, {} ago or longer",
                humanize::duration_ms(seconds * 1000.0)
            ),
        });
    }
    if !cluster.unseen.is_empty() {
        let list = cluster.unseen.join(", ");
        all.push(format!("Known and not audited: {list}. Nothing is called unused meanwhile"));
    }
    all
}

fn shown(value: &str) -> &str {
    if value.is_empty() { "empty" } else { value }
}

/// `Failover to s1: 6 of 8 points, 2 unknown`.
pub(crate) fn failover(node: &ClusterNode) -> String {
    let (met, _, unknown) = node.failover_counts();
    let unseen = if unknown > 0 { format!(", {unknown} unknown") } else { String::new() };
    format!("Failover to {}: {met} of {} points{unseen}", node.name, node.failover.len())
}

/// `small lag: 12 MB`, or the label alone.
pub(crate) fn point(point: &FailoverPoint) -> String {
    if point.note.is_empty() {
        point.label.clone()
    } else {
        format!("{}: {}", point.label, point.note)
    }
}

/// A mark for a point: met, failed, unknown.
pub(crate) fn mark(point: &FailoverPoint) -> &'static str {
    match point.met {
        Some(true) => "✓",
        Some(false) => "✗",
        None => "?",
    }
}

/// Nodes of a cluster that something could fail over to.
pub(crate) fn candidates(cluster: &Cluster) -> impl Iterator<Item = &ClusterNode> {
    cluster.nodes.iter().filter(|node| !node.failover.is_empty())
}
