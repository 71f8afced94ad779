"""What it costs to take in a report by all rules, against one bare INSERT a request.

`POST /api/v1/reports` over HTTP, durable, by a hundred at once, with the worker at work and forty
rules of routing (zones, a school near by, hours, weekdays) and deadlines in working time. The
yardsticks write four columns into a table of their own and return the id: the same service with
that as its route, and nothing but a router (`bare_insert`). They take turns in going first.
"""

import contextlib
import os
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import psycopg
import serving
import shapely
from city import City
from city_places import HERE
from intake import WRITERS, new_reports
from load import Done, drive

TURNS = 3
SECONDS = 40.0
YARDSTICKS = {
    "ours": "one bare INSERT ... RETURNING a request, by the same service",
    "nothing": "one bare INSERT ... RETURNING a request, by nothing but a router",
}
RULES = 40
_COMPANY = '[[organisation]]\ncode = "company"\nname = { vi = "Công ty", en = "Company" }\n'
_DEADLINES = "".join(
    f'[[deadline]]\ncategory = "*"\npromise = "{promise}"\namount = "{amount}"\nclock = "working"\n'
    for promise, amount in (("first_reply", "4h"), ("resolve", "10d"))
)
_TABLE = (
    "CREATE TABLE IF NOT EXISTS bare_reports (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
    " category text NOT NULL, text text NOT NULL, geom geometry(Point, 4326) NOT NULL,"
    " created_at timestamptz NOT NULL DEFAULT now())"
)


def measure(place: City, turns: int = TURNS, seconds: float = SECONDS) -> list[dict[str, Any]]:
    _ruled(place.url)
    with psycopg.connect(place.url, autocommit=True) as db:
        db.execute(_TABLE)
    rates: dict[str, list[float]] = {name: [] for name in ("rules", *YARDSTICKS)}
    with contextlib.ExitStack() as stack:
        stack.enter_context(serving.worker(place.url))
        ports = {"rules": stack.enter_context(serving.pinward(place.url, "--no-worker"))}
        for name in YARDSTICKS:
            state = stack.enter_context(tempfile.TemporaryDirectory())
            ports[name] = stack.enter_context(_yardstick(place.url, name, state))
        for port in ports.values():
            drive(port, WRITERS, new_reports(), seconds / 5).only(201)
        for turn in range(turns):
            for name in list(ports)[:: 1 if turn % 2 else -1]:
                done: Done = drive(ports[name], WRITERS, new_reports(), seconds)
                rates[name].append(done.only(201).each_second)
    return [_row(place, rates, name) for name in YARDSTICKS]


def _yardstick(url: str, name: str, state: str) -> contextlib.AbstractContextManager[int]:
    env = {"PINWARD_DATABASE_URL": url, "PINWARD_STATE": state, "PINWARD_LIMITS": "no"}
    return serving.asgi(f"bare_insert:{name}", env, serving.WORKERS, "--factory")


def _ruled(url: str) -> None:
    """Put the rules into force by the command that cities use."""
    with tempfile.TemporaryDirectory() as folder:
        box = shapely.box(HERE[0] - 0.05, HERE[1] - 0.05, HERE[0] + 0.05, HERE[1] + 0.05)
        (Path(folder) / "zone.geojson").write_text(shapely.to_geojson(box.buffer(0.02)))
        book = Path(folder) / "book.toml"
        book.write_text(_COMPANY + _DEADLINES + _zone() + "".join(map(_rule, range(RULES))))
        env = {**os.environ, "PINWARD_DATABASE_URL": url, "PINWARD_STATE": folder}
        words = [serving.BIN / "pinward", "rules", "apply", book]
        subprocess.run(words, check=True, env=env, stdout=subprocess.DEVNULL)


def _zone() -> str:
    return '[[zone]]\ncode = "zone"\nname = { vi = "vùng", en = "zone" }\nfile = "zone.geojson"\n'


def _rule(n: int) -> str:
    """All that a rule can ask for, in turn; most fit few reports, so that most are tried."""
    asks = (
        f'category = "drainage"\nnear = {{ kind = "school", within_m = {20 + n} }}',
        f'zone = "zone"\nhours = "0{n % 9}:00-0{n % 9}:{10 + n}"\nweekdays = [{1 + n % 7}]',
        f'near = {{ kind = "hospital", within_m = {10 + n} }}',
        f'category = "lighting"\nzone = "zone"\nhours = "{10 + n % 9}:00-{10 + n % 9}:{10 + n}"',
    )
    return (
        f'[[routing]]\ncode = "rule-{n}"\nposition = {n}\n{asks[n % len(asks)]}\n'
        'organisation = "company"\n'
    )


def _row(place: City, rates: dict[str, list[float]], name: str) -> dict[str, Any]:
    mine, bare = statistics.median(rates["rules"]), statistics.median(rates[name])
    ratios = sorted(a / b for a, b in zip(rates["rules"], rates[name], strict=True))
    return {
        "what": f"intake by {RULES} rules, {place.rows:,} reports, {WRITERS} writers",
        "against": YARDSTICKS[name],
        "ours_s": 1 / mine,
        "theirs_s": 1 / bare,
        "ratio": statistics.median(ratios),
        "aim": "≥ 0.5" if name == "ours" else "-",
        "note": f"{mine:,.0f} against {bare:,.0f} a second; ratios of {len(ratios)} turns "
        f"{ratios[0]:.2f} to {ratios[-1]:.2f}",
    }
