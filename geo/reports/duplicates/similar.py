"""Reports that may be the same as another: open, of the same family, near by and not long ago.

How like they are is one number from 0 to 1 of how near, how fresh and how alike in words they are
(trigrams, marks and case aside); `benchmarks/duplicates.py` says what it is worth, and chose the
weights and from where on a report is offered.
"""

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from geo.errors import Invalid, NotFound
from geo.reports import codes, reading
from geo.reports.times import rfc3339
from geo.scope import Scope
from geo.store import duplicates as store
from geo.store.database import AnyRow, AsyncConnection

WEIGHTS: Final = {"by_distance": 0.5, "by_age": 0.2, "by_text": 0.3, "other": 0.5}
"""What counts how much; `other`: of another category of the family so much of it."""

OFFERED_FROM: Final = 0.6
"""From this score on a citizen is asked whether it is the same ("me too")."""
SHOWN_FROM: Final = 0.3
"""From this score on it is shown at all."""


async def before_sending(
    conn: AsyncConnection,
    lon: float,
    lat: float,
    category: str,
    text: str,
    now: datetime,
    limit: int,
) -> list[dict[str, Any]]:
    """GeoJSON features of what the public may know of such reports, best first.

    As lists have them, and `distance_m` from here to where the public sees it, `likeness` of the
    texts (None: nothing was said), `score`, and whether "me too" is `offered`. Raises `Invalid`.
    """
    found = await _found(conn, (lon, lat), category, text, now, limit, None)
    rows = await store.seen(conn, [one.id for one in found])
    features = []
    for one in found:
        # Between the two statements somebody may have hidden it.
        if one.id in rows:
            feature = reading.public_feature(rows[one.id])
            feature["properties"] |= _told(one)
            features.append(feature)
    return features


async def opened(conn: AsyncConnection, typed_code: str) -> AnyRow:
    """The report whose like a desk looks for (`geo.store.duplicates.asked_on_the_desk`)."""
    code = codes.read_code(typed_code)
    row = await store.asked_on_the_desk(conn, code) if code else None
    if row is None:
        raise NotFound("there is no report with this code; check it letter by letter")
    return row


async def on_the_desk(
    conn: AsyncConnection, report: AnyRow, scope: Scope, limit: int
) -> list[dict[str, Any]]:
    """As `before_sending`, of what is in a desk's scope: at exact places, and what the public does
    not see; sent before `report` (of `opened`) or after it."""
    desk = store.Desk(scope.ward, scope.organisation_id, report.id)
    found = await _found(
        conn,
        (report.lon, report.lat),
        report.category_code,
        report.text,
        report.created_at,
        limit,
        desk,
    )
    rows = await store.of_the_desk(conn, [one.id for one in found])
    return [_feature(rows[one.id], one) for one in found]


async def _found(
    conn: AsyncConnection,
    place: tuple[float, float],
    category: str,
    text: str,
    at: datetime,
    limit: int,
    desk: store.Desk | None,
) -> Sequence[AnyRow]:
    radius_m = await store.radius_m(conn, category)
    if radius_m is None:
        raise Invalid.of("category", "is no category known here; see /api/v1/categories")
    box = store.box_around(*place, radius_m, math.cos(math.radians(place[1])))
    found = await store.similar(
        conn, place, category, text, at, WEIGHTS, box=box, limit=limit, desk=desk
    )
    return [one for one in found if one.score >= SHOWN_FROM]


def _told(one: AnyRow) -> dict[str, Any]:
    return {
        "distance_m": round(one.distance_m, 1),
        "likeness": None if one.likeness is None else round(one.likeness, 3),
        "score": round(one.score, 3),
        "offered": one.score >= OFFERED_FROM,
    }


def _feature(row: AnyRow, one: AnyRow) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": row.code,
        "geometry": {"type": "Point", "coordinates": [row.lon, row.lat]},
        "properties": {
            "code": row.code,
            "category": {
                "code": row.category_code,
                "name": {"vi": row.category_vi, "en": row.category_en},
                "icon": row.icon,
            },
            "text": row.text,
            "status": row.status,
            "channel": row.channel,
            "created_at": rfc3339(row.created_at),
            "due_at": rfc3339(row.due_at) if row.due_at else None,
            "visibility": row.visibility,
            "ward": row.ward_code,
            "organisation": row.organisation_code,
            "supports": row.supports,
            **_told(one),
        },
    }
