//! How the nodes of a cluster share its reads.

use dbvitals_model::{Unavailable, cluster::ReadBasis, pg::database::Database};

use crate::{skip::Skip, view::PgView};

/// Block requests a second of every node.
#[derive(Debug)]
pub struct Shares<'a> {
    /// Each node with its rate.
    pub loads: Vec<(PgView<'a>, f64)>,
    /// The sum of the rates.
    pub total: f64,
    /// Over what they were counted: the same for all nodes.
    pub basis: ReadBasis,
}

impl Shares<'_> {
    /// A node's share of all reads, 0–1; `None` where nobody read anything.
    pub fn of(&self, name: &str) -> Option<f64> {
        let (_, rate) = self.loads.iter().find(|(node, _)| node.name() == name)?;
        (self.total > 0.0).then(|| rate / self.total)
    }
}

/// Over a window where every node has one, else as means since each node's statistics began.
pub fn shares<'a>(nodes: &[PgView<'a>]) -> Result<Shares<'a>, Skip> {
    let seconds = |node: &PgView<'_>| {
        node.window().ok().map(|window| window.seconds).filter(|seconds| *seconds > 0.0)
    };
    let windows: Option<Vec<f64>> = nodes.iter().map(seconds).collect();
    let shortest = windows.and_then(|windows| windows.into_iter().min_by(f64::total_cmp));
    let basis = match shortest {
        Some(seconds) => ReadBasis::Window(seconds),
        None => ReadBasis::Lifetime(
            nodes.iter().filter_map(age).min_by(f64::total_cmp).unwrap_or(f64::INFINITY),
        ),
    };
    let load = |node: &PgView<'a>| {
        let databases = node.databases().map_err(|Skip(why)| {
            let detail = format!("{}: {}", node.name(), why.detail);
            Skip(Unavailable { detail, ..why })
        })?;
        Ok((*node, rate(node, databases, matches!(basis, ReadBasis::Window(_)))))
    };
    let loads = nodes.iter().map(load).collect::<Result<Vec<_>, Skip>>()?;
    let total = loads.iter().map(|(_, rate)| rate).sum();
    Ok(Shares { loads, total, basis })
}

/// Seconds since the youngest of a node's figures began; `None` where that is not known.
fn age(node: &PgView<'_>) -> Option<f64> {
    let resets = node.databases().into_iter().flatten().filter_map(|database| database.stats_reset);
    node.seconds_since(resets.chain(node.server().started_at).max())
}

/// Block requests a second of all databases.
fn rate(pg: &PgView<'_>, databases: &[Database], windowed: bool) -> f64 {
    let requests =
        |database: &Database| (database.blocks_hit.max(0) + database.blocks_read.max(0)) as f64;
    if let Some(window) = pg.window().ok().filter(|window| windowed && window.seconds > 0.0) {
        return window.databases.iter().map(requests).sum::<f64>() / window.seconds;
    }
    let began = pg.server().started_at;
    let per_second = databases.iter().filter_map(|database| {
        let age = pg.seconds_since(database.stats_reset.or(began)).filter(|age| *age > 0.0)?;
        Some(requests(database) / age)
    });
    per_second.sum()
}
