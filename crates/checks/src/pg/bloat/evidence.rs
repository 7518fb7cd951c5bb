//! How findings tell bloat: the share, how far off it may be, where it comes from.

use dbvitals_model::{Evidence, Finding, Unit};

use super::{Bloat, Method};

/// The finding with the share, its error bar, its origin and how far to trust it.
pub fn with_bloat(finding: Finding, bloat: &Bloat, threshold: f64) -> Finding {
    let source = match bloat.method {
        Method::Estimated => "estimate from pg_class and pg_stats",
        Method::Measured => "pgstattuple",
        Method::Drifted => "the earlier snapshot",
    };
    let mut trust = bloat.confidence.as_str().to_owned();
    if !bloat.reasons.is_empty() {
        trust = format!("{trust}: {}", bloat.reasons.join("; "));
    }
    finding
        .with(Evidence::new("bloat", bloat.ratio, Unit::Ratio, source))
        .with(
            Evidence::new("bloat, at least", bloat.at_least, Unit::Ratio, source)
                .against(threshold),
        )
        .with(Evidence::new("error of the estimate, ±", bloat.error(), Unit::Ratio, source))
        .with(Evidence::new("method", bloat.method.as_str(), Unit::Text, source))
        .with(Evidence::new("confidence", trust, Unit::Text, source))
        .with(Evidence::new("size if rebuilt", bloat.rebuilt_bytes, Unit::Bytes, source))
}
