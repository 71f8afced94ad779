"""Reports as they are shown: to the public, and to the one who sent them.

The public sees no personal data: no contact, no answers to a category's questions, no exact point
of a blurred category, nothing of a hidden one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, RowMapping, and_, func, or_, select

from geo.errors import Invalid, NotFound, NotSignedIn
from geo.photos.cleaned import MEDIA_TYPE
from geo.reports import codes, contacts
from geo.reports import events as words
from geo.reports.keys import Keys
from geo.reports.own.rules import allowed_in, correctable_until
from geo.reports.times import rfc3339
from geo.store import citizens, report_wards
from geo.store import photos as photo_store
from geo.store import reports as store
from geo.store import wards as ward_store
from geo.store.area import Bbox
from geo.store.cells import Cell
from geo.store.database import AsyncConnection
from geo.store.report_wards import Word
from geo.store.tables import categories, organisations, reports

# No index helps a search by words, or by a rare status in a large cell: it reads from the newest
# report on until the page is full.
SEARCH_MS = 5_000


@dataclass(frozen=True)
class ReportFilter:
    """Which reports; what is None does not filter, lists match any of their members.

    A family's code matches its children too. `ward` are codes as of the day `on` of the city, which
    they need, each with all versions of that same ward; `wards` says which ward a report is in:
    `then`, `today`, None for the one that answers for it (`geo.store.report_wards`). `since <=
    created_at < until`. `q`: all its words occur in the text, marks and case aside. `cell`: exactly
    the reports that a tile counts in it.
    """

    bbox: Bbox | None = None
    ward: Sequence[str] | None = None
    on: date | None = None
    wards: Word | None = None
    category: Sequence[str] | None = None
    status: Sequence[str] | None = None
    kind: str | None = None
    organisation: Sequence[str] | None = None
    channel: Sequence[str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    q: str | None = None
    cell: Cell | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """For queries over `reports`, `categories` and `wards` joined."""
        found: list[ColumnElement[bool]] = []
        if self.bbox:
            found.append(_in_box(self.bbox))
        if self.cell:
            found.append(self.cell.holds())
        if self.ward:
            ward_id = report_wards.ward_id(self.wards) if self.wards else reports.c.ward_id
            found.append(ward_id.in_(ward_store.named(self.ward, self.on)))
        if self.category:
            family = or_(
                categories.c.code.in_(self.category), categories.c.parent_code.in_(self.category)
            )
            found.append(reports.c.category_code.in_(select(categories.c.code).where(family)))
        if self.status:
            found.append(reports.c.status.in_(self.status))
        if self.kind:
            found.append(reports.c.kind == self.kind)
        if self.organisation:
            named = select(organisations.c.id).where(organisations.c.code.in_(self.organisation))
            found.append(reports.c.organisation_id.in_(named))
        if self.channel:
            found.append(reports.c.channel.in_(self.channel))
        if self.since:
            found.append(reports.c.created_at >= self.since)
        if self.until:
            found.append(reports.c.created_at < self.until)
        for word in (self.q or "").split():
            wanted = func.pinward_plain(func.normalize(word))
            found.append(func.strpos(func.pinward_plain(reports.c.text), wanted) > 0)
        return found


def _in_box(bbox: Bbox) -> ColumnElement[bool]:
    # By where the public sees it: boxes made ever smaller must not give away a blurred point. The
    # wider first condition is what the index on the exact point can answer.
    return and_(
        bbox.touches(reports.c.geom, margin=store.BLUR_DEGREES),
        or_(
            and_(categories.c.visibility == "public", bbox.touches(reports.c.geom)),
            and_(categories.c.visibility == "blurred", bbox.touches(store.public_point())),
        ),
    )


async def page(
    conn: AsyncConnection,
    wanted: ReportFilter,
    limit: int,
    after: tuple[datetime, UUID] | None = None,
) -> tuple[list[dict[str, Any]], tuple[datetime, UUID] | None]:
    """Features the public may see, newest first, and where the next page begins (None: ended).

    Raises `Invalid` when a search by words, or in a cell, takes longer than `SEARCH_MS`.
    """
    if wanted.q or wanted.cell:
        await store.bound_time(conn, SEARCH_MS)
    try:
        # In a cell the wards are one more condition; else it is read ward by ward.
        by_ward = bool(wanted.ward) and not wanted.cell
        conditions = replace(wanted, cell=None, ward=None if by_ward else wanted.ward).conditions()
        ward_ids = (
            await ward_store.named_ids(conn, wanted.ward or (), wanted.on) if by_ward else None
        )
        rows = await store.page(
            conn, conditions, limit + 1, after, wanted.cell, ward_ids, wanted.wards
        )
    except store.TookTooLong:
        message = "takes too long over so many reports; narrow it by since, ward, category or bbox"
        raise Invalid(
            f"the search {message}",
            errors=[{"field": "q" if wanted.q else "cell", "message": message}],
        ) from None
    shown = rows[:limit]
    more = (shown[-1]["created_at"], shown[-1]["id"]) if len(rows) > limit else None
    return [public_feature(row) for row in shown], more


async def one(
    conn: AsyncConnection, typed_code: str, secret: str | None, keys: Keys, now: datetime
) -> dict[str, Any]:
    """The report's feature: the public one, or with its secret the reporter's own.

    Raises `NotFound` (also for a hidden report without its secret) and `NotSignedIn` when the
    secret is not this report's.
    """
    row = await _seen(conn, typed_code, secret)
    if secret is None:
        feature = public_feature(row)
        feature["properties"]["reasons"] = [] if row["visibility"] != "public" else row["reasons"]
        return feature
    contact = await contacts.own(conn, row["id"], row["secret_hash"], secret, keys)
    return _own_feature(row, contact, now)


async def kept_as_mine(
    conn: AsyncConnection,
    mark: bytes,
    limit: int,
    after: tuple[datetime, UUID] | None = None,
    *,
    now: datetime,
) -> tuple[list[dict[str, Any]], tuple[datetime, UUID] | None]:
    """Features of what a citizen chose to have kept as theirs, and where the next page begins.

    As the reporter sees them but for the contact, which takes the report's secret.
    """
    rows = await store.own_page(conn, citizens.reports_of(mark), limit + 1, after)
    features = [_own_feature(row, None, now) for row in rows[:limit]]
    last = rows[limit - 1] if len(rows) > limit else None
    return features, (last["created_at"], last["id"]) if last else None


async def history(
    conn: AsyncConnection, typed_code: str, secret: str | None
) -> list[dict[str, Any]]:
    """What happened to the report, oldest first; raises as `one` does."""
    row = await _seen(conn, typed_code, secret)
    # Each names a ward of its day, and where two overlap is the report (geo.store.report_wards).
    unnamed = words.UNNAMED if secret is None and row["visibility"] != "public" else {}
    return [
        {
            "at": rfc3339(event["at"]),
            "kind": event["kind"],
            "text": unnamed.get(event["kind"], {"vi": event["text_vi"], "en": event["text_en"]}),
        }
        for event in await store.events(conn, row["id"], own=secret is not None)
    ]


async def photo(conn: AsyncConnection, typed_code: str, n: int, secret: str | None) -> Row[Any]:
    """Row (`sha256, media_type, …`) of a report's photo; raises as `one` does."""
    row = await _seen(conn, typed_code, secret)
    found = await photo_store.one(conn, row["id"], n, own=secret is not None)
    if found is None:
        raise NotFound("this report has no such photo")
    return found


