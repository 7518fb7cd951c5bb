//! What changed since an earlier report.
