"""The statements of TPC-H and of the Join Order Benchmark, read from the folders their users keep them in."""

import re
from pathlib import Path

# Values for the markers :1, :2 … of each query template, of the kind the specification asks for.
PARAMETERS = {
    1: ["90"], 2: ["15", "BRASS", "EUROPE"], 3: ["BUILDING", "1995-03-15"], 4: ["1993-07-01"], 5: ["ASIA", "1994-01-01"],
    6: ["1994-01-01", "0.06", "24"], 7: ["FRANCE", "GERMANY"], 8: ["BRAZIL", "AMERICA", "ECONOMY ANODIZED STEEL"], 9: ["green"],
    10: ["1993-10-01"], 11: ["GERMANY", "0.0001"], 12: ["MAIL", "SHIP", "1994-01-01"], 13: ["special", "requests"], 14: ["1995-09-01"],
    15: ["1996-01-01"], 16: ["Brand#45", "MEDIUM POLISHED", *"49 14 23 45 19 3 36 9".split()], 17: ["Brand#23", "MED BOX"],
    18: ["300"], 19: ["Brand#12", "Brand#23", "Brand#34", "1", "10", "20"], 20: ["forest", "1994-01-01", "CANADA"],
    21: ["SAUDI ARABIA"], 22: "13 31 23 29 30 18 17".split(),
}


def tpch(folder):
    """Name, what to run before, statement, what to run after, of `1.sql` to `22.sql` as qgen reads them."""
    for number in range(1, 23):
        text = "\n".join(line for line in (Path(folder) / f"{number}.sql").read_text().splitlines() if not line.startswith("--"))
        limit = re.search(r"^:n (\d+)", text, re.M)
        text = re.sub(r"^:[xo]$|^:n .*$", "", text, flags=re.M).replace("day (3)", "day").replace(":s", "0")
        text = re.sub(r":(\d+)", lambda found: PARAMETERS[number][int(found[1]) - 1], text)
        parts = [part.strip() for part in text.split(";") if part.strip()]
        place = next(at for at, part in enumerate(parts) if part.lower().startswith(("select", "with")))
        statement = parts[place] + (f"\nlimit {limit[1]}" if limit else "")
        yield f"Q{number}", ";".join(parts[:place]), statement, ";".join(parts[place + 1:])


def job(folder):
    """The 33 `a` queries."""
    for number in range(1, 34):
        yield f"{number}a", "", (Path(folder) / f"{number}a.sql").read_text().strip().rstrip(";"), ""


def own(file):
    """The statements of a file, each named by the comment line above it."""
    for found in re.finditer(r"^-- (\S+).*\n((?:(?!--).*\n)+)", Path(file).read_text(), re.M):
        yield found[1], "", found[2].strip().rstrip(";"), ""
