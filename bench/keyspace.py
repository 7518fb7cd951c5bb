#!/usr/bin/env python3
"""Times a walk of the keys beside redis-cli's own, on the same throwaway server, in one run.

Usage: bench/keyspace.py [--keys N] [--runs N] [--seeds N]     (after `cargo build --release -p dbvitals`)

Runs take turns. Printed for each: keys a second, processor seconds of server and client, resident memory, and how
much longer the PING of another process takes meanwhile than just before. Then the estimates of a survey against the
truth of a walk of all keys, the server restarted for each seed: it takes a new hash seed and so walks in another order.
Prints Markdown. Nothing is asserted: a benchmark informs, a test decides.
"""

import argparse
import base64
import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DBVITALS = os.environ.get("DBVITALS", str(ROOT / "target/release/dbvitals"))
# Measures from outside: whatever the scanners think of themselves, an application sees this.
PINGER = """
import socket, sys, time
s = socket.create_connection(("127.0.0.1", int(sys.argv[1]))); s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
end = time.perf_counter() + float(sys.argv[2])
while time.perf_counter() < end:
    t = time.perf_counter(); s.sendall(b"PING\\r\\n"); s.recv(64); print(f"{(time.perf_counter() - t) * 1e3:.4f}", flush=False)
    time.sleep(0.002)
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """A throwaway Redis; `restart` gives it a new hash seed over the same keys."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="keyspace-bench-")
        self.port = free_port()
        self.process = None
        self.start()

    def start(self):
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.folder, "--save", "",
                   "--appendonly", "no", "--loglevel", "warning"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        while self.cli("PING") != "PONG":
            time.sleep(0.05)

    def restart(self):
        self.cli("SAVE")
        self.process.kill()
        self.process.wait()
        self.start()

    def stop(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder)

    def cli(self, *words):
        command = ["redis-cli", "-p", str(self.port), *words]
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()

    def cpu(self):
        lines = (line.split(":") for line in self.cli("INFO", "cpu").splitlines() if ":" in line)
        return sum(float(value) for name, value in lines if name in ("used_cpu_user", "used_cpu_sys"))

    def fill(self, keys):
        loader = subprocess.Popen(["redis-cli", "-p", str(self.port), "--pipe"], stdin=subprocess.PIPE,
                                  stdout=subprocess.DEVNULL)
        for words in commands(keys):
            words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
            loader.stdin.write(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
        loader.stdin.close()
        loader.wait()


def commands(keys):
    """Ten patterns of six types, and 25 keys that hold a tenth of the memory."""
    rng = random.Random(20261121)
    for i in range(keys):
        r = rng.random()
        if r < 0.30:
            yield "SET", f"sess:{uuid.UUID(int=rng.getrandbits(128))}", "s" * rng.randint(60, 500), "EX", rng.randint(86400, 900000)
        elif r < 0.50:
            yield "SET", f"page/{i}/v3", "p" * rng.randint(40, 1200), "EX", rng.randint(86400, 300000)
        elif r < 0.62:
            yield "HSET", f"auction:{i}", "title", f"lot {i}", "price", i, "seller", i % 9973, "state", "open"
        elif r < 0.70:
            bids = (word for k in range(rng.randint(1, 8)) for word in (rng.randint(1, 10**6), f"u{k}"))
            yield "ZADD", f"auction:{i}:bids", *bids
        elif r < 0.76:
            yield "SADD", f"watch:{i}:users", *(rng.randint(1, 10**6) for _ in range(rng.randint(1, 12)))
        elif r < 0.82:
            yield "RPUSH", f"jobs:{i % 40000}", *(f"job-{rng.getrandbits(40)}" for _ in range(rng.randint(1, 4)))
        elif r < 0.90:
            yield "INCR", f"rl:10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}"
        elif r < 0.95:
            yield "SET", f"mail:u{i}@example.com:seen", 1
        elif r < 0.98:
            token = base64.urlsafe_b64encode(rng.randbytes(18)).decode()
            yield "SET", f"tok_{token}", "t" * 30, "EX", rng.randint(86400, 900000)
        else:
            yield "HSET", f"cache:stats:{i % 50}:{i}", "hits", rng.randint(100, 1000), "misses", rng.randint(1, 500)
    for b in range(20):
        for start in range(0, 50000, 500):
            yield "HSET", f"ledger:{b}", *(w for k in range(start, start + 500) for w in (f"f{k}", "v" * 20))
    for b in range(5):
        yield "SET", f"export-{b}", "z" * 5_000_000


class Pinger:
    """Another process that pings, as an application would; what it measured is read once it is stopped."""

    def __init__(self, port):
        self.file = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen([sys.executable, "-u", "-c", PINGER, str(port), "900"], stdout=self.file)

    def stop(self):
        """The round trips in milliseconds."""
        self.process.kill()
        self.process.wait()
        self.file.seek(0)
        return [float(line) for line in self.file.read().splitlines()[10:-1]]


def pinged(port, seconds):
    """Round trips while nobody walks."""
    pinger = Pinger(port)
    time.sleep(seconds)
    return pinger.stop()


def middle(values):
    """Mean, median and 99th percentile."""
    values = sorted(values)
    return statistics.mean(values), statistics.median(values), values[int(len(values) * 0.99)]


def measured(server, command):
    """One run: wall seconds, server and client processor seconds, megabytes, milliseconds that PINGs take longer than
    just before and just after it."""
    before = pinged(server.port, 2)
    cpu, pinger = server.cpu(), Pinger(server.port)
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    memory = 0
    while True:
        pid, _, used = os.wait4(child.pid, os.WNOHANG)
        if pid:
            break
        # The peak of the process itself; what wait4 tells is that of this script where it is larger.
        status = Path(f"/proc/{child.pid}/status").read_text()
        peaks = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")]
        if peaks and "Name:\tpython" not in status:
            memory = max(memory, peaks[0])
        time.sleep(0.02)
    wall, cpu = time.perf_counter() - start, server.cpu() - cpu
    during = middle(pinger.stop())
    idle = middle(before + pinged(server.port, 2))
    added = dict(zip(("mean", "median", "p99"), (ours - theirs for ours, theirs in zip(during, idle))))
    return {"wall": wall, "server": cpu, "client": used.ru_utime + used.ru_stime, "rss": memory / 1024, "idle": idle[0]} | added


def walk(server, *options):
    command = [DBVITALS, "redis", "keys", f"redis://127.0.0.1:{server.port}", "--quiet", *options]
    done = subprocess.run([*command, "--format", "json"], capture_output=True, text=True)
    return json.loads(done.stdout)["keys"]


def speed(server, runs):
    keys = int(server.cli("DBSIZE"))
    ours = [DBVITALS, "redis", "keys", f"redis://127.0.0.1:{server.port}", "--quiet"]
    cli = ["redis-cli", "-p", str(server.port)]
    commands = {
        "redis-cli --memkeys": [*cli, "--memkeys"],
        "redis-cli --bigkeys": [*cli, "--bigkeys"],
        "dbvitals, all keys, gentle": [*ours, "--full"],
        "dbvitals, all keys, --fast": [*ours, "--full", "--fast"],
        "dbvitals, survey, gentle (default)": ours,
        "dbvitals, survey, --fast": [*ours, "--fast"],
    }
    results = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            results[name].append(measured(server, command))
            print(f"{name}: {results[name][-1]}", file=sys.stderr)
    print(f"\n{keys:,} keys, medians of {runs} runs that took turns:\n")
    print("| walk | keys/s | server CPU | client CPU | RSS | PING added: mean | median | p99 |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    base = None
    for name, rows in results.items():
        m = {key: statistics.median(row[key] for row in rows) for key in rows[0]}
        base = base or m
        print(f"| {name} | {keys / m['wall']:,.0f} ({base['wall'] / m['wall']:.2f} ×) | {m['server']:.1f} s "
              f"({m['server'] / base['server']:.0%}) | {m['client']:.1f} s | {m['rss']:.0f} MB | {m['mean']:+.2f} ms | "
              f"{m['median']:+.2f} ms | {m['p99']:+.2f} ms |")


def accuracy(server, seeds):
    truth = walk(server, "--full", "--fast")
    assert truth["is_complete"]
    shares = {it["pattern"]: it["share"]["memory_ratio"] for it in truth["patterns"] if it["share"]["memory_ratio"] > 0.005}
    big = {it["name"] for it in truth["largest"] if it["memory_bytes"] > 1_000_000}
    for title, options in (("survey", ()), ("places (--quick)", ("--quick",))):
        covered = total = whole = 0
        errors, seconds = [], []
        for seed in range(seeds):
            if title == "survey":
                server.restart()
            seen = walk(server, "--fast", "--seed", str(seed), *options)
            seconds.append(seen["seconds"])
            found = {it["pattern"]: it["share"] for it in seen["patterns"]}
            for pattern, share in shares.items():
                ours = found.get(pattern)
                if ours:
                    total += 1
                    errors.append(abs(ours["memory_ratio"] - share))
                    covered += abs(ours["memory_ratio"] - share) <= ours["memory_ratio_margin"] + 1e-9
            whole += big <= {it["name"] for it in seen["largest"]}
        print(f"\n{title}: {seeds} seeds, {len(shares)} patterns, asked {seen['sampled']:,} of {seen['total']:,} keys in "
              f"{statistics.median(seconds):.1f} s; error of shares {statistics.mean(errors):.2%} mean, {max(errors):.2%} worst; "
              f"95 % margins of patterns that were met hold the truth in {covered / total:.0%} of {total}; "
              f"all {len(big)} big keys found in {whole} of {seeds} runs; "
              f"unexplained memory told {seen['reconciled']['unexplained_ratio']:.1%}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--keys", type=int, default=2_200_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=20)
    options = parser.parse_args()
    server = Server()
    try:
        server.fill(options.keys)
        if options.runs:
            speed(server, options.runs)
        if options.seeds:
            accuracy(server, options.seeds)
    finally:
        server.stop()


if __name__ == "__main__":
    main()
