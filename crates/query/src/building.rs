//! Statements that build an index while its table is in use: of one table, or of partitions to any depth.

use std::collections::BTreeSet;

use dbvitals_model::{
    Fix, FixKind,
    pg::{index::Index, relation::Relation},
};

use crate::lint::name::{made, quoted};

/// A table, with its partitions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    /// Its schema, where it is known.
    pub schema: Option<String>,
    /// Its name.
    pub name: String,
    /// It is partitioned: it has no rows of its own.
    pub is_partitioned: bool,
    /// Its partitions, in the order of their names.
    pub parts: Vec<Tree>,
}

impl Tree {
    /// A table of which no more is known than its name.
    pub fn alone(schema: Option<&str>, name: &str) -> Self {
        Self { schema: schema.map(str::to_owned), name: name.to_owned(), ..Self::default() }
    }

    /// A table with the partitions that are among these relations.
    pub fn of(table: &Relation, relations: &[&Relation]) -> Self {
        let is_partitioned = table.kind == "p";
        let own = |r: &&Relation| {
            is_partitioned
                && r.is_partition
                && r.parent_oid == Some(table.oid)
                && r.oid != table.oid
        };
        let parts = relations.iter().copied().filter(own);
        let mut parts: Vec<Self> = parts.map(|part| Self::of(part, relations)).collect();
        parts.sort_by(|a, b| (&a.schema, &a.name).cmp(&(&b.schema, &b.name)));
        Self { is_partitioned, parts, ..Self::alone(Some(&table.schema), &table.name) }
    }

    fn written(&self) -> String {
        self.in_schema(&self.name)
    }

    /// A name in its schema, where its indexes are.
    fn in_schema(&self, name: &str) -> String {
        match &self.schema {
            Some(schema) => format!("{}.{}", quoted(schema), quoted(name)),
            None => quoted(name),
        }
    }
}

/// An index that is to be built.
#[derive(Debug, Clone, Copy)]
pub struct NewIndex<'a> {
    /// Its table.
    pub tree: &'a Tree,
    /// `gin`; empty for a B-tree.
    pub method: &'a str,
    /// What stands between the parentheses.
    pub keys: &'a str,
    /// What its name tells of it, beside the table's.
    pub named: &'a [String],
}

/// Names by schema that are given away.
pub type Names = BTreeSet<(Option<String>, String)>;

/// Those of relations and indexes.
pub fn given_away<'r>(relations: impl Iterator<Item = &'r Relation>, indexes: &[Index]) -> Names {
    let relations = relations.map(|r| (Some(r.schema.clone()), r.name.clone()));
    relations.chain(indexes.iter().map(|i| (Some(i.schema.clone()), i.name.clone()))).collect()
}

