//! What JSON, YAML and XML have in common: texts, lists and named fields.

/// A value of a structured format. Numbers and flags stay texts until somebody knows what they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tree {
    Text(String),
    List(Vec<Tree>),
    Map(Fields),
}

/// Named values in their order.
pub(super) type Fields = Vec<(String, Tree)>;

impl Tree {
    /// A text; what is nested is written out on one line.
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            other => {
                let mut out = String::new();
                other.write(&mut out);
                out
            }
        }
    }

    /// The number it stands for; zero for anything else, and for what is no finite number.
    pub(super) fn number(&self) -> f64 {
        match self {
            Self::Text(text) => number(text),
            _ => 0.0,
        }
    }

    /// The count it stands for.
    pub(super) fn count(&self) -> u64 {
        match self {
            Self::Text(text) => count(text),
            _ => 0,
        }
    }

    pub(super) fn is_true(&self) -> bool {
        matches!(self, Self::Text(text) if text == "true")
    }

    /// The texts of a list; a text is taken for a list written with commas.
    pub(super) fn into_texts(self) -> Vec<String> {
        match self {
            Self::List(items) => items.into_iter().map(Self::into_text).collect(),
            Self::Text(text) => split_list(&text),
            Self::Map(fields) => fields.into_iter().map(|(_, value)| value.into_text()).collect(),
        }
    }

    /// Its fields; none for anything else.
    pub(super) fn into_fields(self) -> Fields {
        match self {
            Self::Map(fields) => fields,
            _ => Vec::new(),
        }
    }

    /// Its items; anything else is a list of itself, but for an empty text.
    pub(super) fn into_items(self) -> Vec<Self> {
        match self {
            Self::List(items) => items,
            Self::Text(text) if text.trim().is_empty() => Vec::new(),
            other => vec![other],
        }
    }

    /// Everything on one line, in the manner of YAML's flow style; bounded by [`super::MAX_DEPTH`] as all trees are.
    fn write(&self, out: &mut String) {
        let mut first = true;
        let mut comma = |out: &mut String| {
            if !std::mem::take(&mut first) {
                out.push_str(", ");
            }
        };
        match self {
            Self::Text(text) => out.push_str(text),
            Self::List(items) => {
                out.push('[');
                for item in items {
                    comma(out);
                    item.write(out);
                }
                out.push(']');
            }
            Self::Map(fields) => {
                out.push('{');
                for (key, value) in fields {
                    comma(out);
                    out.push_str(key);
                    out.push_str(": ");
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

/// A finite number at the start of a text (`25kB` is 25); zero otherwise.
pub(super) fn number(text: &str) -> f64 {
    let text = text.trim();
    let numeric = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E');
    let end = text.find(|c| !numeric(c)).unwrap_or(text.len());
    text[..end].parse().ok().filter(|value: &f64| value.is_finite()).unwrap_or(0.0)
}

/// A count at the start of a text; zero otherwise.
pub(super) fn count(text: &str) -> u64 {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().unwrap_or_else(|_| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count beyond 2^64 is the largest there is; casts of floats saturate"
        )]
        let count = number(text) as u64;
        count
    })
}

/// The items of a list written with commas, those inside brackets and quotes not counting.
pub(super) fn split_list(text: &str) -> Vec<String> {
    let mut items = Vec::new();
    let mut depth = 0_usize;
    let mut quote = None;
    let mut start = 0;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            (None, ',') if depth == 0 => {
                items.push(text[start..at].trim().to_owned());
                start = at + 1;
            }
            _ => {}
        }
    }
    items.push(text[start..].trim().to_owned());
    items.retain(|item| !item.is_empty());
    items
}
