//! What a node is called.

use super::Node;

impl Node {
    /// As `EXPLAIN` writes it: `Seq Scan on app.orders o`, `Hash Left Join`, `CTE Scan on recent`.
    pub fn title(&self) -> String {
        let mut name = match (self.kind.as_str(), self.join_type.as_deref()) {
            ("Nested Loop", Some(join)) if join != "Inner" => format!("Nested Loop {join} Join"),
            ("Hash Join", Some(join)) if join != "Inner" => format!("Hash {join} Join"),
            ("Merge Join", Some(join)) if join != "Inner" => format!("Merge {join} Join"),
            ("ModifyTable", _) => self.operation.clone().unwrap_or_else(|| self.kind.clone()),
            ("Aggregate", _) => match self.strategy.as_deref() {
                Some("Hashed") => "HashAggregate".to_owned(),
                Some("Sorted") => "GroupAggregate".to_owned(),
                Some("Mixed") => "MixedAggregate".to_owned(),
                _ => "Aggregate".to_owned(),
            },
            (kind, _) => kind.to_owned(),
        };
        if let Some(mode) = &self.partial_mode {
            name = format!("{mode} {name}");
        }
        if self.parallel_aware {
            name = format!("Parallel {name}");
        }
        if self.is_backward {
            name.push_str(" Backward");
        }
        if let Some(index) = &self.index {
            let word = if self.kind == "Bitmap Index Scan" { "on" } else { "using" };
            name = format!("{name} {word} {index}");
        }
        let object = self.table().or_else(|| self.cte.clone()).or_else(|| self.function.clone());
        let alias = self.alias.as_ref();
        match (object, alias) {
            (Some(object), Some(alias)) if !object.ends_with(alias.as_str()) => {
                format!("{name} on {object} {alias}")
            }
            (Some(object), _) => format!("{name} on {object}"),
            (None, Some(alias)) => format!("{name} on {alias}"),
            (None, None) => name,
        }
    }
}
