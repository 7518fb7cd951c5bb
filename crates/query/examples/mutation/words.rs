//! Statements with words taken from others.

use super::mutation::Dice;

/// A statement with words taken from others, removed, doubled and moved.
pub(crate) fn reworded(dice: &mut Dice, corpus: &[String]) -> String {
    let mut words = words(&corpus[dice.below(corpus.len())]);
    for _ in 0..=dice.below(3) {
        let at = dice.below(words.len() + 1);
        let other = self::words(&corpus[dice.below(corpus.len())]);
        let from = dice.below(other.len());
        let to = (from + 1 + dice.below(12)).min(other.len());
        match dice.below(6) {
            0 => drop(words.splice(at..at, other[from..to].iter().copied())),
            1 => {
                let end = (at + 1 + dice.below(4)).min(words.len());
                words.splice(at..end, other[from..to].iter().copied());
            }
            2 => drop(words.drain(at..(at + 1).min(words.len()))),
            3 if at < words.len() => words[at] = other[from],
            4 if at < words.len() => {
                // A whole statement in brackets, where an expression may stand.
                let whole = ["("].into_iter().chain(other.iter().copied()).chain([")"]);
                words.splice(at..=at, whole);
            }
            _ => {
                let end = (at + dice.below(6)).min(words.len());
                let part: Vec<&str> = words[at..end].to_vec();
                let to = dice.below(words.len() + 1);
                words.splice(to..to, part);
            }
        }
    }
    words.join(" ")
}

/// Words, and what stands between them.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut from = 0;
    let is_word = |c: char| c.is_alphanumeric() || "_$.'\"".contains(c);
    for (at, c) in text.char_indices() {
        let before = text[..at].chars().next_back();
        if at > from
            && (before.is_some_and(is_word) != is_word(c) || c.is_whitespace() || "(),".contains(c))
        {
            words.push(text[from..at].trim());
            from = at;
        }
    }
    words.push(text[from..].trim());
    words.retain(|word| !word.is_empty());
    words
}
