//! Whether all of a tree is seen, and whether a text means a tree. Both are read off what the library prints of a
//! tree, which knows every field of every node.

use std::{
    fmt::{self, Write as _},
    hash::{DefaultHasher, Hasher as _},
};

use pg_query::{Node, NodeEnum, protobuf::TypeName};

use super::below::deep;
use crate::tree;

/// Nodes that proofs look for.
const TELLING: &[&str] = &["ColumnRef", "FuncCall", "ParamRef", "RangeVar", "SubLink"];

/// Whether nothing that proofs look for stands in a place of the tree that is not visited. What names a table could
/// otherwise be overlooked in a clause nobody knew of.
pub(super) fn is_seen(root: &NodeEnum) -> bool {
    let tells = |node: &NodeEnum| {
        matches!(
            node,
            NodeEnum::ColumnRef(_)
                | NodeEnum::FuncCall(_)
                | NodeEnum::ParamRef(_)
                | NodeEnum::RangeVar(_)
                | NodeEnum::SubLink(_)
        )
    };
    let (mut read, mut changed) = (0_usize, 0_usize);
    let mut odd = false;
    tree::deep(root, &mut |node| {
        read += usize::from(tells(node));
        odd |= has_odd_type(node);
    });
    let mut copy = root.clone();
    deep(&mut copy, &mut |node| changed += usize::from(tells(node)));
    let mut count = Count::default();
    // Counting cannot fail.
    let _ = write!(count, "{root:?}");
    !odd && read == count.found && changed == count.found
}

/// Whether parts of a tree can be written down again.
pub(crate) fn is_writable(root: &NodeEnum) -> bool {
    let mut odd = false;
    tree::deep(root, &mut |node| odd |= has_odd_type(node));
    !odd
}

/// Counts the nodes of a printed tree: a name, and then a bracket. A string that looks like one counts, too, which
/// only makes the answer more careful.
#[derive(Default)]
struct Count {
    found: usize,
    is_name: bool,
}

impl fmt::Write for Count {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        self.found += usize::from(self.is_name && piece.starts_with('('));
        self.is_name = TELLING.contains(&piece);
        Ok(())
    }
}

/// Whether a name stands anywhere in a tree, be it as a part of another, or of a string.
pub(super) fn mentions(root: &NodeEnum, name: &str) -> bool {
    let mut mentions = Mentions { name, found: false };
    // Searching cannot fail.
    let _ = write!(mentions, "{root:?}");
    mentions.found
}

struct Mentions<'n> {
    name: &'n str,
    found: bool,
}

impl fmt::Write for Mentions<'_> {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        self.found |= piece.contains(self.name);
        Ok(())
    }
}

/// Whether a type has a length that is no plain value, such as `numeric(1 + 1)`: it cannot be written down again.
fn has_odd_type(node: &NodeEnum) -> bool {
    let is_odd = |name: &Option<TypeName>| {
        name.iter().flat_map(|name| &name.typmods).any(|length| {
            !matches!(
                length.node,
                Some(NodeEnum::AConst(_) | NodeEnum::ParamRef(_) | NodeEnum::ColumnRef(_))
            )
        })
    };
    let in_column = |column: &Node| match &column.node {
        Some(NodeEnum::ColumnDef(column)) => is_odd(&column.type_name),
        _ => false,
    };
    match node {
        NodeEnum::TypeCast(e) => is_odd(&e.type_name),
        NodeEnum::XmlSerialize(e) => is_odd(&e.type_name),
        NodeEnum::RangeTableFuncCol(e) => is_odd(&e.type_name),
        NodeEnum::RangeFunction(e) => e.coldeflist.iter().any(in_column),
        _ => false,
    }
}

/// The tree as text; `None` where the text would not mean exactly the tree.
pub(crate) fn text(root: &NodeEnum) -> Option<String> {
    let text = root.deparse(pg_query::DeparseOptions::default()).ok()?;
    let again = crate::Statement::parse(&text).ok()?;
    (print(again.root()) == print(root)).then_some(text)
}

/// A number for all of a tree but the places of its parts in a text.
fn print(root: &NodeEnum) -> u64 {
    let mut print = Print::default();
    // Hashing cannot fail.
    let _ = write!(print, "{root:?}");
    print.hash.finish()
}

#[derive(Default)]
struct Print {
    hash: DefaultHasher,
    is_place: bool,
}

impl fmt::Write for Print {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        const PLACES: &[&str] = &[
            "location",
            "list_start",
            "list_end",
            "rexpr_list_start",
            "rexpr_list_end",
            "stmt_location",
            "stmt_len",
        ];
        self.is_place |= PLACES.contains(&piece);
        let is_value = piece.bytes().all(|byte| byte.is_ascii_digit() || b"-: ".contains(&byte));
        if self.is_place && !PLACES.contains(&piece) && !is_value {
            self.is_place = false;
        }
        if !self.is_place {
            self.hash.write(piece.as_bytes());
        }
        Ok(())
    }
}
