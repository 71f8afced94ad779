"""Facilities on their way in: one row's shape, and putting many rows into the database."""

import math
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from geo.errors import RefusedImport
from geo.facilities.kinds import KINDS
from geo.store import deadlines
from geo.store import facilities as store
from geo.store.database import AsyncConnection

LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Facility:
    """One facility; checks itself. `source` and `source_id` together name it for good.

    `lon`, `lat` are WGS 84 degrees. Raises `RefusedImport` on what cannot be stored.
    """

    source: str
    source_id: str
    kind: str
    lon: float
    lat: float
    name: str | None = None
    address: str | None = None
    tags: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        where = f"facility {self.source_id!r}"
        if not self.source or not self.source_id:
            raise RefusedImport(f"{where}: source and source_id must not be empty")
        if self.kind not in KINDS:
            raise RefusedImport(
                f"{where}: {self.kind!r} is no kind of facility; one of {', '.join(KINDS)}"
            )
        if not (math.isfinite(self.lon) and math.isfinite(self.lat)):
            raise RefusedImport(f"{where}: lon {self.lon} and lat {self.lat} must be numbers")
        if abs(self.lat) > 90 and abs(self.lon) <= 90 and abs(self.lat) <= 180:
            raise RefusedImport(
                f"{where}: lat {self.lat} is past a pole; lon and lat look swapped "
                "(lon comes first)"
            )
        if abs(self.lon) > 180 or abs(self.lat) > 90:
            raise RefusedImport(
                f"{where}: lon {self.lon}, lat {self.lat} are not WGS 84 degrees; "
                "are they metres of another CRS?"
            )
        object.__setattr__(self, "name", clean(self.name))
        object.__setattr__(self, "address", clean(self.address))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an import did, in rows."""

    added: int
    changed: int
    unchanged: int

    @property
    def total(self) -> int:
        """All rows of the input."""
        return self.added + self.changed + self.unchanged


def clean(text: str | None) -> str | None:
    """Text in NFC, without control characters, runs of blanks as one; empty text is None."""
    if text is None:
        return None
    composed = unicodedata.normalize("NFC", text)
    visible = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in composed)
    return " ".join(visible.split())[:LONGEST_NAME].rstrip() or None


async def insert(conn: AsyncConnection, rows: Iterable[Facility]) -> Outcome:
    """Put rows in; a row whose (source, source_id) is there already replaces it.

    All or nothing within the caller's transaction. Raises `RefusedImport`, before anything is
    written, when the input names one facility twice.
    """
    found: Sequence[Facility] = list(rows)
    names = Counter((row.source, row.source_id) for row in found)
    twice = [f"{source_id!r}" for (_, source_id), n in names.items() if n > 1]
    if twice:
        some = ", ".join(twice[:5]) + (" …" if len(twice) > 5 else "")
        raise RefusedImport(
            f"{len(twice)} ids stand for more than one facility: {some}; "
            "name another column with --id-field"
        )
    added, changed = await store.upsert(conn, [_record(row) for row in found])
    # Rules of routing ask what lies near by.
    await deadlines.tell(conn)
    return Outcome(added, changed, len(found) - added - changed)


def _record(row: Facility) -> dict[str, Any]:
    return {
        "source": row.source,
        "source_id": row.source_id,
        "kind": row.kind,
        "name": row.name,
        "address": row.address,
        "tags": row.tags,
        "lon": row.lon,
        "lat": row.lat,
    }
