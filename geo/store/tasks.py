"""Tasks in the database: found by place or by when they are due, and read as the staff see them.

A scope's tasks are found through indexes that begin with what the scope is of (organisation, ward,
or neither for the city), so that what others have to do near by costs nothing.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    TextClause,
    and_,
    bindparam,
    func,
    literal,
    select,
    text,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import psycopg

from geo.store.database import AnyRow, AsyncConnection, read_sql
from geo.store.tables import (
    report_events,
    reports,
    task_actions,
)
from geo.store.tables.reports import OPEN_STATUSES
from geo.store.work import TOLD_BY_TIME

_DIALECT = psycopg.dialect()  # type: ignore[no-untyped-call]
Where = Sequence[ColumnElement[bool]]
_geom = reports.c.geom


class Heads:
    """Where an index is entered: at the ids that `column` of `reports` has; None: everywhere."""

    def __init__(self, column: ColumnElement[Any] | None = None, ids: Select[Any] | None = None):
        self._column = column
        self._ids = ids.subquery("head") if ids is not None else None

    def each(
        self, found: Select[Any], also: FromClause | None = None
    ) -> tuple[FromClause, FromClause]:
        """A limited query done once for each id (and each row of `also`, which it names): what to
        select from, and its columns."""
        outer = also
        if self._column is not None and self._ids is not None:
            found = found.where(self._column == self._ids.c[0])
            outer = self._ids if also is None else self._ids.join(also, true())
        if outer is None:
            alone = found.subquery("found")
            return alone, alone
        of_one = found.lateral("found")
        return outer.join(of_one, true()), of_one


def whole(number: int) -> Any:
    """A limit that is written into the statement, so that it is planned for so many rows."""
    return bindparam(None, number, literal_execute=True)


def box(lon: float, lat: float, reach: tuple[float, float]) -> ColumnElement[bool]:
    """Whether a report lies within `reach` (degrees east, degrees north) of a point."""
    east, north = reach
    made = func.ST_MakeEnvelope(lon - east, lat - north, lon + east, lat + north, 4326)
    return _geom.op("&&")(made)


def _point(lon: float, lat: float) -> Any:
    return func.ST_SetSRID(func.ST_MakePoint(lon, lat), 4326)


async def nearest(
    conn: AsyncConnection,
    organisation_id: int | None,
    ward: int | None,
    where: Where,
    at: tuple[float, float],
    reach: tuple[float, float],
    limit: int,
    *,
    whole: bool,
) -> Sequence[AnyRow]:
    """The `limit` tasks of an organisation, of a ward (the id of its first version), or of any
    (None), nearest by degrees (`apart`) within a box around lon, lat, in no order: as `read` has
    them where `whole`, else `id, lon, lat`. `where` narrows them further.

    Longitudes beyond ±180 are meant as they stand: the point is seen from over there.
    """
    (lon, lat), (east, north) = at, reach
    values: dict[str, Any] = {"lon": lon, "lat": lat, "east": east, "north": north}
    values |= {"organisation": organisation_id, "ward": ward}
    also = ""
    if where:
        narrowed = and_(*where).compile(
            dialect=_DIALECT, compile_kwargs={"render_postcompile": True}
        )
        also = f"AND {narrowed}"
        values |= {**narrowed.params}
    query = _nearest_sql(organisation_id is not None, ward is not None, whole)
    query = query.replace("{also}", also).replace("{limit}", str(limit))
    return (await conn.exec_driver_sql(query, values)).all()


@cache
def _nearest_sql(of_organisation: bool, of_ward: bool, whole: bool) -> str:
    """Written out as `tasks_read` is, and for the same reason."""
    here = "ST_SetSRID(ST_MakePoint(%(lon)s, %(lat)s), 4326)"
    of = [f"status IN {OPEN_STATUSES!r}", "organisation_id IS NOT NULL"]
    of += ["organisation_id = CAST(%(organisation)s AS int)"] if of_organisation else []
    of += ["ward_id = head.id"] if of_ward else []
    versions = "(SELECT id FROM wards WHERE coalesce(same_as, id) = %(ward)s) AS head, "
    columns = "reports.*" if whole else "id, ST_X(geom) AS lon, ST_Y(geom) AS lat"
    source = (
        f"(SELECT found.* FROM {versions if of_ward else ''}LATERAL ("
        f"SELECT {columns}, geom <-> {here} AS apart FROM reports WHERE {' AND '.join(of)} "
        "AND geom && ST_MakeEnvelope(%(lon)s::float8 - %(east)s, %(lat)s::float8 - %(north)s, "
        "%(lon)s::float8 + %(east)s, %(lat)s::float8 + %(north)s, 4326) {also} "
        f"ORDER BY geom <-> {here} LIMIT {{limit}}) AS found ORDER BY apart LIMIT {{limit}})"
    )
    if not whole:
        return source
    return read_sql("geo.store", "tasks_read").format(source=source, more=", r.apart")


async def within(
    conn: AsyncConnection,
    heads: Heads,
    where: Where,
    at: tuple[float, float],
    radius_m: float,
    boxes: ColumnElement[bool],
    order: Sequence[ColumnElement[Any]],
    limit: int,
) -> Sequence[UUID]:
    """Ids of the first `limit` tasks, by columns of `reports`, within geodesic metres of a point;
    `boxes` must hold for all of them."""
    place, here = func.geography(_geom), func.geography(_point(*at))
    columns = [column.label(f"by_{n}") for n, column in enumerate(order)]
    first = (
        select(reports.c.id, *columns)
        .where(boxes, func.ST_DWithin(place, here, radius_m), *where)
        .order_by(*columns, reports.c.id)
        .limit(whole(limit))
    )
    source, found = heads.each(first)
    by = [found.c[column.name] for column in columns]
    query = select(found.c.id).select_from(source).order_by(*by, found.c.id).limit(whole(limit))
    return (await conn.execute(query)).scalars().all()


async def read(conn: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, AnyRow]:
    """The tasks of these ids: columns of `reports`, `lon, lat`, names of category, ward,
    organisation and holder, `photos` that the staff do not hide, `version`."""
    found = await conn.execute(_by_ids(), {"ids": list(ids)})
    return {row.id: row for row in found}


@cache
def _by_ids() -> TextClause:
    source = "(SELECT * FROM reports WHERE id = ANY(CAST(:ids AS uuid[])))"
    return text(read_sql("geo.store", "tasks_read").format(source=source, more=""))


async def ids_of(conn: AsyncConnection, where: Where, codes: Sequence[str]) -> dict[str, UUID]:
    """Code → id of those of these reports that meet the conditions."""
    query = select(reports.c.code, reports.c.id).where(reports.c.code.in_(codes), *where)
    return {row.code: row.id for row in await conn.execute(query)}


Place = tuple[datetime | None, UUID]
"""Where a page ended: the time it is ordered by (None: none), and the id."""


async def by_due(
    conn: AsyncConnection,
    heads: Heads,
    where: Where,
    priorities: Sequence[int],
    limit: int,
    after: Place | None,
) -> Sequence[AnyRow]:
    """The first `limit` tasks of these priorities by `due_at` (none: last) and id, from `after` on.

    Rows of `id, due_at, priority`. Each priority is read in the order of its index.
    """
    due, wanted = reports.c.due_at, list(where)
    if after is not None and after[0] is not None:
        # Without those that have no deadline: what follows them all is asked for by itself.
        rows = list(
            await _due(conn, heads, [*wanted, tuple_(due, reports.c.id) > after], priorities, limit)
        )
        if len(rows) < limit:
            rest = limit - len(rows)
            rows += await _due(conn, heads, [*wanted, due.is_(None)], priorities, rest)
        return rows
    if after is not None:
        wanted += [due.is_(None), reports.c.id > after[1]]
    return await _due(conn, heads, wanted, priorities, limit)


async def _due(
    conn: AsyncConnection, heads: Heads, where: Where, priorities: Sequence[int], limit: int
) -> Sequence[AnyRow]:
    of = (
        func.unnest(literal(list(priorities)))
        .table_valued("priority", name="level")
        .render_derived()
    )
    columns = (reports.c.id, reports.c.due_at, reports.c.priority)
    one = (
        select(*columns)
        .where(reports.c.priority == of.c.priority, *where)
        .order_by(reports.c.due_at, reports.c.id)
        .limit(whole(limit))
    )
    source, found = heads.each(one, of)
    query = (
        select(found).select_from(source).order_by(found.c.due_at, found.c.id).limit(whole(limit))
    )
    return (await conn.execute(query)).all()


async def newest(
    conn: AsyncConnection, heads: Heads, where: Where, limit: int, after: Place | None
) -> Sequence[AnyRow]:
    """The newest `limit` tasks from `after` on: rows of `id, created_at`."""
    wanted = list(where)
    if after is not None:
        wanted.append(tuple_(reports.c.created_at, reports.c.id) < after)
    one = (
        select(reports.c.id, reports.c.created_at)
        .where(*wanted)
        .order_by(reports.c.created_at.desc(), reports.c.id.desc())
        .limit(whole(limit))
    )
    source, found = heads.each(one)
    query = (
        select(found)
        .select_from(source)
        .order_by(found.c.created_at.desc(), found.c.id.desc())
        .limit(whole(limit))
    )
    return (await conn.execute(query)).all()


async def counts(conn: AsyncConnection, where: Where, now: datetime) -> Sequence[AnyRow]:
    """`status, n, late` of all tasks that meet the conditions."""
    late = func.count().filter(reports.c.due_at < now, reports.c.status != "waiting")
    query = (
        select(reports.c.status, func.count().label("n"), late.label("late"))
        .where(*where)
        .group_by(reports.c.status)
    )
    return (await conn.execute(query)).all()


async def newest_event(conn: AsyncConnection, report_id: UUID) -> AnyRow:
    """`id` (the report's version) and `at` of the newest event of a report that somebody made; it
    has one."""
    query = (
        select(report_events.c.id, report_events.c.at)
        .where(report_events.c.report_id == report_id, report_events.c.kind != TOLD_BY_TIME)
        .order_by(report_events.c.id.desc())
        .limit(1)
    )
    return (await conn.execute(query)).one()


async def action(conn: AsyncConnection, account: int, action_id: UUID) -> AnyRow | None:
    """`body_hash, version` of what the account did by this id; None: nothing yet."""
    query = select(task_actions.c.body_hash, task_actions.c.version).where(
        task_actions.c.account_id == account, task_actions.c.id == action_id
    )
    return (await conn.execute(query)).one_or_none()


async def keep_action(conn: AsyncConnection, values: dict[str, Any]) -> None:
    """A row of `task_actions`."""
    await conn.execute(task_actions.insert(), values)
