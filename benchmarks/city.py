"""A city of ten million reports over 24 months, for all measures that need many.

What is skewed in real reports is skewed here: dense quarters and thin outskirts, reports along
streets, one default geocode that one in a hundred fell back to, a few categories that most are
about, old reports closed and new ones open. Rows are those that `POST /api/v1/reports` would have
written, without their events; they lie in the table in the order they came in, so that neighbours
on the map are none on the disk.
"""

import argparse
import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg
from city_places import PILE, sites, ward_file

from geo.demo import texts
from geo.reports import categories, codes
from geo.reports.routing import reasons
from geo.store.database import AsyncEngine, create_engine
from geo.store.statistics import fold
from geo.store.tables.reports import STATUSES
from geo.wards.directory import Ward, WardDirectory
from geo.wards.importing import import_wards
from tiles.pyramid.build import rebuild

ROWS = 10_000_000
NOW = datetime(2026, 7, 1, tzinfo=UTC)
DAYS = 730
ZONE = "Asia/Ho_Chi_Minh"

_BLOCK = 100_000
_TEXTS_EACH = 300
_STATUSES = np.array(STATUSES)
_CHANNELS = np.array(("web", "phone", "zalo"))
_COLUMNS = (
    "id, code, kind, category_code, status, text, geom, accuracy_m, ward_id, ward_match, "
    "organisation_id, reasons, channel, created_at, updated_at, due_at, closed_at, secret_hash, "
    "priority, waits_since, first_due_at, replied_at, resolved_at, warn_at, rating, rated_at"
)


def load(url: str, rows: int = ROWS, say: Callable[[str], None] = lambda line: None) -> None:
    """Fill a migrated, empty database; `say` is told how far it is.

    Needs a superuser: keys and triggers are off for the load, as all ids are read from the tables
    first. The log of changes and the pyramid stay empty.
    """
    directory = asyncio.run(_wards(url))
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("SET timezone = 'UTC'")
        db.execute("SET session_replication_role = replica")
        db.execute("SET maintenance_work_mem = '1GB'")
        indexes = drop_indexes(db)
        began = time.perf_counter()
        done = 0
        for block in _blocks(rows, directory):
            with db.cursor().copy(f"COPY reports ({_COLUMNS}) FROM STDIN") as copy:
                copy.write("".join(block).encode())
            done += len(block)
            say(f"{done:,} reports, {time.perf_counter() - began:.0f} s")
        for statement in indexes:
            db.execute(statement)
            say(f"{statement}, {time.perf_counter() - began:.0f} s")
        db.execute("VACUUM ANALYZE reports")


@dataclass(frozen=True)
class City:
    """The city in a database, its pyramid and the sums of its statistics built: what a measure is
    given.

    `built_s` and `summed_s` are how long these took, None where they were there already.
    """

    url: str
    rows: int
    built_s: float | None
    summed_s: float | None = None


def prepare(url: str, rows: int = ROWS, say: Callable[[str], None] = lambda line: None) -> City:
    """Load the city and build what is kept up beside it, or take it as it is where the database
    holds one."""
    with psycopg.connect(url) as db:
        (there,) = db.execute("SELECT count(*) FROM reports").fetchone() or (0,)
    if not there:
        load(url, rows, say)
    with psycopg.connect(url) as db:
        (nodes,) = db.execute("SELECT count(*) FROM pyramid_nodes").fetchone() or (0,)
        (sums,) = db.execute("SELECT count(*) FROM statistics_cells").fetchone() or (0,)
    built_s = summed_s = None
    if not nodes:
        built_s = _timed(url, rebuild)
        say(f"pyramid built, {built_s:.0f} s")
    if not sums:
        # Else a worker would begin to while something else is measured.
        summed_s = _timed(url, lambda engine: fold.rebuild(engine, ZONE))
        say(f"statistics summed, {summed_s:.0f} s")
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("CHECKPOINT")
    return City(url, there or rows, built_s, summed_s)


def _timed(url: str, build: Callable[[AsyncEngine], Awaitable[Any]]) -> float:
    async def run() -> None:
        engine = create_engine(url, pool_size=2)
        try:
            await build(engine)
        finally:
            await engine.dispose()

    began = time.perf_counter()
    asyncio.run(run())
    return time.perf_counter() - began


def months(since: int, until: int) -> tuple[datetime, datetime]:
    """First instants of two months, counted back from the city's last one."""

    def first(back: int) -> datetime:
        number = NOW.year * 12 + NOW.month - 1 - back
        return datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)

    return first(since), first(until)


