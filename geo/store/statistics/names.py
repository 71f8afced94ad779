"""What groups are called: the rows of wards, organisations, categories and channels behind ids."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import RowMapping, func, select

from geo.store.database import AsyncConnection
from geo.store.tables import categories, organisations, statistics_channels, ward_sets, wards

Named = dict[int, RowMapping]


async def named(conn: AsyncConnection, member: str, ids: Iterable[int]) -> Named:
    """By id or number, in their order: wards by code and first day (`code name kind valid_from
    valid_to set_name`), categories and families as in their tree (`code name_vi name_en icon`),
    organisations by code (`code name_vi name_en`), channels by `name`."""
    wanted = sorted(set(ids))
    found = await conn.execute(_QUERIES[member](wanted))
    return {row["id"]: row for row in found.mappings()}


def _wards(ids: list[int]) -> Any:
    w = wards.c
    return (
        select(
            *(w.id, w.code, w.name, w.kind),
            func.lower(w.valid).label("valid_from"),
            func.upper(w.valid).label("valid_to"),
            ward_sets.c.name.label("set_name"),
        )
        .join_from(wards, ward_sets, ward_sets.c.id == w.set_id)
        .where(w.id.in_(ids))
        .order_by(w.code, func.lower(w.valid))
    )


def _categories(ids: list[int]) -> Any:
    c = categories.c
    return (
        select(c.number.label("id"), c.code, c.name_vi, c.name_en, c.icon)
        .where(c.number.in_(ids))
        .order_by(c.position, c.code)
    )


def _organisations(ids: list[int]) -> Any:
    o = organisations.c
    return select(o.id, o.code, o.name_vi, o.name_en).where(o.id.in_(ids)).order_by(o.code)


def _channels(ids: list[int]) -> Any:
    c = statistics_channels.c
    return select(c.number.label("id"), c.name).where(c.number.in_(ids)).order_by(c.name)


_QUERIES = {
    "ward": _wards,
    "organisation": _organisations,
    "category": _categories,
    "family": _categories,
    "channel": _channels,
}
