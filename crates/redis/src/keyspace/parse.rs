//! Bytes of the Redis protocol (RESP2), without any input or output.

/// The beginning of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Head {
    Int(i64),
    Nil,
    Array(usize),
    /// A bulk string of this length, and a line end, follow.
    Bulk(usize),
    /// A line of this length, and a line end, follow.
    Line {
        length: usize,
        is_error: bool,
    },
}

/// The head of a reply and its length; `None` until it is whole. An error for bytes of another protocol.
pub(crate) fn head(bytes: &[u8]) -> Result<Option<(Head, usize)>, ()> {
    let Some((&kind, rest)) = bytes.split_first() else { return Ok(None) };
    let Some(end) = rest.iter().position(|byte| *byte == b'\r') else { return Ok(None) };
    if rest.len() < end + 2 {
        return Ok(None);
    }
    let used = end + 3;
    let line = rest.get(..end).ok_or(())?;
    let head = match kind {
        b'+' | b'-' => return Ok(Some((Head::Line { length: end, is_error: kind == b'-' }, 1))),
        b':' => Head::Int(number(line).ok_or(())?),
        b'_' => Head::Nil,
        b'$' | b'*' => match number(line).ok_or(())? {
            -1 => Head::Nil,
            count => {
                let count = usize::try_from(count).map_err(|_| ())?;
                if kind == b'$' { Head::Bulk(count) } else { Head::Array(count) }
            }
        },
        _ => return Err(()),
    };
    Ok(Some((head, used)))
}

/// A decimal integer.
fn number(line: &[u8]) -> Option<i64> {
    let (is_negative, digits) = match line.split_first()? {
        (b'-', digits) => (true, digits),
        _ => (false, line),
    };
    if digits.is_empty() {
        return None;
    }
    let mut sum: i64 = 0;
    for digit in digits {
        let value = digit.checked_sub(b'0').filter(|value| *value < 10)?;
        sum = sum.checked_mul(10)?.checked_add(i64::from(value))?;
    }
    Some(if is_negative { -sum } else { sum })
}

/// Writes a command as an array of bulk strings.
pub(crate) fn encode(out: &mut Vec<u8>, words: &[&[u8]]) {
    out.push(b'*');
    decimal(out, words.len());
    for word in words {
        out.push(b'$');
        decimal(out, word.len());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
}

fn decimal(out: &mut Vec<u8>, number: usize) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    let mut rest = number;
    loop {
        at -= 1;
        if let Some(digit) = digits.get_mut(at) {
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        }
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(at..).unwrap_or_default());
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_head_is_known_once_it_is_whole() {
        assert_eq!(head(b""), Ok(None));
        assert_eq!(head(b":12"), Ok(None));
        assert_eq!(head(b":12\r"), Ok(None));
        assert_eq!(head(b":12\r\n"), Ok(Some((Head::Int(12), 5))));
        assert_eq!(head(b"$3\r\nabc"), Ok(Some((Head::Bulk(3), 4))));
        assert_eq!(head(b"-E x\r\n"), Ok(Some((Head::Line { length: 3, is_error: true }, 1))));
        assert_eq!(head(b"HTTP/1.1 400\r\n"), Err(()));
        assert_eq!(head(b":1x\r\n"), Err(()));
        assert_eq!(head(b"$-2\r\n"), Err(()));
    }

    #[test]
    fn a_command_is_an_array_of_bulk_strings() {
        let mut out = Vec::new();
        encode(&mut out, &[b"PTTL", b"a key of more"]);
        assert_eq!(out, b"*2\r\n$4\r\nPTTL\r\n$13\r\na key of more\r\n");
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            if let Ok(Some((_, used))) = head(&bytes) {
                prop_assert!(used <= bytes.len());
            }
        }

        #[test]
        fn any_integer_is_read_back(n in any::<i64>()) {
            let text = format!(":{n}\r\n");
            let read = head(text.as_bytes());
            prop_assert!(n == i64::MIN || read == Ok(Some((Head::Int(n), text.len()))));
        }
    }
}
