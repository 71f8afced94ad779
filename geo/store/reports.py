"""Reports in the database: one statement to submit, expressions to read.

`public_point` is the one rule of where the public sees a report; lists, tiles and exports use it.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import (
    ColumnElement,
    FromClause,
    RowMapping,
    ScalarSelect,
    Select,
    and_,
    case,
    func,
    or_,
    select,
    tuple_,
)
from sqlalchemy import text as sql
from sqlalchemy.exc import OperationalError

from geo.store import photos, report_wards
from geo.store.cells import Cell, is_crowded
from geo.store.database import AnyRow, AsyncConnection, load_sql
from geo.store.tables import (
    categories,
    organisations,
    report_events,
    reports,
    wards,
)

_today = wards.alias("today")


def public_point() -> ColumnElement[Any]:
    """Where the public sees a report, EPSG:4326, for queries that join `reports` to `categories`.

    The exact point of a public category; the middle of the point's Web Mercator cell of zoom 18
    (150 m wide at Ho Chi Minh City, so at most 106 m off, and the same for all reports in it) of a
    blurred one; NULL of a hidden one. The middle lies in the same `reports.cell`, so integer cell
    filters select the same reports for both. In plain SQL:
    `pinward_public_point(reports.geom, categories.visibility)`.
    """
    return func.pinward_public_point(reports.c.geom, categories.c.visibility)


def is_public() -> ColumnElement[bool]:
    """Whether the public may know of a report at all, for queries that join `reports` to
    `categories`: neither is its category hidden, nor is it withheld itself.

    Everything that shows or counts reports asks this: lists, tiles, exports and statistics in these
    words, the triggers of `changes`, the pyramid and the hotspots in the same ones of their SQL.
    """
    return and_(categories.c.visibility != "hidden", reports.c.withheld.is_(None))


def visibility() -> ColumnElement[str]:
    """`public`, `blurred` or `hidden`, as the category says or the report itself."""
    return case((reports.c.withheld.is_(None), categories.c.visibility), else_="hidden")


# Half a cell of zoom 18 is 0.000687 degrees of longitude, and less of latitude.
BLUR_DEGREES = 0.0007


async def context(conn: AsyncConnection, category: str, key_hash: bytes | None) -> AnyRow:
    """Row of `category` (JSON, None: unknown; `seen` says how it was) and `body_hash, answer` of
    the key's first use."""
    found = await conn.execute(
        load_sql("geo.store", "reports_context"), {"category": category, "key_hash": key_hash}
    )
    return found.one()


async def submit(conn: AsyncConnection, values: dict[str, Any]) -> AnyRow:
    """Write a report with its events, contact and key; row of `current, free, claimed, filed`."""
    return (await conn.execute(load_sql("geo.store", "reports_submit"), values)).one()


def _selected(*, own: bool = False) -> Select[Any]:
    where = public_point()
    return select(
        *(
            reports.c[name]
            for name in (
                *("id", "code", "kind", "status", "text", "accuracy_m", "ward_match"),
                *("ward_distance_m", "ambiguous_with", "reasons", "channel", "answers"),
                *("observed_at", "created_at", "updated_at", "due_at", "closed_at"),
                *("source", "source_id", "flags", "secret_hash"),
                *("erased_at", "content_gone_at", "edited_at", "resolved_at", "rating"),
                "supports",
            )
        ),
        func.ST_X(where).label("lon"),
        func.ST_Y(where).label("lat"),
        func.ST_X(reports.c.geom).label("exact_lon"),
        func.ST_Y(reports.c.geom).label("exact_lat"),
        categories.c.code.label("category_code"),
        categories.c.name_vi.label("category_vi"),
        categories.c.name_en.label("category_en"),
        categories.c.icon,
        visibility().label("visibility"),
        # What its reporter is told: nothing of a look that the staff still have to take.
        case((reports.c.withheld == "hidden", "hidden"), else_=categories.c.visibility).label(
            "own_visibility"
        ),
        parent_code().label("duplicate_of"),
        photos.of_report(own=own).label("photos"),
        wards.c.code.label("ward_code"),
        wards.c.name.label("ward_name"),
        wards.c.kind.label("ward_kind"),
        _today.c.code.label("today_code"),
        _today.c.name.label("today_name"),
        _today.c.kind.label("today_kind"),
        organisations.c.code.label("organisation_code"),
        organisations.c.name_vi.label("organisation_vi"),
        organisations.c.name_en.label("organisation_en"),
    ).select_from(
        joined().join(_today, _today.c.id == report_wards.ward_id("today", own=own), isouter=True)
    )


def parent_code() -> ScalarSelect[str]:
    """The code of the report that this one is a duplicate of, where the public may know of that."""
    parent, of_what = reports.alias("parent"), categories.alias("of_what")
    return (
        select(parent.c.code)
        .join_from(parent, of_what, of_what.c.code == parent.c.category_code)
        .where(
            parent.c.id == reports.c.parent_id,
            of_what.c.visibility != "hidden",
            parent.c.withheld.is_(None),
        )
        .correlate(reports)
        .scalar_subquery()
    )


def joined() -> FromClause:
    """`reports` with their categories, wards and organisations."""
    return (
        reports.join(categories, categories.c.code == reports.c.category_code)
        .join(wards, wards.c.id == reports.c.ward_id, isouter=True)
        .join(organisations, organisations.c.id == reports.c.organisation_id, isouter=True)
    )


async def by_code(conn: AsyncConnection, code: str, *, own: bool) -> RowMapping | None:
    """The report of this code (as kept), whatever its visibility; `own`: with the ward of today
    that only its reporter may know."""
    found = await conn.execute(_selected(own=own).where(reports.c.code == code))
    row: RowMapping | None = found.mappings().one_or_none()
    return row


