#!/usr/bin/env python3
"""Holds the estimates of bloat against the truth, the size after REINDEX or VACUUM FULL, beside those of peers.

Usage: bench/bloat.py [13 15 18] [--ioguix DIR] [--pghero DIR] [--all] [--json FILE | --from FILE] [--built DIR]
(after `cargo xtask setup`, `cargo build --bins` and `cargo build -p dbvitals-checks --example bloat_estimates`)

Each shape is measured fresh, half deleted, and deleted and updated; bloat is in points of the present size. Peers:
check_postgres (Debian package check-postgres), the queries of ioguix/pgsql-bloat-estimation, which check_pgactivity and
others carry too, and of PgHero, each from a checkout named on the command line; and the plain figures of pgstattuple.
A peer that is not there is left out. `--all` lists held-out shapes one by one, too. Nothing is asserted: a benchmark informs, a test decides.
"""

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from bloat_shapes import COLUMNS, INDEXES, ROWS, TABLES

ROOT = Path(__file__).resolve().parent.parent
STATES = ["fresh", "half deleted", "deleted and updated"]
VERSIONS = [word for word in sys.argv[1:] if word.isdigit()] or ["13", "15", "18"]


def folder(flag):
    return Path(sys.argv[sys.argv.index(flag) + 1]) if flag in sys.argv else None


# Where the program and the example `bloat_estimates` were built.
BUILT = folder("--built") or Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug"


