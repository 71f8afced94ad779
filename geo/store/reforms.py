"""Reforms of boundaries in the database: their rows, and the reports they move there and back."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from psycopg import sql
from sqlalchemy import delete, func, insert, select, text, update

from geo.store.database import AnyRow, AsyncConnection, driver, load_sql
from geo.store.locks import Lock
from geo.store.packed_rows import Rows, packed_rows
from geo.store.tables import (
    changes,
    reform_moves,
    reforms,
    reports,
    reports_today,
    ward_sets,
    wards,
    wards_today,
)
from geo.store.tables.reports import OPEN_STATUSES

_OPEN = (
    ("id", "V16"),
    ("ward", ">i4"),
    ("organisation", ">i4"),
    ("lon", ">f8"),
    ("lat", ">f8"),
    ("accuracy_m", ">f8"),
    ("cell", ">i8"),
    ("ambiguous", "?"),
)
_NOWHERE = (("id", "V16"), ("lon", ">f8"), ("lat", ">f8"))
_PLACED = (("id", "V16"), ("ward", ">i4"), ("lon", ">f8"), ("lat", ">f8"))

_LINES = 10_000

_REFORM = (
    select(
        reforms,
        ward_sets.c.name.label("set_name"),
        ward_sets.c.city,
    )
    .join_from(reforms, ward_sets, ward_sets.c.id == reforms.c.set_id)
    .order_by(reforms.c.in_force_on.desc(), reforms.c.id.desc())
)


async def every(conn: AsyncConnection) -> Sequence[AnyRow]:
    """All reforms with `set_name` and `city`, the newest first."""
    return (await conn.execute(_REFORM)).all()


async def of_set(conn: AsyncConnection, set_id: int) -> AnyRow | None:
    """The set's reform that is not undone."""
    wanted = _REFORM.where(reforms.c.set_id == set_id, reforms.c.state != "undone")
    return (await conn.execute(wanted)).one_or_none()


async def in_force(conn: AsyncConnection) -> Sequence[AnyRow]:
    """The reforms that are applied, the newest first."""
    return (await conn.execute(_REFORM.where(reforms.c.state == "applied"))).all()


async def alone(conn: AsyncConnection) -> bool:
    """Whether this connection is the one that applies or undoes reforms, until it is closed."""
    asked = select(func.pg_try_advisory_lock(int(Lock.REFORM)))
    return bool((await conn.execute(asked)).scalar_one())


async def let_others(conn: AsyncConnection) -> None:
    """End what `alone` began: the server ends it only after it noticed that a connection is gone,
    which the next one may not wait for."""
    await conn.execute(select(func.pg_advisory_unlock(int(Lock.REFORM))))


async def ask(conn: AsyncConnection, set_id: int, in_force_on: date, *, partial: bool) -> None:
    """Write a reform, scheduled."""
    values = {"set_id": set_id, "in_force_on": in_force_on, "partial": partial}
    await conn.execute(insert(reforms).values(**values, state="scheduled"))


async def change(conn: AsyncConnection, reform_id: int, **values: Any) -> None:
    """Set columns of a reform."""
    await conn.execute(update(reforms).where(reforms.c.id == reform_id).values(values))


async def open_reports(conn: AsyncConnection, ward_ids: Sequence[int]) -> AsyncIterator[Rows]:
    """Blocks of the open reports of these wards, and of those in none: `id ward organisation lon
    lat accuracy_m cell ambiguous`; ward 0, organisation 0 and accuracy -1 are none."""
    query = sql.SQL(
        "SELECT id, coalesce(ward_id, 0), coalesce(organisation_id, 0), ST_X(geom), ST_Y(geom),"
        " coalesce(accuracy_m, -1), cell,"
        " ambiguous_with <> '{{}}'"
        " FROM reports WHERE status = ANY ({open})"
        " AND (ward_id = ANY ({wards}) OR ward_id IS NULL)"
    ).format(
        open=sql.Literal(list(OPEN_STATUSES)),
        wards=sql.Literal(list(ward_ids)),
    )
    async for block in packed_rows(conn, query, _OPEN):
        yield block


