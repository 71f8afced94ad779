"""Counts of reports by groups: one statement that counts, and then says the groups' names.

Reports are counted by what their rows hold first, and the few groups then folded into the wards
asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    RowMapping,
    Select,
    Subquery,
    func,
    or_,
    select,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import distinct_on

from geo.store import wards as ward_store
from geo.store.database import AsyncConnection
from geo.store.reports import told_in_time
from geo.store.tables import (
    categories,
    reform_moves,
    reforms,
    reports,
    reports_today,
    ward_sets,
    wards,
    wards_today,
)
from geo.store.tables.reports import OPEN_STATUSES

MEASURES = ("received", "open")


@dataclass(frozen=True)
class Asked:
    """What is counted: `by` holds `ward`, `category`, `month`, in the order rows are sorted by.

    `conditions` are over `reports`, `visible` among them; `wards` are the ids of the only wards
    counted (None: all, and what lies in none). `by_today`: the wards of today that the places are
    in, else those that reports were given to on their day. Months are those of the wall clock in
    `timezone` (IANA).
    """

    by: Sequence[str]
    conditions: Sequence[ColumnElement[bool]]
    wards: Sequence[int] | None
    by_today: bool
    timezone: str

    @property
    def in_wards(self) -> bool:
        """Whether it matters in which ward a report is."""
        return "ward" in self.by or self.wards is not None


async def visible(
    conn: AsyncConnection, families: Sequence[str] | None = None
) -> ColumnElement[bool]:
    """Condition over `reports`: of no hidden category, and of these or their children only.

    In codes that are read here: the planner knows how many reports a code has, but not how many
    those of a subquery have.
    """
    query = select(categories.c.code).where(categories.c.visibility != "hidden")
    if families is not None:
        query = query.where(
            or_(categories.c.code.in_(families), categories.c.parent_code.in_(families))
        )
    return reports.c.category_code.in_((await conn.execute(query)).scalars().all())


async def named_wards(conn: AsyncConnection, codes: Sequence[str], on: date | None) -> list[int]:
    """Ids as `geo.store.wards.named` selects them."""
    return list((await conn.execute(ward_store.named(codes, on))).scalars())


async def groups(conn: AsyncConnection, asked: Asked, limit: int) -> list[RowMapping]:
    """Up to `limit` groups that have reports, in order; what has no ward comes last.

    Columns: `received open`, and by what was asked `ward_code ward_name ward_kind valid_from
    valid_to set_name` (NULL: no ward), `category_code category_vi category_en icon`, `month` (its
    first day's midnight, without a zone). Raises `TookTooLong` as `bound_time` has it.
    """
    query = _named(asked, _folded(asked, _counted(asked)).subquery("folded"))
    with told_in_time():
        return list((await conn.execute(query.limit(limit))).mappings())


def _counted(asked: Asked) -> CTE:
    r = reports.c
    conditions = list(asked.conditions)
    keys: list[ColumnElement[Any]] = []
    source: FromClause = reports
    if asked.in_wards:
        other = _other_wards(asked.by_today)
        source = reports.outerjoin(other, other.c.report_id == r.id)
        keys += [r.ward_id, other.c.ward_id.label("other_id")]
    if asked.wards is not None:
        conditions.append(_may_be_in(asked.wards, asked.by_today))
    if "category" in asked.by:
        keys.append(r.category_code)
    if "month" in asked.by:
        local = func.timezone(asked.timezone, r.created_at)
        keys.append(func.date_trunc("month", local).label("month"))
    query = select(
        *keys,
        func.count().label("received"),
        func.count().filter(r.status.in_(OPEN_STATUSES)).label("open"),
    )
    # By place: the zone's name is a parameter, which is never the same expression twice.
    places = (sql(str(n)) for n in range(1, len(keys) + 1))
    return query.select_from(source).where(*conditions).group_by(*places).cte("counted")


def _other_wards(by_today: bool) -> Subquery:
    """Reports that their row's ward is not the answer for, `report_id`, and the `ward_id` that is.

    Of that day: a reform moved the report, its ward is the one before the first move.
    """
    if by_today:
        return select(reports_today.c.report_id, reports_today.c.ward_id).subquery("others")
    return (
        select(reform_moves.c.report_id, reform_moves.c.old_ward_id.label("ward_id"))
        .ext(distinct_on(reform_moves.c.report_id))
        .join_from(reform_moves, reforms, reforms.c.id == reform_moves.c.reform_id)
        .order_by(reform_moves.c.report_id, reforms.c.begun_at, reforms.c.id)
        .subquery("others")
    )


def _may_be_in(ids: Sequence[int], by_today: bool) -> ColumnElement[bool]:
    """Of all reports in these wards and of few others, in words that indexes can answer."""
    other = _other_wards(by_today)
    others = select(other.c.report_id).where(other.c.ward_id.in_(ids))
    found = [reports.c.ward_id.in_(ids), _any_of(reports.c.id, others)]
    if by_today:
        ended = select(wards_today.c.ward_id).where(wards_today.c.today_id.in_(ids))
        found.append(_any_of(reports.c.ward_id, ended))
    return or_(*found)


def _any_of(column: ColumnElement[Any], values: Select[Any]) -> ColumnElement[bool]:
    return column == func.any(func.array(values.scalar_subquery()))


def _folded(asked: Asked, counted: CTE) -> Select[Any]:
    """The groups of the answer: what the wards of the rows are answered by, summed."""
    keys = [counted.c[name] for name in ("category_code", "month") if name in counted.c]
    source: FromClause = counted
    conditions = []
    if asked.in_wards:
        whole = [wards_today.c.today_id] if asked.by_today else []
        ward_id = func.coalesce(counted.c.other_id, *whole, counted.c.ward_id)
        if asked.by_today:
            source = counted.outerjoin(wards_today, wards_today.c.ward_id == counted.c.ward_id)
        if asked.wards is not None:
            conditions.append(ward_id.in_(asked.wards))
        if "ward" in asked.by:
            keys.append(ward_id.label("ward_id"))
    sums = [func.sum(counted.c[name]).label(name) for name in MEASURES]
    places = (sql(str(n)) for n in range(1, len(keys) + 1))
    return select(*keys, *sums).select_from(source).where(*conditions).group_by(*places)


def _named(asked: Asked, folded: Subquery) -> Select[Any]:
    columns: list[ColumnElement[Any]] = [folded.c[name] for name in MEASURES]
    order: list[ColumnElement[Any]] = []
    source: FromClause = folded
    for member in asked.by:
        if member == "ward":
            source = source.outerjoin(wards, wards.c.id == folded.c.ward_id).outerjoin(
                ward_sets, ward_sets.c.id == wards.c.set_id
            )
            columns += [
                wards.c.code.label("ward_code"),
                wards.c.name.label("ward_name"),
                wards.c.kind.label("ward_kind"),
                func.lower(wards.c.valid).label("valid_from"),
                func.upper(wards.c.valid).label("valid_to"),
                ward_sets.c.name.label("set_name"),
            ]
            order += [wards.c.code, func.lower(wards.c.valid)]
        elif member == "category":
            source = source.join(categories, categories.c.code == folded.c.category_code)
            columns += [
                categories.c.code.label("category_code"),
                categories.c.name_vi.label("category_vi"),
                categories.c.name_en.label("category_en"),
                categories.c.icon,
            ]
            order += [categories.c.position, categories.c.code]
        else:
            columns.append(folded.c.month)
            order.append(folded.c.month)
    return select(*columns).select_from(source).order_by(*(part.nulls_last() for part in order))
