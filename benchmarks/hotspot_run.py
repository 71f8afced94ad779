"""The night's work: hotspots, hexagons, beginnings and the mask of all categories, and once more.

`pinward hotspots run` as a process of its own, from start to end, over the 90 days that end with
the city's newest day, in a table of all reports. The second run finds that nothing has changed.
"""

import json
import os
import subprocess
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import peak
import psycopg
from city import NOW, City
from serving import BIN

AIM_S, AIM_BYTES = 300, 4_000_000_000


def measure(place: City) -> list[dict[str, Any]]:
    # The whole of the city's newest day lies before its last report.
    day = str((NOW - timedelta(days=1)).date())
    with psycopg.connect(place.url, autocommit=True) as db:
        db.execute("DELETE FROM hotspot_answers WHERE as_of = %s", [day])
    took_s, most, said = _run(place.url, day)
    again_s, _, unchanged = _run(place.url, day)
    assert said == unchanged, "the same run said something else"
    answers = json.loads(said)["answers"]
    reports = sum(each["n_reports"] for each in answers)
    found = sum(len(each["hotspots"]) for each in answers)
    what = f"all hotspots of {place.rows:,} reports"
    row: dict[str, Any] = {"against": "-", "theirs_s": None, "ratio": None}
    return [
        {
            **row,
            "what": f"{what}: {len(answers)} categories",
            "ours_s": took_s,
            "aim": f"<= {AIM_S} s",
            "note": f"{reports:,} reports in 90 days, {found} hotspots; "
            f"peak {most / 1e6:,.0f} MB (aim {AIM_BYTES / 1e6:,.0f}); "
            f"{again_s:.1f} s when nothing has changed",
        }
    ]


def _run(url: str, day: str) -> tuple[float, int, bytes]:
    """(seconds, peak bytes, what it printed)."""
    with tempfile.TemporaryDirectory() as state, (Path(state) / "said").open("w+b") as said:
        began = time.perf_counter()
        child = subprocess.Popen(
            [str(BIN / "pinward"), "hotspots", "run", "--as-of", day, "--json"],
            env={**os.environ, "PINWARD_DATABASE_URL": url, "PINWARD_STATE": state},
            stdout=said,
        )
        with peak.Watched(child.pid) as watched:
            child.wait()
        took_s = time.perf_counter() - began
        if child.returncode:
            raise RuntimeError(f"pinward hotspots run ended with {child.returncode}")
        said.seek(0)
        return took_s, watched.bytes, said.read()