async def placed_reports(conn: AsyncConnection, ward_ids: Sequence[int]) -> AsyncIterator[Rows]:
    """Blocks of all reports of these wards: `id ward lon lat`."""
    query = sql.SQL(
        "SELECT id, ward_id, ST_X(geom), ST_Y(geom) FROM reports WHERE ward_id = ANY ({})"
    ).format(sql.Literal(list(ward_ids)))
    async for block in packed_rows(conn, query, _PLACED):
        yield block


async def wardless_reports(conn: AsyncConnection) -> AsyncIterator[Rows]:
    """Blocks of all reports in no ward: `id lon lat`."""
    query = sql.SQL("SELECT id, ST_X(geom), ST_Y(geom) FROM reports WHERE ward_id IS NULL")
    async for block in packed_rows(conn, query, _NOWHERE):
        yield block


async def keep_sorts(conn: AsyncConnection, sorts: Sequence[dict[str, Any]]) -> None:
    """Keep what `reforms_move.sql` says of sorts of moves, for this connection's `move`s: said with
    every batch, it would be most of what they cost."""
    await conn.execute(text("DROP TABLE IF EXISTS pg_temp.reform_sorts"))
    await conn.execute(
        text(
            "CREATE TEMP TABLE reform_sorts (kind int PRIMARY KEY, old_ward_id int,"
            " old_organisation_id int, new_ward_id int, new_organisation_id int, match text,"
            " reasons jsonb, keeps_reasons boolean, vi text, en text, data jsonb)"
        )
    )
    kept = "INSERT INTO reform_sorts SELECT s.* FROM jsonb_populate_recordset("
    kept += "CAST(NULL AS reform_sorts), CAST(:sorts AS jsonb)) AS s"
    await conn.execute(text(kept), {"sorts": as_json(sorts)})
    await conn.execute(text("ANALYZE pg_temp.reform_sorts"))


async def move(
    conn: AsyncConnection, reform_id: int, batch: dict[str, list[Any]], now: datetime
) -> AnyRow:
    """Move a batch of reports (see `reforms_move.sql`) of sorts that `keep_sorts` keeps: counts
    `moved renewed ambiguous`."""
    values = {"reform": reform_id, "now": now, **batch}
    return (await conn.execute(load_sql("geo.store", "reforms_move"), values)).one()


async def moved_ids(conn: AsyncConnection, reform_id: int) -> AsyncIterator[Rows]:
    """Blocks of the `id`s of reports that a reform moved, in their order."""
    query = sql.SQL(
        "SELECT report_id FROM reform_moves WHERE reform_id = {} ORDER BY report_id"
    ).format(sql.Literal(reform_id))
    async for block in packed_rows(conn, query, (("id", "V16"),)):
        yield block


async def moved_pairs(conn: AsyncConnection, reform_id: int) -> Sequence[AnyRow]:
    """The pairs `old_ward_id, new_ward_id` between which a reform moved reports; the old one None
    where they were in no ward."""
    table = reform_moves.c
    wanted = select(table.old_ward_id, table.new_ward_id).where(table.reform_id == reform_id)
    return (await conn.execute(wanted.distinct())).all()


async def restore(
    conn: AsyncConnection,
    reform_id: int,
    ids: Sequence[str],
    words: Mapping[str, dict[str, Any]],
    now: datetime,
) -> AnyRow:
    """Move a batch of reports back (see `reforms_undo.sql`): counts `moved renewed`."""
    values = {"reform": reform_id, "ids": list(ids), "words": as_json(words), "now": now}
    return (await conn.execute(load_sql("geo.store", "reforms_undo"), values)).one()


async def touched(conn: AsyncConnection, reform_id: int, at_most: int) -> Sequence[AnyRow]:
    """Reports still kept as moved by a reform: `code status old_code old_name new_code new_name
    ward_code ward_name` (the last two as they are now)."""
    old, new, now = wards.alias("old"), wards.alias("new"), wards.alias("now")
    wanted = (
        select(
            reports.c.code,
            reports.c.status,
            old.c.code.label("old_code"),
            old.c.name.label("old_name"),
            new.c.code.label("new_code"),
            new.c.name.label("new_name"),
            now.c.code.label("ward_code"),
            now.c.name.label("ward_name"),
        )
        .join_from(reform_moves, reports, reports.c.id == reform_moves.c.report_id)
        .outerjoin(old, old.c.id == reform_moves.c.old_ward_id)
        .outerjoin(new, new.c.id == reform_moves.c.new_ward_id)
        .outerjoin(now, now.c.id == reports.c.ward_id)
        .where(reform_moves.c.reform_id == reform_id)
        .order_by(reports.c.code)
        .limit(at_most)
    )
    return (await conn.execute(wanted)).all()


