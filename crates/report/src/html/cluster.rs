//! Primaries with their standbys, ready to show.

use dbvitals_model::report::Report;

use super::table::{Cell, Column, Table};
use crate::{cluster, visible, words};

/// One cluster.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) name: String,
    pub(super) summary: String,
    pub(super) table: Table,
    pub(super) sentences: Vec<String>,
    pub(super) failovers: Vec<Failover>,
}

/// How ready a failover to one standby is.
#[derive(Debug)]
pub(super) struct Failover {
    pub(super) title: String,
    pub(super) points: Vec<Point>,
}

/// One condition.
#[derive(Debug)]
pub(super) struct Point {
    pub(super) tone: &'static str,
    pub(super) mark: &'static str,
    pub(super) verdict: &'static str,
    pub(super) text: String,
}

pub(super) fn all(report: &Report) -> Vec<Cluster> {
    report.clusters.iter().map(one).collect()
}

fn one(one: &dbvitals_model::cluster::Cluster) -> Cluster {
    let column = |(place, label): (usize, &&str)| Column {
        label: words::capitalised(label),
        is_text: place < 2,
    };
    let cell = |(place, text): (usize, String)| match (place, visible::inline(&text)) {
        (0, name) => Cell::Heading(name),
        (1, role) => Cell::Text(role),
        (_, figure) => Cell::Number(figure),
    };
    let row = |node| cluster::row(node).into_iter().enumerate().map(cell).collect();
    Cluster {
        name: visible::inline(&one.name),
        summary: cluster::summary(one),
        table: Table {
            columns: cluster::COLUMNS.iter().enumerate().map(column).collect(),
            rows: one.nodes.iter().map(row).collect(),
        },
        sentences: cluster::sentences(one)
            .iter()
            .map(|sentence| visible::inline(sentence) + ".")
            .collect(),
        failovers: cluster::candidates(one).map(failover).collect(),
    }
}

fn failover(node: &dbvitals_model::cluster::ClusterNode) -> Failover {
    let point = |point: &dbvitals_model::cluster::FailoverPoint| {
        let (tone, verdict) = match point.met {
            Some(true) => ("good", "met"),
            Some(false) if point.vital => ("bad", "not met"),
            Some(false) => ("fair", "not met"),
            None => ("unknown", "unknown"),
        };
        let text = visible::inline(&cluster::point(point));
        Point { tone, mark: cluster::mark(point), verdict, text }
    };
    Failover {
        title: visible::inline(&cluster::failover(node)),
        points: node.failover.iter().map(point).collect(),
    }
}
