"""In which ward a report is, in three words; all that lists and counts by ward goes by this.

Without a word it is the ward that answers for the report: that of its row, which a reform changes
while the report is open. `then` is the ward on the report's own day: the one before the first
reform that moved it. `today` is the ward of today that its place is in, derived from the reforms
applied (`geo.store.tables.reforms`).

Two wards of different days overlap in a strip that may be a few metres wide (a border surveyed
anew), and a report that was in both lies in it. So of a report whose place is shown only roughly
all words follow from one ward, that of its row: `then` is that one, `today` the one that most of it
became. What is known of one such report is known of all in its ward.
"""

from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    case,
    exists,
    func,
    or_,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from geo.store.tables import (
    categories,
    reform_moves,
    reforms,
    reports,
    reports_today,
    wards,
    wards_today,
)

Word = Literal["then", "today"]


def others(word: Word) -> Subquery:
    """`report_id, ward_id` (0: none) of reports that neither their row's ward nor, `today`, the
    ward that `wards_today` has for it is the answer for; at most one row a report."""
    if word == "today":
        return select(reports_today.c.report_id, reports_today.c.ward_id).subquery("others")
    before, begun = reform_moves.alias("before"), reforms.alias("begun")
    earlier = (
        exists()
        .where(before.c.report_id == reform_moves.c.report_id)
        .where(begun.c.id == before.c.reform_id)
        .where(tuple_(begun.c.begun_at, begun.c.id) < tuple_(reforms.c.begun_at, reforms.c.id))
    )
    return (
        select(
            reform_moves.c.report_id,
            # 0: in none, which is an answer, too
            func.coalesce(reform_moves.c.old_ward_id, 0).label("ward_id"),
        )
        .join_from(reform_moves, reforms, reforms.c.id == reform_moves.c.reform_id)
        .where(~earlier)
        .subquery("others")
    )


def shown_exactly() -> ColumnElement[bool]:
    """Whether the public knows the place of a report, and so may know of `others`."""
    public = select(categories.c.code).where(categories.c.visibility == "public")
    return reports.c.category_code.in_(public)


def other_id(word: Word, *, own: bool = False) -> ColumnElement[int]:
    """The ward (0: none) that `others` has for the report, else NULL, for queries over `reports`: a
    look-up for each report that is read, where a join would read the moves of the whole city.

    `own` is for who knows the place anyway.
    """
    other = others(word)
    found = select(other.c.ward_id).where(other.c.report_id == reports.c.id).scalar_subquery()
    return found if own else case((shown_exactly(), found))


def ward_id(word: Word, *, own: bool = False) -> ColumnElement[int]:
    """The report's ward or NULL, for queries over `reports`; `own` as `other_id` has it."""
    whole = select(wards_today.c.today_id).where(wards_today.c.ward_id == reports.c.ward_id)
    answers = [other_id(word, own=own), *([whole.scalar_subquery()] if word == "today" else [])]
    return first_of(*answers, reports.c.ward_id)


def first_of(*answers: ColumnElement[int]) -> ColumnElement[int]:
    """The ward that the first of these says; NULL says nothing, 0 that it is none."""
    return func.nullif(func.coalesce(*answers), 0)


def in_today(
    ids: Select[Any], rows: ReadOnlyColumnCollection[str, Any], exactly: ColumnElement[bool]
) -> list[ColumnElement[bool]]:
    """Conditions on columns of reports: in these wards by the word `today`.

    `exactly` says of a row whether the public knows its place. The first condition alone lets a few
    too many through, but by indexes.
    """
    held = holding(ids, "today")
    elsewhere = select(reports_today.c.report_id).where(reports_today.c.ward_id.in_(ids))
    own = (
        select(reports_today.c.ward_id)
        .where(reports_today.c.report_id == rows.id)
        .scalar_subquery()
    )
    other = case((exactly, own))
    return [
        or_(
            rows.ward_id == func.any(func.array(held.scalar_subquery())),
            rows.id == func.any(func.array(elsewhere.scalar_subquery())),
        ),
        case((other.is_not(None), other.in_(ids)), else_=rows.ward_id.in_(held)),
    ]


def holding(ids: Sequence[int] | Select[Any], word: Word | None) -> Select[Any]:
    """`id`s of the wards whose reports are in these wards, but for `others`."""
    own = wards.alias("own")
    if word != "today":
        return select(own.c.id).where(own.c.id.in_(ids))
    answer = func.coalesce(wards_today.c.today_id, own.c.id)
    return (
        select(own.c.id)
        .join_from(own, wards_today, wards_today.c.ward_id == own.c.id, isouter=True)
        .where(answer.in_(ids))
    )


def within(newest: Select[Any], ids: Sequence[int], word: Word | None) -> Select[Any]:
    """Of a query of the `id, created_at` of the newest reports, with its limit: those in these
    wards, unsorted, up to the limit of each ward and of the others.

    Ward by ward, each in the order of its index: the planner would read from the newest report of
    the city on, and old wards have no new ones.
    """
    held = holding(ids, word).subquery("held")
    of_ward = newest.where(reports.c.ward_id == held.c.id)
    if word is not None:
        of_ward = of_ward.where(other_id(word).is_(None))
    own = of_ward.lateral("of_ward")
    found = select(own.c.id, own.c.created_at).select_from(held.join(own, true()))
    if word is None:
        return found
    other = others(word)
    elsewhere = select(other.c.report_id).where(other.c.ward_id.in_(ids))
    rest = newest.where(
        reports.c.id == func.any(func.array(elsewhere.scalar_subquery())), shown_exactly()
    )
    both = union_all(found, rest.subquery("rest").select()).subquery("both")
    return select(both.c.id, both.c.created_at)
