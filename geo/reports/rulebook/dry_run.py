"""What changed rules would have done: the reports of the last days, routed by both."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from geo.reports.assigning import promised
from geo.reports.city_rules import About, CityRules
from geo.reports.events import Words, words
from geo.reports.routing.rules import Case, Fit
from geo.store import rulebook as store
from geo.store.database import AnyRow, AsyncConnection

EXAMPLES: Final = 5


@dataclass(slots=True)
class Change:
    """Reports that would have gone from one organisation to another, by other rules, or have been
    of another priority or due at another time: how many, and some of their codes."""

    before: dict[str, Any]
    after: dict[str, Any]
    reports: int = 0
    due_moved: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass(slots=True)
class DryRun:
    """`reports` were looked at, `changed` would have been another; by kind of change, the most
    first. `unused`: codes of rules that fit none of them."""

    reports: int
    changed: int
    changes: list[Change]
    unused: list[str]


async def compare(
    conn: AsyncConnection,
    before: CityRules,
    after: CityRules,
    since: datetime,
    until: datetime,
    done: Callable[[int], None] = lambda n: None,
) -> DryRun:
    """Route the reports of a time by both; `done(n)` is told how many were.

    By their rules, not by what became of them: who passed one on by hand is not asked. Wards are
    those the reports are in now, facilities those of now.
    """
    found: dict[str, Change] = {}
    used: set[str] = set()
    n = changed = 0
    async for rows in store.sent(conn, since, until):
        for row in rows:
            old, new = _routed(before, row), _routed(after, row)
            used.add(new[0].get("rule") or "")
            if old == new:
                continue
            changed += 1
            change = found.setdefault(f"{old[0]} {new[0]}", Change(old[0], new[0]))
            change.reports += 1
            change.due_moved += old[1] != new[1]
            if len(change.examples) < EXAMPLES:
                change.examples.append(row.code)
        n += len(rows)
        done(n)
    most = sorted(found.values(), key=lambda each: (-each.reports, str(each.after)))
    unused = [rule.code for rule in after.router.rules if rule.code not in used]
    return DryRun(n, changed, most, unused)


def _routed(rules: CityRules, row: AnyRow) -> tuple[dict[str, Any], tuple[Any, ...]]:
    """Who answers, by which rule and how urgently; and when it was due."""
    place = (row.ward_code, row.lon, row.lat)
    fit = rules.router.fit(Case(row.category, row.family, *place, row.created_at))
    about = About(row.category, row.family, row.deadlines)
    terms = rules.terms(about, row.created_at, promised(fit))
    dues = tuple(each and each.due(row.created_at) for each in (terms.first, terms.resolve))
    code, name = _answers(fit, row)
    return {
        "organisation": code,
        "name": name,
        "rule": fit and fit.rule.code,
        "priority": fit.rule.priority if fit else 2,
    }, dues


def _answers(fit: Fit | None, row: AnyRow) -> tuple[str | None, Words | None]:
    if fit is not None and fit.rule.organisation is not None:
        there = fit.rule.organisation
        return there.code, words(there.name_vi, there.name_en)
    if row.committee is None:
        return None, None
    return row.committee, words(row.committee_vi, row.committee_en)
