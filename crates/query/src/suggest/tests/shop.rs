//! A shop's catalogue.

use dbvitals_model::{
    Section,
    pg::{DatabaseSnapshot, index::Index, relation::Relation, schema::Column},
};

struct Shop {
    relations: Vec<Relation>,
    columns: Vec<Column>,
    indexes: Vec<Index>,
}

/// Orders and customers, large; lines of orders, larger; settings, small; events, partitioned.
pub(super) fn database() -> DatabaseSnapshot {
    let mut shop = Shop { relations: Vec::new(), columns: Vec::new(), indexes: Vec::new() };
    shop.table(
        1,
        "orders",
        200_000,
        "id int8!, customer_id int4!, status text, placed_at timestamp!, seen_at timestamptz, day date, note text, \
         code bpchar, payload jsonb, tags _text",
    );
    shop.table(
        2,
        "customers",
        50_000,
        "id int8!, name text, email varchar, referrer_id int8, payload jsonb",
    );
    shop.table(3, "lines", 1_000_000, "order_id int8!, n int4!, sku text");
    shop.table(4, "settings", 50, "name text!, value text, note text, at timestamptz, by text");
    shop.table(5, "events", 0, "id int8!, at timestamptz!");
    shop.table(6, "events_1", 300_000, "id int8!, at timestamptz!");
    for part in shop.relations.iter_mut().filter(|r| r.oid >= 5) {
        part.kind = if part.oid == 5 { "p".into() } else { "r".into() };
        part.parent_oid = (part.oid == 6).then_some(5);
        part.is_partition = part.oid == 6;
    }
    shop.index(1, "orders_pkey", "btree", "id", "(id)", true);
    shop.index(1, "orders_customer_idx", "btree", "customer_id", "(customer_id)", false);
    shop.index(1, "orders_ref_idx", "btree", "", "((payload ->> 'ref'::text))", false);
    shop.index(2, "customers_pkey", "btree", "id", "(id)", true);
    shop.index(2, "customers_email_idx", "btree", "", "(lower((email)::text))", false);
    shop.index(2, "customers_name_idx", "gin", "name", "(name gin_trgm_ops)", false);
    shop.index(2, "customers_payload_idx", "gin", "payload", "(payload jsonb_path_ops)", false);
    shop.index(3, "lines_pkey", "btree", "order_id, n", "(order_id, n)", true);
    DatabaseSnapshot {
        name: "shop".into(),
        relations: Section::collected(shop.relations),
        columns: Section::collected(shop.columns),
        indexes: Section::collected(shop.indexes),
        ..DatabaseSnapshot::default()
    }
}

impl Shop {
    fn table(&mut self, oid: i64, name: &str, rows: i64, columns: &str) {
        self.relations.push(Relation {
            oid,
            schema: "public".into(),
            name: name.into(),
            kind: "r".into(),
            row_estimate: rows as f64,
            live_rows: rows,
            heap_bytes: rows * 100,
            ..Relation::default()
        });
        for (number, column) in (1..).zip(columns.split(", ")) {
            let (column, type_id) = column.split_once(' ').unwrap();
            let type_id = type_id.trim_end_matches('!');
            let type_name = match type_id {
                "bpchar" => "character(8)",
                "timestamp" => "timestamp without time zone",
                other => other,
            };
            self.columns.push(Column {
                table_oid: oid,
                schema: "public".into(),
                table: name.into(),
                number,
                name: column.into(),
                type_name: type_name.into(),
                type_id: type_id.into(),
                length: if ["text", "varchar", "jsonb"].contains(&type_id) { -1 } else { 8 },
                is_not_null: columns.contains(&format!("{column} {type_id}!")),
                null_ratio: Some(if column == "referrer_id" { 0.5 } else { 0.0 }),
                n_distinct: Some(if column == "status" { 5.0 } else { -0.5 }),
                average_width: Some(if column == "note" { 60 } else { 8 }),
                ..Column::default()
            });
        }
    }

    fn index(
        &mut self,
        table: i64,
        name: &str,
        method: &str,
        columns: &str,
        keys: &str,
        key: bool,
    ) {
        let table_name = self.relations.iter().find(|r| r.oid == table).unwrap().name.clone();
        let names: Vec<String> =
            columns.split(", ").filter(|name| !name.is_empty()).map(str::to_owned).collect();
        self.indexes.push(Index {
            oid: 100 + i64::try_from(self.indexes.len()).unwrap(),
            table_oid: table,
            schema: "public".into(),
            name: name.into(),
            table: table_name.clone(),
            method: method.into(),
            is_unique: key,
            is_primary: key,
            is_valid: true,
            is_ready: true,
            is_live: true,
            key_columns: names.iter().map(|_| 1).collect(),
            key_names: names,
            expressions: columns.is_empty().then(|| keys.to_owned()),
            definition: format!("CREATE INDEX {name} ON public.{table_name} USING {method} {keys}"),
            ..Index::default()
        });
    }
}
