//! Guessing the pattern behind a key's name: the parts that vary become `*`.

use std::borrow::Cow;

/// Longest name looked at, in bytes; the rest of it varies for certain.
const NAME_LIMIT: usize = 256;

/// Bytes that separate the words of a name.
pub(super) fn is_separator(byte: u8) -> bool {
    is_wall(byte) || matches!(byte, b'.' | b'-' | b'_' | b'@')
}

/// Separators that never stand within an e-mail address or a token.
fn is_wall(byte: u8) -> bool {
    matches!(
        byte,
        b':' | b'/' | b'|' | b',' | b';' | b'#' | b'{' | b'}' | b'[' | b']' | b'(' | b')' | b' '
    ) || byte == b'='
}

/// Bytes of a UUID.
const UUID_LENGTH: usize = 36;

/// Shortest run of hexadecimal digits, some of them 0–9, taken for an identifier.
const HEX_LENGTH: usize = 6;

/// Shortest run of the letters a–f alone taken for one: no word is as long.
const HEX_LETTERS: usize = 16;

/// Shortest mix of letters and digits taken for a random token.
const TOKEN_LENGTH: usize = 16;

/// `auction:42:bids` and `auction:7:bids` are both `auction:*:bids`.
pub(crate) fn pattern_of(name: &[u8]) -> String {
    let mut pattern = String::new();
    write_pattern(name, &mut pattern);
    pattern
}

/// Writes the pattern of a name over what `pattern` held.
pub(crate) fn write_pattern(name: &[u8], pattern: &mut String) {
    pattern.clear();
    let cut = name.get(..NAME_LIMIT);
    let text: Cow<'_, str> = String::from_utf8_lossy(cut.unwrap_or(name));
    let text = text.as_ref();
    let mut at = 0;
    let mut segment_end = 0;
    while at < text.len() {
        let is_first = at >= segment_end;
        if is_first {
            segment_end = end_of(text, at, is_wall);
            if is_email(text.get(at..segment_end).unwrap_or_default()) {
                push_variable(pattern);
                at = segment_end;
            }
        }
        at = push_word(pattern, text, at, segment_end, is_first);
    }
    if cut.is_some() && name.len() > NAME_LIMIT {
        push_variable(pattern);
    }
}

/// Writes what begins at `at`, up to and with the next separator; gives where that ends.
fn push_word(
    pattern: &mut String,
    text: &str,
    at: usize,
    segment_end: usize,
    is_first: bool,
) -> usize {
    let uuid = at + UUID_LENGTH;
    let end = if text.get(at..uuid).is_some_and(is_uuid) {
        push_variable(pattern);
        uuid
    } else if is_token(text.get(at..segment_end).unwrap_or_default(), is_first) {
        push_variable(pattern);
        segment_end
    } else {
        let end = end_of(text, at, is_separator);
        push_plain(pattern, text.get(at..end).unwrap_or_default());
        end
    };
    match text.get(end..).and_then(|rest| rest.chars().next()) {
        Some(separator) if separator.is_ascii() && is_separator(separator as u8) => {
            pattern.push(separator);
            end + 1
        }
        _ => end,
    }
}

fn end_of(text: &str, from: usize, ends: fn(u8) -> bool) -> usize {
    let rest = text.as_bytes().get(from..).unwrap_or_default();
    rest.iter().position(|byte| ends(*byte)).map_or(text.len(), |length| from + length)
}

/// Adds `*`; one with a variable just before it, or joined to it by a soft separator (the parts of a date or an
/// address), is the same variable.
fn push_variable(pattern: &mut String) {
    let mut kept = pattern.len();
    if let Some(joint) = pattern.chars().next_back()
        && matches!(joint, '-' | '_' | '.' | ' ' | '/')
        && pattern.get(..kept - 1).is_some_and(|before| before.ends_with('*'))
    {
        kept -= 1;
    }
    pattern.truncate(kept);
    if !pattern.ends_with('*') {
        pattern.push('*');
    }
}

/// Adds a word, with what varies in it replaced.
fn push_plain(pattern: &mut String, word: &str) {
    if varies(word) {
        push_variable(pattern);
        return;
    }
    // `user123` is `user*`; a lone version such as `v2` is a name of its own.
    let stem = word.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = word.len() - stem.len();
    if digits > 0 && !(digits == 1 && stem == "v") {
        push_text(pattern, stem);
        push_text(pattern, "*");
    } else if word == "*" {
        push_variable(pattern);
    } else {
        push_text(pattern, word);
    }
}

/// Adds text; stars in a row are one.
fn push_text(pattern: &mut String, text: &str) {
    for c in text.chars() {
        if c != '*' || !pattern.ends_with('*') {
            pattern.push(c);
        }
    }
}

/// A number, a hexadecimal identifier, part of a time, a random token, or bytes that are no text.
fn varies(word: &str) -> bool {
    let bytes = word.as_bytes();
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    let all = |test: fn(&u8) -> bool| bytes.iter().all(test);
    let Some(first) = bytes.first() else { return false };
    digits == bytes.len()
        || (first.is_ascii_digit() && digits >= 2 && 2 * digits >= bytes.len())
        || (digits > 0 && bytes.len() >= HEX_LENGTH && all(u8::is_ascii_hexdigit))
        || (bytes.len() >= HEX_LETTERS && all(u8::is_ascii_hexdigit))
        || (digits > 0 && bytes.len() >= TOKEN_LENGTH && all(u8::is_ascii_alphanumeric))
        || word.chars().any(|c| c == char::REPLACEMENT_CHARACTER || c.is_control())
}

