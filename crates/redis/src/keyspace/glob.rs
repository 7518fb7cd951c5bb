//! Wildcards in key names: `*` any bytes, `?` one byte.

/// Whether the name matches.
pub(crate) fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut from) = (0, 0);
    // Where the last `*` stands, and how much of the name it has taken.
    let mut star: Option<(usize, usize)> = None;
    while from < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, from));
                at += 1;
            }
            Some(b'?') => {
                at += 1;
                from += 1;
            }
            Some(byte) if name.get(from) == Some(byte) => {
                at += 1;
                from += 1;
            }
            _ => match &mut star {
                Some((stood, taken)) => {
                    *taken += 1;
                    at = *stood + 1;
                    from = *taken;
                }
                None => return false,
            },
        }
    }
    pattern.get(at..).is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, name, is_match) in [
            ("*", "", true),
            ("cache:*:stats", "cache:7:stats", true),
            ("cache:*:stats", "cache:7:stat", false),
            ("*stats*", "a:stats:b", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a*b*c", "aXbYbZc", true),
            ("abc", "abcd", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), is_match, "{pattern} {name}");
        }
    }
}
