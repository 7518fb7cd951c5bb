//! Primaries with their standbys: lag, reads, drift, and how ready a failover is.

use dbvitals_model::{cluster::FailoverPoint, report::Report};

use crate::{
    cluster,
    page::{BAD, DIM, FAIR, GOOD, PLAIN, Page, STRONG},
};

/// One block per cluster.
pub(super) fn block(page: &mut Page, report: &Report) {
    for one in &report.clusters {
        page.heading("CLUSTER", &format!("{}: {}", one.name, cluster::summary(one)));
        for node in &one.nodes {
            let lead = format!("{}  ", node.name);
            page.led(2, (STRONG, &lead), PLAIN, &cluster::standing(node));
            for line in cluster::figures(node) {
                page.para(4, PLAIN, &line);
            }
        }
        for sentence in cluster::sentences(one) {
            page.led(2, (DIM, "· "), PLAIN, &format!("{sentence}."));
        }
        for node in cluster::candidates(one) {
            page.para(2, STRONG, &cluster::failover(node));
            let (met, open): (Vec<_>, Vec<_>) =
                node.failover.iter().partition(|point| point.met == Some(true));
            for point in open {
                let style = if point.met.is_none() { DIM } else { weight(point) };
                let lead = format!("{} ", cluster::mark(point));
                page.led(4, (style, &lead), PLAIN, &cluster::point(point));
            }
            let labels: Vec<_> = met.iter().map(|point| point.label.as_str()).collect();
            if !labels.is_empty() {
                page.led(4, (GOOD, "✓ "), PLAIN, &labels.join(", "));
            }
        }
        page.blank();
    }
}

fn weight(point: &FailoverPoint) -> anstyle::Style {
    if point.vital { BAD } else { FAIR }
}
