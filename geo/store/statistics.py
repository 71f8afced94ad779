"""Counts of reports by groups: one statement that counts, and then says the groups' names.

Reports are counted by what their rows hold first, and the few groups then folded into the wards
asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    CTE,
    ColumnElement,
    DateTime,
    FromClause,
    Integer,
    Interval,
    RowMapping,
    Select,
    Subquery,
    and_,
    case,
    cast,
    extract,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY

from geo.store import report_wards
from geo.store.database import AsyncConnection
from geo.store.reports import told_in_time
from geo.store.tables import (
    categories,
    reports,
    ward_sets,
    wards,
    wards_today,
)
from geo.store.tables.reports import OPEN_STATUSES

MEASURES = ("received", "open")

# For the reports of so few wards, look-ups are quicker than to join what all of the city moved.
_FEW_WARDS = 4

# Of which most reports are.
_FIRST_YEAR, _LAST_YEAR = 1990, 2060


@dataclass(frozen=True)
class Asked:
    """What is counted: `by` holds `ward`, `category`, `month`, in the order rows are sorted by.

    `conditions` are over `reports`, `visible` among them; `wards` are the ids of the only wards
    counted (None: all, and what lies in none), in the `word` of `geo.store.report_wards`. Months
    are those of the wall clock in `timezone` (IANA).
    """

    by: Sequence[str]
    conditions: Sequence[ColumnElement[bool]]
    wards: Sequence[int] | None
    word: report_wards.Word
    timezone: str

    @property
    def in_wards(self) -> bool:
        """Whether it matters in which ward a report is."""
        return "ward" in self.by or self.wards is not None


async def visible(
    conn: AsyncConnection, families: Sequence[str] | None = None
) -> ColumnElement[bool]:
    """Condition over `reports`: `reports.is_public`, and of these or their children only.

    In codes that are read here: the planner knows how many reports a code has, but not how many
    those of a subquery have.
    """
    query = select(categories.c.code).where(categories.c.visibility != "hidden")
    if families is not None:
        query = query.where(
            or_(categories.c.code.in_(families), categories.c.parent_code.in_(families))
        )
    codes = (await conn.execute(query)).scalars().all()
    return and_(reports.c.category_code.in_(codes), reports.c.withheld.is_(None))


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
        if asked.wards is not None and len(asked.wards) <= _FEW_WARDS:
            other_id = report_wards.other_id(asked.word)
        else:
            other = report_wards.others(asked.word)
            source = reports.outerjoin(other, other.c.report_id == r.id)
            # Asked only of the few that have another: as a part of the join it took half as long
            # again as all the rest.
            told = and_(other.c.ward_id.is_not(None), report_wards.shown_exactly())
            other_id = case((told, other.c.ward_id))
        keys += [r.ward_id, other_id.label("other_id")]
    if asked.wards is not None:
        conditions.append(_may_be_in(asked.wards, asked.word))
    if "category" in asked.by:
        keys.append(r.category_code)
    if "month" in asked.by:
        keys.append(_month(asked.timezone).label("month"))
    query = select(
        *keys,
        func.count().label("received"),
        func.count().filter(r.status.in_(OPEN_STATUSES)).label("open"),
    )
    # By place: the zone's name is a parameter, which is never the same expression twice.
    places = (sql(str(n)) for n in range(1, len(keys) + 1))
    return query.select_from(source).where(*conditions).group_by(*places).cte("counted")


def _month(timezone: str) -> ColumnElement[int]:
    """Months from January of `_FIRST_YEAR` to that of the report, by the wall clock of a zone.

    Looked up between their beginnings: to ask the zone's rules for each report took half of all the
    time. What is older or later than those is asked for.
    """
    at = reports.c.created_at
    begins = _beginnings(timezone)
    known = literal(begins, ARRAY(DateTime(timezone=True)))
    local = func.timezone(timezone, at)
    year, month = extract("year", local), extract("month", local)
    return case(
        (and_(at >= begins[0], at < begins[-1]), func.width_bucket(at, known) - 1),
        else_=cast((year - _FIRST_YEAR) * 12 + month - 1, Integer),
    )


@cache
def _beginnings(timezone: str) -> list[datetime]:
    """When the months of some years begin in a zone: at the first midnight that its clock shows,
    or, where it leaves that out, when it would have come."""
    zone = ZoneInfo(timezone)
    years = range(_FIRST_YEAR, _LAST_YEAR + 1)
    return [datetime(year, month, 1, tzinfo=zone) for year in years for month in range(1, 13)]


def _may_be_in(ids: Sequence[int], word: report_wards.Word) -> ColumnElement[bool]:
    """Of all reports in these wards and of few others, in words that indexes can answer."""
    other = report_wards.others(word)
    elsewhere = select(other.c.report_id).where(other.c.ward_id.in_(ids))
    return or_(
        _any_of(reports.c.ward_id, report_wards.holding(ids, word)),
        _any_of(reports.c.id, elsewhere),
    )


def _any_of(column: ColumnElement[Any], values: Select[Any]) -> ColumnElement[bool]:
    return column == func.any(func.array(values.scalar_subquery()))


def _folded(asked: Asked, counted: CTE) -> Select[Any]:
    """The groups of the answer: what the wards of the rows are answered by, summed."""
    keys = [counted.c[name] for name in ("category_code", "month") if name in counted.c]
    source: FromClause = counted
    conditions = []
    if asked.in_wards:
        whole = [wards_today.c.today_id] if asked.word == "today" else []
        ward_id = report_wards.first_of(counted.c.other_id, *whole, counted.c.ward_id)
        if asked.word == "today":
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
            first = cast(datetime(_FIRST_YEAR, 1, 1), DateTime)
            months = func.make_interval(0, folded.c.month, type_=Interval)
            columns.append((first + months).label("month"))
            order.append(folded.c.month)
    return select(*columns).select_from(source).order_by(*(part.nulls_last() for part in order))
