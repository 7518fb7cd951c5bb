//! JSON: the report as it is, in the contract's own names.

use dbvitals_model::{Measure, report::Report};

use crate::{humanize, visible};

/// Indented, with a line feed at the end.
pub fn pretty(report: &Report) -> Result<String, serde_json::Error> {
    Ok(printable(&serde_json::to_string_pretty(&writable(report))?))
}

/// On one line, with a line feed at the end.
pub fn compact(report: &Report) -> Result<String, serde_json::Error> {
    Ok(printable(&serde_json::to_string(&writable(report))?))
}

/// JSON text with a line feed at the end, in which characters that a terminal would obey or hide are
/// escaped. Outside of strings JSON has none of them.
pub(crate) fn printable(json: &str) -> String {
    let mut out = String::with_capacity(json.len() + 1);
    for c in json.chars() {
        if c != '\n' && visible::is_hidden(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                append!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out.push('\n');
    out
}

/// The report with the numbers JSON cannot hold (infinite, not a number) turned into words, so that
/// what is written can be read again.
pub(crate) fn writable(report: &Report) -> Report {
    let mut report = report.clone();
    let gone = report.baseline.iter_mut().flat_map(|b| &mut b.fixed);
    let ignored = report.ignored.iter_mut().map(|i| &mut i.finding);
    for finding in report.findings.iter_mut().chain(ignored).chain(gone) {
        for evidence in &mut finding.evidence {
            say(&mut evidence.value);
            evidence.threshold.iter_mut().for_each(say);
        }
    }
    report.overview.iter_mut().flat_map(|o| &mut o.rows).flatten().for_each(say);
    for metric in &mut report.metrics {
        metric.measured = metric.measured.filter(|value| value.is_finite());
    }
    report
}

/// A number JSON cannot hold becomes a word.
pub(crate) fn say(measure: &mut Measure) {
    if let Measure::Number(number) = measure
        && !number.is_finite()
    {
        *measure = Measure::Text(humanize::number_out_of_range(*number).to_owned());
    }
}
