//! Classes of statements and the latency each is meant to keep.

use dbvitals_model::{Unit, pg::statement::Statement};
pub use dbvitals_query::Class;
use dbvitals_query::{Classified, classify};

use crate::check::Threshold;

/// Texts are read up to so many characters: one as long as that has lost its end.
pub const TEXT_CHARS: usize = 10_000;

/// The class of a statement, with the reason; unknown where its text is hidden or cut off.
pub fn of(statement: &Statement) -> Classified {
    match statement.text.as_deref() {
        None => Classified::unknown("the text is hidden"),
        Some(text) if text.len() >= TEXT_CHARS && text.chars().count() >= TEXT_CHARS => {
            Classified::unknown("the text is cut off")
        }
        Some(text) => classify(text),
    }
}

/// The mean execution time a class is meant to keep, in milliseconds; `None` for classes without a target.
pub fn target(class: Class) -> Option<&'static Threshold> {
    match class {
        Class::SimpleRead => Some(&SIMPLE_READ),
        Class::Join => Some(&JOIN),
        Class::Write => Some(&WRITE),
        Class::Bulk => Some(&BULK),
        Class::Aggregate | Class::Utility | Class::Unknown => None,
    }
}

/// Reads of one table.
pub static SIMPLE_READ: Threshold = Threshold {
    key: "simple_read_mean_ms",
    unit: Unit::Ms,
    default: 10.0,
    strict: Some(5.0),
    range: (0.01, 3_600_000.0),
    why: "a page asks for dozens of them one after the other; by an index each takes well below a millisecond",
};

/// Reads of several tables.
pub static JOIN: Threshold = Threshold {
    key: "join_mean_ms",
    unit: Unit::Ms,
    default: 100.0,
    strict: Some(50.0),
    range: (0.01, 3_600_000.0),
    why: "a page asks for a few of them; a tenth of a second is where people begin to notice a wait",
};

/// Writes of single rows.
pub static WRITE: Threshold = Threshold {
    key: "write_mean_ms",
    unit: Unit::Ms,
    default: 50.0,
    strict: Some(25.0),
    range: (0.01, 3_600_000.0),
    why: "row locks are held at least as long, and others wait for them",
};

/// Writes of many rows.
pub static BULK: Threshold = Threshold {
    key: "bulk_mean_ms",
    unit: Unit::Ms,
    default: 1000.0,
    strict: Some(500.0),
    range: (0.01, 3_600_000.0),
    why: "longer batches hold their locks and their snapshot long enough for others to feel it",
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::statement::sample::statement;

    fn class(text: Option<String>) -> Class {
        of(&Statement { text, ..statement() }).class
    }

    #[test]
    fn hidden_and_cut_off_texts_are_not_guessed_at() {
        let long = |chars: usize| {
            let text = format!("select * from t where n in ({}1) and a = 'é'", "1, ".repeat(4000));
            text.chars().take(chars).collect::<String>()
        };
        assert_eq!(class(Some("select 1".into())), Class::SimpleRead);
        assert_eq!(class(None), Class::Unknown);
        let cut = format!("select 1 /* {} */", "x".repeat(TEXT_CHARS - 15));
        assert_eq!(cut.len(), TEXT_CHARS);
        assert_eq!(class(Some(cut)), Class::Unknown, "it may have gone on");
        assert_eq!(class(Some(long(9_999))), Class::Unknown);
    }

    #[test]
    fn classes_that_answer_somebody_have_targets() {
        let with: Vec<_> =
            Class::ALL.into_iter().filter(|class| target(*class).is_some()).collect();
        assert_eq!(with, [Class::SimpleRead, Class::Join, Class::Write, Class::Bulk]);
    }
}
