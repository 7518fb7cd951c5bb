//! What might be written differently, by what is known around a statement.

use dbvitals_model::{
    Snapshot, TargetData,
    pg::{DatabaseSnapshot, PgSnapshot},
    statement::{RewriteAdvice, StatementSnapshot, Suggestion},
};
use dbvitals_query::{
    Statement,
    suggest::{Expected, Facts, of_script, suggestions},
};

use super::given::Given;

/// Suggestions that say more of what a rewrite without proof says: the rewrite gives them its text.
const SAME: &[(&str, &str)] =
    &[("not-in-to-not-exists", "not-in-nullable"), ("long-list-to-array", "large-list")];

/// Adds what is to be said of one statement.
pub(super) fn add(
    seen: &mut StatementSnapshot,
    given: &Given,
    database: Option<&DatabaseSnapshot>,
    version: Option<u32>,
) {
    let Some(parsed) = &given.statement else { return };
    let mut facts = Facts::new(database, &parsed.tables());
    facts.version = version;
    facts.expected = expected(seen);
    seen.suggestions = suggestions(&given.text, parsed, &facts);
    merge(&mut seen.rewrites, &mut seen.suggestions);
}

/// What a server knows of its only database, and its major version.
pub(super) fn around(snapshot: &PgSnapshot) -> (Option<&DatabaseSnapshot>, Option<u32>) {
    (snapshot.by_database.first(), Some(snapshot.server.version.major))
}

/// What the planner expects of the plan that tells the most.
fn expected(seen: &StatementSnapshot) -> Option<Expected> {
    let estimate = seen.plans.value()?.first()?.plan.nodes.first()?.estimate?;
    #[expect(clippy::cast_precision_loss, reason = "the width of a row")]
    let width = estimate.width as f64;
    Some(Expected { rows: estimate.rows, width })
}

fn merge(rewrites: &mut Vec<RewriteAdvice>, suggestions: &mut [Suggestion]) {
    rewrites.retain(|rewrite| {
        let name = SAME.iter().find(|(name, _)| *name == rewrite.rule);
        let same =
            name.filter(|_| !rewrite.is_equivalent && rewrite.verification.is_none()).and_then(
                |(_, name)| suggestions.iter_mut().find(|suggestion| suggestion.rule == *name),
            );
        match same {
            Some(suggestion) => {
                suggestion.text = suggestion.text.take().or_else(|| rewrite.text.clone());
                false
            }
            None => true,
        }
    });
}

/// Adds what is to be said of all statements together, to the first it is about.
pub(super) fn of_all(given: &[Given], snapshot: &mut Snapshot) {
    let read: Vec<(usize, &str, &Statement)> = given
        .iter()
        .enumerate()
        .filter_map(|(place, one)| Some((place, one.text.as_str(), one.statement.as_ref()?)))
        .collect();
    let both: Vec<(&str, &Statement)> = read.iter().map(|(_, text, one)| (*text, *one)).collect();
    for (place, suggestion) in of_script(&both) {
        let target = read.get(place).and_then(|(place, ..)| snapshot.targets.get_mut(*place));
        if let Some(TargetData::Statement(statement)) = target.map(|target| &mut target.data) {
            statement.suggestions.push(suggestion);
        }
    }
}
