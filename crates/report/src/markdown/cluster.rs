//! Primaries with their standbys.

use dbvitals_model::report::Report;

use super::escape::{cell, code, text};
use crate::{cluster, words};

/// One section per cluster.
pub(super) fn all(out: &mut String, report: &Report) {
    for one in &report.clusters {
        append!(out, "## Cluster {}\n\n{}.\n\n|", text(&one.name), cluster::summary(one));
        for label in cluster::COLUMNS {
            append!(out, " {} |", words::capitalised(label));
        }
        out.push_str("\n|---|---|--:|--:|--:|--:|--:|--:|\n");
        for node in &one.nodes {
            out.push('|');
            for (place, words) in cluster::row(node).iter().enumerate() {
                let shown = if place == 0 { code(words) } else { cell(words) };
                append!(out, " {shown} |");
            }
            out.push('\n');
        }
        out.push('\n');
        for sentence in cluster::sentences(one) {
            append!(out, "- {}.\n", text(&sentence));
        }
        for node in cluster::candidates(one) {
            append!(out, "- {}\n", text(&cluster::failover(node)));
            for point in &node.failover {
                let mark = match point.met {
                    Some(true) => "✅",
                    Some(false) => "❌",
                    None => "➖",
                };
                append!(out, "  - {mark} {}\n", text(&cluster::point(point)));
            }
        }
        out.push('\n');
    }
}
