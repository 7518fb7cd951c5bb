"""Data for TPC-H (by tpchgen-cli) and made-up data for the 21 tables of the Join Order Benchmark.

The Internet Movie Database is not ours to hand out: the tables are filled with skewed random values among which the
constants that the queries name occur, so that their conditions find something.
"""

import re
import subprocess
from pathlib import Path

TPCH = {
    "region": "r_regionkey int, r_name char(25), r_comment varchar(152)",
    "nation": "n_nationkey int, n_name char(25), n_regionkey int, n_comment varchar(152)",
    "supplier": "s_suppkey int, s_name char(25), s_address varchar(40), s_nationkey int, s_phone char(15), s_acctbal numeric(15,2), s_comment varchar(101)",
    "customer": "c_custkey int, c_name varchar(25), c_address varchar(40), c_nationkey int, c_phone char(15), c_acctbal numeric(15,2), "
                "c_mktsegment char(10), c_comment varchar(117)",
    "part": "p_partkey int, p_name varchar(55), p_mfgr char(25), p_brand char(10), p_type varchar(25), p_size int, p_container char(10), "
            "p_retailprice numeric(15,2), p_comment varchar(23)",
    "partsupp": "ps_partkey int, ps_suppkey int, ps_availqty int, ps_supplycost numeric(15,2), ps_comment varchar(199)",
    "orders": "o_orderkey int, o_custkey int, o_orderstatus char(1), o_totalprice numeric(15,2), o_orderdate date, o_orderpriority char(15), "
              "o_clerk char(15), o_shippriority int, o_comment varchar(79)",
    "lineitem": "l_orderkey int, l_partkey int, l_suppkey int, l_linenumber int, l_quantity numeric(15,2), l_extendedprice numeric(15,2), "
                "l_discount numeric(15,2), l_tax numeric(15,2), l_returnflag char(1), l_linestatus char(1), l_shipdate date, l_commitdate date, "
                "l_receiptdate date, l_shipinstruct char(25), l_shipmode char(10), l_comment varchar(44)",
}
TPCH_KEYS = {
    "region": "r_regionkey", "nation": "n_nationkey", "supplier": "s_suppkey", "customer": "c_custkey", "part": "p_partkey",
    "partsupp": "ps_partkey, ps_suppkey", "orders": "o_orderkey", "lineitem": "l_orderkey, l_linenumber",
}
TPCH_LINKS = [
    ("nation", "n_regionkey", "region"), ("supplier", "s_nationkey", "nation"), ("customer", "c_nationkey", "nation"),
    ("partsupp", "ps_suppkey", "supplier"), ("partsupp", "ps_partkey", "part"), ("orders", "o_custkey", "customer"),
    ("lineitem", "l_orderkey", "orders"), ("lineitem", "l_partkey, l_suppkey", "partsupp"),
]


def fill_tpch(server, database, scale, generator, folder, keys):
    """The eight tables; with keys, primary and foreign ones and an index for each foreign key."""
    if not (folder / "lineitem.csv").exists():
        subprocess.run([generator, "csv", "-s", str(scale), f"--output-dir={folder}"], check=True, capture_output=True)
    for table, columns in TPCH.items():
        columns = columns.replace("),", ")\0").replace(", ", " not null, ").replace("\0", " not null,")
        server.sql(f"create table {table} ({columns} not null)", database)
        server.sql(f"\\copy {table} from '{folder / table}.csv' csv header", database)
    if keys:
        for table, columns in TPCH_KEYS.items():
            server.sql(f"alter table {table} add primary key ({columns})", database)
        for table, columns, other in TPCH_LINKS:
            server.sql(f"alter table {table} add foreign key ({columns}) references {other}; create index on {table} ({columns})", database)
    server.sql("vacuum analyze", database)


# A fortieth of what the database held in 2013.
ROWS = {
    "title": 60_000, "name": 100_000, "char_name": 75_000, "cast_info": 900_000, "movie_info": 370_000, "movie_info_idx": 35_000,
    "movie_keyword": 110_000, "movie_companies": 65_000, "aka_name": 22_000, "aka_title": 9_000, "company_name": 6_000, "keyword": 3_400,
    "complete_cast": 3_400, "movie_link": 2_400, "person_info": 74_000, "company_type": 4, "info_type": 113, "kind_type": 7,
    "link_type": 18, "role_type": 12, "comp_cast_type": 4,
}
LINKS = {
    "movie_id": "title", "linked_movie_id": "title", "person_id": "name", "person_role_id": "char_name", "company_id": "company_name",
    "keyword_id": "keyword", "kind_id": "kind_type", "role_id": "role_type", "info_type_id": "info_type", "link_type_id": "link_type",
    "company_type_id": "company_type", "subject_id": "comp_cast_type", "status_id": "comp_cast_type",
}


def constants(statements):
    """Texts that the statements compare a table's column with; for `info`, with the type of information it is joined to."""
    found, typed = {}, {}
    for text in statements:
        tables = {alias: table for table, alias in re.findall(r"(\w+) AS (\w+)[,\n]", text.split("FROM", 1)[1])}
        types = dict(re.findall(r"(\w+)\.info = ?'([^']*)'", text))
        kinds = {}
        for one, other in re.findall(r"(\w+)\.id = (\w+)\.info_type_id", text) + [
            (b, a) for a, b in re.findall(r"(\w+)\.info_type_id = (\w+)\.id", text)]:
            kinds[other] = types.get(one)
        for alias, column, values in re.findall(r"(\w+)\.(\w+)\s*(?:=|LIKE|IN)\s*(\([^)]*'[^)]*\)+|'[^']*')", text):
            for value in re.findall(r"'([^']*)'", values):
                value = value.strip("%").replace("%", " 7 ") if "%" in value else value
                place = found.setdefault((tables[alias], column), [])
                place.append(value) if value not in place else None
                if column in ("info", "note") and kinds.get(alias):
                    place = typed.setdefault((tables[alias], kinds[alias]), [])
                    place.append((column, value))
    return found, typed


