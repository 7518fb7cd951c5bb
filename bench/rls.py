#!/usr/bin/env python3
"""What forms of one policy cost on 600,000 rows: what `dbvitals query rls` tells of them beside plain executions.

Usage: bench/rls.py [--rows N] [--runs N] [--version V] [--program PATH]      (after `cargo xtask setup` and `cargo build`)

A throwaway PostgreSQL holds a table of 600,000 rows of 200 tenants (50 teams of 4,000 members). For each form of the
policy, first without an index on the tenant and then with one: `dbvitals query rls` with and without `--analyze`, and
`SELECT count(*)` as the role, the median of several runs by the server's own clock (EXPLAIN ANALYZE without TIMING, no
JIT, no parallel workers). Prints a Markdown table. Nothing is asserted.
"""

import json
import re
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def option(name, default):
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else default


ROWS = int(option("--rows", "600000"))
RUNS = int(option("--runs", "5"))
VERSION = option("--version", "18")
PROGRAM = Path(option("--program", ROOT / "target/debug/dbvitals"))

FILL = f"""
create schema auth; create table docs (id int primary key, tenant int, body text);
insert into docs select g, g % 200, md5(g::text) from generate_series(1, {ROWS}) g;
create table members (tenant int, who int, primary key (tenant, who));
insert into members select g % 200, g from generate_series(1, 4000) g; create index on members (who);
create function auth.sql_tenant() returns int language sql stable as $$ select current_setting('app.tenant')::int $$;
create function auth.tenant() returns int language plpgsql stable as
  $$ begin return current_setting('app.tenant')::int; end $$;
create role web; grant usage on schema auth to web; grant select on docs, members to web;
alter table docs enable row level security; create policy own on docs using (true);
"""

MEMBER = "select m.tenant from members m where m.who = (select auth.tenant())"
FORMS = [
    ("let all through", "true"),
    ("`current_setting`", "tenant = current_setting('app.tenant')::int"),
    ("function in SQL", "tenant = auth.sql_tenant()"),
    ("function in PL/pgSQL", "tenant = auth.tenant()"),
    ("the same, wrapped: `(SELECT f())`", "tenant = (select auth.tenant())"),
    ("`EXISTS` that names the row",
     "exists (select from members m where m.tenant = docs.tenant and m.who = (select auth.tenant()))"),
    ("`f() IN (SELECT …)` that names the row",
     "(select auth.tenant()) in (select m.who from members m where m.tenant = docs.tenant)"),
    ("`IN (SELECT …)` that does not", f"tenant in ({MEMBER})"),
    ("`= ANY (ARRAY(SELECT …))`", f"tenant = any (array({MEMBER}))"),
]


class Server:
    """A throwaway PostgreSQL that ends with this process."""

    def __init__(self):
        command = ["cargo", "run", "--quiet", "-p", "dbvitals-testkit", "--bin", "serve", "--", "postgres", VERSION,
                   "autovacuum=off"]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()

    def sql(self, text):
        command = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", self.url, "-c", text]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def as_role(server):
    """Median milliseconds of a count as the role."""
    times = []
    for _ in range(RUNS):
        told = server.sql("set jit = off; set max_parallel_workers_per_gather = 0; set app.tenant = '77'; set role web; "
                          "explain (analyze, timing off) select count(*) from docs")
        times.append(float(re.search(r"Execution Time: ([0-9.]+)", told)[1]))
    return statistics.median(times)


def told(server, *more):
    """The row of the table of reads, and the ids of what was found."""
    command = [PROGRAM, "query", "rls", "-q", "-f", "json", "--role", "web", "--table", "docs", "--set", "app.tenant=77",
               "--timeout", "60s", *more, server.url]
    report = json.loads(subprocess.run(command, capture_output=True, text=True, check=False).stdout)
    reads = next(table for table in report["overview"] if table["id"] == "rls-reads")["rows"][0]
    return reads, sorted({finding["check"].removeprefix("pg-rls-") for finding in report["findings"]})


def main():
    server = Server()
    try:
        server.sql(FILL)
        print("| form of the policy | index | cost with | planner says | measured per read | per million rows "
              "| `count(*)` as the role | found |")
        print("|---|---|--:|--:|--:|--:|--:|---|")
        for index in (False, True):
            if index:
                server.sql("create index by_tenant on docs (tenant)")
            server.sql("vacuum analyze")
            for name, using in FORMS:
                server.sql(f"alter policy own on docs using ({using})")
                planned, _ = told(server)
                measured, found = told(server, "--analyze")
                ms = lambda value: f"{value:,.3g} ms" if isinstance(value, float) and value < 100 else (
                    f"{value:,.0f} ms" if isinstance(value, (int, float)) else value)
                print(f"| {name} | {'yes' if index else 'no'} | {measured[3]:,.0f} | {ms(planned[6])} ({planned[7]}) "
                      f"| {ms(measured[6])} | {ms(measured[5])} | {ms(as_role(server))} | {', '.join(found)} |", flush=True)
    finally:
        server.close()


if __name__ == "__main__":
    main()
