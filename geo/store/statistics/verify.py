"""The cells held against the reports, all of them."""

from dataclasses import dataclass, field

import psycopg

from geo.store.database import AsyncEngine
from geo.store.statistics import cells, facts, fold

_EXAMPLES = 10
_WANTED = "statistics_wanted"


@dataclass
class Verdict:
    """What `verify` found: whether there are cells for these months and categories, how many
    reports and cells were compared, and how many cells are missing, of nothing, or wrong."""

    usable: bool = True
    reports: int = 0
    cells: int = 0
    missing: int = 0
    unknown: int = 0
    different: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        """Whether the cells and the log together say what the reports say."""
        return self.usable and not (self.missing or self.unknown or self.different)

    def note(self, kind: str, key: tuple[int, ...]) -> None:
        """Count a cell that differs."""
        setattr(self, kind, getattr(self, kind) + 1)
        if len(self.examples) < _EXAMPLES:
            named = zip(cells.COLUMNS, key, strict=True)
            self.examples.append(f"{kind}: {', '.join(f'{name} {n}' for name, n in named)}")


async def verify(engine: AsyncEngine, zone: str) -> Verdict:
    """Compare every cell with the reports, in one snapshot; what is not folded yet is allowed."""
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
        async for read in fold.reports(raw, asked, late):
            await cells.add(raw, read, _WANTED)
            found.reports += len(read)
        # What the log would bring is taken away: the cells have not heard of it.
        log = "(SELECT * FROM statistics_log WHERE sign <> 0)"
        pending = facts.read(raw, asked, late, log, sign="-x.sign", words=fold.WORDS)
        await cells.add(raw, await facts.whole(pending), _WANTED)
        await _compare(raw, found)
    return found


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
        found.note("unknown" if unknown else "missing" if missing else "different", tuple(which))
