"""Reports sent by a hundred at once: what the map's log and pyramid cost, and how soon it is right.

`POST /api/v1/reports` over HTTP, durable, all rules on, with the triggers and the worker, against
the same service with the triggers of `reports` off and no worker; in pairs that take turns in going
first. Then, with the hundred still writing, one more report is sent and recategorised: how long
until a tile, asked for over HTTP at zooms far apart, counts it right.
"""

import asyncio
import itertools
import json
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx
import mapbox_vector_tile
import numpy as np
import psycopg
import serving
from city import City
from city_places import HERE, Floats, sites
from cold_tile import p
from load import Done, drive, post

from geo.reports import categories
from geo.store.database import create_engine
from tiles.address import cell_of, tile_of
from tiles.pyramid import build

WRITERS = 100
PAIRS = 3
# A little more than the time after which the worker folds what there is: each turn pays for one
# fold, as each minute does.
SECONDS = 65.0
PROBES = 60
# Nobody else writes of it, so that its count says whether the one report is in.
PROBED, INSTEAD = "water.hydrant", "water.leak"
ZOOMS = (0, 5, 9, 13, 16, 18)
_PATIENCE_S = 30


def measure(
    place: City, pairs: int = PAIRS, seconds: float = SECONDS, probes: int = PROBES
) -> list[dict[str, Any]]:
    with serving.pinward(place.url, "--no-worker") as port:
        found: dict[bool, list[Done]] = {True: [], False: []}
        # Plans, caches and connections are made before.
        drive(port, WRITERS, new_reports(), seconds / 5).only(201)
        for turn in range(pairs):
            for counted in (True, False) if turn % 2 else (False, True):
                found[counted].append(_phase(place.url, port, counted, seconds))
        with serving.worker(place.url), _writers(port):
            times = _probe(place.url, port, probes)
    verified = asyncio.run(_verified(place.url))
    return [_cost(place, found), _fresh(place, times, verified)]


async def _verified(url: str) -> str:
    """What `pinward tiles verify` says after all of it; raises when a count is wrong."""
    engine = create_engine(url, pool_size=2)
    try:
        found = await build.verify(engine)
    finally:
        await engine.dispose()
    if not found.equal:
        raise RuntimeError(f"the pyramid differs from the table: {found.examples}")
    return f"{found.rows:,} rows of counts equal {found.reports:,} reports afterwards"


def _phase(url: str, port: int, counted: bool, seconds: float) -> Done:
    """One run of all writers, with or without log, pyramid and worker."""
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("CHECKPOINT")
        if counted:
            with serving.worker(url):
                _settled(db, seconds)
                return drive(port, WRITERS, new_reports(), seconds).only(201)
        db.execute("ALTER TABLE reports DISABLE TRIGGER USER")
        (began,) = db.execute("SELECT clock_timestamp()").fetchone() or (None,)
        try:
            return drive(port, WRITERS, new_reports(), seconds).only(201)
        finally:
            # They are in no count, so they must not stay.
            db.execute("DELETE FROM reports WHERE created_at >= %s", (began,))
            db.execute("ALTER TABLE reports ENABLE TRIGGER USER")


def _settled(db: psycopg.Connection[Any], patience_s: float) -> None:
    """Wait for the worker to fold what turns before this one left."""
    ends = time.perf_counter() + patience_s
    while time.perf_counter() < ends:
        (left,) = db.execute(
            "SELECT (SELECT max(seq) FROM changes) - folded_seq FROM pyramid_state"
        ).fetchone() or (0,)
        # one is the line by which the worker was seen at work
        if left is None or left <= 1:
            return
        time.sleep(0.1)


def new_reports(
    seed: int | None = None, places: Callable[[np.random.Generator, int], Floats] = sites
) -> Iterator[bytes]:
    """Requests without end, each a report of its own, at `places(rng, n)`: lon, lat (n, 2)."""
    rng = np.random.default_rng(seed)
    names = [
        row["code"]
        for row in categories.shipped()
        if row["parent_code"]
        and row["code"] not in (PROBED, INSTEAD)
        and not any(question["required"] for question in row["questions"])
    ]
    while True:
        about = rng.integers(0, len(names), 1000).tolist()
        for (lon, lat), category in zip(places(rng, 1000).tolist(), about, strict=True):
            yield _request(names[category], lon, lat)


