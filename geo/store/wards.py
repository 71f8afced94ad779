"""Ward sets and dated wards in the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from sqlalchemy import (
    Date,
    LargeBinary,
    Select,
    Text,
    bindparam,
    cast,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import Range, distinct_on

from geo.store.area import Bbox
from geo.store.database import AnyRow, AsyncConnection
from geo.store.tables import organisations, ward_sets, ward_shapes, wards

Objects = npt.NDArray[np.object_]

CHANNEL = "pinward_wards"
"""Notified at the commit of every change of wards."""

# Shapes for lists and thumbnails: those drawn up to this zoom (see geo.wards.shapes).
LIST_ZOOM = 10


@dataclass(frozen=True, slots=True)
class NewWard:
    """A ward to be written; in force `valid_from <= day < valid_to`."""

    code: str
    name: str
    name_en: str | None
    kind: str
    valid_from: date
    valid_to: date | None
    same_as: int | None
    organisation_id: int
    polygon: shapely.Geometry


_OF_WARD = (
    wards.c.id,
    wards.c.code,
    wards.c.name,
    wards.c.name_en,
    wards.c.kind,
    wards.c.name_plain,
    func.lower(wards.c.valid).label("valid_from"),
    func.upper(wards.c.valid).label("valid_to"),
    wards.c.set_id,
    wards.c.same_as,
    wards.c.organisation_id,
    ward_sets.c.name.label("set_name"),
    ward_sets.c.city,
)
_ORGANISATION = (
    organisations.c.code.label("organisation_code"),
    organisations.c.name_vi.label("organisation_vi"),
    organisations.c.name_en.label("organisation_en"),
)


async def every(conn: AsyncConnection) -> tuple[Sequence[AnyRow], Objects]:
    """All wards of all days with set and committee, by code and day, and their polygons."""
    joined = wards.join(ward_sets, ward_sets.c.id == wards.c.set_id).outerjoin(
        organisations, organisations.c.id == wards.c.organisation_id
    )
    query = (
        select(*_OF_WARD, *_ORGANISATION, func.ST_AsBinary(wards.c.geom).label("wkb"))
        .select_from(joined)
        .order_by(wards.c.code, func.lower(wards.c.valid))
    )
    rows = (await conn.execute(query)).all()
    return rows, _polygons(rows)


def named(codes: Sequence[str], on: date | None) -> Select[int]:
    """Ids of the wards that codes name on a day of the city, with all versions of these wards.

    The version in force that day says which ward a code means, else the last one before, else the
    next; the code's other areas (a reform may give it to another one) are not among them.
    Raises `ValueError` where nobody said the day: the database's own today will not do, in UTC it
    is yesterday in Vietnam until 7 o'clock.
    """
    if on is None:
        raise ValueError("codes of wards need the day they are of")
    day = cast(on, Date)
    meant = (
        select(func.coalesce(wards.c.same_as, wards.c.id))
        .ext(distinct_on(wards.c.code))
        .where(wards.c.code.in_(codes))
        .order_by(
            wards.c.code,
            wards.c.valid.op("@>")(day).desc(),
            (func.lower(wards.c.valid) <= day).desc(),
            func.lower(wards.c.valid).desc(),
        )
        .scalar_subquery()
    )
    return select(wards.c.id).where(func.coalesce(wards.c.same_as, wards.c.id).in_(meant))


async def named_ids(conn: AsyncConnection, codes: Sequence[str], on: date | None) -> list[int]:
    """Ids as `named` selects them; raises as it does."""
    return list((await conn.execute(named(codes, on))).scalars())


async def touching(conn: AsyncConnection, box: Bbox) -> tuple[Sequence[AnyRow], Objects]:
    """The wards of all days whose polygon touches a box, and their polygons."""
    query = (
        select(*_OF_WARD, func.ST_AsBinary(wards.c.geom).label("wkb"))
        .select_from(wards.join(ward_sets, ward_sets.c.id == wards.c.set_id))
        .where(box.touches(wards.c.geom))
        .order_by(wards.c.code)
    )
    rows = (await conn.execute(query)).all()
    return rows, _polygons(rows)


async def of_codes(conn: AsyncConnection, codes: Sequence[str]) -> Sequence[AnyRow]:
    """The wards of all days that have one of these codes."""
    query = (
        select(*_OF_WARD)
        .select_from(wards.join(ward_sets, ward_sets.c.id == wards.c.set_id))
        .where(wards.c.code.in_(codes))
        .order_by(wards.c.code)
    )
    return (await conn.execute(query)).all()


async def sets(conn: AsyncConnection) -> Sequence[AnyRow]:
    """All ward sets with their number of wards, newest first."""
    query = (
        select(ward_sets, func.count(wards.c.id).label("n_wards"))
        .select_from(ward_sets.outerjoin(wards, wards.c.set_id == ward_sets.c.id))
        .group_by(ward_sets.c.id)
        .order_by(ward_sets.c.valid_from.desc(), ward_sets.c.id.desc())
    )
    return (await conn.execute(query)).all()


async def one_import_at_a_time(conn: AsyncConnection) -> None:
    """Wait for another import to end; readers are not disturbed."""
    await conn.execute(text("LOCK TABLE ward_sets, wards IN SHARE ROW EXCLUSIVE MODE"))


async def add_set(conn: AsyncConnection, **values: Any) -> int:
    """Write a ward set (`name city source valid_from repairs correction`); returns its id."""
    row = await conn.execute(insert(ward_sets).values(values).returning(ward_sets.c.id))
    return int(row.scalar_one())


async def add(conn: AsyncConnection, set_id: int, new: Sequence[NewWard]) -> list[int]:
    """Write the wards of a set; returns their ids in the same order."""
    shape = func.ST_Multi(func.ST_GeomFromWKB(bindparam("wkb", type_=LargeBinary), 4326))
    statement = (
        insert(wards)
        .values(
            name_plain=func.pinward_plain(bindparam("said", type_=Text)),
            area_m2=func.ST_Area(func.geography(shape)),
            geom=shape,
        )
        .returning(wards.c.id, sort_by_parameter_order=True)
    )
    rows = [
        {
            "set_id": set_id,
            "code": ward.code,
            "name": ward.name,
            "said": ward.name,
            "name_en": ward.name_en,
            "kind": ward.kind,
            "valid": Range(ward.valid_from, ward.valid_to),
            "same_as": ward.same_as,
            "organisation_id": ward.organisation_id,
            "wkb": shapely.to_wkb(ward.polygon),
        }
        for ward in new
    ]
    return [int(found) for found in (await conn.execute(statement, rows)).scalars()]


async def add_shapes(
    conn: AsyncConnection, ids: Sequence[int], max_zoom: int, shapes: Objects
) -> None:
    """Write the shapes (EPSG:3857 metres) that wards are drawn with up to a zoom."""
    statement = insert(ward_shapes).values(
        geom_3857=func.ST_Multi(func.ST_GeomFromWKB(text(":wkb"), 3857)),
    )
    rows = [
        {"ward_id": ward_id, "max_zoom": max_zoom, "wkb": wkb}
        for ward_id, wkb in zip(ids, shapely.to_wkb(shapes), strict=True)
    ]
    await conn.execute(statement, rows)


async def add_labels(
    conn: AsyncConnection, ids: Sequence[int], points: Objects, room_m: Sequence[int]
) -> None:
    """Write where the wards' names go (EPSG:3857 metres), and how much room is around."""
    statement = (
        update(wards)
        .where(wards.c.id == bindparam("ward"))
        .values(
            label_3857=func.ST_GeomFromWKB(bindparam("wkb", type_=LargeBinary), 3857),
            room_m=bindparam("room"),
        )
    )
    rows = [
        {"ward": ward_id, "wkb": wkb, "room": room}
        for ward_id, wkb, room in zip(ids, shapely.to_wkb(points), room_m, strict=True)
    ]
    await conn.execute(statement, rows)


