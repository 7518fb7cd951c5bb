#!/usr/bin/env python3
"""What `dbvitals query analyze --analyze` says of the 22 TPC-H queries, the 33 `a` queries of the Join Order Benchmark and our own.

Usage: bench/plans.py [13 15 18] [--tpch DIR] [--job DIR] [--scale 0.2] [--tpchgen tpchgen-cli] [--prove] [--json FILE] [--built DIR]
(after `cargo xtask setup` and `cargo build --release`, `cargo build -p dbvitals-testkit --bins`)

`--tpch` names a folder with the templates `1.sql` to `22.sql` as the kit of the TPC (tpc.org, "TPC-H Tools", folder
dbgen/queries) has them, `--job` one with `1a.sql` … and `schema.sql` as the authors of the Join Order Benchmark publish
them. tpchgen-cli makes the data (`pip install tpchgen-cli`). Neither queries nor data are part of this project. Each
setup is run without keys and with primary keys, foreign keys and an index on each. With `--prove` each index that is
proposed is built and the statement run once more. Prints all that was found, for a
person to judge (`false-positives.md` is such a judgement), and how long it took. Nothing is asserted.
"""

import collections
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

import plan_data
import plan_queries

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))


def option(flag, default=None):
    return sys.argv[sys.argv.index(flag) + 1] if flag in sys.argv else default


BUILT = Path(option("--built", TARGET / "release"))


class Server:
    """A throwaway PostgreSQL that ends with this process."""

    def __init__(self, version):
        command = [TARGET / "debug" / "serve", "postgres", version, "fsync=off", "shared_buffers=512MB", "max_wal_size=4GB"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        parts = urlsplit(self.process.stdout.readline().strip())
        self.base = f"{parts.scheme}://{parts.netloc}"
        self.environment = os.environ | {
            "PGHOST": parts.hostname, "PGPORT": str(parts.port), "PGUSER": parts.username, "PGPASSWORD": parts.password,
        }

    def sql(self, text, database="postgres"):
        command = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", database]
        done = subprocess.run(command, input=text, env=self.environment, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"psql: {done.stderr}\nin {text[:600]}")
        return done.stdout

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def analyze(server, database, text):
    """The report of one statement, and how long all of it took."""
    command = [BUILT / "dbvitals", "query", "analyze", "-q", "--analyze", "--timeout", option("--timeout", "20s"), "-f", "json", "--fail-on", "never",
               "-t", f"{server.base}/{database}", "-"]
    begun = time.monotonic()
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    seconds = time.monotonic() - begun
    try:
        return json.loads(done.stdout), seconds
    except ValueError:
        return {"error": done.stderr or done.stdout}, seconds


def show(where, name, report, seconds):
    """One statement: what was found, in words."""
    print(f"\n=== {where} {name}: {1000 * seconds:.0f} ms")
    if "error" in report:
        print("  FAILED", report["error"])
        return
    for finding in report["findings"]:
        print(f"  {finding['severity']:8} {finding['check']}: {finding['message']}")
        print(f"           → {finding.get('benefit') or finding.get('promise') or ''} | {finding['recommendation']}")
        for statement in (finding.get("fix") or {}).get("statements", []):
            print(f"           $ {statement}")
    for statement in report.get("statements", []):
        if statement.get("refused"):
            print("  REFUSED", statement["refused"])
        for missing in statement["missing"]:
            print("  MISSING", missing)
        for rewrite in statement.get("rewrites", []):
            print("  rewrite", json.dumps(rewrite)[:1500])


def prove(server, database, text, report):
    """Builds each index that is proposed, runs the statement again, and tells whether it was used and what it saved."""
    before = executed(report)
    for finding in report.get("findings", []):
        for create in (finding.get("fix") or {}).get("statements", []):
            if create.startswith("CREATE INDEX") and before:
                server.sql(create.replace("CONCURRENTLY ", ""), database)
                server.sql("analyze " + create.split(" ON ")[1].split(" (")[0], database)
                name = create.split("CONCURRENTLY ")[1].split(" ON ")[0]
                again, _ = analyze(server, database, text)
                steps = [step["title"] for it in again.get("statements", []) for plan in it["plans"] for step in plan["steps"]]
                used = any(name in title for title in steps)
                after = executed(again)
                finding["proof"] = f"{before:.0f} → {after:.0f} ms, index {'used' if used else 'NOT used'}"
                print(f"  proof    {create}: {finding['proof']}")
                server.sql("drop index " + finding["fix"]["undo"][0].split("CONCURRENTLY ")[1], database)


def run(where, server, database, statements, kept):
    for name, before, text, after in statements:
        if before:
            server.sql(before, database)
        report, seconds = analyze(server, database, text)
        show(where, name, report, seconds)
        if "--prove" in sys.argv:
            prove(server, database, text, report)
        kept.append({"where": where, "name": name, "seconds": seconds, "text": text, "report": report})
        if after:
            server.sql(after, database)


def main():
    kept = []
    scale, generator = float(option("--scale", "0.2")), option("--tpchgen", "tpchgen-cli")
    with tempfile.TemporaryDirectory() as temporary:
        data = Path(option("--data", temporary))
        for version in [word for word in sys.argv[1:] if word in "13 14 15 16 17 18".split()] or ["18"]:
            server = Server(version)
            try:
                for setup in ["bare", "keys"]:
                    if folder := option("--tpch"):
                        server.sql(f"create database tpch_{setup}")
                        plan_data.fill_tpch(server, f"tpch_{setup}", scale, generator, data, setup == "keys")
                        run(f"{version} TPC-H {setup}", server, f"tpch_{setup}", plan_queries.tpch(folder), kept)
                        run(f"{version} own {setup}", server, f"tpch_{setup}", plan_queries.own(ROOT / "bench" / "plan_corpus.sql"), kept)
                    if folder := option("--job"):
                        server.sql(f"create database job_{setup}")
                        statements = list(plan_queries.job(folder))
                        plan_data.fill_job(server, f"job_{setup}", folder, [it[2] for it in statements], setup == "keys")
                        run(f"{version} JOB {setup}", server, f"job_{setup}", statements, kept)
            finally:
                server.stop()
    if file := option("--json"):
        Path(file).write_text(json.dumps(kept))
    counts = collections.Counter((it["where"], f["check"]) for it in kept for f in it["report"].get("findings", []))
    print("\n| setup | check | findings |\n|---|---|--:|")
    for (where, check), count in sorted(counts.items()):
        print(f"| {where} | {check} | {count} |")
    for where in dict.fromkeys(it["where"] for it in kept):
        own = [1000 * it["seconds"] - executed(it["report"]) for it in kept if it["where"] == where]
        print(f"{where}: {len(own)} statements, {statistics.median(own):.0f} ms each besides executing (worst {max(own):.0f})")


def executed(report):
    """Milliseconds that the server spent executing what was asked."""
    return sum(plan["total"] for it in report.get("statements", []) for plan in it["plans"] if plan["is_timed"])


if __name__ == "__main__":
    main()