def _request(category: str, lon: float, lat: float) -> bytes:
    body = {
        "category": category,
        "lon": lon,
        "lat": lat,
        "accuracy_m": 20,
        "text": "Nước ngập ngang bánh xe trước chợ, xe máy chết máy hàng loạt.",
    }
    return post(
        "/api/v1/reports",
        json.dumps(body, ensure_ascii=False).encode(),
        f"Idempotency-Key: {uuid4()}\r\n",
    )


@contextmanager
def _writers(port: int) -> Iterator[None]:
    """The hundred, in a process of their own, until the block ends."""
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_write, args=(port,), daemon=True)
    process.start()
    try:
        yield
        if process.exitcode is not None:
            raise RuntimeError("the writers ended early")
    finally:
        process.terminate()
        process.join(10)


def _write(port: int) -> None:
    drive(port, WRITERS, new_reports(), 3600).only(201)


def _probe(url: str, port: int, probes: int) -> dict[str, list[float]]:
    """Seconds until a tile is right, after a report was sent and after it was recategorised."""
    times: dict[str, list[float]] = {"sent": [], "recategorised": []}
    with (
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=_PATIENCE_S) as http,
        psycopg.connect(url, autocommit=True) as db,
    ):
        for _, z in zip(range(probes), itertools.cycle(ZOOMS), strict=False):
            x, y = tile_of(int(cell_of([HERE[0]], [HERE[1]])[0]), z)
            path = f"/tiles/reports/{z}/{x}/{y}.mvt?category={PROBED}"
            before = _count(http, path)
            body = {"category": PROBED, "lon": HERE[0], "lat": HERE[1], "text": "Trụ nước hỏng."}
            key = {"Idempotency-Key": str(uuid4())}
            answer = http.post("/api/v1/reports", json=body, headers=key)
            answer.raise_for_status()
            times["sent"].append(_until(http, path, before + 1))
            db.execute(
                "UPDATE reports SET category_code = %s WHERE code = %s",
                (INSTEAD, answer.json()["code"]),
            )
            times["recategorised"].append(_until(http, path, before))
    return times


def _until(http: httpx.Client, path: str, wanted: int) -> float:
    began = time.perf_counter()
    while time.perf_counter() - began < _PATIENCE_S:
        if _count(http, path) == wanted:
            return time.perf_counter() - began
        time.sleep(0.01)
    raise RuntimeError(f"{path} did not come to count {wanted} within {_PATIENCE_S} s")


def _count(http: httpx.Client, path: str) -> int:
    answer = http.get(path)
    answer.raise_for_status()
    if answer.status_code == 204:
        return 0
    features = mapbox_vector_tile.decode(answer.content)["reports"]["features"]
    return sum(feature["properties"]["point_count"] for feature in features)


def _cost(place: City, found: dict[bool, list[Done]]) -> dict[str, Any]:
    rates = {kind: [done.each_second for done in runs] for kind, runs in found.items()}
    mine, bare = statistics.median(rates[True]), statistics.median(rates[False])
    ratios = [a / b for a, b in zip(rates[True], rates[False], strict=True)]
    late = {
        kind: p([s for done in runs for s in done.answers_s], 95) for kind, runs in found.items()
    }
    return {
        "what": f"intake, {WRITERS} writers at once, beside {place.rows:,} reports",
        "against": "the same without log, pyramid and worker",
        "ours_s": 1 / mine,
        "theirs_s": 1 / bare,
        "ratio": statistics.median(ratios),
        "aim": "≥ 0.9",
        "note": f"{mine:,.0f} against {bare:,.0f} reports a second; ratios of {len(ratios)} pairs "
        f"{min(ratios):.2f} to {max(ratios):.2f}; p95 of an answer {late[True] * 1e3:.0f} against "
        f"{late[False] * 1e3:.0f} ms",
    }


def _fresh(place: City, times: dict[str, list[float]], verified: str) -> dict[str, Any]:
    every = [took for each in times.values() for took in each]
    return {
        "what": f"committed → right in the tile over HTTP, {WRITERS} writers at once",
        "against": "-",
        "ours_s": p(every, 95),
        "theirs_s": None,
        "ratio": None,
        "aim": "p95 ≤ 1 s",
        "note": f"p95 of {len(every)} at zooms {', '.join(map(str, ZOOMS))}; p50 "
        f"{p(every, 50) * 1e3:.0f} ms, longest {max(every) * 1e3:.0f} ms; "
        + ", ".join(f"{name} p95 {p(each, 95) * 1e3:.0f} ms" for name, each in times.items())
        + f"; {verified}",
    }