async def kept(conn: AsyncConnection, reform_id: int) -> int:
    """How many reports are kept as moved by a reform."""
    wanted = select(func.count()).where(reform_moves.c.reform_id == reform_id)
    return int((await conn.execute(wanted)).scalar_one())


async def moved_again(conn: AsyncConnection, reform: AnyRow) -> Sequence[AnyRow]:
    """Later reforms, `set_name, n`, that moved reports on that this one had moved."""
    found = await conn.execute(
        text(
            "SELECT s.name AS set_name, count(*) AS n FROM reform_moves AS mine"
            " JOIN reform_moves AS theirs ON theirs.report_id = mine.report_id"
            " AND theirs.reform_id <> mine.reform_id AND theirs.old_ward_id = mine.new_ward_id"
            " JOIN reforms AS r ON r.id = theirs.reform_id AND r.state <> 'undone'"
            " JOIN ward_sets AS s ON s.id = r.set_id"
            " WHERE mine.reform_id = :reform GROUP BY s.name ORDER BY s.name"
        ),
        {"reform": reform.id},
    )
    return found.all()


async def lock_today(conn: AsyncConnection, *, shared: bool = False) -> None:
    """Wait for one's turn with today's answers, until the transaction ends: alone to make them
    anew, `shared` to add some. Else those of reports stored meanwhile would be lost."""
    lock = func.pg_advisory_xact_lock_shared if shared else func.pg_advisory_xact_lock
    await conn.execute(select(lock(int(Lock.TODAY))))


async def ended_wards(conn: AsyncConnection) -> dict[int, int]:
    """The ward of today that has most of each ward that ended, by ids."""
    found = await conn.execute(select(wards_today.c.ward_id, wards_today.c.today_id))
    return {row.ward_id: row.today_id for row in found}


async def add_today(conn: AsyncConnection, reports_now: Sequence[tuple[str, int]]) -> None:
    """Add today's answers for reports, all new, that differ from their ward's; ids of none are
    left out."""
    await conn.execute(
        text(
            "INSERT INTO reports_today (report_id, ward_id)"
            " SELECT f.id, f.ward_id"
            " FROM unnest(CAST(:ids AS uuid[]), CAST(:wards AS int[])) AS f (id, ward_id)"
            " JOIN reports AS r ON r.id = f.id"
        ),
        {"ids": [each[0] for each in reports_now], "wards": [each[1] for each in reports_now]},
    )


async def write_today(
    conn: AsyncConnection, wards_now: Mapping[int, int], reports_now: Sequence[tuple[str, int]]
) -> None:
    """Replace all of today's answers: of wards that ended, and of reports that differ."""
    await conn.execute(delete(reports_today))
    await conn.execute(delete(wards_today))
    if wards_now:
        rows = [{"ward_id": ward, "today_id": now} for ward, now in wards_now.items()]
        await conn.execute(insert(wards_today), rows)
    # tiles that were drawn by these answers are no longer true
    await conn.execute(insert(changes).values(topic="wards"))
    await conn.execute(text("CREATE TEMP TABLE found (report_id uuid, ward_id int) ON COMMIT DROP"))
    raw = await driver(conn)
    async with raw.cursor() as cursor, cursor.copy("COPY found FROM STDIN") as copy:
        for start in range(0, len(reports_now), _LINES):
            part = reports_now[start : start + _LINES]
            await copy.write("".join(f"{report}\t{ward}\n" for report, ward in part))
    # Some may have been erased since they were read.
    await conn.execute(
        text(
            "INSERT INTO reports_today (report_id, ward_id)"
            " SELECT f.report_id, f.ward_id FROM found AS f"
            " JOIN reports AS r ON r.id = f.report_id ORDER BY f.report_id"
        )
    )


def as_json(value: Any) -> str:
    """As the statements take it."""
    return json.dumps(value, ensure_ascii=False)