class Server:
    """A throwaway PostgreSQL that ends with this process."""

    def __init__(self, version):
        command = ["cargo", "run", "--quiet", "-p", "dbvitals-testkit", "--bin", "serve", "--", "postgres", version]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        parts = urlsplit(self.process.stdout.readline().strip())
        self.base = f"{parts.scheme}://{parts.netloc}"
        self.environment = os.environ | {
            "PGHOST": parts.hostname, "PGPORT": str(parts.port), "PGUSER": parts.username, "PGPASSWORD": parts.password,
        }

    def sql(self, text, database="bloat"):
        command = ["psql", "-XqAt", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-d", database]
        done = subprocess.run(command, input=text, env=self.environment, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"psql: {done.stderr}\nin {text[:300]}")
        return [line.split("\t") for line in done.stdout.splitlines() if line]

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def fill(server, state):
    """All shapes afresh in a database of their own, brought into a state, vacuumed and analyzed."""
    server.sql("drop database if exists bloat", "postgres")
    server.sql("create database bloat", "postgres")
    server.sql("create extension pgstattuple")
    columns = ", ".join(f"{name} {kind}" for name, (kind, _) in COLUMNS.items())
    values = ", ".join(value for _, value in COLUMNS.values())
    server.sql(f"select setseed(0.5); create table items ({columns}, tags int[]) with (autovacuum_enabled = off);"
               f"insert into items select {values}, array[g % 100, g % 7] from generate_series(1, {ROWS}) as g order by md5(g::text);"
               "create statistics together (ndistinct) on country, zip from items")
    for name, definition, _ in INDEXES:
        server.sql("create " + definition.format(name))
    for name, columns, values, options, after, _ in TABLES:
        with_options = ", ".join(filter(None, ["autovacuum_enabled = off", options]))
        server.sql(f"create table {name} ({columns}) with ({with_options});"
                   f"insert into {name} select {values} from generate_series(1, {ROWS // 4 if 'toast' in name or name == 'wide' else ROWS // 2}) as g;"
                   + after.format(name))
    tables = ["items", *(name for name, *_ in TABLES)]
    chance = "abs(hashtext(ctid::text || '{}')) % 100"
    for table in tables:
        if state == "half deleted":
            server.sql(f"delete from {table} where {chance.format('x')} < 48")
        elif state == "deleted and updated":
            changed = "touched = touched + 1" if table == "items" else {"narrow": "b = b + 1", "misaligned": "b = b + 1",
                "nullable": "a = a + 1", "codes": "d = d + 1", "hot": "counter = counter + 1"}.get(table, "id = id")
            server.sql(f"delete from {table} where {chance.format('x')} < 25")
            for turn in "yz":
                server.sql(f"update {table} set {changed} where {chance.format(turn)} < 20")
        # Free pages at the end stay, as they do on a server in use.
        server.sql(f"vacuum (analyze, truncate off) {table}")


SIZES = {
    "index": "select c.relname, pg_relation_size(c.oid) from pg_class c join pg_index i on i.indexrelid = c.oid "
             "where i.indrelid = 'items'::regclass",
    "table": "select relname, pg_relation_size(oid) + coalesce(pg_relation_size(nullif(reltoastrelid, 0)), 0) from pg_class "
             "where relkind = 'r' and relnamespace = 'public'::regnamespace and relname <> 'items'",
}


def truth(server):
    """Bloat of every shape, by rewriting it."""
    before = {kind: dict(server.sql(query)) for kind, query in SIZES.items()}
    for name, *_ in TABLES:
        server.sql(f"vacuum full {name}")
    for name, *_ in INDEXES:
        server.sql(f"reindex index {name}")
    after = {kind: dict(server.sql(query)) for kind, query in SIZES.items()}
    return {(kind, name): 100 * (1 - int(after[kind][name]) / int(size))
            for kind, sizes in before.items() for name, size in sizes.items()}


def ours(server, found):
    """Our estimates, and our best figures where pages of suspects were measured."""
    with tempfile.TemporaryDirectory() as scratch:
        config, snapshot = Path(scratch) / "dbvitals.toml", Path(scratch) / "snapshot.json"
        config.write_text("[checks.pg-bloated-index]\nwarning_size_bytes = 0\nwarning_ratio = 0.05\n"
                          "[checks.pg-bloated-table]\nwarning_wasted_bytes = 0\nwarning_ratio = 0.05\n")
        subprocess.run([BUILT / "dbvitals", "audit", f"{server.base}/bloat", "--config", config, "--measure", "2000",
                        "--fail-on", "never", "--quiet", "--only", "pg-bloated-*", "--include", "bloat",
                        "--save-snapshot", snapshot], stdout=subprocess.DEVNULL)
        lines = subprocess.run([BUILT / "examples/bloat_estimates", snapshot], capture_output=True, text=True, check=True)
    for line in map(json.loads, lines.stdout.splitlines()):
        key = (line["kind"], line["name"])
        for method, value in (("dbvitals", line["estimated"]), ("dbvitals measured", line["best"])):
            if value:
                found.setdefault(method, {})[key] = 100 * value["ratio"]
                if method == "dbvitals":
                    found.setdefault("± told", {})[key] = 100 * max(value["ratio"] - value["at_least"], value["at_most"] - value["ratio"])


def peers(server, found):
    ioguix, pghero = folder("--ioguix"), folder("--pghero")
    if ioguix:
        for kind, path, columns in (("index", "btree/btree_bloat.sql", "idxname"), ("table", "table/table_bloat.sql", "tblname")):
            query = (ioguix / path).read_text().strip().rstrip(";")
            for name, percent in server.sql(f"select q.{columns}, q.bloat_pct from ({query}\n) as q where schemaname = 'public'"):
                found.setdefault("ioguix", {})[kind, name] = max(0.0, float(percent))
    if pghero:
        text = (pghero / "lib/pghero/methods/indexes.rb").read_text()
        body = re.search(r"def index_bloat.*?<<~SQL\n(.*?)\n\s*SQL", text, re.S).group(1)
        query = re.sub(r"wastedbytes >= \S+", "true", re.sub(r"#\{[^}]*\}", "0", body))
        for line in server.sql(f"select q.index, q.bloat_bytes, q.index_bytes from ({query}\n) as q"):
            found.setdefault("PgHero", {})["index", line[0]] = max(0.0, 100 * float(line[1]) / float(line[2]))
    done = subprocess.run(["check_postgres_bloat", "--db=bloat", "-w", "0 bytes", "-c", "999 GB", "--perflimit=1000"],
                          env=server.environment, capture_output=True, text=True) if which("check_postgres_bloat") else None
    if done:
        for kind, name, pages, should in re.findall(r"(table|index) (?:\w+\.)?(\w+) rows:\S+ pages:(\S+) shouldbe:(\S+)", done.stdout):
            found.setdefault("check_postgres", {})[kind, name] = max(0.0, 100 * (1 - float(should) / max(1, float(pages))))
    for name, density in server.sql("select c.relname, s.avg_leaf_density from pg_class c join pg_index i on i.indexrelid = c.oid, "
                                    "pgstatindex(c.oid::regclass) s where i.indrelid = 'items'::regclass and c.relam = "
                                    "(select oid from pg_am where amname = 'btree')"):
        found.setdefault("pgstattuple, plain", {})["index", name] = 100 - float(density)
    for name, free in server.sql("select c.relname, s.approx_free_percent + s.dead_tuple_percent from pg_class c, "
                                 "pgstattuple_approx(c.oid::regclass) s where c.relkind = 'r' and c.relname <> 'items' "
                                 "and c.relnamespace = 'public'::regnamespace"):
        found.setdefault("pgstattuple, plain", {})["table", name] = float(free)


def which(name):
    return any((Path(place) / name).exists() for place in os.environ["PATH"].split(os.pathsep))


def tell(results, keep_held_out):
    """Tables in Markdown: error by method, then every shape."""
    methods = ["dbvitals", "dbvitals measured", "ioguix", "check_postgres", "PgHero", "pgstattuple, plain"]
    methods = [method for method in methods if any(method in found for _, _, found, _ in results)]
    held = {("index", n): h for n, _, h in INDEXES} | {("table", n): h for n, *_, h in TABLES}
    for kind in ("index", "table"):
        for is_held in (False, True):
            keys = [key for key, held_out in held.items()
                    if key[0] == kind and held_out == is_held and key[1] not in ("hash", "gin")]
            print(f"\n{kind}, {'held out' if is_held else 'tuned'}: mean error in points (largest; shapes without a figure)\n")
            print("| PostgreSQL | " + " | ".join(methods) + " |\n|" + "---|" * (len(methods) + 1))
            for version in [*VERSIONS, "all"]:
                cells = []
                for method in methods:
                    errors, missing = [], 0
                    for ran, _, found, true in results:
                        for key in keys if version in (ran, "all") else []:
                            value = found.get(method, {}).get(key)
                            missing += value is None
                            errors += [] if value is None else [abs(value - true[key])]
                    absent = f"; {missing}" if missing else ""
                    cells.append(f"{statistics.mean(errors):.1f} ({max(errors):.0f}{absent})" if errors else "–")
                print(f"| {version} | " + " | ".join(cells) + " |")
    for kind in ("index", "table"):
        inside = [abs(found["dbvitals"][key] - true[key]) <= told + 0.5 for _, _, found, true in results
                  for key, told in found["± told"].items() if key in held and key[0] == kind]
        print(f"\n{kind}: {sum(inside)} of {len(inside)} estimates are within the error they tell")
    for kind in ("index", "table"):
        print(f"\n{kind}: error by shape in points, largest over the versions: fresh / half deleted / deleted and updated\n")
        print("| shape | true bloat | " + " | ".join(["± told", *methods]) + " |\n|" + "---|" * (len(methods) + 3))
        for key, held_out in held.items():
            if key[0] != kind or (held_out and not keep_held_out):
                continue
            cells = []
            for method in ["true", "± told", *methods]:
                by_state = []
                for state in STATES:
                    ran = [(found, true) for _, where, found, true in results if where == state]
                    if method == "true":
                        by_state.append(f"{statistics.mean(true[key] for _, true in ran):.0f}")
                        continue
                    values = [(found.get(method, {}).get(key), true[key]) for found, true in ran]
                    if any(value is None for value, _ in values):
                        by_state.append("?")
                    elif method == "± told":
                        by_state.append(f"{max(value for value, _ in values):.0f}")
                    else:
                        by_state.append(f"{max((value - true for value, true in values), key=abs):+.0f}".replace("+0", "0").replace("-0", "0"))
                cells.append(" / ".join(by_state))
            print(f"| {key[1].replace('_', ' ')}{' (held out)' if held_out else ''} | " + " | ".join(cells) + " |")


def restored(path):
    """Results that `--json FILE` wrote."""
    keyed = lambda values: {tuple(name.split(" ", 1)): value for name, value in values.items()}
    return [(version, state, {method: keyed(values) for method, values in found.items()}, keyed(true))
            for version, state, found, true in json.loads(path.read_text())]


def main():
    results = []
    if "--from" in sys.argv:
        return tell(restored(Path(sys.argv[sys.argv.index("--from") + 1])), "--all" in sys.argv)
    for version in VERSIONS:
        server = Server(version)
        try:
            for state in STATES:
                fill(server, state)
                found = {}
                ours(server, found)
                peers(server, found)
                results.append((version, state, found, truth(server)))
                print(f"PostgreSQL {version}, {state}: done", file=sys.stderr)
        finally:
            server.stop()
    if "--json" in sys.argv:
        Path(sys.argv[sys.argv.index("--json") + 1]).write_text(json.dumps([
            [v, s, {m: {f"{k[0]} {k[1]}": x for k, x in d.items()} for m, d in f.items()}, {f"{k[0]} {k[1]}": x for k, x in t.items()}]
            for v, s, f, t in results], indent=1))
    tell(results, "--all" in sys.argv)


main()
