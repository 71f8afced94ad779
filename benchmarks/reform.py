"""A reform of boundaries on a city's open reports: how long, how right, and what intake feels.

`pinward wards reform apply` on `reform_city`, against the one statement that a script would send,
which tells nobody, keeps nothing for an undo and locks every report until it ends. Then the same
command on a copy, while citizens send reports at a steady rate: their answers' p95 against that of
the time before. After each, every open report's ward is held against PostGIS; `undo` against a
checksum of all that the reform changes.
"""

import json
import subprocess
import time
from typing import Any

import psycopg
import reform_city
import serving
from city_places import Floats
from cold_tile import p
from intake import new_reports
from load import Done, pace
from psycopg.conninfo import conninfo_to_dict

EACH_SECOND = 20.0
"""Reports sent while a reform is applied: 72,000 an hour."""

_OPEN = "status IN ('received', 'assigned', 'in_progress', 'waiting')"
_YARDSTICK = f"""
UPDATE reports AS r SET ward_id = w.id
FROM wards AS w JOIN ward_sets AS s ON s.id = w.set_id
WHERE s.name = '{reform_city.AFTER}' AND r.{_OPEN} AND ST_Covers(w.geom, r.geom)
"""
# Of what a ward covers; what lies outside all is given to the nearest.
_WRONG = f"""
SELECT count(*) FROM reports AS r
WHERE r.{_OPEN} AND r.ward_match = 'covers' AND NOT EXISTS (
    SELECT FROM wards AS w
    WHERE w.id = r.ward_id AND w.valid @> CAST(%s AS date) AND ST_Covers(w.geom, r.geom)
)
"""
_SUMS = "SELECT count(*), count(ward_id) FROM reports"
_STATE = """
SELECT md5(string_agg(md5(CAST((
    id, ward_id, organisation_id, status, ward_match, ward_distance_m, ambiguous_with, reasons,
    due_at
) AS text)), '' ORDER BY id)) FROM reports
"""


def measure(
    url: str, n_open: int = 1_000_000, n_closed: int = 100_000, seconds: float = 30.0
) -> list[dict[str, Any]]:
    where = "the real wards" if reform_city.SHARED.is_dir() else "made-up wards"
    places = reform_city.make(url, n_open, n_closed)
    yardstick, busy = _copy(url, "yardstick"), _copy(url, "busy")
    before = _row(url, _STATE)
    # Taking turns is not possible: each can be done once. The plain statement has the cold caches.
    began = time.perf_counter()
    with psycopg.connect(yardstick) as db:
        db.execute(_YARDSTICK)
    theirs_s = time.perf_counter() - began
    _dropped(yardstick)
    ours_s, moved = _applied(url, n_open, n_closed)
    began = time.perf_counter()
    _Command(url, "undo").wait_for()
    undo_s = time.perf_counter() - began
    if _row(url, _STATE) != before:
        raise RuntimeError("undo did not restore what the reform had changed")
    rest, meanwhile, took_s = _while_busy(busy, places, seconds)
    late = {name: p(done.answers_s, 95) for name, done in (("rest", rest), ("busy", meanwhile))}
    return [
        {
            "what": f"reform of {n_open:,} open reports, {where}",
            "against": "one UPDATE … ST_Covers, without events and undo",
            "ours_s": ours_s,
            "theirs_s": theirs_s,
            "ratio": theirs_s / ours_s,
            "aim": "≤ 60 s",
            "note": f"{moved}; every open report's ward as PostGIS has it, sums as before; undone "
            f"to the byte in {undo_s:.0f} s",
        },
        {
            "what": f"intake's p95 while it is applied, {EACH_SECOND:.0f} reports a second",
            "against": "the same at rest",
            "ours_s": late["busy"],
            "theirs_s": late["rest"],
            "ratio": late["rest"] / late["busy"],
            "aim": "≥ 0.5",
            "note": f"{len(meanwhile.answers_s):,} answers, all 201; longest "
            f"{max(meanwhile.answers_s) * 1e3:.0f} against {max(rest.answers_s) * 1e3:.0f} ms; "
            f"the reform took {took_s:.0f} s beside them, and all of them are in its wards",
        },
    ]


def _applied(url: str, n_open: int, n_closed: int) -> tuple[float, str]:
    began = time.perf_counter()
    done = _Command(url, "apply").wait_for()
    took_s = time.perf_counter() - began
    if done["moved"] + done["renewed"] != n_open or done["left"]:
        raise RuntimeError(f"not all {n_open} reports were moved: {done}")
    _check(url, n_open + n_closed)
    return took_s, f"{done['moved']:,} moved, {done['renewed']:,} in the new version of their ward"


def _while_busy(url: str, places: Floats, seconds: float) -> tuple[Done, Done, float]:
    """Answers at rest and while a reform is applied, and how long it took."""
    (before, _) = _row(url, _SUMS)
    with serving.pinward(url) as port:
        requests = new_reports(places=lambda rng, n: rng.choice(places, n))
        ends = time.perf_counter() + seconds / 5
        pace(port, EACH_SECOND, requests, lambda: time.perf_counter() < ends).only(201)
        ends = time.perf_counter() + seconds
        rest = pace(port, EACH_SECOND, requests, lambda: time.perf_counter() < ends).only(201)
        began = time.perf_counter()
        command = _Command(url, "apply")
        busy = pace(port, EACH_SECOND, requests, lambda: command.process.poll() is None).only(201)
        took_s = time.perf_counter() - began
        command.wait_for()
    (after, _) = _row(url, _SUMS)
    if after < before + len(rest.answers_s) + len(busy.answers_s):
        raise RuntimeError("reports that were acknowledged are not there")
    _check(url, after)
    return rest, busy, took_s


def _check(url: str, n: int) -> None:
    if _row(url, _SUMS) != (n, n):
        raise RuntimeError(f"of {n} reports there are, and with a ward: {_row(url, _SUMS)}")
    (wrong,) = _row(url, _WRONG, reform_city.REFORMED_ON)
    if wrong:
        raise RuntimeError(f"{wrong} open reports are in a ward that does not cover them")


class _Command:
    """`pinward wards reform …` in a process of its own."""

    def __init__(self, url: str, verb: str) -> None:
        words = [serving.BIN / "pinward", "wards", "reform", verb, "--to", reform_city.AFTER]
        self.process = subprocess.Popen(
            [*words, "--json"],
            env=reform_city.environment(url),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_for(self) -> dict[str, Any]:
        """What it printed; raises when it failed."""
        said, complained = self.process.communicate()
        if self.process.returncode:
            raise RuntimeError(complained)
        found: dict[str, Any] = json.loads(said)
        return found


def _copy(url: str, name: str) -> str:
    """A copy of a database that nobody is connected to."""
    told = conninfo_to_dict(url)
    there = f"{told['dbname']}_{name}"
    with psycopg.connect(url, dbname="postgres", autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{there}" TEMPLATE "{told["dbname"]}" STRATEGY file_copy')
    return f"postgresql:///{there}?host={told['host']}&user={told['user']}"


def _dropped(url: str) -> None:
    told = conninfo_to_dict(url)
    with psycopg.connect(url, dbname="postgres", autocommit=True) as admin:
        admin.execute(f'DROP DATABASE "{told["dbname"]}" WITH (FORCE)')


def _row(url: str, query: str, *values: Any) -> Any:
    with psycopg.connect(url) as db:
        return db.execute(query, values).fetchone()
