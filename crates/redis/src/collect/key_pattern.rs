//! Guessing the pattern behind a key's name: the parts that vary become `*`.

/// Longest name looked at, in bytes; the rest of it varies for certain.
const NAME_LIMIT: usize = 256;

/// Characters that separate the parts of a name.
const SEPARATORS: &[char] =
    &[':', '/', '.', '-', '_', '|', ',', ';', '@', '#', '{', '}', '[', ']', '(', ')', ' ', '='];

/// Bytes of a UUID.
const UUID_LENGTH: usize = 36;

/// Shortest run of hexadecimal digits taken for an identifier.
const HEX_LENGTH: usize = 6;

/// Shortest mix of letters and digits taken for a random token.
const TOKEN_LENGTH: usize = 16;

/// `auction:42:bids` and `auction:7:bids` are both `auction:*:bids`.
pub(crate) fn pattern_of(name: &[u8]) -> String {
    let is_cut = name.len() > NAME_LIMIT;
    let text = String::from_utf8_lossy(name.get(..NAME_LIMIT).unwrap_or(name));
    let text = number_uuids(&text);
    let mut pattern = String::with_capacity(text.len());
    for part in text.split_inclusive(SEPARATORS) {
        let (word, separator) = match part.char_indices().next_back() {
            Some((at, last)) if SEPARATORS.contains(&last) => part.split_at(at),
            _ => (part, ""),
        };
        push_part(&mut pattern, word);
        pattern.push_str(separator);
    }
    if is_cut && !pattern.ends_with('*') {
        pattern.push('*');
    }
    collapse(&pattern)
}

/// Writes `0` for each UUID: some of its groups alone would pass for words.
fn number_uuids(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let length = if rest.get(..UUID_LENGTH).is_some_and(is_uuid) {
            out.push('0');
            UUID_LENGTH
        } else {
            out.push(character);
            character.len_utf8()
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    out
}

/// Hexadecimal groups of 8, 4, 4, 4 and 12.
fn is_uuid(text: &str) -> bool {
    text.bytes().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}

/// Adds a word, with what varies in it replaced.
fn push_part(pattern: &mut String, word: &str) {
    if varies(word) {
        pattern.push('*');
        return;
    }
    // `user123` is `user*`; a lone version such as `v2` is a name of its own.
    let stem = word.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = word.len() - stem.len();
    if digits > 0 && !(digits == 1 && stem == "v") {
        pattern.push_str(stem);
        pattern.push('*');
    } else {
        pattern.push_str(word);
    }
}

/// A number, a hexadecimal identifier, a random token, or bytes that are no text.
fn varies(word: &str) -> bool {
    let has_digit = word.bytes().any(|byte| byte.is_ascii_digit());
    let all = |test: fn(&u8) -> bool| word.bytes().all(|byte| test(&byte));
    if word.is_empty() {
        return false;
    }
    all(u8::is_ascii_digit)
        || word.contains(|c: char| c == char::REPLACEMENT_CHARACTER || c.is_control())
        || (has_digit && word.len() >= HEX_LENGTH && all(u8::is_ascii_hexdigit))
        || (has_digit && word.len() >= TOKEN_LENGTH && all(u8::is_ascii_alphanumeric))
}

/// Neighbouring variables (the parts of a UUID or a date) become one.
fn collapse(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut characters = pattern.chars().peekable();
    while let Some(character) = characters.next() {
        out.push(character);
        if character != '*' {
            continue;
        }
        loop {
            let mut ahead = characters.clone();
            let next = ahead.next();
            let is_joint =
                matches!(next, Some('-' | '_' | '.' | ' ' | '/')) && ahead.peek() == Some(&'*');
            if next == Some('*') {
                characters.next();
            } else if is_joint {
                characters.next();
                characters.next();
            } else {
                break;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn finds_what_varies() {
        for (name, pattern) in [
            ("auction:42:bids", "auction:*:bids"),
            ("session:550e8400-e29b-41d4-a716-446655440000", "session:*"),
            ("x_550e8400-e29b-41d4-a716-446655440000_y", "x_*_y"),
            ("session:0f3a9c7e21", "session:*"),
            ("report:2024-01-31:daily", "report:*:daily"),
            ("api:v2:users", "api:v2:users"),
            ("user123:cart", "user*:cart"),
            ("{user:7}:cart", "{user:*}:cart"),
            ("token:Zm9vYmFyMTIzNDU2Nzg5", "token:*"),
            ("config", "config"),
            ("deadbeef", "deadbeef"),
            ("cache/page/17.html", "cache/page/*.html"),
            ("rate:10.0.0.1", "rate:*"),
            ("a:1:2", "a:*:*"),
            ("", ""),
        ] {
            assert_eq!(pattern_of(name.as_bytes()), pattern, "{name}");
        }
    }

    #[test]
    fn binary_and_endless_names_are_patterns_too() {
        assert_eq!(pattern_of(b"blob:\xff\xfe"), "blob:*");
        assert_eq!(pattern_of("x".repeat(1000).as_bytes()).len(), NAME_LIMIT + 1);
    }

    proptest! {
        #[test]
        fn any_name_has_one(name in prop::collection::vec(any::<u8>(), 0..400)) {
            let pattern = pattern_of(&name);
            prop_assert!(!pattern.contains("**"));
        }

        #[test]
        fn numbers_never_split_a_pattern(a in 0_u64..1_000_000, b in 0_u64..1_000_000) {
            let name = |number: u64| format!("shop:item:{number}:stock");
            prop_assert_eq!(pattern_of(name(a).as_bytes()), pattern_of(name(b).as_bytes()));
        }
    }
}
