"""Ward look-up of many points, against a join in PostGIS over subdivided wards with GiST.

Both answer the same question for the same points: the lowest code of the wards that cover each.
"""

import gzip
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg
import shapely

from geo.wards.lookup import WardIndex

N = 500_000
AIM = 50
REAL = Path(__file__).resolve().parent.parent.parent / "shared/data/hcmc_wards_2025.geojson.gz"

JOIN = """
SELECT p.i, min(w.code)
FROM bench_points AS p JOIN bench_pieces AS w ON ST_Covers(w.geom, p.geom)
GROUP BY p.i
"""


def measure(url: str) -> dict[str, Any]:
    codes, shapes, what = wards()
    points = inside(shapes, N, np.random.default_rng(0))
    began = time.perf_counter()
    index = WardIndex.from_polygons(codes, list(shapes))
    built_s = time.perf_counter() - began
    lon, lat = np.ascontiguousarray(points[:, 0]), np.ascontiguousarray(points[:, 1])
    ours_s, (found, _, _) = best(lambda: index.find(lon, lat, snap_m=0), 5)
    with psycopg.connect(url, autocommit=True) as db:
        fill(db, codes, shapes, points)
        # Counted on the server: what sending the rows to a client costs is not the look-up's.
        counted = f"SELECT count(*), count(code) FROM ({JOIN}) AS found (i, code)"
        theirs_s, _ = best(lambda: db.execute(counted).fetchone(), 2)
        rows = db.execute(JOIN).fetchall()
    # Where subdividing cuts an edge, the new vertex is rounded: a point on it may change sides.
    theirs = np.full(N, None, dtype=object)
    for i, code in rows:
        theirs[i] = code
    differing = int((theirs != found).sum())
    assert differing <= N // 10_000, f"{differing} of {N} points differ"
    return {
        "what": f"ward of {N:,} points, {what}",
        "against": "PostGIS join, ST_Subdivide'd wards with GiST",
        "ours_s": ours_s,
        "theirs_s": theirs_s,
        "ratio": theirs_s / ours_s,
        "aim": f">= {AIM}",
        "note": f"{ours_s / N * 1e9:.0f} ns a point; built in {built_s:.2f} s, "
        f"{index.nbytes / 1e6:.0f} MB; {differing} points differ",
    }


def best(work: Any, times: int) -> tuple[float, Any]:
    """The shortest of several runs in seconds, and what the last returned."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        answer = work()
        took.append(time.perf_counter() - began)
    return min(took), answer


def wards() -> tuple[list[str], npt.NDArray[np.object_], str]:
    """The real wards where they lie beside the checkout, else a made-up city of as many."""
    if REAL.exists():
        with gzip.open(REAL) as file:
            features = json.load(file)["features"]
        shapes = [shapely.geometry.shape(feature["geometry"]) for feature in features]
        codes = [feature["properties"]["code"] for feature in features]
        return codes, np.array(shapes, dtype=object), "168 real wards"
    rng = np.random.default_rng(1)
    frame = shapely.box(106.4, 10.4, 107.2, 11.2)
    sites = shapely.multipoints(rng.uniform((106.4, 10.4), (107.2, 11.2), (168, 2)))
    cells = shapely.get_parts(shapely.voronoi_polygons(sites, extend_to=frame))
    cells = shapely.segmentize(shapely.intersection(cells, frame), 0.0004)

    def wave(xy: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        x, y = xy.T
        moved = [x + 0.001 * np.sin(900 * y + 300 * x), y + 0.001 * np.cos(700 * x - 200 * y)]
        return np.column_stack(moved)

    cells = shapely.coverage_clean(shapely.transform(cells, wave))
    return [f"{90000 + i}" for i in range(len(cells))], cells, "168 made-up wards"


def inside(
    shapes: npt.NDArray[np.object_], n: int, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Points as reports lie: as many in a small dense ward as in a large empty one."""
    west, south, east, north = shapely.bounds(shapes).T
    shapely.prepare(shapes)
    made = np.zeros((0, 2))
    while len(made) < n:
        ward = rng.integers(0, len(shapes), n)
        x, y = rng.uniform(west[ward], east[ward]), rng.uniform(south[ward], north[ward])
        hit = shapely.contains_xy(shapes[ward], x, y)
        made = np.concatenate([made, np.column_stack([x, y])[hit]])
    return made[:n]


def fill(
    db: psycopg.Connection,
    codes: list[str],
    shapes: npt.NDArray[np.object_],
    points: npt.NDArray[np.float64],
) -> None:
    db.execute("DROP TABLE IF EXISTS bench_wards, bench_pieces, bench_points")
    db.execute("CREATE TABLE bench_wards (code text, geom geometry)")
    with db.cursor().copy("COPY bench_wards FROM STDIN") as copy:
        for code, wkb in zip(codes, shapely.to_wkb(shapes, hex=True), strict=True):
            copy.write_row((code, wkb))
    db.execute(
        "CREATE TABLE bench_pieces AS SELECT code, ST_Subdivide(geom, 64) AS geom FROM bench_wards"
    )
    db.execute("CREATE INDEX ON bench_pieces USING gist (geom)")
    db.execute("CREATE UNLOGGED TABLE bench_points (i int, geom geometry)")
    with db.cursor().copy("COPY bench_points FROM STDIN") as copy:
        for i, wkb in enumerate(shapely.to_wkb(shapely.points(points), hex=True).tolist()):
            copy.write_row((i, wkb))
    db.execute("VACUUM ANALYZE bench_pieces")
    db.execute("VACUUM ANALYZE bench_points")
