"""How good the likely duplicates are that people are offered before sending: precision and recall.

A year of reports is lived through, in the order they came: each is asked about as the page does
(`GET /api/v1/reports/similar`), then taken in, and closed when it was closed. *Truth* is, in the
demo city, which reports were made as repetitions of another; in Boston's real 311 reports of 2015
which ones the city's own staff noted as "duplicate of #…" (few, of lamps), and repetitions that we
plant: 12 m off (a phone's error), a day and a half later on average. What people really sent twice
there nobody wrote down, so Boston's precision is a lower bound.

- recall: of those that repeat an open report, the part that was offered one that is the same
- precision: of those that were offered something, the part of whom one was the same
- in vain: of those that repeat nothing, the part that was offered something

No measure of time, and none of `make bench`: `python benchmarks/duplicates.py [--boston FILE]`.
"""

import argparse
import asyncio
import csv
import gzip
import math
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import numpy as np
import psycopg
from sqlalchemy import text as sql

from geo.reports import categories
from geo.reports.codes import new_code
from geo.reports.duplicates.similar import OFFERED_FROM, WEIGHTS
from geo.store import duplicates as store
from geo.store import migrate
from geo.store.cluster import Cluster
from geo.store.database import create_engine

RADIUS_M, DAYS, OFFERED = 100, 30, 5
NOW = datetime(2026, 7, 1, tzinfo=UTC)
PILE = (-71.0587, 42.3594)
TRIED = {
    "distance alone": {"by_distance": 1.0, "by_age": 0.0, "by_text": 0.0, "other": 0.5},
    "text alone": {"by_distance": 0.0, "by_age": 0.0, "by_text": 1.0, "other": 0.5},
    "half and half": {"by_distance": 0.5, "by_age": 0.0, "by_text": 0.5, "other": 0.5},
    "less distance": {"by_distance": 0.5, "by_age": 0.2, "by_text": 0.3, "other": 0.5},
    "more text": {"by_distance": 0.35, "by_age": 0.15, "by_text": 0.5, "other": 0.5},
    "as shipped": dict(WEIGHTS),
}
THRESHOLDS = (0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9)


@dataclass
class Life:
    """One report: `group` is one for all that are the same; `asked`: it counts as a question."""

    category: str
    lon: float
    lat: float
    text: str
    created: datetime
    ended: datetime | None
    group: int
    asked: bool = True
    said: bool = True
    id: UUID | None = None


@dataclass
class Question:
    """What was found for one: (n,) arrays; `has`: one that is the same was open somewhere."""

    has: bool
    same: np.ndarray
    nearness: np.ndarray
    freshness: np.ndarray
    likeness: np.ndarray
    kin: np.ndarray


def scores(asked: Question, weights: dict[str, float]) -> np.ndarray:
    """As `similar.sql` has them."""
    told = ~np.isnan(asked.likeness)
    total = weights["by_distance"] + weights["by_age"] + np.where(told, weights["by_text"], 0)
    found = (
        weights["by_distance"] * asked.nearness
        + weights["by_age"] * asked.freshness
        + weights["by_text"] * np.nan_to_num(asked.likeness)
    )
    kin = np.where(asked.kin, 1.0, weights["other"])
    return kin * found / np.where(total > 0, total, 1)


def judged(questions: list[Question], weights: dict[str, float], at: float) -> tuple[float, ...]:
    """(recall, precision, in vain) of what is offered from a score on."""
    hits = offered = repeats = vain = fresh = 0
    for one in questions:
        found = scores(one, weights)
        best = np.argsort(-found, kind="stable")[:OFFERED]
        best = best[found[best] >= at]
        hit = bool(one.same[best].any())
        repeats += one.has
        hits += hit and one.has
        offered += len(best) > 0
        fresh += not one.has
        vain += len(best) > 0 and not one.has
    return hits / max(1, repeats), hits / max(1, offered), vain / max(1, fresh)


