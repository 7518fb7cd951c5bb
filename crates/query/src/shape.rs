//! The shape of a statement: what is left when literals, white space and comments are gone. Reckoned while scanning,
//! without memory of its own; statements of equal shape are one group.

mod lexer;
pub mod mixer;
mod written;

pub use self::written::{normalise, tables_word};

use self::{lexer::walk, mixer::Mixer};

/// What a statement does, by its first word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// `SELECT`, `VALUES`, `TABLE`, `WITH`.
    Read,
    /// `INSERT`, `UPDATE`, `DELETE`, `MERGE`.
    Write,
    /// `BEGIN`, `START`.
    Begin,
    /// `COMMIT`, `END`, `ROLLBACK`, `ABORT`.
    End,
    /// Everything else.
    #[default]
    Other,
}

/// A statement without its literals, as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Equal for statements that differ in literals, white space, comments and case of keywords alone.
    pub hash: u64,
    /// Equal for equal literals.
    pub literals: u64,
    /// What it does.
    pub kind: Kind,
}

/// The shape of a text. Reads any bytes.
pub fn shape(text: &[u8]) -> Shape {
    let mut mixer = Mixer::default();
    walk(text, &mut mixer);
    mixer.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hash(text: &str) -> u64 {
        shape(text.as_bytes()).hash
    }

    #[test]
    fn literals_spaces_comments_and_case_are_no_difference() {
        for (a, b) in [
            ("select * from t where a = 1", "SELECT  *\n\tFROM t WHERE a = 23.5e-3 ;"),
            ("select 'a'", "select /* c /* nested */ */ 'it''s' -- end"),
            ("select E'a\\'b'", "select e'c'"),
            ("select $$a$$", "select $x$ ' $$ $x$"),
            ("select * from t where id in (1, 2, 3)", "select * from t where id in (4)"),
            ("insert into t values (1, 'a'), (2, 'b')", "insert into t values (3, 'c')"),
            ("select * from t where a = $1", "select * from t where a = 7"),
            ("select x'ff', b'1', n'x', u&'d' from t", "select x'00', b'', n'', u&'' from t"),
            ("select 0x1F, 1_000, .5, 1.", "select 1, 2, 3, 4"),
        ] {
            assert_eq!(hash(a), hash(b), "{a} | {b}");
        }
    }

    #[test]
    fn names_operators_and_order_are() {
        let texts = [
            "select * from t where a = 1",
            "select * from u where a = 1",
            "select * from t where b = 1",
            "select * from t where a > 1",
            "select * from \"T\" where a = 1",
            "select * from t where a = 1 or b = 2",
            "select * from t where a1 = 1",
            "select * from s.t where a = 1",
            "update t set a = 1",
            "select f(1), 2 from t",
            "select 名 from t",
            "select 吏 from t",
        ];
        for (at, a) in texts.iter().enumerate() {
            for b in &texts[at + 1..] {
                assert_ne!(hash(a), hash(b), "{a} | {b}");
            }
        }
    }

    #[test]
    fn equal_literals_are_told_from_others() {
        let literals = |text: &str| shape(text.as_bytes()).literals;
        assert_eq!(literals("select 1, 'a'"), literals("select  1 , 'a'"));
        assert_ne!(literals("select 1, 'a'"), literals("select 1, 'b'"));
    }

    #[test]
    fn the_first_word_tells_what_it_does() {
        let kind = |text: &str| shape(text.as_bytes()).kind;
        assert_eq!(kind("  /* app */ SELECT 1"), Kind::Read);
        assert_eq!(kind("(select 1)"), Kind::Read);
        assert_eq!(kind("Insert into t"), Kind::Write);
        assert_eq!(kind("begin"), Kind::Begin);
        assert_eq!(kind("ROLLBACK"), Kind::End);
        assert_eq!(kind("vacuum t"), Kind::Other);
        assert_eq!(kind("select pg_catalog.set_config('search_path', 'a', false)"), Kind::Other);
        assert_eq!(kind("SELECT pg_advisory_lock(1)"), Kind::Other);
        assert_eq!(kind("select a, b, setval from t"), Kind::Read);
    }

    /// One token, in two spellings that mean the same shape.
    fn token() -> impl Strategy<Value = (String, String)> {
        let literal = prop_oneof![
            "[0-9]{1,6}",
            "[0-9]{1,3}\\.[0-9]{1,3}",
            "'([a-z \"$;-]|''){0,8}'",
            "[eE]'([a-z]|\\\\'|\\\\\\\\){0,8}'",
            "\\$[1-9]",
            "\\$q\\$[a-z '\"]{0,8}\\$q\\$",
            "[uU]&'[a-z]{0,4}'",
        ];
        let word = "[a-z_]{2,9}";
        prop_oneof![
            (literal.clone(), literal),
            word.prop_map(|word| (word.clone(), word.to_uppercase())),
            "[(),=<>*+]".prop_map(|sign| (sign.clone(), sign)),
            "\"[A-Za-z ]{1,6}(\"\"){0,1}\"".prop_map(|name| (name.clone(), name)),
        ]
    }

    fn gap() -> impl Strategy<Value = &'static str> {
        prop_oneof![
            Just(" "),
            Just("\n\t"),
            Just("  "),
            Just(" /* x /* y */ ' */ "),
            Just(" -- it's\n")
        ]
    }

    proptest! {
        #[test]
        fn spelling_makes_no_difference(
            tokens in prop::collection::vec((token(), gap(), gap()), 0..30)
        ) {
            let (mut a, mut b) = (String::new(), String::new());
            for ((left, right), gap_a, gap_b) in &tokens {
                a += left;
                a += gap_a;
                b += right;
                b += gap_b;
            }
            prop_assert_eq!(hash(&a), hash(&b), "{} | {}", a, b);
            prop_assert_eq!(
                normalise(a.as_bytes(), usize::MAX).to_lowercase(),
                normalise(b.as_bytes(), usize::MAX).to_lowercase()
            );
        }

        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = shape(&bytes);
            let _ = normalise(&bytes, 50);
        }

        #[test]
        fn any_signs_are_read(text in "[$'\"eEuU&/*; \\-\\\\\n\t.0-9a(),]{0,60}") {
            let _ = shape(text.as_bytes());
            let written = normalise(text.as_bytes(), usize::MAX);
            // What is written has the shape it was written from, or the text was cut within a token.
            let _ = shape(written.as_bytes());
        }
    }
}