async def end(conn: AsyncConnection, ids: Sequence[int], day: date) -> None:
    """Let wards end on a day: they are in force until the day before."""
    await conn.execute(
        update(wards)
        .where(wards.c.id.in_(ids))
        .values(valid=func.daterange(func.lower(wards.c.valid), day))
    )


async def notify(conn: AsyncConnection) -> None:
    """At commit, tell every process that the wards changed."""
    await conn.execute(select(func.pg_notify(CHANNEL, "")))


async def full_geometry(conn: AsyncConnection, ward_id: int) -> str:
    """GeoJSON geometry of a ward as stored, 7 decimals (a centimetre)."""
    query = select(func.ST_AsGeoJSON(wards.c.geom, 7)).where(wards.c.id == ward_id)
    return str((await conn.execute(query)).scalar_one())


async def list_geometries(conn: AsyncConnection, ids: Sequence[int]) -> dict[int, str]:
    """Simplified GeoJSON geometries by ward id, neighbours sharing their edges."""
    shape = func.ST_AsGeoJSON(func.ST_Transform(ward_shapes.c.geom_3857, 4326), 6)
    query = select(ward_shapes.c.ward_id, shape).where(
        ward_shapes.c.ward_id.in_(ids), ward_shapes.c.max_zoom == LIST_ZOOM
    )
    return {row[0]: row[1] for row in await conn.execute(query)}


def _polygons(rows: Sequence[AnyRow]) -> Objects:
    shapes = np.empty(len(rows), dtype=object)
    shapes[:] = shapely.from_wkb([bytes(row.wkb) for row in rows])
    return shapes
