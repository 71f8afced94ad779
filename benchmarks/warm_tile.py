"""A tile that the service remembers, against an empty Starlette route with the same answer.

Both under the same server with as many processes, loaded over the loopback by connections that are
kept open, in pairs that take turns in going first. The load shares the machine's cores with them.
"""

import itertools
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

import httpx
import serving
from city import City
from city_places import HERE
from load import drive, get

from tiles.address import cell_of, tile_of

ZOOM = 12
CONNECTIONS = 64
PAIRS = 5
SECONDS = 5.0
_GZIP = "Accept-Encoding: gzip\r\n"
# What the server itself adds to any answer.
_SERVERS = ("date", "server", "content-length")


def measure(place: City, pairs: int = PAIRS, seconds: float = SECONDS) -> dict[str, Any]:
    x, y = tile_of(int(cell_of([HERE[0]], [HERE[1]])[0]), ZOOM)
    path = f"/tiles/reports/{ZOOM}/{x}/{y}.mvt"
    with tempfile.TemporaryDirectory() as name, serving.pinward(place.url) as ours:
        body, headers = _raw(f"http://127.0.0.1:{ours}{path}")
        (Path(name) / "body").write_bytes(body)
        (Path(name) / "headers.json").write_text(json.dumps(headers))
        with serving.asgi("bare:app", {"BENCH_ANSWER": name}) as theirs:
            same = _raw(f"http://127.0.0.1:{theirs}{path}")
            if same != (body, headers):
                raise RuntimeError(f"the answers differ: {headers} and {same[1]}")
            rates: dict[int, list[float]] = {ours: [], theirs: []}
            for port in (ours, theirs):
                drive(port, CONNECTIONS, itertools.repeat(get(path, _GZIP)), seconds / 5)
            for turn in range(pairs):
                for port in (ours, theirs) if turn % 2 else (theirs, ours):
                    done = drive(port, CONNECTIONS, itertools.repeat(get(path, _GZIP)), seconds)
                    rates[port].append(done.only(200).each_second)
            if _raw(f"http://127.0.0.1:{ours}{path}")[0] != body:
                raise RuntimeError("the tile changed while it was measured")
    mine, bare = statistics.median(rates[ours]), statistics.median(rates[theirs])
    ratios = [a / b for a, b in zip(rates[ours], rates[theirs], strict=True)]
    return {
        "what": f"warm tile, zoom {ZOOM}, {len(body) / 1000:.1f} kB packed, {serving.WORKERS} "
        "processes",
        "against": "an empty Starlette route with the same answer, same server",
        "ours_s": 1 / mine,
        "theirs_s": 1 / bare,
        "ratio": statistics.median(ratios),
        "aim": "≥ 0.7",
        "note": f"{mine:,.0f} against {bare:,.0f} tiles a second; ratios of {pairs} pairs "
        f"{min(ratios):.2f} to {max(ratios):.2f}",
    }


def _raw(url: str) -> tuple[bytes, dict[str, str]]:
    """Body as it came, still packed, and the application's own headers."""
    with httpx.stream("GET", url, headers={"Accept-Encoding": "gzip"}, timeout=60) as answer:
        body = b"".join(answer.iter_raw())
        answer.raise_for_status()
        return body, {k: v for k, v in answer.headers.items() if k not in _SERVERS}