def quoted(values):
    return "array[" + ", ".join("'" + value.replace("'", "''") + "'" for value in values) + "]::text[]"


def value(table, column, kind, not_null, known):
    """An expression for one column."""
    if column == "id":
        return "g"
    if column in LINKS:
        rows = ROWS[LINKS[column]]
        skew = f"1 + floor({rows} * power(random(), 1.6))::int"
        return skew if not_null else f"case when random() < 0.6 then {skew} end"
    if column == "production_year":
        return "case when random() < 0.95 then 2020 - floor(120 * power(random(), 2))::int end"
    if kind.startswith("integer"):
        return "case when random() < 0.3 then 1 + floor(100 * random())::int end"
    limit = int(found[1]) if (found := re.search(r"\((\d+)\)", kind)) else 40
    text = f"left(md5(random()::text), {min(limit, 32)})"
    if column.endswith(("pcode_cf", "pcode_nf", "pcode_sf", "pcode")):
        text = "chr(65 + floor(26 * random())::int) || floor(1000 * random())::int"
    wanted = known.get((table, column))
    if wanted:
        pick = f"({quoted(wanted)})[1 + floor({len(wanted)} * power(random(), 2))::int]"
        if column in ("name", "title"):
            pick = f"{pick} || ' ' || left(md5(random()::text), 12)"
        share = 0.9 if column in ("gender", "country_code") else 0.3
        rest = "null" if column == "note" and not not_null else text
        return f"left(case when random() < {share} then {pick} else {rest} end, {limit if '(' in kind else 200})"
    return text if not_null else f"case when random() < 0.5 then {text} end"


def info(table, typed):
    """Type of information, its text and note, together: only the right type has the texts that are asked for."""
    known = [(kind, pairs) for (where, kind), pairs in sorted(typed.items()) if where == table]
    rows = [(kind, column, text) for kind, pairs in known for column, text in pairs]
    kinds, columns, texts = ([row[at] for row in rows] for at in range(3))
    pick = f"1 + floor({len(rows)} * power(random(), 2))::int"
    number = {"movie_info_idx": "case when k.info = 'votes' then floor(power(10, 1 + 5 * random()))::int::text "
                                "when k.info = 'rating' then round((1 + 9 * random())::numeric, 1)::text else floor(1 + 250 * random())::text end"}
    text = number.get(table, "left(md5(random()::text), 24)")
    kind = f"coalesce(k.id, 1 + floor({ROWS['info_type']} * power(random(), 2))::int)"
    if table == "movie_info_idx":
        kinds = ["rating", "votes", "top 250 rank"]
        source = f"select g, ({quoted(kinds)})[1 + floor(3 * power(random(), 1.5))::int] as kind, null as columns, null as texts, random() as chance"
    else:
        source = (f"select g, ({quoted(kinds)})[p] as kind, ({quoted(columns)})[p] as columns, ({quoted(texts)})[p] as texts, random() as chance "
                  f"from (select g, {pick} as p")
    owner = "person_id" if table == "person_info" else "movie_id"
    rows = ROWS[LINKS[owner]]
    tail = f" from generate_series(1, {ROWS[table]}) as g" + (") as picked" if table != "movie_info_idx" else "")
    return (f"insert into {table} (id, {owner}, info_type_id, info, note) select s.g, 1 + floor({rows} * power(random(), 1.6))::int, {kind}, "
            f"case when s.chance < 0.5 and s.columns = 'info' then s.texts else {text} end, "
            f"case when s.chance < 0.5 and s.columns = 'note' then s.texts end "
            f"from ({source}{tail}) as s left join info_type as k on k.info = s.kind and s.chance < 0.8")


def fill_job(server, database, folder, statements, keys):
    """The tables of the schema in the folder, filled; with keys, an index for each column that names another row."""
    schema = (Path(folder) / "schema.sql").read_text()
    server.sql(schema, database)
    known, typed = constants(statements)
    for table, body in sorted(re.findall(r"CREATE TABLE (\w+) \((.*?)\n\);", schema, re.S), key=lambda found: ROWS[found[0]]):
        columns = re.findall(r"^\s+(\w+) ([a-z ]+(?:\(\d+\))?)(NOT NULL)?", body, re.M)
        if ROWS[table] < 200:
            column = columns[1][0]
            names = known.get((table, column), [])[:ROWS[table]]
            names += [f"{column} {number}" for number in range(ROWS[table] - len(names))]
            server.sql(f"insert into {table} (id, {column}) select * from unnest({quoted(names)}) with ordinality as n (t, i) "
                       .replace("select *", "select i, t"), database)
        elif table in ("movie_info", "movie_info_idx", "person_info"):
            server.sql("select setseed(0.5); " + info(table, typed), database)
        else:
            values = [value(table, name, kind, bool(rest), known) for name, kind, rest in columns]
            server.sql(f"select setseed(0.5); insert into {table} select {', '.join(values)} from generate_series(1, {ROWS[table]}) as g", database)
        if keys:
            for name, _, _ in columns:
                if name in LINKS:
                    server.sql(f"create index on {table} ({name})", database)
    server.sql("vacuum analyze", database)
