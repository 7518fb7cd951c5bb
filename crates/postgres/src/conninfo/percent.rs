//! Percent-encoding.

/// Decodes `%XX`; the error says what is wrong without repeating the text, which may be a password.
pub(super) fn decode(text: &str) -> Result<String, &'static str> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return Err("a % is not followed by two hexadecimal digits (write %25 for %)");
        };
        match u8::try_from(high * 16 + low) {
            Ok(0) | Err(_) => return Err("%00 is not allowed"),
            Ok(decoded) => bytes.push(decoded),
        }
    }
    String::from_utf8(bytes).map_err(|_| "the decoded text is not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn decodes_and_refuses() {
        assert_eq!(decode("a%2Fb%c3%a9").unwrap(), "a/b\u{e9}");
        assert_eq!(decode("a+b").unwrap(), "a+b");
        for bad in ["%", "%1", "%zz", "%00", "%ff", "%é9"] {
            assert!(decode(bad).is_err(), "{bad}");
        }
    }
}
