"""What runs said of a category as of a day: writing it, and what the next run goes on from."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

import shapely
from sqlalchemy import Table, bindparam, delete, func, insert, select, text

from geo.period import Period
from geo.store.database import AnyRow, AsyncConnection
from geo.store.tables import (
    hotspot_answers,
    hotspot_artefacts,
    hotspot_beginnings,
    hotspot_hexagons,
    hotspot_members,
    hotspot_quiet,
    hotspots,
)


async def digests(conn: AsyncConnection, as_of: date) -> dict[str, str]:
    """Category → digest of what the stored answer of this day was made from."""
    answer = hotspot_answers.c
    found = await conn.execute(
        select(answer.category_code, answer.digest).where(answer.as_of == as_of)
    )
    return {row.category_code: row.digest for row in found}


async def gone_on_from(conn: AsyncConnection, as_of: date) -> set[str]:
    """Categories of whose answer of this day a later day's went on.

    What was said while the day still lasted, of either day, was of a part of it: it settles
    nothing.
    """
    own, later = hotspot_answers.c, hotspot_answers.alias("later")
    found = await conn.execute(
        select(own.category_code)
        .join_from(hotspot_answers, later, own.category_code == later.c.category_code)
        .where(own.as_of == as_of, own.made_at >= own.until)
        .where(later.c.as_of > as_of, later.c.made_at >= later.c.until)
        .distinct()
    )
    return set(found.scalars())


async def last_before(conn: AsyncConnection, category: str, as_of: date) -> AnyRow | None:
    """The category's newest answer of an earlier day: `id as_of digest`."""
    answer = hotspot_answers.c
    found = await conn.execute(
        select(answer.id, answer.as_of, answer.digest)
        .where(answer.category_code == category, answer.as_of < as_of)
        .order_by(answer.as_of.desc())
        .limit(1)
    )
    return found.first()


async def answer_of(conn: AsyncConnection, category: str, as_of: date) -> AnyRow:
    """The stored answer of a category and day, all columns."""
    answer = hotspot_answers.c
    found = await conn.execute(
        select(hotspot_answers).where(answer.category_code == category, answer.as_of == as_of)
    )
    return found.one()


async def remembered(conn: AsyncConnection, answer_id: int) -> list[AnyRow]:
    """The hotspots of an answer, dormant ones too, all columns, with `numbers at_us shape` (WKB).

    Of those whose members were thinned both lists are empty.
    """
    found = await conn.execute(
        select(
            hotspots,
            func.coalesce(hotspot_members.c.numbers, text("'{}'::bigint[]")).label("numbers"),
            func.coalesce(hotspot_members.c.at_us, text("'{}'::bigint[]")).label("at_us"),
            func.ST_AsBinary(hotspots.c.geom).label("shape"),
        )
        .join_from(
            hotspots, hotspot_members, hotspots.c.key == hotspot_members.c.hotspot_key, isouter=True
        )
        .where(hotspots.c.answer_id == answer_id)
        .order_by(hotspots.c.key)
    )
    return list(found)


async def remembered_of(conn: AsyncConnection, category: str, as_of: date) -> list[AnyRow]:
    """As `remembered`, of the answer of this day; none where there is no such answer."""
    answer = hotspot_answers.c
    found = await conn.execute(
        select(answer.id).where(answer.category_code == category, answer.as_of == as_of)
    )
    stored = found.scalar_one_or_none()
    return [] if stored is None else await remembered(conn, stored)


async def given_ids(conn: AsyncConnection, before: date) -> set[str]:
    """Every id that an answer of an earlier day gave, of any category."""
    found = await conn.execute(
        select(hotspots.c.id)
        .join_from(hotspots, hotspot_answers, hotspots.c.answer_id == hotspot_answers.c.id)
        .where(hotspot_answers.c.as_of < before)
        .distinct()
    )
    return set(found.scalars())


async def put_answer(
    conn: AsyncConnection,
    answer: dict[str, Any],
    rows: Sequence[dict[str, Any]],
    hexagons: Sequence[dict[str, Any]] = (),
    beginnings: Sequence[dict[str, Any]] = (),
) -> int:
    """Write what is said of a category as of a day, in place of what was said before.

    Each of `rows` is one of `hotspots` (with `geom` as WKT, WGS 84 degrees) and `numbers`, `at_us`
    of `hotspot_members`; `hexagons` and `beginnings` are rows of the tables by their names. Returns
    the answer's id.
    """
    same = hotspot_answers.c.category_code == answer["category_code"]
    await conn.execute(
        delete(hotspot_answers).where(same, hotspot_answers.c.as_of == answer["as_of"])
    )
    made = await conn.execute(
        insert(hotspot_answers).values(**answer).returning(hotspot_answers.c.id)
    )
    answer_id = int(made.scalar_one())
    for table, found in ((hotspot_hexagons, hexagons), (hotspot_beginnings, beginnings)):
        if found:
            await conn.execute(
                insert(table),
                [
                    {**row, "answer_id": answer_id, "geom": f"SRID=4326;{row['geom']}"}
                    for row in found
                ],
            )
    if not rows:
        return answer_id
    told = [
        {
            **{name: value for name, value in row.items() if name not in ("numbers", "at_us")},
            "answer_id": answer_id,
            "geom": f"SRID=4326;{row['geom']}",
        }
        for row in rows
    ]
    keys = await conn.execute(
        insert(hotspots).returning(hotspots.c.key, sort_by_parameter_order=True), told
    )
    await conn.execute(
        insert(hotspot_members),
        [
            {"hotspot_key": key, "numbers": row["numbers"], "at_us": row["at_us"]}
            for key, row in zip(keys.scalars(), rows, strict=True)
        ],
    )
    return answer_id