async def _seen(conn: AsyncConnection, typed_code: str, secret: str | None) -> RowMapping:
    code = codes.read_code(typed_code)
    row = await store.by_code(conn, code, own=secret is not None) if code else None
    missing = NotFound("there is no report with this code; check it letter by letter")
    if row is None:
        raise missing
    if secret is not None and codes.is_secret(secret, row["secret_hash"]):
        return row
    # To everybody else a hidden report does not exist, whatever secret they try.
    if row["visibility"] == "hidden":
        raise missing
    if secret is not None:
        raise NotSignedIn("this secret is not this report's")
    return row


def public_feature(row: RowMapping) -> dict[str, Any]:
    """GeoJSON feature of what the public may know of a row."""
    return {
        "type": "Feature",
        "id": row["code"],
        "geometry": {"type": "Point", "coordinates": [row["lon"], row["lat"]]},
        "properties": _properties(row),
    }


def _properties(row: RowMapping) -> dict[str, Any]:
    return {
        "code": row["code"],
        "category": {
            "code": row["category_code"],
            "name": {"vi": row["category_vi"], "en": row["category_en"]},
            "icon": row["icon"],
        },
        "text": row["text"],
        "status": row["status"],
        "kind": row["kind"],
        "channel": row["channel"],
        "created_at": rfc3339(row["created_at"]),
        "updated_at": rfc3339(row["updated_at"]),
        "observed_at": _time(row["observed_at"]),
        "due_at": _time(row["due_at"]),
        "resolved_at": _time(row["resolved_at"]),
        "closed_at": _time(row["closed_at"]),
        "ward": row["ward_code"]
        and {"code": row["ward_code"], "name": row["ward_name"], "kind": row["ward_kind"]},
        "ward_today": row["today_code"]
        and {"code": row["today_code"], "name": row["today_name"], "kind": row["today_kind"]},
        "organisation": row["organisation_code"]
        and {
            "code": row["organisation_code"],
            "name": {"vi": row["organisation_vi"], "en": row["organisation_en"]},
        },
        # Whether the point is the middle of a square some 150 m wide instead of the exact one.
        "blurred": row["visibility"] == "blurred",
        "source": row["source"],
        "flags": row["flags"],
        # By the city, which keeps what it was before.
        "edited_at": _time(row["edited_at"]),
        "photos": [with_addresses(row["code"], photo) for photo in row["photos"] or ()],
        # How many said "me too", and of a duplicate the report that stands for it.
        "supports": row["supports"],
        "duplicate_of": row["duplicate_of"],
        # The text says so, too.
        "erased": row["content_gone_at"] is not None,
    }


