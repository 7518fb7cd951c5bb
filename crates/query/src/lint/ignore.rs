//! Comments that switch rules off for one statement: `-- dbvitals: ignore rule, other-rule`.

use pg_query::protobuf::Token;

use crate::script::tokens;

/// What the comment begins with.
const MARK: &str = "dbvitals: ignore";

/// The rules that comments of a text name; `*` for all of them.
pub(super) fn rules(text: &str) -> Vec<String> {
    if !text.contains(MARK) {
        return Vec::new();
    }
    let found = tokens(text).unwrap_or_default();
    let comments = found.iter().filter_map(|token| {
        let kinds = [Token::SqlComment as i32, Token::CComment as i32];
        let place = usize::try_from(token.start).ok()?..usize::try_from(token.end).ok()?;
        if kinds.contains(&token.token) { text.get(place) } else { None }
    });
    let named = comments.filter_map(|comment| {
        let inside = comment
            .trim_start_matches(['-', '/', '*', ' '])
            .trim_end_matches(['/', '*', ' ', '\n']);
        inside.strip_prefix(MARK).map(str::to_owned)
    });
    named
        .flat_map(|names| {
            let names: Vec<String> = names
                .split([',', ' '])
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect();
            if names.is_empty() { vec!["*".to_owned()] } else { names }
        })
        .collect()
}
