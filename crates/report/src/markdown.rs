//! GitHub-flavoured Markdown: tables, findings in foldable blocks, statements in code fences.

mod cluster;
pub(crate) mod escape;
mod findings;
mod statement;

use dbvitals_model::{
    Reason,
    report::{MetricStatus, Report, Target},
};

use self::escape::{cell, code, fence, text};
use crate::{digest, humanize, page, statement::has_health, words};

/// The whole report.
pub fn render(report: &Report) -> String {
    let mut out = String::new();
    head(&mut out, report);
    targets(&mut out, report);
    cluster::all(&mut out, report);
    baseline(&mut out, report);
    statement::all(&mut out, report);
    if has_health(report) {
        components(&mut out, report);
        metrics(&mut out, report);
    }
    if digest::is_by_text(report) {
        return out;
    }
    findings::all(&mut out, report);
    findings::ignored(&mut out, report);
    overview(&mut out, report);
    coverage(&mut out, report);
    cost(&mut out, report);
    out
}

fn head(out: &mut String, report: &Report) {
    let score = &report.score;
    append!(out, "# {} report\n\n", text(&report.tool.name));
    if !has_health(report) {
        append!(
            out,
            "**{}** · seen at {} by {} {}.\n\n",
            digest::counts(report),
            humanize::timestamp(report.generated_at),
            text(&report.tool.name),
            text(&report.tool.version)
        );
        return;
    }
    append!(
        out,
        "**{} of 100, grade {}** · confidence {} · **{}** · {}\n\n",
        humanize::score(score.overall),
        text(&score.grade),
        humanize::percent(score.confidence),
        words::verdict(report.readiness.verdict),
        digest::counts(report)
    );
    for target in report.targets.iter().filter(|t| digest::is_unreachable(t)) {
        append!(
            out,
            "> **{} was not examined.** {} at {}: {}\n\n",
            text(&target.name),
            target.kind.as_str(),
            text(&target.endpoint),
            text(&target.problems.join("; "))
        );
    }
    for reason in &report.readiness.reasons {
        append!(out, "- {}\n", text(reason));
    }
    if let Some(cap) = digest::cap(report) {
        append!(out, "- Score capped by: {}\n", text(&cap));
    }
    append!(
        out,
        "\nSeen at {} by {} {}.\n\n",
        humanize::timestamp(report.generated_at),
        text(&report.tool.name),
        text(&report.tool.version)
    );
}

fn targets(out: &mut String, report: &Report) {
    out.push_str("## Targets\n\n| Target | Server | At | Notes |\n|---|---|---|---|\n");
    for target in &report.targets {
        append!(
            out,
            "| {} | {} | {} | {} |\n",
            code(&target.name),
            cell(&words::target_facts(target)),
            cell(&target.endpoint),
            cell(&target_notes(target))
        );
    }
    out.push('\n');
}

fn target_notes(target: &Target) -> String {
    let mut notes = target.problems.clone();
    if !target.offered.is_empty() {
        notes.push(format!("also knows {}, not examined", target.offered.join(", ")));
    }
    notes.join("; ")
}

fn baseline(out: &mut String, report: &Report) {
    let Some(baseline) = &report.baseline else { return };
    let change = digest::score_change(baseline.overall_before, report.score.overall);
    let since = baseline
        .baseline_at
        .map_or_else(String::new, |at| format!(" of {}", humanize::timestamp(at)));
    append!(out, "## Since the baseline{since}\n\nScore **{change}**.\n\n");
    for (label, entries) in digest::change_lists(report) {
        if entries.is_empty() {
            continue;
        }
        let count = humanize::number(entries.len() as f64);
        append!(out, "<details><summary>{count} {label}</summary>\n\n");
        for entry in entries {
            append!(out, "- {}\n", text(&entry));
        }
        out.push_str("\n</details>\n\n");
    }
}

fn components(out: &mut String, report: &Report) {
    if report.score.components.is_empty() {
        return;
    }
    out.push_str(
        "## Components\n\n| Component | Score | Grade | | Known | Points lost |\n|---|--:|---|---|--:|---|\n",
    );
    for component in &report.score.components {
        append!(
            out,
            "| {} | {} | {} | {} | {} | {} |\n",
            cell(&words::component(&component.id)),
            humanize::score(component.score),
            cell(&component.grade),
            page::bar(component.score / 100.0, 10),
            humanize::percent(component.confidence),
            lost(report, component)
        );
    }
    out.push('\n');
}

