"""Run the measures on a throw-away cluster and print them as a table, or `--json`.

Each measure is a ratio within one run: ours and the yardstick, same data, same machine, one after
the other. `benchmarks/<name>.py` holds one measure as `measure(url) -> dict`.
"""

import argparse
import importlib
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

from geo.store import migrate
from geo.store.cluster import Cluster

MEASURES = ("ward_lookup", "report_import", "plain_tile")


def run(names: list[str]) -> list[dict[str, Any]]:
    sys.path.insert(0, str(Path(__file__).parent))
    found = []
    with tempfile.TemporaryDirectory() as folder:
        # Durable settings: fsync is part of what an import costs.
        cluster = Cluster(Path(folder) / "state")
        cluster.start()
        try:
            for name in names:
                with psycopg.connect(cluster.url("postgres"), autocommit=True) as admin:
                    admin.execute(f"CREATE DATABASE bench_{name}")
                url = cluster.url(f"bench_{name}")
                migrate.upgrade(url)
                began = time.perf_counter()
                answer = importlib.import_module(name).measure(url)
                answers = answer if isinstance(answer, list) else [answer]
                took = time.perf_counter() - began
                found += [{"measure": name, "took_s": round(took, 1), **item} for item in answers]
        finally:
            cluster.remove()
    return found


def table(found: list[dict[str, Any]]) -> Table:
    made = Table(title="Measures (ratio: the yardstick's time by ours)")
    for column in ("what", "against", "ours s", "theirs s", "ratio", "aim", "note"):
        made.add_column(column, overflow="fold")
    for item in found:
        made.add_row(
            item["what"],
            item["against"],
            f"{item['ours_s']:.4g}",
            f"{item['theirs_s']:.4g}",
            f"{item['ratio']:.3g}",
            str(item["aim"]),
            str(item.get("note", "")),
        )
    return made


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("measures", nargs="*", metavar="MEASURE", help=", ".join(MEASURES))
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    unknown = set(chosen.measures) - set(MEASURES)
    if unknown:
        parser.error(f"no such measure: {', '.join(unknown)}; there are {', '.join(MEASURES)}")
    results = run(chosen.measures or list(MEASURES))
    if chosen.json:
        print(json.dumps({"measures": results}, ensure_ascii=False))
    else:
        Console().print(table(results))