impl NewIndex<'_> {
    /// The statements, in the order in which they must run, with lock and undo. Their names are added to those
    /// that are given away. A plain table takes one statement, which makes for a fix of the kind given; what is done
    /// to partitions is to be read first.
    ///
    /// Of a partitioned table the index is first made for itself (`ON ONLY`), not valid yet. Each table below it gets its
    /// own concurrently, each partitioned one likewise for itself, and each is attached to the one above when those
    /// below it are: with the last one the index on top becomes valid.
    pub fn fix(&self, kind: FixKind, taken: &mut Names) -> Fix {
        let table = self.tree.written();
        let (mut statements, mut names) = (Vec::new(), Vec::new());
        self.build(self.tree, taken, &mut statements, &mut names);
        let full = names.first().cloned().unwrap_or_default();
        if !self.tree.is_partitioned {
            return Fix::new(kind, statements)
                .locking(
                    "ShareUpdateExclusiveLock",
                    format!("VACUUM and DDL on {table}, not reads or writes"),
                )
                .undone_by([format!("DROP INDEX CONCURRENTLY {full};")]);
        }
        // What was not attached yet would stay behind if the building stopped midway.
        let what = names.join(", ");
        Fix::new(FixKind::Review, statements)
            .locking("ShareLock", format!("writes to {table}, for a moment"))
            .undone_by([format!("DROP INDEX IF EXISTS {what};")])
    }

    fn build(
        &self,
        tree: &Tree,
        taken: &mut Names,
        statements: &mut Vec<String>,
        names: &mut Vec<String>,
    ) {
        let name = self.free_name(tree, taken);
        let using = match self.method {
            "" => String::new(),
            method => format!(" USING {method}"),
        };
        // Without partitions there is nothing to build, and the index is valid at once.
        let how = match (tree.is_partitioned, tree.parts.is_empty()) {
            (false, _) => ("CONCURRENTLY ", ""),
            (true, true) => ("", ""),
            (true, false) => ("", "ONLY "),
        };
        statements.push(format!(
            "CREATE INDEX {}{} ON {}{}{using} ({});",
            how.0,
            quoted(&name),
            how.1,
            tree.written(),
            self.keys
        ));
        let full = tree.in_schema(&name);
        names.push(full.clone());
        for part in &tree.parts {
            let of_part = names.len();
            self.build(part, taken, statements, names);
            if let Some(of_part) = names.get(of_part) {
                statements.push(format!("ALTER INDEX {full} ATTACH PARTITION {of_part};"));
            }
        }
    }

    /// A name in the server's own manner that is not given away.
    fn free_name(&self, tree: &Tree, taken: &mut Names) -> String {
        let endings = std::iter::once("idx".to_owned()).chain((1..1000).map(|n| format!("idx{n}")));
        let mut names = endings.map(|ending| made(&tree.name, self.named, &ending));
        let key = |name: &str| (tree.schema.clone(), name.to_owned());
        let free = names.find(|name| !taken.contains(&key(name)));
        let name = free.unwrap_or_else(|| made(&tree.name, self.named, "idx"));
        taken.insert(key(&name));
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(oid: i64, parent: Option<i64>, kind: &str, name: &str) -> Relation {
        Relation {
            oid,
            parent_oid: parent,
            is_partition: parent.is_some(),
            kind: kind.into(),
            schema: "App".into(),
            name: name.into(),
            ..Relation::default()
        }
    }

    fn fix(relations: &[Relation], taken: &mut Names) -> Fix {
        let tree = Tree::of(&relations[0], &relations.iter().collect::<Vec<_>>());
        let named = ["at".to_owned()];
        NewIndex { tree: &tree, method: "", keys: "at", named: &named }.fix(FixKind::Safe, taken)
    }

    #[test]
    fn a_table_takes_one_statement() {
        let mut taken = Names::from([(Some("App".to_owned()), "log_at_idx".to_owned())]);
        let one = fix(&[part(1, None, "r", "log")], &mut taken);
        assert_eq!(one.statements, ["CREATE INDEX CONCURRENTLY log_at_idx1 ON \"App\".log (at);"]);
        assert_eq!(one.undo, ["DROP INDEX CONCURRENTLY \"App\".log_at_idx1;"]);
        assert_eq!((one.kind, one.lock.as_str()), (FixKind::Safe, "ShareUpdateExclusiveLock"));
        assert_eq!(taken.len(), 2);
    }

    #[test]
    fn partitions_are_attached_from_the_bottom_up() {
        let deep = [
            part(1, None, "p", "log"),
            part(3, Some(2), "r", "log 1"),
            part(2, Some(1), "p", "log_a"),
            part(4, Some(1), "r", "log_b"),
            part(5, Some(9), "r", "other"),
        ];
        let fix = fix(&deep, &mut Names::new());
        assert_eq!(
            fix.statements,
            [
                "CREATE INDEX log_at_idx ON ONLY \"App\".log (at);",
                "CREATE INDEX log_a_at_idx ON ONLY \"App\".log_a (at);",
                "CREATE INDEX CONCURRENTLY \"log 1_at_idx\" ON \"App\".\"log 1\" (at);",
                "ALTER INDEX \"App\".log_a_at_idx ATTACH PARTITION \"App\".\"log 1_at_idx\";",
                "ALTER INDEX \"App\".log_at_idx ATTACH PARTITION \"App\".log_a_at_idx;",
                "CREATE INDEX CONCURRENTLY log_b_at_idx ON \"App\".log_b (at);",
                "ALTER INDEX \"App\".log_at_idx ATTACH PARTITION \"App\".log_b_at_idx;",
            ]
        );
        assert_eq!((fix.kind, fix.lock.as_str()), (FixKind::Review, "ShareLock"));
        assert!(fix.undo[0].starts_with("DROP INDEX IF EXISTS \"App\".log_at_idx, "), "{fix:?}");
    }

    #[test]
    fn without_partitions_the_statement_on_top_suffices() {
        let fix = fix(&[part(1, None, "p", "log")], &mut Names::new());
        assert_eq!(fix.statements, ["CREATE INDEX log_at_idx ON \"App\".log (at);"]);
    }

    #[test]
    fn long_names_stay_apart() {
        let long = "a_name_that_is_as_long_as_the_server_keeps_them_and_then_some";
        let two = [
            part(1, None, "p", "log"),
            part(2, Some(1), "r", &format!("{long}1")),
            part(3, Some(1), "r", &format!("{long}2")),
        ];
        let statements = fix(&two, &mut Names::new()).statements;
        assert!(statements[1].contains("_idx ON") && statements[3].contains("_idx1 ON"));
    }
}
