#!/usr/bin/env python3
"""Reading a large log: dbvitals beside pgBadger 12, on the same generated files, each on one core.

Usage: bench/log.py [--gigabytes N] [--part MEGABYTES] [--folder DIR] [--program PATH] [--core N]

The generator (`crates/log/examples/make_log.rs`) writes a plain log and a csvlog of the size asked and tells what is in
them. pgBadger (Debian package `pgbadger`) reads only a part of it, by default 50 MB, with one job: its time grows with the
size, so throughput by processor time is what is compared. Every program runs once to warm the cache of files, then counts. With `--folder` the logs stay for another run. Prints
Markdown tables: throughput, peak memory, and the counts of both beside what was written. Nothing is asserted.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def option(name, default):
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else default


BYTES = int(float(option("--gigabytes", "2")) * 1e9)
PART = int(option("--part", "50")) * 1_000_000
CORE = option("--core", "0")
PROGRAM = Path(option("--program", ROOT / "target/release/dbvitals"))
PREFIX = "%m [%p]: user=%u,db=%d,app=%a,client=%h "


def timed(command, **more):
    """Wall and processor seconds, peak resident megabytes, standard output, all pinned to one core."""
    begun = time.monotonic()
    process = subprocess.Popen(["taskset", "-c", CORE, *map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
    out = process.stdout.read()
    process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - begun
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "mb": usage.ru_maxrss / 1024, "out": out.decode("utf8", "replace"),
            "code": os.waitstatus_to_exitcode(status)}


def generate(kind, size, path):
    """Writes a log, unless a folder of an earlier run holds it; gives what is in it."""
    counts = path.with_suffix(f"{path.suffix}.{size}.counts")
    if counts.exists() and path.exists():
        return json.loads(counts.read_text())
    done = subprocess.run(["cargo", "run", "--quiet", "--release", "-p", "dbvitals-log", "--example", "make_log", "--", kind, str(size),
                           str(path)], cwd=ROOT, capture_output=True, text=True, check=True)
    counts.write_text(done.stdout)
    return json.loads(done.stdout)


def ours(path):
    snapshot = path.with_suffix(".snapshot")
    done = timed([PROGRAM, "log", path, "--quiet", "--fail-on", "never", "--save-snapshot", snapshot, "--format", "json"])
    if done["code"] != 0:
        sys.exit(f"dbvitals: exit {done['code']}")
    log = json.loads(snapshot.read_text())["targets"][0]["data"]["log"]
    snapshot.unlink()
    value = lambda name: log[name].get("collected", {}).get("value", {})
    statements = value("statements")
    done["counts"] = {
        "records": log["records"], "unread lines": log["unread"]["lines"], "statements": statements["calls"],
        "different statements": statements["distinct"],
        "errors": sum(group["count"] for group in value("errors")["groups"] if group["severity"] == "ERROR"),
        "lock waits": value("lock_waits")["waits"], "temporary files": value("temp_files")["files"],
        "connections": value("connections")["received"], "sessions": value("connections")["disconnected"],
        "checkpoints": value("checkpoints")["complete"], "vacuums": value("autovacuum")["vacuums"],
        "time of statements (s)": round(statements["total_ms"] / 1000),
    }
    return done


def pgbadger(path, kind, folder):
    report = Path(folder) / "pgbadger.json"
    form = ["-f", "csv"] if kind == "csv" else ["-f", "stderr", "-p", PREFIX]
    done = timed(["pgbadger", "-q", "-j", "1", *form, "-x", "json", "-o", report, path])
    told = json.loads(report.read_text())
    report.unlink()
    of = lambda name: told.get(name, {}).get("postgres", {})
    done["counts"] = {
        "statements": of("overall_stat").get("queries_number", ""), "different statements": len(of("normalyzed_info")),
        "errors": of("overall_stat").get("errors_number", ""),
        "lock waits": sum(one.get("count", 0) for name, one in of("error_info").items() if "still waiting" in name),
        "temporary files": of("tempfile_info").get("count", ""), "connections": of("connection_info").get("count", ""),
        "sessions": of("session_info").get("count", ""),
        "checkpoints": sum(told.get("checkpoint_info", {}).get("starting", {}).values()),
        "vacuums": of("autovacuum_info").get("count", ""),
        "time of statements (s)": round(sum(one.get("duration", 0) for one in of("normalyzed_info").values()) / 1000),
    }
    return done


def main():
    folder = option("--folder", None)
    holder = None if folder else tempfile.TemporaryDirectory()
    folder = Path(folder or holder.name)
    version = subprocess.run(["pgbadger", "--version"], capture_output=True, text=True).stdout.strip()
    print(f"{time.strftime('%Y-%m-%d %H:%M')}, {version}, load {os.getloadavg()[0]:.1f}, core {CORE}\n")
    rows, details = [], []
    for kind, ending in (("stderr", "log"), ("csv", "csv")):
        path, part = folder / f"large.{ending}", folder / f"part.{ending}"
        written = generate(kind, BYTES, path)
        written_part = generate(kind, PART, part)
        size, part_size = path.stat().st_size, part.stat().st_size
        floor = min((timed(["sh", "-c", f"cat '{path}' > /dev/null"]) for _ in range(3)), key=lambda done: done["cpu"])
        mine = ours(path)
        mine_part = ours(part)
        theirs = pgbadger(part, kind, folder)
        # By processor time: the machine may have other work, which is no fault of either program.
        rate = lambda bytes_, done: bytes_ / 1e6 / done["cpu"]
        ratio = rate(size, mine) / rate(part_size, theirs)
        rows += [
            f"| {kind} | `cat` > /dev/null | {size / 1e9:.2f} GB | {floor['wall']:.2f} s | {floor['cpu']:.2f} s | {rate(size, floor):,.0f} | {floor['mb']:.0f} MB | |",
            f"| {kind} | dbvitals log | {size / 1e9:.2f} GB | {mine['wall']:.2f} s | {mine['cpu']:.2f} s | {rate(size, mine):,.0f} | {mine['mb']:.0f} MB | **{ratio:.0f} ×** |",
            f"| {kind} | pgBadger, one job | {part_size / 1e9:.2f} GB | {theirs['wall']:.2f} s | {theirs['cpu']:.2f} s | {rate(part_size, theirs):,.1f} | {theirs['mb']:.0f} MB | 1 |",
        ]
        details.append(f"\n{kind}, the part of {part_size / 1e6:.0f} MB:\n\n| count | written | dbvitals | pgBadger |\n|---|---|---|---|")
        for name, mine_count in mine_part["counts"].items():
            details.append(f"| {name} | {written_part.get(name, '')} | {mine_count} | {theirs['counts'].get(name, '')} |")
        details.append(f"\n{kind}, the whole: written {json.dumps(written)}; dbvitals {json.dumps(mine['counts'])}")
    print("| format | program | read | wall | processor | MB per processor second | peak memory | against pgBadger |\n|---|---|---|---|---|---|---|---|")
    print("\n".join(rows))
    print("\n".join(details))


main()