def odd_times(since_days: float, until_days: float) -> tuple[datetime, datetime]:
    """A span that begins and ends at no day's border."""
    odd = timedelta(hours=8, minutes=17, seconds=33)
    return NOW - timedelta(days=since_days) + odd, NOW - timedelta(days=until_days) + odd


async def _wards(url: str) -> WardDirectory:
    engine = create_engine(url, pool_size=1)
    try:
        async with engine.begin() as conn:
            await categories.sync(conn)
            await import_wards(
                conn, ward_file(), name="bench", valid_from=date(2020, 1, 1), city="Thành phố Mẫu"
            )
        async with engine.connect() as conn:
            return await WardDirectory.load(conn)
    finally:
        await engine.dispose()


def drop_indexes(db: psycopg.Connection[Any]) -> list[str]:
    """Drop what is quicker made again at the end; returns the statements that do so."""
    again: list[str] = []
    found = db.execute(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE conrelid = 'reports'::regclass AND contype = 'u'"
    ).fetchall()
    for name, definition in found:
        db.execute(f"ALTER TABLE reports DROP CONSTRAINT {name}")
        again.append(f"ALTER TABLE reports ADD CONSTRAINT {name} {definition}")
    found = db.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index "
        "WHERE indrelid = 'reports'::regclass AND NOT indisprimary"
    ).fetchall()
    for name, definition in found:
        db.execute(f"DROP INDEX {name}")
        again.append(definition)
    return again


