"""Run the measures on a throw-away cluster and print them as a table, or `--json`.

Each measure is a ratio within one run: ours and the yardstick, same data, same machine, one after
the other or taking turns. `benchmarks/<name>.py` holds one measure as `measure(url)` on an empty,
migrated database of its own, or as `measure(place)` on the city of ten million reports, which is
made once a run and shared.
"""

import argparse
import importlib
import json
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

from geo.store import migrate
from geo.store.cluster import Cluster

ALONE = (
    "ward_lookup",
    "report_import",
    "clustering",
    "scan",
    "calibration",
    "power",
    "trends",
    "identities",
    "country",
    "reform",
    "photo_intake",
)
# In this order: what writes reports comes last.
IN_THE_CITY = (
    *("pyramid_size", "hotspot_run", "cold_tile", "warm_tile", "live_streams", "nearby"),
    *("similar", "statistics_answers", "pages", "admission", "ruled_intake", "intake"),
)
MEASURES = ALONE + IN_THE_CITY


def run(names: list[str], rows: int, say: Any = lambda line: None) -> list[dict[str, Any]]:
    """Rows of the table: `{measure, took_s, what, against, ours_s, theirs_s, ratio, aim, note}`,
    with `ours_bytes` and `theirs_bytes` where disk is measured, `ours_wrong` and `theirs_wrong` (a
    part of one) where answers are, and None where there is no yardstick."""
    found: list[dict[str, Any]] = []
    for name in names:
        # What cannot even be imported should say so before ten million rows are loaded.
        _module(name)
    with tempfile.TemporaryDirectory() as folder:
        # Durable settings: fsync is part of what an import costs.
        cluster = Cluster(Path(folder) / "state")
        cluster.start()
        try:
            for name in (each for each in ALONE if each in names):
                found += one(name, _database(cluster, name), say)
            if wanted := [each for each in IN_THE_CITY if each in names]:
                place = _module("city").prepare(_database(cluster, "city"), rows, say)
                for name in wanted:
                    found += one(name, place, say)
        finally:
            cluster.remove()
    return found


def one(name: str, place: Any, say: Any = lambda line: None) -> list[dict[str, Any]]:
    """The rows of one measure, on a database or in a city; one that fails is one row saying why,
    so that the others are not lost."""
    say(f"measuring {name}")
    try:
        return rows_of(name, lambda: _module(name).measure(place))
    except Exception as error:
        traceback.print_exc()
        said = f"FAILED: {type(error).__name__}: {error}"
        nothing = {"ours_s": None, "theirs_s": None, "ratio": None, "aim": "-", "against": "-"}
        return rows_of(name, lambda: {"what": name, **nothing, "note": said, "failed": True})


def rows_of(name: str, measure: Callable[[], Any]) -> list[dict[str, Any]]:
    """What a measure answered, with its name and how long it took."""
    began = time.perf_counter()
    answer = measure()
    took = round(time.perf_counter() - began, 1)
    return [
        {"measure": name, "took_s": took, **item}
        for item in (answer if isinstance(answer, list) else [answer])
    ]


def _module(name: str) -> Any:
    here = str(Path(__file__).parent)
    if here not in sys.path:
        sys.path.insert(0, here)
    return importlib.import_module(name)


def _database(cluster: Cluster, name: str) -> str:
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE bench_{name}")
    url = cluster.url(f"bench_{name}")
    migrate.upgrade(url)
    return url


def table(found: list[dict[str, Any]]) -> Table:
    made = Table(title="Measures (ratio: the yardstick's by ours)")
    for column in ("what", "against", "ours", "theirs", "ratio", "aim", "note"):
        made.add_column(column, overflow="fold")
    for item in found:
        made.add_row(
            item["what"],
            item["against"],
            _said(item, "ours"),
            _said(item, "theirs"),
            "-" if item["ratio"] is None else f"{item['ratio']:.3g}",
            str(item["aim"]),
            str(item.get("note", "")),
        )
    return made


def _said(item: dict[str, Any], whose: str) -> str:
    if f"{whose}_bytes" in item:
        return f"{item[f'{whose}_bytes'] / 1e6:,.0f} MB"
    if f"{whose}_wrong" in item:
        return f"{item[f'{whose}_wrong']:.1%} wrong"
    value = item[f"{whose}_s"]
    return "-" if value is None else f"{value:.4g} s"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("measures", nargs="*", metavar="MEASURE", help=", ".join(MEASURES))
    parser.add_argument("--rows", type=int, default=10_000_000, help="reports of the city")
    parser.add_argument("--city", metavar="URL", help="a database that holds the city already")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    unknown = set(chosen.measures) - set(MEASURES)
    if unknown:
        parser.error(f"no such measure: {', '.join(unknown)}; there are {', '.join(MEASURES)}")
    talk = Console(stderr=True, highlight=False)
    if chosen.city:
        there = _module("city").prepare(chosen.city, chosen.rows, talk.print)
        names = [each for each in IN_THE_CITY if each in (chosen.measures or IN_THE_CITY)]
        results = [row for name in names for row in one(name, there, talk.print)]
    else:
        results = run(chosen.measures or list(MEASURES), chosen.rows, talk.print)
    if chosen.json:
        print(json.dumps({"measures": results}, ensure_ascii=False))
    else:
        Console().print(table(results))
    sys.exit(1 if any(row.get("failed") for row in results) else 0)
