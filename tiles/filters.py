"""Which part of a layer is asked for; checks itself against the words the layer knows."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Literal

from sqlalchemy import select

from geo.errors import Invalid, NotSignedIn
from geo.facilities.kinds import KINDS
from geo.scope import Scope
from geo.store.database import AsyncConnection
from geo.store.tables import categories, wards
from geo.store.tables.alerts import ALERT_KINDS
from geo.store.tables.reports import OPEN_STATUSES, STATUSES
from tiles.layers import Layer

REPORT_KINDS = ("incident", "suggestion")

# Which parameters each layer listens to.
TAKEN: dict[str, tuple[str, ...]] = {
    "reports": ("category", "status", "kind", "ward", "on", "wards", "since", "until"),
    "wards": ("on",),
    "hotspots": ("category", "on"),
    "facilities": ("kind",),
    "alerts": ("kind",),
    "tasks": ("category", "status", "ward", "on"),
}
_KINDS: dict[str, tuple[str, ...]] = {
    "reports": REPORT_KINDS,
    "facilities": tuple(KINDS),
    "alerts": ALERT_KINDS,
}


@dataclass(frozen=True, slots=True)
class Filter:
    """Empty means everything. `category` may name families; `since <= created < until`; `on` is
    the day on which wards are in force, or on which `ward` names them (default today). `wards` says
    which ward of a report `ward` means: None the one that answers for it, `today` the one of today
    that its place is in (`geo.store.report_wards`).

    `scope` says whose view of a private layer is meant; it comes from a sign-in, never from an
    address, and public layers know none.
    """

    category: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    ward: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    on: date | None = None
    wards: Literal["today"] | None = None
    scope: Scope | None = None

    def __post_init__(self) -> None:
        for name in ("since", "until"):
            value: datetime | None = getattr(self, name)
            if value is not None and value.tzinfo is None:
                raise _refused(name, "needs a time zone, e.g. 2026-01-31T00:00:00Z")

    async def check(self, conn: AsyncConnection, layer: Layer) -> None:
        """Raise `Invalid`, naming them, on values and parameters this layer does not know.

        Raises `NotSignedIn` on a private layer without a scope.
        """
        if layer.private and self.scope is None:
            raise NotSignedIn(
                f"{layer.id} are for signed-in staff; sign in by POST /api/v1/session"
            )
        taken = (*TAKEN[layer.id], *(("scope",) if layer.private else ()))
        for part in fields(self):
            if getattr(self, part.name) and part.name not in taken:
                raise _refused(
                    part.name,
                    f"is no filter of {layer.id}, which takes {' '.join(TAKEN[layer.id])}",
                )
        if self.on and not self.ward and "ward" in taken:
            raise _refused(
                "on", f"is no filter of {layer.id} without ward: it is the day of ward's codes"
            )
        if self.wards and not self.ward:
            raise _refused("wards", "is no filter without ward: it says which one is meant")
        _known("status", self.status, STATUSES if layer.id == "reports" else OPEN_STATUSES)
        if self.kind:
            _known("kind", self.kind, _KINDS[layer.id])
        if self.category:
            found = select(categories.c.code).where(categories.c.code.in_(self.category))
            _known("category", self.category, (await conn.execute(found)).scalars().all())
        if self.ward:
            found = select(wards.c.code).where(wards.c.code.in_(self.ward))
            _known("ward", self.ward, (await conn.execute(found)).scalars().all())


def _known(name: str, values: Sequence[str], vocabulary: Sequence[str]) -> None:
    unknown = [value for value in values if value not in vocabulary]
    if unknown:
        known = f"; known are {', '.join(vocabulary)}" if name in ("status", "kind") else ""
        raise _refused(name, f"unknown: {', '.join(unknown)}{known}")


def _refused(name: str, message: str) -> Invalid:
    return Invalid.of(name, message)
