#!/usr/bin/env python3
"""How well `dbvitals query n-plus-one` tells pairs from decoys by counters alone, beside a load on a real server.

Usage: bench/n_plus_one.py [--seeds N] [--version V] [--rate R] [--interval 2m] [--program PATH]   (after `cargo xtask setup`
and `cargo build`)

For each seed a throwaway PostgreSQL under the load of `crates/testkit/examples/mixed_load.rs`: ten lookups that are run
for each row of a list, and forty that only look so, each list with the keys of two other lookups beside its own. The
program looks at pg_stat_statements every 2 s. Prints a Markdown table, and what was missed or wrong. Nothing is asserted.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def option(name, default):
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else default


SEEDS = int(option("--seeds", "3"))
VERSION = option("--version", "18")
RATE = option("--rate", "1")
INTERVAL = option("--interval", "2m")
PROGRAM = option("--program", str(ROOT / "target/debug/dbvitals"))


def judged(seed):
    """True pairs and pairs found, beside one load, as tables of list and lookup."""
    command = ["cargo", "run", "--quiet", "-p", "dbvitals-testkit", "--example", "mixed_load", "--", VERSION, str(seed), RATE]
    load = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    url = load.stdout.readline().strip()
    planted = set()
    while line := load.stdout.readline().strip():
        kind, *pair = line.split()
        if kind == "pair":
            planted.add(tuple(pair))
    look = [PROGRAM, "query", "n-plus-one", f"bench={url}", "--interval", INTERVAL, "-f", "json"]
    page = json.loads(subprocess.run(look, capture_output=True, text=True).stdout)
    load.stdin.close()
    load.wait()
    found = {(table(pair["parent_text"]), table(pair["child_text"])) for pair in page["pairs"]}
    return planted, found


def table(text):
    return re.search(r"from ([lc]_[a-z]+)", text).group(1)


def main():
    print("| seed | planted | found | wrong | precision | recall |\n|---|--:|--:|--:|--:|--:|")
    for seed in range(1, SEEDS + 1):
        planted, found = judged(seed)
        hits = found & planted
        precision, recall = len(hits) / max(len(found), 1), len(hits) / len(planted)
        print(f"| {seed} | {len(planted)} | {len(hits)} | {len(found - planted)} | {precision:.3f} | {recall:.3f} |")
        for pair in sorted(planted - found):
            print(f"  missed: {pair}")
        for pair in sorted(found - planted):
            print(f"  wrong: {pair}")


main()
