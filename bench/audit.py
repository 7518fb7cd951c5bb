#!/usr/bin/env python3
"""Times dbvitals beside its peers on the same throwaway server, in one run.

Usage: bench/audit.py [--quick]      (after `cargo xtask setup` and `cargo build --release`)

Peers are used where they are installed: check_postgres and check_pgactivity (Debian packages check-postgres,
check-pgactivity), pgextras (`cargo install pg-extras`). Prints Markdown tables of medians with minimum and
maximum wall time, peak resident memory and ratios. Nothing is asserted: a benchmark informs, a test decides.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
DBVITALS = ROOT / "target/release/dbvitals"
RUNS = 3 if "--quick" in sys.argv else 7

# What each peer is asked: the services that an audit covers too. Each is a process of its own, as they are run.
# A limit keeps a service from refusing to run without one; what it says does not matter here.
PGACTIVITY = {
    "autovacuum": None, "backends": ("90%", "95%"), "backends_status": None, "btree_bloat": ("90%", "95%"),
    "commit_ratio": ("rollback_ratio=90%", "rollback_ratio=95%"), "configuration": None, "database_size": None,
    "hit_ratio": ("1%", "0%"), "invalid_indexes": None, "last_analyze": ("900d", "999d"),
    "last_vacuum": ("900d", "999d"), "locks": None, "longest_query": ("10h", "20h"),
    "max_freeze_age": ("90%", "95%"), "oldest_idlexact": ("10h", "20h"), "oldest_xmin": ("10h", "20h"),
    "sequences_exhausted": ("90%", "95%"), "table_bloat": ("90%", "95%"), "table_unlogged": None, "temp_files": None,
}
POSTGRES = {
    "backends": None, "bloat": ("90%", "95%"), "commitratio": ("1%", "0%"), "connection": None,
    "database_size": ("900 GB", "999 GB"), "disabled_triggers": None, "hitratio": ("1%", "0%"),
    "index_size": ("900 GB", "999 GB"), "last_analyze": ("900d", "999d"), "last_vacuum": ("900d", "999d"),
    "locks": None, "query_time": ("10h", "20h"), "sequence": ("90%", "95%"), "table_size": ("900 GB", "999 GB"),
    "txn_idle": ("10h", "20h"), "txn_time": ("10h", "20h"), "txn_wraparound": None,
}
PGEXTRAS = [
    "bloat", "cache-hit", "duplicate-indexes", "index-cache-hit", "index-scans", "index-size", "index-usage", "locks",
    "long-running-queries", "null-indexes", "seq-scans", "table-cache-hit", "table-size", "unused-indexes",
    "vacuum-stats",
]


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

    def url(self, database):
        return f"{self.base}/{database}"

    def for_database(self, database):
        return self.environment | {"PGDATABASE": database, "DATABASE_URL": self.url(database)}

    def sql(self, text, database="postgres"):
        command = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", database]
        done = subprocess.run(command, input=text, env=self.environment, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"psql: {done.stderr}")
        return done.stdout.strip()

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def run(commands, environment):
    """Wall seconds of running the commands one after the other."""
    start = time.perf_counter()
    for command in commands:
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def memory(commands, environment):
    """Peak resident megabytes of the largest process, looked up every few milliseconds (`VmHWM`)."""
    peak = 0
    for command in commands:
        child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while child.poll() is None:
            try:
                status = Path(f"/proc/{child.pid}/status").read_text()
            except OSError:
                break
            lines = [line for line in status.splitlines() if line.startswith("VmHWM")]
            if lines and "Name:\tpython" not in status:
                peak = max(peak, int(lines[0].split()[1]))
            time.sleep(0.003)
        child.wait()
    return peak / 1024


def measure(name, commands, environment, runs=RUNS):
    run(commands, environment)  # warms the caches of server and file system for everybody alike
    seconds = sorted(run(commands, environment) for _ in range(runs))
    return {
        "name": name, "processes": len(commands), "median": statistics.median(seconds), "min": seconds[0],
        "max": seconds[-1], "memory": memory(commands, environment),
    }


def with_limits(words, limits, how):
    return words + [how[0] + limits[0], how[1] + limits[1]] if limits else words


def find(program):
    """The program on the path, or where Debian puts monitoring plugins."""
    return shutil.which(program) or shutil.which(program, path="/usr/lib/nagios/plugins")


def peers(database):
    pgactivity = find("check_pgactivity")
    if pgactivity:
        yield "check_pgactivity", [
            with_limits([pgactivity, "-s", service, "-d", database], limits, ("--warning=", "--critical="))
            for service, limits in PGACTIVITY.items()
        ]
    if shutil.which("check_postgres"):
        yield "check_postgres", [
            with_limits(["check_postgres", f"--action={action}", f"--dbname={database}"], limits,
                        ("--warning=", "--critical="))
            for action, limits in POSTGRES.items()
        ]
    if shutil.which("pgextras"):
        yield "pg-extras", [["pgextras", command] for command in PGEXTRAS]


def table(title, rows):
    base = rows[0]["median"]
    print(f"\n### {title}\n")
    print("| tool | processes | median | min–max | peak memory | × dbvitals |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        print(f"| {row['name']} | {row['processes']} | {row['median'] * 1000:.0f} ms "
              f"| {row['min'] * 1000:.0f}–{row['max'] * 1000:.0f} ms | {row['memory']:.0f} MB "
              f"| {row['median'] / base:.1f} |")
    sys.stdout.flush()


SCHEMA = """
create procedure make(tables int) language plpgsql as $$
begin
  for i in 1..tables loop
    execute format('create table t%s (id bigint primary key, a int, b text, c timestamptz)', i);
    execute format('create index on t%s (a)', i);
    execute format('create index on t%s (b)', i);
    execute format('insert into t%s select g, g, md5(g::text), now() from generate_series(1, 20) g', i);
    if i % 200 = 0 then commit; end if;
  end loop;
