"""Reports and devices as moderators are shown them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from api.schemas import Name, StaffPhoto, Time
from geo.reports.reading import with_addresses
from geo.reports.times import rfc3339
from geo.store import moderation as store
from geo.store.database import AnyRow, AsyncConnection


class WithheldReason(BaseModel):
    """A rule that the report met, or the words of who hid it."""

    code: str
    vi: str
    en: str


class Added(BaseModel):
    """What the reporter added, the `n`th; not `public`: the staff hid it."""

    n: int
    text: Name
    public: bool


class Moderated(BaseModel):
    """A report as moderators see it; `device_known`: the device that sent it can be barred.

    `version`: another one as soon as its reporter or the staff change what the public would read.
    """

    code: str
    version: str
    state: Annotated[Literal["review", "hidden"] | None, Field(description="null: public")]
    reasons: list[WithheldReason]
    category: dict[str, Any]
    text: str
    answers: dict[str, Any]
    additions: list[Added]
    photos: list[StaffPhoto]
    edited_at: Time | None
    lon: float
    lat: float
    ward: str | None
    created_at: Time
    device_known: bool


class Withheld(BaseModel):
    """How many there are in each state."""

    review: int
    hidden: int


class ModerationQueue(BaseModel):
    """A page, newest first; `next`: the cursor of the page after it."""

    reports: list[Moderated]
    next: str | None
    counts: Withheld | None = None


class OldText(BaseModel):
    """A text that the staff replaced."""

    n: int
    text: str
    replaced_at: Time
    replaced_by: str
    reason: str


class Line(BaseModel):
    """A line of the history; not `public`: for the staff alone."""

    at: Time
    kind: str
    text: Name
    public: bool


class ModeratedReport(Moderated):
    """With what it was before and what was done."""

    texts: list[OldText]
    events: list[Line]


class Barred(BaseModel):
    """A device that may not send; its id is a keyed hash."""

    id: str
    until: Time
    banned_at: Time
    banned_by: str
    reason: str


class BarredDevices(BaseModel):
    """All of them."""

    devices: list[Barred]


def moderated(row: AnyRow) -> dict[str, Any]:
    """A `Moderated` from its row."""
    return {
        "code": row.code,
        "version": str(row.version),
        "state": row.withheld,
        "reasons": (row.reasons or []) if row.withheld else [],
        "category": {
            "code": row.category_code,
            "name": {"vi": row.category_vi, "en": row.category_en},
        },
        "text": row.text,
        "answers": row.answers,
        "additions": [
            {"n": n, "text": {"vi": vi, "en": en}, "public": public}
            for n, (vi, en, public) in enumerate(row.additions or [], 1)
        ],
        "photos": [with_addresses(row.code, photo) for photo in row.photos or []],
        "edited_at": row.edited_at and rfc3339(row.edited_at),
        "lon": row.lon,
        "lat": row.lat,
        "ward": row.ward_code,
        "created_at": rfc3339(row.created_at),
        "device_known": row.device is not None,
    }


async def whole(conn: AsyncConnection, report: AnyRow) -> dict[str, Any]:
    """A `ModeratedReport` from its row."""
    old = [
        {
            "n": one.n,
            "text": one.text,
            "replaced_at": rfc3339(one.replaced_at),
            "replaced_by": one.replaced_by,
            "reason": one.reason,
        }
        for one in await store.texts(conn, report.id)
    ]
    lines = [
        {
            "at": rfc3339(one.at),
            "kind": one.kind,
            "text": {"vi": one.text_vi, "en": one.text_en},
            "public": one.public,
        }
        for one in await store.history(conn, report.id)
    ]
    return {**moderated(report), "texts": old, "events": lines}


async def barred(conn: AsyncConnection) -> Sequence[dict[str, Any]]:
    """`BarredDevices.devices`."""
    return [
        {
            "id": bytes(one.device).hex(),
            "until": rfc3339(one.until),
            "banned_at": rfc3339(one.banned_at),
            "banned_by": one.banned_by,
            "reason": one.reason,
        }
        for one in await store.barred(conn, datetime.now(UTC))
    ]
