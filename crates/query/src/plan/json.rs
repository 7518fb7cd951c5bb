//! Plans in JSON. A parser of our own: a plan may be nested deeper than general ones allow, and stands amid other text.

use super::{
    Fault, Found, MAX_DEPTH, WORK,
    tree::{Fields, Tree},
    whole,
};

/// Every plan of every document in a text.
pub(super) fn plans(text: &str) -> Found {
    let mut plans = Vec::new();
    let mut broken = None;
    if !names_plan(text) {
        return (plans, broken);
    }
    let mut budget = WORK.saturating_mul(text.len());
    let mut at = 0;
    while let Some(start) = next_start(text, at) {
        match parse(text, start) {
            Ok((tree, end)) => {
                plans.extend(whole::plans_in(tree));
                at = end;
            }
            Err(fault) => {
                budget = budget.saturating_sub(fault.at - start);
                if broken.as_ref().is_none_or(|other: &Fault| other.at < fault.at) {
                    broken = Some(fault);
                }
                at = start + 1;
            }
        }
        if budget == 0 {
            break;
        }
    }
    (plans, broken)
}

/// Whether the text has `"Plan":` or `"Node Type":` (and not only a column `"Plan"::text` in a filter).
fn names_plan(text: &str) -> bool {
    ["\"Plan\"", "\"Node Type\""].iter().any(|name| {
        text.match_indices(name).any(|(at, _)| {
            let rest = text[at + name.len()..].trim_start();
            rest.starts_with(':') && !rest.starts_with("::")
        })
    })
}

/// The next bracket that may begin a document: what follows it begins a name or another document.
fn next_start(text: &str, from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += text.get(at..)?.find(['{', '['])?;
        let next = text[at + 1..].trim_start_matches([' ', '\t', '\r', '\n']);
        if next.starts_with(['{', '[', '"']) {
            return Some(at);
        }
        at += 1;
    }
}

/// An open list, or open fields with the name the next value is for.
enum Open {
    List(Vec<Tree>),
    Map(Fields, String),
}

/// One value that begins at a byte, and the byte behind it.
fn parse(text: &str, start: usize) -> Result<(Tree, usize), Fault> {
    let mut reader = Reader { text, at: start };
    let mut open: Vec<Open> = Vec::new();
    loop {
        let mut done = match reader.value()? {
            Value::Done(tree) => tree,
            Value::Opened(_) if open.len() >= MAX_DEPTH => {
                return Err(reader.fault("nested deeper than any plan"));
            }
            Value::Opened(container) => {
                open.push(container);
                continue;
            }
        };
        // The value is complete: it goes where it belongs, and may complete what holds it.
        loop {
            let Some(holder) = open.pop() else { return Ok((done, reader.at)) };
            match holder {
                Open::List(mut items) => {
                    items.push(done);
                    if reader.more(b']')? {
                        open.push(Open::List(items));
                        break;
                    }
                    done = Tree::List(items);
                }
                Open::Map(mut fields, key) => {
                    fields.push((key, done));
                    if reader.more(b'}')? {
                        let key = reader.key()?;
                        open.push(Open::Map(fields, key));
                        break;
                    }
                    done = Tree::Map(fields);
                }
            }
        }
    }
}

enum Value {
    Done(Tree),
    Opened(Open),
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn fault(&self, reason: &'static str) -> Fault {
        Fault { at: self.at, reason }
    }

    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    fn value(&mut self) -> Result<Value, Fault> {
        let Some(first) = self.peek() else {
            return Err(self.fault("the plan ends here, in the middle"));
        };
        match first {
            b'{' => {
                self.at += 1;
                if self.peek() == Some(b'}') {
                    self.at += 1;
                    return Ok(Value::Done(Tree::Map(Vec::new())));
                }
                Ok(Value::Opened(Open::Map(Vec::new(), self.key()?)))
            }
            b'[' => {
                self.at += 1;
                if self.peek() == Some(b']') {
                    self.at += 1;
                    return Ok(Value::Done(Tree::List(Vec::new())));
                }
                Ok(Value::Opened(Open::List(Vec::new())))
            }
            b'"' => Ok(Value::Done(Tree::Text(self.string()?))),
            _ => self.word().map(|word| Value::Done(Tree::Text(word))),
        }
    }

    /// A number or one of JSON's words.
    fn word(&mut self) -> Result<String, Fault> {
        let rest = &self.text[self.at..];
        let belongs = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+');
        let end = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        let word = &rest[..end];
        let known = matches!(word, "true" | "false" | "null") || word.parse::<f64>().is_ok();
        if !known {
            return Err(self.fault("expected a value"));
        }
        self.at += end;
        Ok(if word == "null" { String::new() } else { word.to_owned() })
    }

    fn key(&mut self) -> Result<String, Fault> {
        if self.peek() != Some(b'"') {
            return Err(self.fault("expected the name of a field, in double quotes"));
        }
        let key = self.string()?;
        if self.peek() != Some(b':') {
            return Err(self.fault("expected ':' after the name of a field"));
        }
        self.at += 1;
        Ok(key)
    }

    /// Whether another item follows; otherwise steps over the closing bracket.
    fn more(&mut self, close: u8) -> Result<bool, Fault> {
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(c) if c == close => {
                self.at += 1;
                Ok(false)
            }
            None => Err(self.fault("the plan ends here, in the middle")),
            Some(_) => Err(self.fault("expected ',' or a closing bracket")),
        }
    }

    fn string(&mut self) -> Result<String, Fault> {
        let (text, end) = string(self.text, self.at)?;
        self.at = end;
        Ok(text)
    }
}

/// The text in double quotes that begin at a byte, and the byte behind them.
pub(super) fn string(text: &str, start: usize) -> Result<(String, usize), Fault> {
    let bytes = text.as_bytes();
    let mut out = String::new();
    let mut at = start + 1;
    let mut plain = at;
    loop {
        match bytes.get(at) {
            None => return Err(Fault { at: start, reason: "a text in double quotes has no end" }),
            Some(b'"') => {
                out.push_str(&text[plain..at]);
                return Ok((out, at + 1));
            }
            Some(b'\\') => {
                out.push_str(&text[plain..at]);
                let (c, end) = escape(text, at)?;
                out.push(c);
                at = end;
                plain = end;
            }
            Some(_) => at += 1,
        }
    }
}

/// The character a backslash stands for, and the byte behind it.
fn escape(text: &str, at: usize) -> Result<(char, usize), Fault> {
    let fault = Fault { at, reason: "a backslash that stands for nothing" };
    let c = match text.as_bytes().get(at + 1).ok_or(fault)? {
        b'n' => '\n',
        b't' => '\t',
        b'r' => '\r',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'u' => {
            let unit = |at: usize| {
                let digits = text.get(at..at + 4)?;
                u32::from_str_radix(digits, 16).ok()
            };
            let high = unit(at + 2).ok_or(fault)?;
            if (0xd800..0xdc00).contains(&high) && text.get(at + 6..at + 8) == Some("\\u") {
                let low = unit(at + 8).ok_or(fault)?;
                let joined = 0x1_0000 + ((high - 0xd800) << 10) + (low & 0x3ff);
                return Ok((char::from_u32(joined).unwrap_or('\u{fffd}'), at + 12));
            }
            return Ok((char::from_u32(high).unwrap_or('\u{fffd}'), at + 6));
        }
        c @ (b'"' | b'\\' | b'/') => char::from(*c),
        _ => return Err(fault),
    };
    Ok((c, at + 2))
}
