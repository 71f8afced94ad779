"""Request parameters that several routes share: boxes, times, comma lists, pages.

Use them in a query model whose config forbids what it does not know, so that a misspelt filter is
refused instead of silently ignored:

    class Wanted(Page):
        bbox: BboxParam = None
        since: TimeParam = None

    def route(wanted: Annotated[Wanted, Query()]): ...
"""

import base64
import binascii
import json
import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
)

from geo.errors import Invalid
from geo.reports.text import visible
from geo.store.area import Bbox
from geo.store.cells import LAST_ID, Cell
from geo.store.tables.reports import STATUSES

LONGEST_LIST = 100

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NUMBER = re.compile(r"\s*[-+]?[0-9._]*\s*")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _bbox(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return Bbox.parse(value)
    except Invalid as error:
        raise ValueError(error.detail) from None


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return Cell.parse(value)
    except Invalid as error:
        raise ValueError(error.detail) from None


def _time(value: Any) -> Any:
    # "+07:00" typed into an address without escaping arrives as " 07:00".
    if isinstance(value, str) and len(value) > 6 and value[-6] == " ":
        return f"{value[:-6]}+{value[-5:]}"
    if not isinstance(value, str) or _NUMBER.fullmatch(value):
        raise ValueError("must be a time with its zone, e.g. 2026-01-31T00:00:00Z")
    return value


def _day(value: Any) -> Any:
    # A bare number would be read as seconds since 1970.
    if isinstance(value, str) and not _DAY.fullmatch(value):
        raise ValueError("must be a day, e.g. 2026-01-31")
    return value


def _utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("lies outside the years 1 to 9999") from None


def _codes(value: Any) -> Any:
    if value is None:
        return None
    texts = [value] if isinstance(value, str) else list(value)
    parts = tuple(part.strip() for text in texts for part in str(text).split(","))
    if len(parts) > LONGEST_LIST:
        raise ValueError(f"at most {LONGEST_LIST} values")
    return tuple(_clean(part) for part in parts if part) or None


def _clean(value: str) -> str:
    # PostgreSQL's text holds neither NUL nor lone surrogates.
    if any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 or 0xD800 <= ord(c) < 0xE000 for c in value):
        raise ValueError("must not hold control characters")
    return value


def _known_statuses(value: tuple[str, ...] | None) -> tuple[str, ...] | None:
    for status in value or ():
        if status not in STATUSES:
            raise ValueError(f"there is no status {status!r}; there are {', '.join(STATUSES)}")
    return value


BboxParam = Annotated[
    Bbox | None,
    BeforeValidator(_bbox),
    WithJsonSchema(
        {
            "type": "string",
            "description": "west,south,east,north in degrees; west > east crosses 180°",
            "examples": ["106.6,10.7,106.8,10.9"],
        }
    ),
]
"""`Bbox` from `west,south,east,north`."""

CellParam = Annotated[
    Cell | None,
    BeforeValidator(_cell),
    WithJsonSchema(
        {
            "type": "integer",
            "minimum": 1,
            "maximum": LAST_ID,
            "description": "a cell of the reports tiles, by its `cell`: 1 << 2 * level | z-order "
            "number",
            "examples": [1],
        }
    ),
]
"""`Cell` from its id."""

TimeParam = Annotated[
    AwareDatetime | None,
    BeforeValidator(_time),
    AfterValidator(_utc),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""RFC 3339 with a zone → aware `datetime` in UTC."""

_THEN_OR_TODAY = (
    "`then`: the ward on the report's own day, before any reform moved it; `today`: the ward of "
    "today that its place is in, also of a report from before a reform. Of a report whose place is "
    "shown only roughly both follow from the ward that answers for it, so that they tell no more"
)

WardsParam = Annotated[Literal["then", "today"], Field(description=_THEN_OR_TODAY)]
"""Whose wards counts by ward and their filter `ward` go by."""

ListedWardsParam = Annotated[
    Literal["then", "today"] | None,
    Field(
        description="which ward of a report `ward` means; left out: the one that answers for it, "
        "as in its member `ward` (a reform moves open reports, closed ones stay in the ward of "
        f"their day), and as on the map. {_THEN_OR_TODAY}"
    ),
]
"""Whose wards the filter `ward` of a list goes by."""

CodesParam = Annotated[
    tuple[str, ...] | None,
    BeforeValidator(_codes),
    WithJsonSchema({"type": "string", "description": "one code, or several with commas"}),
]
"""`a,b` (or the parameter given twice) → `("a", "b")`; empty is as if it were not there."""

StatusesParam = Annotated[
    CodesParam,
    AfterValidator(_known_statuses),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": f"^({'|'.join(STATUSES)})(,({'|'.join(STATUSES)}))*$",
            "description": "one status, or several with commas",
        }
    ),
]
"""As `CodesParam`, of a report's statuses."""

KindParam = Annotated[str | None, Field(pattern="^(incident|suggestion)$")]
"""A report's kind."""

PlainText = Annotated[str, AfterValidator(_clean)]
"""Text that PostgreSQL can hold."""

Said = Annotated[PlainText, AfterValidator(visible)]
"""`PlainText` that people are shown, or that is compared with such: without what is not seen."""

DayParam = Annotated[date | None, BeforeValidator(_day)]
"""ISO 8601 day → `date`."""

LonParam = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False, description="degrees")]
"""WGS 84 longitude."""

LatParam = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False, description="degrees")]
"""WGS 84 latitude."""

LimitParam = Annotated[int, Field(ge=1, le=1000, description="how many at most")]
"""Size of a page."""

CursorParam = Annotated[
    str | None,
    Field(max_length=200, description="where the page before ended: from its `next` link"),
]
"""Opaque; `decode_cursor` reads it."""


class Page(BaseModel):
    """Query of a paged list; anything it does not know is refused by name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: LimitParam = 100
    cursor: CursorParam = None


def encode_cursor(*parts: str | int) -> str:
    """An opaque cursor holding the sort key of a page's last row."""
    packed = json.dumps(parts, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def encode_moment(at: datetime, row_id: UUID) -> str:
    """The cursor of a list that is sorted by time and id."""
    return encode_cursor((at - _EPOCH) // _MICROSECOND, str(row_id))


def decode_moment(cursor: str) -> tuple[datetime, UUID]:
    """What `encode_moment` was given; raises `Invalid`."""
    since_epoch, row_id = decode_cursor(cursor, int, str)
    try:
        return _EPOCH + timedelta(microseconds=since_epoch), UUID(row_id)
    except (ValueError, OverflowError):
        raise Invalid("the cursor is none that this service gave; begin again without it") from None


def decode_key(cursor: str, bits: int = 63) -> int:
    """The one whole number of a cursor, as a column of so many bits holds it; raises `Invalid`."""
    # whoever made up a larger number begins at the start
    key: int = decode_cursor(cursor, int)[0]
    return max(-1, min(key, (1 << bits) - 1))


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def decode_cursor(cursor: str, *kinds: type) -> tuple[Any, ...]:
    """The parts that `encode_cursor` was given, each of its kind; raises `Invalid`."""
    try:
        packed = base64.b64decode(
            cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True
        )
        parts = json.loads(packed)
    except (UnicodeError, binascii.Error, ValueError, RecursionError):
        parts = None
    shaped = isinstance(parts, list) and [type(part) for part in parts] == list(kinds)
    if not shaped or encode_cursor(*parts) != cursor:
        message = "is none that this service gave; begin again without it"
        raise Invalid(
            f"the cursor {message}", errors=[{"field": "cursor", "message": message}]
        ) from None
    return tuple(parts)