def with_addresses(code: str, photo: dict[str, Any]) -> dict[str, Any]:
    """A photo of a report (`n, media_type, …`) and where it is to be had.

    Of a video where its still is, too, and its type.
    """
    url = f"/api/v1/reports/{code}/photos/{photo['n']}"
    if photo["media_type"] == MEDIA_TYPE:
        told = {name: value for name, value in photo.items() if name != "media_type"}
        return {**told, "url": url}
    return {**photo, "url": url, "still": f"{url}/still"}


def _own_feature(row: RowMapping, contact: dict[str, Any] | None, now: datetime) -> dict[str, Any]:
    ended_at = row["resolved_at"] or row["closed_at"]
    return {
        "type": "Feature",
        "id": row["code"],
        "geometry": {"type": "Point", "coordinates": [row["exact_lon"], row["exact_lat"]]},
        "properties": {
            **_properties(row),
            "blurred": False,
            "reasons": row["reasons"],
            "mine": True,
            "erased_at": _time(row["erased_at"]),
            "allowed": allowed_in(row["status"], row["created_at"], ended_at, now),
            "correctable_until": rfc3339(correctable_until(row["created_at"])),
            "accuracy_m": row["accuracy_m"],
            "answers": row["answers"],
            "reporter": contact,
            "rating": row["rating"],
            "visibility": row["own_visibility"],
            "match": row["ward_match"],
            "distance_m": row["ward_distance_m"],
            "ambiguous_with": row["ambiguous_with"],
        },
    }


def _time(value: datetime | None) -> str | None:
    return rfc3339(value) if value else None