async def live(url: str, lives: list[Life]) -> list[Question]:
    """Ask about each report, take it in, close it in its time."""
    events = sorted(
        [(one.created, 1, k) for k, one in enumerate(lives)]
        + [(one.ended, 0, k) for k, one in enumerate(lives) if one.ended and one.ended < NOW],
    )
    put = sql(
        "INSERT INTO reports (id, code, category_code, status, text, geom, created_at, updated_at)"
        " VALUES (:id, :code, :category, 'assigned', :text,"
        " ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), :at, :at)"
    )
    end = sql("UPDATE reports SET status = 'closed' WHERE id = :id")
    known: dict[UUID, int] = {}
    open_of: dict[int, set[int]] = {}
    questions = []
    engine = create_engine(url, pool_size=1)
    async with engine.connect() as conn:
        await conn.execute(sql("SET session_replication_role = replica"))
        for n, (at, comes, k) in enumerate(events):
            one = lives[k]
            group = open_of.setdefault(one.group, set())
            if not comes:
                group.discard(k)
                await conn.execute(end, {"id": one.id})
                continue
            if one.asked:
                questions.append(await _asked(conn, one, at, bool(group), lives, known))
            one.id = uuid4()
            known[one.id] = k
            group.add(k)
            values = {"id": one.id, "code": new_code(), "category": one.category, "at": at}
            values |= {"text": one.text, "lon": one.lon, "lat": one.lat}
            await conn.execute(put, values)
            if n % 2000 == 0:
                await conn.execute(sql("ANALYZE reports"))
        await conn.rollback()
    await engine.dispose()
    return questions


async def _asked(conn, one, at, has, lives, known) -> Question:
    box = store.box_around(one.lon, one.lat, RADIUS_M, math.cos(math.radians(one.lat)))
    said = one.text if one.said else ""
    rows = await store.similar(
        conn, (one.lon, one.lat), one.category, said, at, WEIGHTS, box=box, limit=50
    )
    found = [lives[known[row.id]] for row in rows]
    asked = Question(
        has,
        np.array([each.group == one.group for each in found], dtype=bool),
        np.array([1 - row.distance_m / RADIUS_M for row in rows]),
        np.array([1 - (at - each.created).total_seconds() / (DAYS * 86400) for each in found]),
        np.array([np.nan if row.likeness is None else row.likeness for row in rows]),
        np.array([each.category == one.category for each in found], dtype=bool),
    )
    told = np.array([row.score for row in rows])
    if not np.allclose(scores(asked, WEIGHTS), told, atol=1e-4):
        raise RuntimeError("the scores here are not those of similar.sql")
    return asked


def demo(reports: int) -> list[Life]:
    """The demo city; what repeats a report is of its group."""
    from geo.demo import city

    made = city.build(NOW, reports).reports
    root = np.arange(len(made))
    for k in range(len(made)):
        # Oldest first, so the parent's root is known.
        if made.parent[k] >= 0:
            root[k] = root[made.parent[k]]
    steps = ("resolved", "closed", "rejected", "duplicate", "withdrawn")
    ends = np.stack([made.moves.step(name) for name in steps])
    never = np.datetime64("2999-01-01", "ms")
    ended = np.where(np.isnat(ends), never, ends).min(axis=0)

    def when(moment: np.datetime64) -> datetime | None:
        return None if moment == never else moment.item().replace(tzinfo=UTC)

    return [
        Life(
            str(made.category[k]),
            float(made.lon[k]),
            float(made.lat[k]),
            made.text[k],
            made.created[k].astype("datetime64[ms]").item().replace(tzinfo=UTC),
            when(ended[k]),
            int(root[k]),
        )
        for k in range(len(made))
    ]