def _blocks(rows: int, directory: WardDirectory) -> Iterator[list[str]]:
    rng = np.random.default_rng(1)
    tree = [row for row in categories.shipped() if row["parent_code"]]
    names = [row["code"] for row in tree]
    due_days = np.array([row["deadlines"].get("resolve_days", 10) for row in tree])
    reply_h = np.array([row["deadlines"].get("first_reply_h", 24) for row in tree])
    weight = rng.permutation(1 / np.arange(1, len(names) + 1))
    written = _texts(rng, names, [ward.name for ward in directory.wards])
    placed = [_placed(ward) for ward in directory.wards]
    ends_ms = int(NOW.timestamp() * 1000)
    # A little more each month, as such services grow.
    ages_ms = (DAYS * 86_400_000 * rng.beta(1, 1.25, rows)).astype(np.int64)
    created_ms = ends_ms - np.sort(ages_ms)[::-1]
    for start in range(0, rows, _BLOCK):
        ms = created_ms[start : start + _BLOCK]
        n = len(ms)
        where = sites(rng, n)
        where[rng.random(n) < 0.01] = PILE
        days = ms.astype("datetime64[ms]").astype("datetime64[D]")
        ward = directory.assign(where[:, 0].copy(), where[:, 1].copy(), days).position.tolist()
        about = rng.choice(len(names), n, p=weight / weight.sum())
        status, closed_ms = _lives(rng, ms, ends_ms)
        ideas = (rng.random(n) < 0.03) | (about == names.index("other.suggestion"))
        said = rng.integers(0, _TEXTS_EACH, n).tolist()
        created, closed = _said(ms), _said(closed_ms)
        ended = (status >= 4).tolist()
        waiting = _STATUSES[status] == "waiting"
        due_ms = ms + due_days[about] * 86_400_000
        replied_ms = np.minimum(
            ms + (rng.exponential(8 * 3_600_000, n)).astype(np.int64), closed_ms
        )
        over = np.isin(_STATUSES[status], ("resolved", "closed", "rejected"))
        rated = (_STATUSES[status] == "closed") & (rng.random(n) < 0.1)
        columns: tuple[Iterable[str], ...] = (
            _uuids(rng, ms),
            _codes(start, n),
            np.where(ideas, "suggestion", "incident").tolist(),
            [names[i] for i in about.tolist()],
            _STATUSES[status].tolist(),
            [written[i][k] for i, k in zip(about.tolist(), said, strict=True)],
            # a point of EPSG:4326 as EWKB
            ["0101000020E6100000" + xy for xy in _cut(where.astype("<f8").tobytes().hex(), 32)],
            rng.integers(3, 60, n).astype(str).tolist(),
            # ward, how it was found, organisation, reasons
            [placed[i] for i in ward],
            _CHANNELS[rng.choice(3, n, p=(0.6, 0.25, 0.15))].tolist(),
            created,
            [then if gone else at for at, then, gone in zip(created, closed, ended, strict=True)],
            _said(due_ms),
            _where(status >= 4, closed),
            ["\\\\x" + secret for secret in _cut(os.urandom(32 * n).hex(), 64)],
            rng.choice((1, 2, 3), n, p=(0.05, 0.8, 0.15)).astype(str).tolist(),
            _where(waiting, created),
            _said(ms + reply_h[about] * 3_600_000),
            _where(_STATUSES[status] != "received", _said(replied_ms)),
            _where(over, closed),
            _where(status < 4, _said(ms + (due_ms - ms) * 4 // 5)),
            _where(rated, rng.integers(1, 6, n).astype(str).tolist()),
            _where(rated, closed),
        )
        yield ["\t".join(row) + "\n" for row in zip(*columns, strict=True)]


def _where(chosen: npt.NDArray[np.bool_], values: list[str]) -> list[str]:
    """The values of some, NULL of the others."""
    return [value if yes else "\\N" for value, yes in zip(values, chosen.tolist(), strict=True)]


def _placed(ward: Ward) -> str:
    said = [
        reasons.ward_reason(ward.name, ward.kind, "covers"),
        reasons.committee_reason(ward.organisation_vi or "", ward.organisation_en or ""),
    ]
    told = _plain(json.dumps(said, ensure_ascii=False))
    return f"{ward.id}\tcovers\t{ward.organisation_id}\t{told}"


def _uuids(rng: np.random.Generator, ms: npt.NDArray[np.int64]) -> list[str]:
    """Version 7: ascending with the time."""
    high = ((ms << 16) | 0x7000 | rng.integers(0, 4096, len(ms))).tolist()
    low = rng.integers(0, 1 << 62, len(ms)).tolist()
    return [f"{a:016x}{b | 1 << 63:016x}" for a, b in zip(high, low, strict=True)]


def _lives(
    rng: np.random.Generator, created_ms: npt.NDArray[np.int64], ends_ms: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Index of the status, and when a closed one was closed: nearly all of the old ones are."""
    n = len(created_ms)
    took_ms = (rng.exponential(4 * 86_400_000, n)).astype(np.int64) + 60_000
    closed_ms = created_ms + took_ms
    stuck = rng.random(n) < 0.02
    # resolved closed rejected duplicate withdrawn, of those that are over
    status = 4 + rng.choice(5, n, p=(0.04, 0.88, 0.04, 0.03, 0.01))
    still_open = stuck | (closed_ms > ends_ms)
    status[still_open] = rng.choice(4, int(still_open.sum()), p=(0.2, 0.4, 0.3, 0.1))
    return status, np.minimum(closed_ms, ends_ms)


def _texts(rng: np.random.Generator, names: list[str], wards: list[str]) -> list[list[str]]:
    """As the demo's people write, a few hundred texts for each category."""
    about = [name for name in names for _ in range(_TEXTS_EACH)]
    streets = [f"Đường số {n}" for n in rng.integers(1, 900, 2 * len(about))]
    written = texts.write(
        rng,
        about,
        [name == "other.suggestion" for name in about],
        streets[: len(about)],
        streets[len(about) :],
        [wards[n] for n in rng.integers(0, len(wards), len(about))],
        [-1] * len(about),
    )
    plain = [_plain(text) for text in written]
    return [plain[n : n + _TEXTS_EACH] for n in range(0, len(plain), _TEXTS_EACH)]


def _codes(first: int, n: int) -> list[str]:
    """Codes that look random and never repeat: a walk through all of them with one long step."""
    base = len(codes.ALPHABET)
    number = np.arange(first, first + n, dtype=np.int64) * 48_271_000_003 % base**codes.LENGTH
    letters = np.frombuffer(codes.ALPHABET.encode(), dtype=np.uint8)
    digits = number[:, None] // base ** np.arange(codes.LENGTH, dtype=np.int64) % base
    return _cut(letters[digits].tobytes().decode(), codes.LENGTH)


def _cut(text: str, width: int) -> list[str]:
    return [text[at : at + width] for at in range(0, len(text), width)]


def _said(ms: npt.NDArray[np.int64]) -> list[str]:
    """In UTC, which the sessions' zone is."""
    return list(np.datetime_as_string(ms.astype("datetime64[ms]")).tolist())


def _plain(text: str) -> str:
    """As COPY's text format wants it."""
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="libpq URL of a migrated, empty database")
    parser.add_argument("--rows", type=int, default=ROWS)
    chosen = parser.parse_args()
    load(chosen.url, chosen.rows, lambda line: print(line, flush=True))
