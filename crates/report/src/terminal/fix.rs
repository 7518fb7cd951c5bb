//! The fix, ready to paste: statements on their own lines, unwrapped and without ornament.

use dbvitals_model::{Fix, FixKind};

use crate::{
    digest,
    page::{BAD, DIM, FAIR, GOOD, PLAIN, Page},
    words,
};

/// Terms, statements, undo; `place` is where to run them.
pub(super) fn block(page: &mut Page, place: &str, fix: &Fix) {
    let style = match fix.kind {
        FixKind::Safe => GOOD,
        FixKind::Review => FAIR,
        FixKind::Manual => BAD,
    };
    let terms =
        format!("{}; run in {}; {}", words::fix_kind(fix.kind), place, digest::fix_terms(fix));
    page.led(4, (style.bold(), "Fix: "), PLAIN, &terms);
    statements(page, &fix.statements);
    if !fix.undo.is_empty() {
        page.led(4, (DIM, "Undo:"), PLAIN, "");
        statements(page, &fix.undo);
    }
}

/// Statements, each beginning on a line of its own.
fn statements(page: &mut Page, statements: &[String]) {
    for statement in statements {
        page.statement(4, statement.trim_end());
    }
}