def newest_first(conditions: Sequence[ColumnElement[bool]]) -> Select[Any]:
    """Reports the public may see that meet all conditions, newest first."""
    return (
        _selected()
        .where(is_public(), *conditions)
        .order_by(reports.c.created_at.desc(), reports.c.id.desc())
    )


class TookTooLong(Exception):
    """The statement was cancelled at the time given to `bound_time`."""


async def bound_time(conn: AsyncConnection, limit_ms: int) -> None:
    """Cancel statements of this transaction that take longer."""
    await conn.execute(sql(f"SET LOCAL statement_timeout = {int(limit_ms)}"))


@contextmanager
def told_in_time() -> Iterator[None]:
    """Raises `TookTooLong` where a statement inside is cancelled."""
    try:
        yield
    except OperationalError as error:
        if isinstance(error.orig, psycopg.errors.QueryCanceled):
            raise TookTooLong from None
        raise


# A list of a cell is made in one of two ways: all reports of the cell are read and sorted, or the
# newest of all are read until enough of them lie in it. To read one in the order of time, in which
# they also lie on the disk, takes about a tenth of reading one from anywhere (a third of it when
# all is in memory, a fiftieth from a cold disk), so both take as long with
# sqrt(_IN_ORDER * rows of the table * rows of the page) reports in the cell. Filters make the
# second way longer, and the first no shorter.
_IN_ORDER = 0.1
_FILTERED = 2.5
_MOST_SORTED = 40_000


async def _most_sorted(conn: AsyncConnection, limit: int, filtered: bool) -> int:
    counted = "SELECT reltuples FROM pg_class WHERE oid = CAST('reports' AS regclass)"
    # -1 where nobody counted yet; what is sorted by mistake then is small.
    rows = max(100_000.0, (await conn.execute(sql(counted))).scalar_one())
    most = math.sqrt(_IN_ORDER * rows * limit) * (_FILTERED if filtered else 1)
    return int(min(_MOST_SORTED, most))


async def page(
    conn: AsyncConnection,
    conditions: Sequence[ColumnElement[bool]],
    limit: int,
    after: tuple[datetime, UUID] | None = None,
    cell: Cell | None = None,
    ward_ids: Sequence[int] | None = None,
    word: report_wards.Word | None = None,
) -> list[RowMapping]:
    """Up to `limit` rows of `newest_first` from `after` on, only those in `cell` if one is given,
    only those in `ward_ids`, in the `word` of `geo.store.report_wards`, if they are.

    Raises `TookTooLong`.
    """
    created_at: ColumnElement[datetime] = reports.c.created_at
    wanted = [is_public(), *conditions]
    with told_in_time():
        if cell:
            # The planner knows how many rows lie between two cell numbers only where that is more
            # than a hundredth of the table: it walked millions by their time in search of five. So
            # they are counted, and the index not to be used is hidden from it.
            most = await _most_sorted(conn, limit, bool(conditions))
            crowded = await is_crowded(conn, cell, most)
            wanted.append(cell.holds(by_index=not crowded))
            if crowded:
                # To start parallel workers takes longer than the walk.
                await conn.execute(sql("SET LOCAL max_parallel_workers_per_gather = 0"))
            else:
                created_at = created_at + timedelta(0)
        if after:
            wanted.append(tuple_(created_at, reports.c.id) < after)
        # Sorted by themselves: whole rows with their wards and organisations are many times wider.
        ids = (
            select(reports.c.id, reports.c.created_at)
            .select_from(joined())
            .where(*wanted)
            .order_by(created_at.desc(), reports.c.id.desc())
            .limit(limit)
        )
        if ward_ids is not None:
            ids = report_wards.within(ids, ward_ids, word)
        found_ids = ids.subquery("found")
        newest = (
            select(found_ids.c.id)
            .order_by(found_ids.c.created_at.desc(), found_ids.c.id.desc())
            .limit(limit)
        )
        query = newest_first([reports.c.id == func.any(func.array(newest.scalar_subquery()))])
        found = await conn.execute(query)
    return list(found.mappings())


async def own_page(
    conn: AsyncConnection,
    ids: Select[Any],
    limit: int,
    after: tuple[datetime, UUID] | None = None,
) -> list[RowMapping]:
    """Up to `limit` of the reports whose ids are selected, whatever their visibility, as their
    reporter sees them; newest first, from `after` on."""
    query = _selected(own=True).where(reports.c.id.in_(ids))
    if after:
        query = query.where(tuple_(reports.c.created_at, reports.c.id) < after)
    query = query.order_by(reports.c.created_at.desc(), reports.c.id.desc()).limit(limit)
    return list((await conn.execute(query)).mappings())


# Lines that the public is not told of (always, or while the staff hide them) and the reporter is;
# others are the staff's.
OWN_EVENTS = ("contact", "added", "hidden", "shown", "addition_hidden", "addition_shown")


async def events(conn: AsyncConnection, report_id: UUID, *, own: bool) -> list[RowMapping]:
    """A report's public history, or its reporter's `own`, oldest first: rows of `at, kind, text_vi,
    text_en`."""
    seen = or_(report_events.c.public, report_events.c.kind.in_(OWN_EVENTS if own else ()))
    query = (
        select(
            report_events.c.at,
            report_events.c.kind,
            report_events.c.text_vi,
            report_events.c.text_en,
        )
        .where(report_events.c.report_id == report_id, seen)
        .order_by(report_events.c.id)
    )
    return list((await conn.execute(query)).mappings())


async def taken_in(conn: AsyncConnection) -> int:
    """How many reports were ever stored, about a second ago; once in a transaction."""
    counted = sql("SELECT n_tup_ins FROM pg_stat_user_tables WHERE relid = 'reports'::regclass")
    return int((await conn.execute(counted)).scalar_one())
