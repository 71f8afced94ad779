"""A small city and what happens in it, for tests that need a real one.

`CITY`: six square wards of 0.02 degrees (about 2.2 km) in two rows of three, codes 90001 … 90006
from the south-west, with a river's gap of 100 m nowhere: neighbours share their edges. South-west
corner at `WEST, SOUTH`; ward n has its middle at `middle(n)`.
"""

from datetime import date
from typing import Any
from uuid import uuid4

import numpy as np
import shapely

from geo.store.database import AsyncConnection
from geo.wards.features import WardFeature, WardFile

WEST, SOUTH, SIDE = 106.60, 10.70, 0.02
NAMES = ("Bến Thử", "Chợ Nhỏ", "Đa Mẫu", "Tân Mẫu", "Thạnh Mẫu", "Vĩnh Thử")
CODES = tuple(f"9000{n}" for n in range(1, 7))
VALID_FROM = date(2020, 1, 1)


def square(n: int) -> shapely.Polygon:
    """Polygon of ward `n` (0 to 5), lon/lat degrees."""
    west, south = WEST + SIDE * (n % 3), SOUTH + SIDE * (n // 3)
    return shapely.box(west, south, west + SIDE, south + SIDE)


def middle(n: int) -> tuple[float, float]:
    """Lon, lat of the middle of ward `n`."""
    point = square(n).centroid
    return point.x, point.y


def halves() -> WardFile:
    """The small city in two wards of three: the first has the code of what was another ward."""
    polygons = np.empty(2, dtype=object)
    for k in range(2):
        polygons[k] = shapely.union_all([square(3 * k + n) for n in range(3)])
    wards = (
        WardFeature("90002", "Phía Nam", None, "ward", "feature 0"),
        WardFeature("90007", "Phía Bắc", None, "ward", "feature 1"),
    )
    return WardFile("halves", wards, polygons)


def all_over(n: int, seed: int) -> list[dict[str, Any]]:
    """`n` places spread over the small city, each with a category and a text, as rows of reports
    that still need their time and origin."""
    rng = np.random.default_rng(seed)
    corners = (WEST, SOUTH), (WEST + 3 * SIDE, SOUTH + 2 * SIDE)
    places = rng.uniform(*corners, (n, 2)).round(6).tolist()
    return [
        {"category": "drainage.flooding", "lon": lon, "lat": lat, "text": f"Ngập {k}"}
        for k, (lon, lat) in enumerate(places)
    ]


def city_geojson() -> dict[str, Any]:
    """The small city as a GeoJSON FeatureCollection with code, name, type."""
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"code": CODES[n], "name": NAMES[n], "type": "phường"},
                "geometry": shapely.geometry.mapping(square(n)),
            }
            for n in range(6)
        ],
    }


async def categories(conn: AsyncConnection) -> None:
    """The category tree that every database has."""
    from geo.reports import categories as tree

    await tree.sync(conn)


async def import_city(conn: AsyncConnection) -> None:
    """Import the small city by the same code as `pinward wards import`."""
    import json
    import tempfile
    from pathlib import Path

    from geo.wards import importing, load

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "city.geojson"
        path.write_text(json.dumps(city_geojson(), ensure_ascii=False), encoding="utf-8")
        await importing.import_wards(
            conn, load.read(path), name="small-city", valid_from=VALID_FROM, city="Thành phố Thử"
        )


def a_report(**changes: Any) -> dict[str, Any]:
    """Body of a POST that is right; `changes` replace or add members."""
    lon, lat = middle(0)
    return {
        "category": "drainage.flooding",
        "lon": lon,
        "lat": lat,
        "text": "Nước ngập ngang bánh xe trước chợ.",
        **changes,
    }


def a_key() -> dict[str, str]:
    """Header with a fresh Idempotency-Key."""
    return {"Idempotency-Key": str(uuid4())}
