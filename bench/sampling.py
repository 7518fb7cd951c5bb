#!/usr/bin/env python3
"""What looking at the sessions costs a server: processor time of our own backend, by /proc.

Usage: bench/sampling.py [--seconds N] [--statements N] [--rates HZ,HZ] [--program PATH] [--serve PATH]
       (after `cargo xtask setup` and `cargo build`)

A throwaway PostgreSQL with 200 idle sessions and 20 that work, and with --statements so many entries of
pg_stat_statements, each called twice: then the looks at their counters are in the window, too. For each rate one audit with `--interval` runs while the
processor time (utime + stime) of its backend is read from /proc when the window opens and when it closes, so that what
is read before and after the window is not in it. Prints a Markdown table. Nothing is asserted.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
IDLE, ACTIVE = 200, 20
TICKS = os.sysconf("SC_CLK_TCK")


def option(name, default):
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else default


SECONDS = int(option("--seconds", "60"))
STATEMENTS = int(option("--statements", "0"))
RATES = [float(rate) for rate in option("--rates", "0.1,10,100").split(",")]
PROGRAM = Path(option("--program", ROOT / "target/release/dbvitals"))
SERVE = option("--serve", "cargo run --quiet -p dbvitals-testkit --bin serve --").split()


class Server:
    """A throwaway PostgreSQL that ends with this process."""

    def __init__(self, version):
        command = [*SERVE, "postgres", version, f"max_connections={IDLE + ACTIVE + 50}",
                   f"pg_stat_statements.max={max(2 * STATEMENTS, 5000)}"]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        parts = urlsplit(self.url)
        self.environment = os.environ | {
            "PGHOST": parts.hostname, "PGPORT": str(parts.port), "PGUSER": parts.username, "PGPASSWORD": parts.password,
            "PGDATABASE": "postgres",
        }

    def sql(self, text):
        done = subprocess.run(["psql", "-XqAt", "-c", text], env=self.environment, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"psql: {done.stderr}")
        return done.stdout.strip()

    def session(self, text):
        """A session that runs a text and then stays."""
        psql = subprocess.Popen(["psql", "-Xq"], env=self.environment, stdin=subprocess.PIPE,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)
        psql.stdin.write(text + "\n")
        psql.stdin.flush()
        return psql

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def processor_ms(pid):
    """utime and stime of a process, in milliseconds; by nanoseconds on a core where the kernel tells them."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6
    except OSError:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) * 1000 / TICKS


def measured(server, rate):
    """One audit: our backend's processor time in the window, and what the report says of it."""
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        audit = subprocess.Popen(
            [PROGRAM, "audit", f"main={server.url}", "--interval", f"{SECONDS}s", "--sample-rate", str(rate),
             "--fail-on", "never", "--quiet", "--output", report.name],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        # The window is open when looks are made; the last seconds before it closes are left out.
        time.sleep(5)
        pid = int(server.sql("select pid from pg_stat_activity where application_name = 'dbvitals' limit 1"))
        begun, first = time.monotonic(), processor_ms(pid)
        time.sleep(SECONDS - 8)
        spent, passed = processor_ms(pid) - first, time.monotonic() - begun
        audit.wait()
        tables = json.loads(Path(report.name).read_text())["overview"]
    note = next((table["note"] for table in tables if table["id"] == "time-by-event"), "no sample")
    return spent, passed, note


def fill(server):
    """So many different statements, each called twice."""
    server.sql("create extension pg_stat_statements")
    terms = max(STATEMENTS.bit_length(), 1)
    texts = ("select 1" + "".join("+-"[number >> bit & 1] + "1" for bit in range(terms)) for number in range(STATEMENTS))
    script = "".join(f"{text};\n" * 2 for text in texts)
    subprocess.run(["psql", "-Xq", "-o", "/dev/null"], env=server.environment, input=script, text=True, check=True)


def sent(server):
    """Calls and execution time of all that dbvitals sent so far, by the server's own count."""
    if not STATEMENTS:
        return 0, 0.0
    counted = server.sql("select sum(calls), sum(total_exec_time) from pg_stat_statements where query like '%/* dbvitals */%'")
    calls, ms = (float(value or 0) for value in counted.split("|"))
    return calls, ms


def main():
    server = Server("16")
    if STATEMENTS:
        fill(server)
    server.sql("create table t as select g as id, repeat('x', 100) as text from generate_series(1, 100000) g")
    sessions = [server.session("select 1;") for _ in range(IDLE)]
    work = "select count(*) from t where text like '%y%' \\watch i=0.05"
    sessions += [server.session(work) for _ in range(ACTIVE)]
    time.sleep(5)
    print("| wanted rate | looks a second | processor time of the backend | share of one core | queries of the audit | "
          "their time | what the report says |")
    print("|--:|--:|--:|--:|--:|--:|---|")
    for rate in RATES:
        before = sent(server)
        spent, passed, note = measured(server, rate)
        calls, ms = (after - first for after, first in zip(sent(server), before))
        found = re.search(r"([0-9]+) looks in ([0-9.]+) (s|min)", note)
        seconds = float(found[2]) * (60 if found[3] == "min" else 1) if found else SECONDS
        looks = int(found[1]) / seconds if found else 0
        print(f"| {rate:g} Hz | {looks:.1f} | {spent:.0f} ms in {passed:.0f} s | {spent / passed / 10:.2f} % | {calls:.0f} | "
              f"{ms:.0f} ms | {note} |", flush=True)
    for session in sessions:
        session.stdin.close()
        session.terminate()
        session.wait()
    server.stop()


main()