/// Points by check: `−25 pg-invalid-index, −16 pg-unused-index (17)`.
fn lost(report: &Report, component: &dbvitals_model::report::ComponentScore) -> String {
    let by_check = digest::points_by_check(report, component);
    let parts = by_check.iter().map(|(check, points, count)| {
        let times = if *count > 1 { format!(" ({count})") } else { String::new() };
        format!("−{} {}{times}", humanize::points(*points), code(check))
    });
    parts.collect::<Vec<_>>().join(", ")
}

fn metrics(out: &mut String, report: &Report) {
    if report.metrics.is_empty() {
        return;
    }
    out.push_str(
        "## Wanted and measured\n\n| Metric | Target | Wanted | Measured | Status |\n|---|---|--:|--:|---|\n",
    );
    for metric in digest::metrics(report) {
        let mark = match metric.status {
            MetricStatus::Achieved => "✅",
            MetricStatus::Missed => "❌",
            MetricStatus::Unknown => "➖",
        };
        append!(
            out,
            "| {} | {} | {} | {} | {mark} {} |\n",
            cell(words::metric_title(metric)),
            code(&metric.target),
            words::wanted(metric.wanted, metric.unit),
            words::measured(metric),
            words::status(metric.status)
        );
    }
    out.push('\n');
}

fn overview(out: &mut String, report: &Report) {
    for table in report.overview.iter().filter(|t| !t.rows.is_empty()) {
        append!(
            out,
            "<details{}><summary>{} ({})</summary>\n\n",
            if table.id.starts_with("rls-") { " open" } else { "" },
            escape::html(&table.title),
            escape::html(&table.target)
        );
        if let Some(note) = &table.note {
            append!(out, "{}\n\n", text(note));
        }
        out.push('|');
        for column in &table.columns {
            append!(out, " {} |", cell(&words::capitalised(&column.label)));
        }
        out.push_str("\n|");
        for column in &table.columns {
            let is_text = column.unit == dbvitals_model::Unit::Text;
            out.push_str(if is_text { "---|" } else { "--:|" });
        }
        out.push('\n');
        for row in &table.rows {
            out.push('|');
            for (value, column) in row.iter().zip(&table.columns) {
                let words = humanize::measure(value, column.unit);
                let is_text = column.unit == dbvitals_model::Unit::Text;
                let words = if is_text { code(&words) } else { cell(&words) };
                append!(out, " {words} |");
            }
            out.push('\n');
        }
        out.push_str("\n</details>\n\n");
    }
}

fn coverage(out: &mut String, report: &Report) {
    let (ran, skipped) = digest::checks_run(report);
    append!(
        out,
        "## Coverage\n\n{} ran, {skipped} could not or only in part.\n\n",
        humanize::plural(ran, "check", "checks")
    );
    for obstacle in digest::obstacles(report) {
        if obstacle.class == Reason::NotApplicable {
            continue;
        }
        let checks: Vec<String> = obstacle.checks.iter().map(|check| code(check)).collect();
        let parts = if obstacle.parts.is_empty() {
            String::new()
        } else {
            format!(" (in {})", text(&obstacle.parts.join(", ")))
        };
        append!(
            out,
            "- **{}**: {} ({}){parts}. Unseen: {}\n",
            text(obstacle.target),
            text(obstacle.reason),
            words::reason(obstacle.class),
            checks.join(", ")
        );
        if let Some(remedy) = obstacle.remedy {
            if digest::is_command(remedy) {
                out.push_str(&fence("", &[remedy.to_owned()], "  "));
            } else {
                append!(out, "  Opened by: {}\n", text(remedy));
            }
        }
    }
    for section in digest::gaps(report) {
        let note = section.note.as_deref().unwrap_or_default();
        let place = format!("{} {}", section.target, section.section);
        append!(out, "- Section {}: {}\n", code(&place), text(note));
    }
    out.push('\n');
}

fn cost(out: &mut String, report: &Report) {
    if report.cost.is_empty() {
        return;
    }
    let cost = digest::cost(report);
    append!(
        out,
        "## Cost\n\n{}\n\n<details><summary>By collector</summary>\n\n| Target | Collector | Time | Rows | Bytes |\n|---|---|--:|--:|--:|\n",
        digest::cost_sentence(&cost)
    );
    for place in &cost.dearest {
        let one = &report.cost[*place];
        append!(
            out,
            "| {} | {} | {} | {} | {} |\n",
            code(&one.target),
            code(&one.collector),
            humanize::duration_ms(one.elapsed_ms),
            humanize::number(one.rows as f64),
            humanize::bytes(one.bytes as f64)
        );
    }
    out.push_str("\n</details>\n");
}
