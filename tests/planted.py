"""Reports of a quarter with an ordinary life, and places where something is wrong, for tests."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from drawn import put_reports

from builders import SIDE, SOUTH, WEST

# The last day looked at; the city's midnight after it is at 17:00 UTC.
AS_OF = date(2026, 3, 31)
UNTIL = datetime(2026, 3, 31, 17, tzinfo=UTC)
METRE = 1 / 111_195
USUAL = {
    "drainage.flooding": 0.08,
    "lighting.lamp_out": 0.22,
    "traffic.pothole": 0.25,
    "waste.dumping": 0.25,
    "noise.karaoke": 0.2,
}


def put_life(url: str, n: int = 3000, days: int = 120, seed: int = 1) -> None:
    """`n` reports of the usual mix over the small city, in the days up to `UNTIL`."""
    rng = np.random.default_rng(seed)
    places = np.column_stack(
        [rng.uniform(WEST, WEST + 3 * SIDE, n), rng.uniform(SOUTH, SOUTH + 2 * SIDE, n)]
    )
    put_reports(
        url,
        places.tolist(),
        category_code=rng.choice(list(USUAL), n, p=list(USUAL.values())).tolist(),
        created_at=[_at(rng, 0, days) for _ in range(n)],
    )


def put_trouble(
    url: str,
    lon: float,
    lat: float,
    n: int = 40,
    radius_m: float = 70.0,
    days: tuple[float, float] = (0, 88),
    seed: int = 2,
    **columns: Any,
) -> list[str]:
    """`n` reports around one place, made between so many days before `UNTIL`; their codes."""
    rng = np.random.default_rng(seed)
    east = 1 / np.cos(np.radians(lat))
    angle, away = rng.uniform(0, 2 * np.pi, n), radius_m * np.sqrt(rng.uniform(0, 1, n))
    places = [
        (lon + a * METRE * east, lat + b * METRE)
        for a, b in zip(away * np.cos(angle), away * np.sin(angle), strict=True)
    ]
    # In even steps: what happens on one spot in one night would count once.
    steps = np.linspace(*days, n + 2)[1:-1]
    at = [(UNTIL - timedelta(days=float(step))).isoformat() for step in steps]
    return put_reports(url, places, created_at=at, **columns)


def _at(rng: np.random.Generator, first: float, last: float) -> str:
    return (UNTIL - timedelta(days=float(rng.uniform(first, last)))).isoformat()
