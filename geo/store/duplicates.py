"""Reports that may be the same, row by row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping, func, select

from geo.store import reports as report_store
from geo.store.cells import around
from geo.store.database import AnyRow, AsyncConnection, load_sql
from geo.store.reports import BLUR_DEGREES
from geo.store.tables import categories, organisations, reports, wards

# A degree of latitude is at least so many metres, one of longitude so many times its cosine.
_DEGREE_M = 110_574.0
_MOST = 300


@dataclass(frozen=True, slots=True)
class Desk:
    """Whose reports (`ward`: the id of its first version; None: any), and of which report the like
    are looked for."""

    ward: int | None
    organisation_id: int | None
    but: UUID


async def radius_m(conn: AsyncConnection, category: str) -> int | None:
    """How far a report of this category may be from another that is the same; None: no category."""
    query = select(categories.c.duplicate_radius_m).where(categories.c.code == category)
    return (await conn.execute(query)).scalar_one_or_none()


async def similar(
    conn: AsyncConnection,
    place: tuple[float, float],
    category: str,
    said: str,
    at: datetime,
    weights: Mapping[str, float],
    *,
    box: tuple[float, float, float, float],
    limit: int,
    desk: "Desk | None" = None,
) -> Sequence[AnyRow]:
    """Rows `id, distance_m, likeness (None: nothing to compare), score`, best first.

    `place` is lon, lat; `box` holds all that may be near enough (degrees: west, south, east,
    north). For a `desk` all that is its own, at its exact place; without, what the public sees.
    `weights`: `by_distance, by_age, by_text, other`.
    """
    ranges = around(*box)
    versions = None
    if desk is not None and desk.ward is not None:
        same = select(wards.c.id).where(func.coalesce(wards.c.same_as, wards.c.id) == desk.ward)
        versions = list((await conn.execute(same)).scalars())
    values = {
        **weights,
        "lon": place[0],
        "lat": place[1],
        "category": category,
        "said": said,
        "at": at,
        "firsts": [first for first, _ in ranges],
        "lasts": [last for _, last in ranges],
        "exact": desk is not None,
        "organisation": desk.organisation_id if desk else None,
        "wards": versions,
        "but": desk.but if desk else None,
        "most": _MOST,
        "limit": limit,
    }
    return (await conn.execute(load_sql("geo.store", "similar"), values)).all()


def box_around(
    lon: float, lat: float, radius_m: float, cosine: float
) -> tuple[float, float, float, float]:
    """West, south, east, north in degrees: what may be seen within the radius lies in it, whichever
    part of its square a blurred one is from. `cosine` is that of the latitude."""
    up = radius_m / _DEGREE_M * 1.01 + BLUR_DEGREES
    aside = radius_m / _DEGREE_M / max(cosine, 0.01) * 1.01 + BLUR_DEGREES
    return max(-180.0, lon - aside), lat - up, min(180.0, lon + aside), lat + up


async def seen(conn: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, RowMapping]:
    """Of these reports those that the public may see, as lists of reports have them."""
    query = report_store.newest_first([reports.c.id.in_(ids)])
    return {row["id"]: row for row in (await conn.execute(query)).mappings()}


async def of_the_desk(conn: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, AnyRow]:
    """What the staff see of these reports, whatever their visibility, at the exact place."""
    query = (
        select(
            *(
                reports.c[name]
                for name in (
                    *("id", "code", "status", "text", "channel", "created_at", "due_at"),
                    *("supports", "withheld"),
                )
            ),
            func.ST_X(reports.c.geom).label("lon"),
            func.ST_Y(reports.c.geom).label("lat"),
            categories.c.code.label("category_code"),
            categories.c.name_vi.label("category_vi"),
            categories.c.name_en.label("category_en"),
            categories.c.icon,
            report_store.visibility().label("visibility"),
            wards.c.code.label("ward_code"),
            organisations.c.code.label("organisation_code"),
        )
        .select_from(report_store.joined())
        .where(reports.c.id.in_(ids))
    )
    return {row.id: row for row in (await conn.execute(query)).all()}


async def asked_on_the_desk(conn: AsyncConnection, code: str) -> AnyRow | None:
    """The report whose like are looked for: `id, category_code, text, created_at, lon, lat,
    ward_code, ward` (of its first version), `organisation_id`."""
    query = (
        select(
            *(
                reports.c[name]
                for name in ("id", "category_code", "text", "created_at", "organisation_id")
            ),
            func.ST_X(reports.c.geom).label("lon"),
            func.ST_Y(reports.c.geom).label("lat"),
            wards.c.code.label("ward_code"),
            func.coalesce(wards.c.same_as, wards.c.id).label("ward"),
        )
        .select_from(report_store.joined())
        .where(reports.c.code == code)
    )
    return (await conn.execute(query)).one_or_none()
