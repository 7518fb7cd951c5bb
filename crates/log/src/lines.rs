//! Formats with one record, or one piece of a record, a line.

use memchr::memchr;

/// What of a buffer is passed over: the rest of a line that was cut before.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Passing(bool);

impl Passing {
    /// What was given last was cut, within a line or at the end of one.
    pub(crate) fn cut(ends_line: bool) -> Self {
        Self(!ends_line)
    }

    /// Gives each whole line with the bytes it takes, its end included; returns how many bytes are done with and what is
    /// passed over next. At the end of the input the last line is whole.
    pub(crate) fn each_line(
        self,
        buffer: &[u8],
        is_end: bool,
        mut give: impl FnMut(&[u8], usize),
    ) -> (usize, Self) {
        let mut is_passing = self.0;
        let mut at = 0;
        while at < buffer.len() {
            let (end, next) = match memchr(b'\n', &buffer[at..]) {
                Some(len) => (at + len, at + len + 1),
                None if is_end || is_passing => (buffer.len(), buffer.len()),
                None => return (at, Self(is_passing)),
            };
            if is_passing {
                is_passing = next == end;
            } else {
                give(&buffer[at..end], next - at);
            }
            at = next;
        }
        (buffer.len(), Self(is_passing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_of_a_cut_line_is_passed_over() {
        let lines = |passing: Passing, buffer: &[u8], is_end| {
            let mut given = Vec::new();
            let (done, next) = passing.each_line(buffer, is_end, |line, bytes| {
                given.push((String::from_utf8_lossy(line).into_owned(), bytes));
            });
            (given, done, next)
        };
        let whole = |text: &str, bytes| (text.to_owned(), bytes);
        assert_eq!(
            lines(Passing::default(), b"a\nb", false),
            (vec![whole("a", 2)], 2, Passing(false))
        );
        assert_eq!(
            lines(Passing::default(), b"a\nb", true),
            (vec![whole("a", 2), whole("b", 1)], 3, Passing(false))
        );
        assert_eq!(lines(Passing::cut(false), b"rest", false), (vec![], 4, Passing(true)));
        assert_eq!(
            lines(Passing::cut(false), b"rest\na\n", false),
            (vec![whole("a", 2)], 7, Passing(false))
        );
        assert_eq!(lines(Passing::cut(true), b"a\n", false).0, vec![whole("a", 2)]);
    }
}