def boston(path: Path, most: int, planted: float, seed: int = 7) -> tuple[list[Life], list[Life]]:
    """Boston's first `most` reports with the staff's notes, and the same with planted ones.

    Texts there are the category's name or notes of the staff, never what people said: none is
    asked with.
    """
    zone = ZoneInfo("America/New_York")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [row for _, row in zip(range(most), csv.DictReader(file), strict=False)]
    number = {row["id"]: k for k, row in enumerate(rows)}
    group = list(range(len(rows)))
    noted: set[int] = set()
    for k, row in enumerate(rows):
        if "duplicate" not in row["text"].lower():
            continue
        for said in re.findall(r"#(\d{7})", row["text"]):
            other = number.get(f"10100{said}")
            if other is not None and other != k:
                a, b = group[k], group[other]
                group = [a if each == b else each for each in group]
                noted |= {k, other}

    def when(said: str) -> datetime:
        return datetime.fromisoformat(said).replace(tzinfo=zone).astimezone(UTC)

    def lives(asked: set[int] | None) -> list[Life]:
        return [
            Life(
                f"boston.{row['category']}",
                float(row["lon"]),
                float(row["lat"]),
                "",
                when(row["created"]),
                when(row["closed"]) if row["closed"] else None,
                group[k],
                asked is None or k in asked,
                False,
            )
            for k, row in enumerate(rows)
        ]

    rng = np.random.default_rng(seed)
    with_planted = lives(None)
    for k in rng.choice(len(rows), int(planted * len(rows)), replace=False):
        one = with_planted[k]
        later = one.created + timedelta(days=float(rng.exponential(1.5)))
        east, north = rng.normal(0, 12 / math.sqrt(2), 2) / 111_000
        at = (one.lon + east / math.cos(math.radians(one.lat)), one.lat + north)
        same = Life(one.category, *at, "", later, one.ended, one.group, True, False)
        if one.ended is None or later < one.ended:
            with_planted.append(same)
    return lives(noted), with_planted


def told(name: str, questions: list[Question]) -> Iterator[str]:
    """Lines of the table."""
    repeats = sum(one.has for one in questions)
    yield f"\n## {name}: {len(questions):,} asked, {repeats:,} of them repeat an open report"
    for title, weights in TRIED.items():
        yield f"{title}: " + ", ".join(f"{key} {value}" for key, value in weights.items())
        yield "  from    recall  precision  in vain"
        for at in THRESHOLDS:
            recall, precision, vain = judged(questions, weights, at)
            mark = "  <- offered from here" if title == "as shipped" and at == OFFERED_FROM else ""
            yield f"  {at:<6}  {recall:6.3f}  {precision:9.3f}  {vain:7.3f}{mark}"


def evaluate(url: str, name: str, lives: list[Life]) -> list[Question]:
    """Live through them in a migrated database that has no reports."""
    with psycopg.connect(url) as db:
        for code in {one.category for one in lives if one.category.startswith("boston.")}:
            db.execute(
                "INSERT INTO categories (code, name_vi, name_en, icon) VALUES (%s, %s, %s, 'other')"
                " ON CONFLICT DO NOTHING",
                (code, name, name),
            )
    return asyncio.run(live(url, lives))


async def _categories(url: str) -> None:
    engine = create_engine(url, pool_size=1)
    async with engine.begin() as conn:
        await categories.sync(conn)
    await engine.dispose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    shared = Path(__file__).resolve().parents[2] / "shared/data/boston_311_2015.csv.gz"
    parser.add_argument("--boston", type=Path, default=shared)
    parser.add_argument("--most", type=int, default=20_000, help="of Boston's reports, in order")
    parser.add_argument("--reports", type=int, default=20_000, help="of the demo city")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cluster = Cluster(Path(folder) / "state")
        cluster.start()
        try:
            with psycopg.connect(cluster.url("postgres"), autocommit=True) as admin:
                admin.execute("CREATE DATABASE bench_duplicates")
            url = cluster.url("bench_duplicates")
            migrate.upgrade(url)
            asyncio.run(_categories(url))
            cases = {"the demo city": demo(chosen.reports)}
            if chosen.boston.exists():
                notes, planted = boston(chosen.boston, chosen.most, 0.08)
                cases["Boston, as its staff noted"] = notes
                cases["Boston, with planted repetitions"] = planted
                elsewhere = [one for one in planted if math.dist((one.lon, one.lat), PILE) > 2e-3]
                cases["the same without City Hall, where 14 % were put"] = elsewhere
            for name, lives in cases.items():
                for line in told(name, evaluate(url, name, lives)):
                    print(line, flush=True)
        finally:
            cluster.remove()


if __name__ == "__main__":
    main()