/// Base64 in either alphabet: long, of all three kinds of characters, and not begun by a plain word of its own. Two
/// letters may be chance, but not where a part of the name begins.
fn is_token(text: &str, is_first: bool) -> bool {
    if text.len() < TOKEN_LENGTH || !is_mixed(text) {
        return false;
    }
    let soft = text.bytes().position(|byte| matches!(byte, b'-' | b'_'));
    let Some(length) = soft.filter(|length| (if is_first { 2 } else { 4 }..=12).contains(length))
    else {
        return true;
    };
    let (prefix, rest) = text.split_at(length);
    let is_word = prefix.bytes().all(|byte| byte.is_ascii_lowercase());
    !(is_word && rest.get(1..).is_some_and(|rest| rest.len() >= TOKEN_LENGTH && is_mixed(rest)))
}

/// Lower case, upper case and mostly digits, changing often, and nothing that base64 does not use.
fn is_mixed(text: &str) -> bool {
    let class = |byte: u8| match byte {
        b'a'..=b'z' => Some(0_usize),
        b'A'..=b'Z' => Some(1),
        b'0'..=b'9' => Some(2),
        b'+' | b'-' | b'_' => Some(3),
        _ => None,
    };
    let (mut seen, mut changes, mut last) = ([false; 4], 0_usize, None);
    for byte in text.bytes() {
        let Some(class) = class(byte) else { return false };
        if let Some(seen) = seen.get_mut(class) {
            *seen = true;
        }
        changes += usize::from(last.is_some_and(|last| last != class));
        last = Some(class);
    }
    match seen {
        [true, true, true, _] => 3 * changes >= text.len(),
        // Without digits it may be words in camel case, which change less often.
        [true, true, false, _] => 5 * changes > 2 * text.len(),
        _ => false,
    }
}

/// Hexadecimal groups of 8, 4, 4, 4 and 12.
fn is_uuid(text: &str) -> bool {
    text.bytes().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}

/// One `@` between a name and a host with a dot.
fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.split_once('@') else { return false };
    let labels = host.split('.').count();
    !name.is_empty()
        && labels >= 2
        && host.split('.').all(|label| !label.is_empty())
        && !host.contains('@')
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
            ("session:deadbeefcafebabe", "session:*"),
            ("report:2024-01-31:daily", "report:*:daily"),
            ("report:2024-01-31T10:00:00Z", "report:*:*:*"),
            ("api:v2:users", "api:v2:users"),
            ("user123:cart", "user*:cart"),
            ("{user:7}:cart", "{user:*}:cart"),
            ("token:Zm9vYmFyMTIzNDU2Nzg5", "token:*"),
            ("tok_aB3-x9Qz_77LmNo0pQ2rS", "tok_*"),
            ("tok_qk-aB3x9Qz77LmNo0pQ2rS", "tok_*"),
            ("app_session_aB3x9Qz77LmNo0pQ2rS", "app_session_*"),
            ("tok_aBxQzLmNoDpQfrStHu", "tok_*"),
            ("mail:ann.lee@example.com:seen", "mail:*:seen"),
            ("mail|bob@mail.example.org", "mail|*"),
            ("config", "config"),
            ("deadbeef", "deadbeef"),
            ("cache/page/17.html", "cache/page/*.html"),
            ("rate:10.0.0.1", "rate:*"),
            ("page/7/v3", "page/*/v3"),
            ("a:1:2", "a:*:*"),
            ("stats:2fa", "stats:2fa"),
            ("UserSessionCacheEntry", "UserSessionCacheEntry"),
            ("glob:*", "glob:*"),
            ("a**7 b", "a* b"),
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
            prop_assert!(!pattern.contains("**"), "{pattern}");
            prop_assert!(pattern.chars().all(|c| !c.is_control()), "{pattern:?}");
            prop_assert!(pattern.len() <= NAME_LIMIT + 1);
        }

        #[test]
        fn a_pattern_is_its_own_pattern(name in "[a-z]{1,4}([:/._-][a-zA-Z0-9]{0,8}){0,4}") {
            let pattern = pattern_of(name.as_bytes());
            let again = pattern_of(pattern.as_bytes());
            prop_assert_eq!(again, pattern);
        }

        #[test]
        fn numbers_never_split_a_pattern(a in 0_u64..1_000_000, b in 0_u64..1_000_000) {
            for separator in [":", "/", ".", "-", "_", "|"] {
                let name = |number: u64| ["shop", "item", &number.to_string(), "stock"].join(separator);
                prop_assert_eq!(pattern_of(name(a).as_bytes()), pattern_of(name(b).as_bytes()));
            }
        }

        #[test]
        fn identifiers_never_split_a_pattern(a in any::<u128>(), b in any::<u128>()) {
            let hex = |n: u128| format!("s:{n:032x}:x");
            prop_assert_eq!(pattern_of(hex(a).as_bytes()), pattern_of(hex(b).as_bytes()));
            let uuid = |n: u128| {
                let h = format!("{n:032x}");
                format!("s-{}-{}-{}-{}-{}", &h[..8], &h[8..12], &h[12..16], &h[16..20], &h[20..])
            };
            prop_assert_eq!(pattern_of(uuid(a).as_bytes()), pattern_of(uuid(b).as_bytes()));
        }
    }
}