async def beginnings_of(conn: AsyncConnection, answer_id: int) -> list[dict[str, Any]]:
    """The rows of `hotspot_beginnings` of an answer, as `put_answer` takes them."""
    return await _rows_of(conn, hotspot_beginnings, answer_id)


async def hexagons_of(conn: AsyncConnection, answer_id: int) -> list[dict[str, Any]]:
    """The rows of `hotspot_hexagons` of an answer, as `put_answer` takes them."""
    return await _rows_of(conn, hotspot_hexagons, answer_id)


async def _rows_of(conn: AsyncConnection, table: Table, answer_id: int) -> list[dict[str, Any]]:
    columns = [each for each in table.columns if each.name not in ("key", "answer_id", "geom")]
    found = await conn.execute(
        select(*columns, func.ST_AsBinary(table.c.geom).label("shape"))
        .where(table.c.answer_id == answer_id)
        .order_by(table.c.key)
    )
    return columns_of(found)


async def put_artefacts(conn: AsyncConnection, as_of: date, rows: list[dict[str, Any]]) -> None:
    """Write the artefacts of a day, in place of those before; `geom` is WKT or None."""
    await conn.execute(delete(hotspot_artefacts).where(hotspot_artefacts.c.as_of == as_of))
    if rows:
        told = [
            {**row, "as_of": as_of, "geom": f"SRID=4326;{row['geom']}" if row["geom"] else None}
            for row in rows
        ]
        await conn.execute(insert(hotspot_artefacts), told)


async def artefacts_of(conn: AsyncConnection, as_of: date) -> Sequence[AnyRow]:
    """The artefacts of a day, `kind n left_out why lon lat`, in the order they were given in."""
    table = hotspot_artefacts.c
    found = await conn.execute(
        select(
            table.kind,
            table.n,
            table.left_out,
            table.why,
            func.ST_X(table.geom).label("lon"),
            func.ST_Y(table.geom).label("lat"),
        )
        .where(table.as_of == as_of)
        .order_by(table.id)
    )
    return found.all()


async def put_quiet(
    conn: AsyncConnection,
    as_of: date,
    period: Period,
    least_events: int,
    reach_m: float,
    mask: shapely.MultiPolygon,
) -> None:
    """Write where few report, as of a day, in place of what was said before; WGS 84 degrees."""
    await conn.execute(delete(hotspot_quiet).where(hotspot_quiet.c.as_of == as_of))
    await conn.execute(
        insert(hotspot_quiet).values(
            as_of=as_of,
            since=period.since,
            until=period.until,
            least_events=least_events,
            reach_m=reach_m,
            geom=f"SRID=4326;{shapely.to_wkt(mask, rounding_precision=-1)}",
        )
    )


async def quiet_told(conn: AsyncConnection, as_of: date) -> bool:
    """Whether it is said where few report, as of a day."""
    told = select(hotspot_quiet.c.as_of).where(hotspot_quiet.c.as_of == as_of)
    return (await conn.execute(told)).first() is not None


async def thin_members(conn: AsyncConnection, days: int) -> None:
    """Forget which reports a hotspot held, in answers older than the newest by so many days.

    The hotspots stay. The newest answer of a category keeps its members however old it is.
    """
    answer = hotspot_answers.c
    newest = (
        select(answer.category_code, func.max(answer.as_of).label("as_of"))
        .group_by(answer.category_code)
        .subquery("newest")
    )
    old = (
        select(hotspots.c.key)
        .join_from(hotspots, hotspot_answers, hotspots.c.answer_id == answer.id)
        .join(newest, newest.c.category_code == answer.category_code)
        .where(answer.as_of < newest.c.as_of)
        .where(
            answer.as_of
            < select(func.max(answer.as_of)).scalar_subquery()
            - bindparam("kept", timedelta(days=days))
        )
    )
    await conn.execute(delete(hotspot_members).where(hotspot_members.c.hotspot_key.in_(old)))


def columns_of(rows: Iterable[AnyRow]) -> list[dict[str, Any]]:
    """Rows of `remembered` as the columns that `put_answer` takes."""
    gone = ("key", "answer_id", "geom", "shape")
    return [
        {
            **{name: value for name, value in row._mapping.items() if name not in gone},
            "geom": shapely.to_wkt(shapely.from_wkb(bytes(row.shape)), rounding_precision=-1),
        }
        for row in rows
    ]
