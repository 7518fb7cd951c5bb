//! Which columns a statement uses, and how.

use super::*;

struct Known;

impl Columns for Known {
    fn of(&self, table: &TableName) -> Option<Vec<String>> {
        let names: &[&str] = match table.name.as_str() {
            "orders" => &["id", "customer_id", "status", "placed_at", "total", "data"],
            "customers" => &["id", "name", "country", "email"],
            "lines" => &["order_id", "product_id", "quantity"],
            _ => return None,
        };
        Some(names.iter().map(|&name| name.to_owned()).collect())
    }
}

/// Every use as `alias.column role`, one a line.
fn uses(text: &str) -> Vec<String> {
    let relations = Statement::parse(text).unwrap().relations(&Known);
    let one = |relation: &Relation, used: &Use| {
        let what = used.expression.clone().unwrap_or_else(|| used.columns.join("+"));
        let or = if used.is_optional { " or" } else { "" };
        format!("{}.{what} {:?}{or}", relation.alias, used.role)
    };
    relations.iter().flat_map(|r| r.uses.iter().map(move |u| one(r, u))).collect()
}

fn has(text: &str, wanted: &[&str]) {
    let found = uses(text);
    for wanted in wanted {
        assert!(found.iter().any(|use_| use_ == wanted), "{text}: no {wanted} in {found:#?}");
    }
}

#[test]
fn comparisons_are_told_apart() {
    has(
        "select id from orders o where status = $1 and total > 10 and placed_at between $2 and $3 \
         and customer_id in (1, 2, 3) and 5 >= total and data @> $4 and deleted",
        &[
            "o.status Equal(Parameter(1))",
            "o.total Range(\">\", Literal(\"10\"))",
            "o.placed_at Range(\">=\", Parameter(2))",
            "o.placed_at Range(\"<=\", Parameter(3))",
            "o.customer_id In(Literal(\"1\"), Some(3))",
            "o.total Range(\"<=\", Literal(\"5\"))",
            "o.data Operator(\"@>\", Parameter(4))",
            "o.id Shown",
        ],
    );
    has(
        "select 1 from customers where name like 'a%' and email like '%x' and country = any($1) and name is not null",
        &[
            "customers.name Like(Prefix, Literal(\"'a%'\"))",
            "customers.email Like(Infix, Literal(\"'%x'\"))",
            "customers.country In(Parameter(1), None)",
            "customers.name Null(false)",
        ],
    );
}

#[test]
fn expressions_keep_their_text_and_their_columns() {
    has(
        "select 1 from customers c where lower(c.email) = $1 and c.name::text = 'x' and name || email = $2",
        &[
            "c.lower(c.email) Equal(Parameter(1))",
            "c.c.name::text Equal(Literal(\"'x'\"))",
            "c.name || email Equal(Parameter(2))",
        ],
    );
}

#[test]
fn joins_know_both_sides() {
    let wanted = [
        "o.customer_id Join(\"c\", \"id\", \"=\")",
        "c.id Join(\"o\", \"customer_id\", \"=\")",
        "c.country Equal(Parameter(1))",
    ];
    has(
        "select * from orders o join customers c on c.id = o.customer_id where country = $1",
        &wanted,
    );
    has("select * from orders o, customers c where c.id = customer_id and country = $1", &wanted);
    has(
        "select * from orders join lines l on l.order_id = orders.id join unknown using (product_id)",
        &["l.product_id Join(\"unknown\", \"product_id\", \"=\")"],
    );
}

#[test]
fn subqueries_see_what_is_around_them() {
    has(
        "select * from customers c where exists (select from orders where customer_id = c.id and total > $1)",
        &[
            "orders.customer_id Join(\"c\", \"id\", \"=\")",
            "orders.total Range(\">\", Parameter(1))",
        ],
    );
    has(
        "select * from orders where customer_id in (select id from customers where country = 'x')",
        &["orders.customer_id In(Rows, None)", "customers.country Equal(Literal(\"'x'\"))"],
    );
    has(
        "with late as (select * from orders where status = 'late') select * from late where total > 5",
        &["orders.status Equal(Literal(\"'late'\"))"],
    );
    assert!(
        !uses("with t as (select 1 as a) select * from t where a = 1")
            .iter()
            .any(|u| u.contains("t.a"))
    );
}

#[test]
fn order_and_groups_are_counted() {
    has(
        "select customer_id as c, count(*) from orders group by 1 order by c desc, max(placed_at) limit 5",
        &[
            "orders.customer_id Group(0)",
            "orders.customer_id Order { place: 0, descends: true, nulls_first: true, is_limited: true }",
        ],
    );
    has("select distinct status from orders", &["orders.status Group(0)"]);
}

#[test]
fn arms_of_or_are_optional() {
    has(
        "select 1 from orders where (status = 'a' or total > 5) and not (id = 3)",
        &[
            "orders.status Equal(Literal(\"'a'\")) or",
            "orders.total Range(\">\", Literal(\"5\")) or",
            "orders.id Filter",
        ],
    );
}

#[test]
fn writes_name_what_they_set() {
    has(
        "update orders o set status = $1, total = total + 1 from customers c where c.id = o.customer_id and o.id = $2",
        &["o.status Set", "o.id Equal(Parameter(2))", "c.id Join(\"o\", \"customer_id\", \"=\")"],
    );
    let found = Statement::parse("delete from orders where id = $1").unwrap().relations(&());
    assert!(found[0].is_written);
    has("delete from orders where id = $1", &["orders.id Equal(Parameter(1))"]);
}

#[test]
fn stars_show_all_of_what_they_name() {
    let shows = |text: &str| -> Vec<bool> {
        Statement::parse(text).unwrap().relations(&Known).iter().map(|r| r.shows_all).collect()
    };
    assert_eq!(shows("select * from orders, customers"), [true, true]);
    assert_eq!(shows("select o.* from orders o, customers"), [true, false]);
    assert_eq!(shows("select count(*) from orders"), [false]);
}
