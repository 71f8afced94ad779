"""Cells and days held against the reports, all of them."""

from dataclasses import dataclass, field

import numpy as np
import psycopg

from geo.store.database import AsyncEngine
from geo.store.statistics import cells, days, facts, fold
from geo.store.statistics.vectors import Array

_EXAMPLES = 10
_WANTED = "statistics_wanted"


@dataclass
class Verdict:
    """What `verify` found: whether there are cells for these months and categories, how many
    reports, cells and days were compared, and how many of these are missing, of nothing, or wrong.
    """

    usable: bool = True
    reports: int = 0
    cells: int = 0
    days: int = 0
    missing: int = 0
    unknown: int = 0
    different: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        """Whether what is kept and the log together say what the reports say."""
        return self.usable and not (self.missing or self.unknown or self.different)

    def note(self, kind: str, key: dict[str, int]) -> None:
        """Count a cell or day that differs."""
        setattr(self, kind, getattr(self, kind) + 1)
        if len(self.examples) < _EXAMPLES:
            self.examples.append(f"{kind}: {', '.join(f'{name} {n}' for name, n in key.items())}")


async def verify(engine: AsyncEngine, zone: str) -> Verdict:
    """Compare all that is kept with the reports, in one snapshot; what is not folded yet is
    allowed."""
    found = Verdict()
    async with fold.locked(engine) as raw:
        state = await fold.state(raw, zone)
        if not state.usable or state.late_before is None:
            found.usable = False
            return found
        late = state.late_before
        # Made anew beside the others; it goes when the transaction is rolled back.
        await raw.execute(f"CREATE TEMPORARY TABLE {_WANTED} (LIKE statistics_cells INCLUDING ALL)")
        asked = fold.everything(zone, await fold.visible(raw))
        # What the log would bring is taken away: what is kept has not heard of it.
        log = "(SELECT * FROM statistics_log WHERE sign <> 0)"
        pending = await facts.whole(
            facts.read(raw, asked, late, log, sign="-x.sign", words=fold.WORDS)
        )
        left = days.packed(pending)
        compared: set[int] = set()
        making = cells.Making(raw, _WANTED)
        async for read in fold.reports(raw, asked, late):
            await making.add(read)
            found.reports += len(read)
            rows = days.packed(read)
            compared |= await _compare_days(raw, found, np.concatenate([rows, left]), rows)
        await making.finish()
        await cells.add(raw, pending, _WANTED)
        await _compare_days(raw, found, left, None, compared)
        await _compare(raw, found)
    return found


async def _compare_days(
    raw: psycopg.AsyncConnection,
    found: Verdict,
    rows: Array,
    of: Array | None,
    but: set[int] | frozenset[int] = frozenset(),
) -> set[int]:
    """Compare the days that some rows are of, or all but some, with what should be in them."""
    wanted = days.by_day(rows)
    compared = set(wanted if of is None else days.by_day(of))
    if of is None:
        kept = await raw.execute("SELECT DISTINCT day FROM statistics_days")
        compared = (compared | {day for (day,) in await kept.fetchall()}) - but
    nothing = rows[:0]
    for day in sorted(compared):
        held = days.summed(await days.held(raw, day))
        should = days.summed(wanted.get(day, nothing))
        found.days += 1
        if held.tobytes() != should.tobytes():
            kind = "different" if len(held) and len(should) else "missing"
            found.note(kind if len(should) else "unknown", {"day": day})
    return compared


async def _compare(raw: psycopg.AsyncConnection, found: Verdict) -> None:
    key = ", ".join(cells.COLUMNS)
    counted = await (await raw.execute(f"SELECT count(*) FROM {_WANTED}")).fetchone()
    assert counted is not None
    found.cells = counted[0]
    differ = await raw.execute(
        f"SELECT wanted.packed IS NULL, held.packed IS NULL, {key} FROM {_WANTED} AS wanted "
        f"FULL JOIN statistics_cells AS held USING ({key}) "
        f"WHERE wanted.packed IS DISTINCT FROM held.packed ORDER BY {key}"
    )
    async for unknown, missing, *which in differ:
        kind = "unknown" if unknown else "missing" if missing else "different"
        found.note(kind, dict(zip(cells.COLUMNS, which, strict=True)))