end $$;
"""


def audits(server):
    for title, database, tables in [("100 tables, 300 indexes", "small", 100),
                                    ("10 000 tables, 30 000 indexes", "large", 10_000)]:
        server.sql(f"create database {database}")
        server.sql(SCHEMA, database)
        server.sql(f"call make({tables})", database)
        server.sql("vacuum analyze", database)
        environment, url = server.for_database(database), server.url(database)
        audit = [str(DBVITALS), "audit", "--quiet", "--include", database, "--format", "json", url]
        rows = [measure("dbvitals audit", [audit], environment)]
        runs = RUNS if database == "small" else 3
        rows += [measure(name, commands, environment, runs) for name, commands in peers(database)]
        table(f"Audit: {title}", rows)
        table(f"Quick health check: {title}", [measure("dbvitals check", [[str(DBVITALS), "check", url]], environment)])


def statements(server):
    """5 000 different statements with 20 MB of texts: our queries beside a reading of the view."""
    server.sql("create database stats")
    server.sql("create extension pg_stat_statements; create table w ("
               + ", ".join(f"c{i} int" for i in range(200)) + ")", "stats")
    server.sql("select pg_stat_statements_reset()", "stats")
    pad = ", ".join([", ".join(f"c{i}" for i in range(200))] * 4)
    server.sql("\n".join(f"select c{i % 200}, c{i // 200}, {pad} from w;" for i in range(4900)), "stats")
    size = server.sql("select count(*) || ' entries, ' || pg_size_pretty(sum(length(query))) "
                      "from pg_stat_statements", "stats")
    audit = [str(DBVITALS), "audit", "--quiet", "--include", "stats", "--format", "json", server.url("stats")]
    temp = "select coalesce(sum(temp_bytes), 0) from pg_stat_database"
    costs, spilt = [], []
    for _ in range(RUNS):
        before = int(server.sql(temp))
        report = subprocess.run(audit, env=server.for_database("stats"), capture_output=True, text=True).stdout
        booked = json.loads(report)["cost"]
        costs.append(sum(c["elapsed_ms"] for c in booked if c["collector"].startswith("statements")))
        time.sleep(1.2)  # counters of an ended session reach the views within a second
        spilt.append(int(server.sql(temp)) - before)
    explain = "explain (analyze, buffers, format json) select * from pg_stat_statements"
    view = []
    for _ in range(RUNS):
        plan = json.loads(server.sql(explain, "stats"))[0]
        view.append((plan["Execution Time"], plan["Plan"].get("Temp Written Blocks", 0)))
    times = [ms for ms, _ in view]
    print(f"\n### Statements: {size} of texts\n")
    print("| reading | median | min–max | temporary files |")
    print("|---|---|---|---|")
    print(f"| dbvitals, all statement queries | {statistics.median(costs):.0f} ms "
          f"| {min(costs):.0f}–{max(costs):.0f} ms | {max(spilt)} bytes |")
    print(f"| `select * from pg_stat_statements` | {statistics.median(times):.0f} ms "
          f"| {min(times):.0f}–{max(times):.0f} ms | {max(blocks for _, blocks in view) * 8} kB |")
    print(f"\nThe view takes {statistics.median(times) / statistics.median(costs):.1f} times as long.")


def main():
    if not DBVITALS.exists():
        sys.exit("build it first: cargo build --release")
    subprocess.run(["cargo", "build", "--quiet", "-p", "dbvitals-testkit"], cwd=ROOT, check=True)
    table("Start of the binary", [measure("dbvitals --help", [[str(DBVITALS), "--help"]], os.environ.copy(), 21)])
    server = Server("15")
    try:
        statements(server)
        audits(server)
    finally:
        server.stop()


if __name__ == "__main__":
    main()
