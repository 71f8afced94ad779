"""A rule book (TOML): organisations, zones, rules of routing and of deadlines, the city's own days.

It is all of them: what is not in it is not a rule any more. `docs/rules.md` shows one.
"""

import json
import re
import tomllib
from datetime import date, time, timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import shapely
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from shapely import GEOSException

from geo.errors import Invalid, UnreadableFile
from geo.facilities.kinds import KINDS
from geo.reports.deadlines.clock import WorkingClock

_CODE: Final = r"^[a-z0-9]+([._-][a-z0-9]+)*$"
_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(d|h|m)")
_MINUTES: Final = {"d": 1440, "h": 60, "m": 1}
# More is a slip of the pen, and the clock of working time would not come to its end.
_LONGEST_DAYS: Final = 1_830

Code = Annotated[str, Field(max_length=60, pattern=_CODE)]
Clock = Literal["working", "calendar"]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Name(_Entry):
    """In both languages."""

    vi: Annotated[str, Field(min_length=1, max_length=200)]
    en: Annotated[str, Field(min_length=1, max_length=200)]


class OrganisationEntry(_Entry):
    """Somebody who can answer for reports; ward committees are there already (`ward-<code>`)."""

    code: Code
    name: Name


class ZoneEntry(_Entry):
    """An area that is no ward: `file` is GeoJSON beside the rule book (WGS 84)."""

    code: Code
    name: Name
    file: str


class Near(_Entry):
    """A facility of this kind lies within so many geodesic metres."""

    kind: str
    within_m: Annotated[int, Field(ge=1, le=5000)]

    @model_validator(mode="after")
    def _known(self) -> "Near":
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}")
        return self


def _span(value: Any) -> Any:
    found = _SPAN.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None or float(found[1]) <= 0:
        raise ValueError("must be a time like 30m, 4h or 10d (days of work where it is working)")
    if float(found[1]) * _MINUTES[found[2]] > _LONGEST_DAYS * _MINUTES["d"]:
        raise ValueError(f"must be a time of at most {_LONGEST_DAYS}d")
    return f"{found[1]}{found[2]}"


Span = Annotated[str, BeforeValidator(_span)]


class RoutingEntry(_Entry):
    """A rule of routing; what it leaves out fits everything (`geo.reports.routing.rules`)."""

    code: Code
    position: Annotated[int, Field(ge=0, le=1_000_000)]
    category: str | None = None
    wards: Annotated[list[str], Field(min_length=1)] | None = None
    zone: str | None = None
    near: Near | None = None
    hours: Annotated[str, Field(pattern=r"^\d\d:\d\d-\d\d:\d\d$")] | None = None
    weekdays: Annotated[list[Annotated[int, Field(ge=1, le=7)]], Field(min_length=1)] | None = None
    organisation: str | None = None
    informs_ward: bool = True
    priority: Annotated[int, Field(ge=1, le=3)] = 2
    first_reply: Span | None = None
    resolve: Span | None = None
    clock: Clock = "working"
    since: date | None = None
    until: date | None = None

    @model_validator(mode="after")
    def _ordered(self) -> "RoutingEntry":
        _in_order(self.since, self.until)
        _ = self.times
        return self

    @property
    def times(self) -> tuple[time, time] | None:
        """`hours`, from and until before."""
        if self.hours is None:
            return None
        begin, _, end = self.hours.partition("-")
        # A day's end is written as the next one's beginning.
        return time.fromisoformat(begin), time.fromisoformat("00:00" if end == "24:00" else end)


class DeadlineEntry(_Entry):
    """What a category, a family, or all others (`*`) promise between two days of the city."""

    category: str
    promise: Literal["first_reply", "resolve"]
    amount: Span
    clock: Clock
    since: date | None = None
    until: date | None = None
    source: Annotated[str, Field(max_length=200)] = ""

    @model_validator(mode="after")
    def _ordered(self) -> "DeadlineEntry":
        _in_order(self.since, self.until)
        return self


class DayEntry(_Entry):
    """A day off, or worked, that the country's calendar does not know or has otherwise."""

    day: date
    works: bool
    name: Name


class RuleBook(_Entry):
    """All that such a file holds."""

    organisation: list[OrganisationEntry] = Field(default_factory=list)
    zone: list[ZoneEntry] = Field(default_factory=list)
    routing: list[RoutingEntry] = Field(default_factory=list)
    deadline: list[DeadlineEntry] = Field(default_factory=list)
    day: list[DayEntry] = Field(default_factory=list)

    @model_validator(mode="after")
    def _once(self) -> "RuleBook":
        for kind, names in (
            ("organisation", [each.code for each in self.organisation]),
            ("zone", [each.code for each in self.zone]),
            ("routing", [each.code for each in self.routing]),
            ("day", [each.day.isoformat() for each in self.day]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{kind}: {', '.join(twice)} is there more than once")
        return self


def read(path: Path) -> RuleBook:
    """The rule book of a file; raises `UnreadableFile`, and `Invalid` naming what is wrong."""
    try:
        written = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UnreadableFile(f"{path.name} cannot be read as TOML: {error}") from None
    try:
        return RuleBook.model_validate(written)
    except ValidationError as error:
        found = [_told(written, each) for each in error.errors(include_url=False)]
        raise Invalid(
            f"{path.name}: " + "; ".join(f"{each['field']}: {each['message']}" for each in found),
            errors=found,
        ) from None


def shape_of(zone: ZoneEntry, beside: Path) -> str:
    """GeoJSON geometry of a zone's polygons (those of a FeatureCollection joined).

    Raises `Invalid` where it is not one valid area of WGS 84 degrees.
    """
    path = beside.parent / zone.file
    try:
        written = json.loads(path.read_text("utf-8"))
        features = written.get("features", [written])
        parts = [shapely.geometry.shape(each.get("geometry", each)) for each in features]
        area = shapely.union_all(parts)
    except (OSError, ValueError, LookupError, AttributeError, TypeError, GEOSException) as error:
        raise Invalid(f"zone {zone.code}: {zone.file} cannot be read as GeoJSON: {error}") from None
    if area.is_empty or area.geom_type not in ("Polygon", "MultiPolygon"):
        raise Invalid(f"zone {zone.code}: {zone.file} must hold polygons")
    west, south, east, north = area.bounds
    if not (west >= -180 and east <= 180 and south >= -90 and north <= 90):
        raise Invalid(f"zone {zone.code}: {zone.file} must be in WGS 84 degrees, lon before lat")
    return str(shapely.to_geojson(area))


def as_time(span: str, clock: str, working: WorkingClock) -> timedelta:
    """`4h` as a time; a day of work is as long as the city's working hours are."""
    amount, unit = float(span[:-1]), span[-1]
    if unit == "d":
        return amount * (working.a_day if clock == "working" else timedelta(days=1))
    return timedelta(**{{"h": "hours", "m": "minutes"}[unit]: amount})


def _in_order(since: date | None, until: date | None) -> None:
    if since is not None and until is not None and until <= since:
        raise ValueError("until must be a day after since; it is the first day without the rule")


def _told(written: dict[str, Any], error: Any) -> dict[str, str]:
    """Where it is, by the entry's code as well as its place, and what is wrong."""
    place = [str(part) for part in error["loc"]]
    if len(error["loc"]) > 1 and isinstance(error["loc"][1], int):
        entry = written[place[0]][error["loc"][1]]
        named = entry.get("code") if isinstance(entry, dict) else None
        place[1] = f"{error['loc'][1] + 1}" + (f" ({named})" if named else "")
    message = error["msg"].removeprefix("Value error, ")
    return {"field": " ".join(place) or "file", "message": message}
