"""What a change is called and told as on a stream, and who wants to hear it.

Public fields only. Who comes back late is told of a report that was hidden or erased meanwhile
nothing but its code, and of one that was blurred meanwhile the blurred place.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from geo.reports.times import rfc3339
from geo.store.area import Bbox
from geo.store.cells import BLUR_LEVEL
from geo.store.changes import Change, Seen, Today
from geo.store.tables.reports import OPEN_STATUSES
from tiles.address import TileAddress, middle_of, tile_of

Place = tuple[float, float]
Box = tuple[float, float, float, float]

# So long all is told as it was: it was public a moment ago, to everybody who listened.
_JUST_NOW = timedelta(minutes=1)
# As the database blurs: the middle of the cell's own cell of zoom 18.
_BLUR_BITS = 16
_BLUR_MIDDLE = 3 << 14


@dataclass(frozen=True, slots=True)
class Event:
    """One event as it is sent; where it happened (empty: everywhere), and in what categories.

    A place is a box, a point's without a width: whom it is told by what they ask for must not say
    more than its body does.
    """

    seq: int
    name: str
    body: bytes
    places: tuple[Box, ...] = ()
    categories: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a stream is about; None does not filter, `category` may name families."""

    bbox: Bbox | None = None
    category: frozenset[str] | None = None

    def takes(self, event: Event) -> bool:
        """Whether the event happened in the box, before or after, and in these categories."""
        if self.category and event.categories and not self.category & event.categories:
            return False
        return (
            self.bbox is None
            or not event.places
            or any(self.bbox.meets(*box) for box in event.places)
        )


def encoded(name: str, seq: int, data: dict[str, Any]) -> bytes:
    """An event as `text/event-stream`."""
    packed = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"id: {seq}\nevent: {name}\ndata: {packed}\n\n".encode()


def reset(seq: int) -> bytes:
    """Some changes before `seq` are not told: what a page holds must be loaded anew."""
    return encoded("reset", seq, {"seq": seq})


def event_of(change: Change, now: datetime) -> Event | None:
    """The event a change is, None where it is none for the public (any more)."""
    match change.topic:
        case "report":
            return _of_report(change, now)
        case "reports":
            return Event(change.seq, "reset", reset(change.seq))
        case "hotspots" if change.subject:
            about = frozenset({change.subject, change.family or change.subject})
            body = encoded("hotspots", change.seq, {"category": change.subject})
            return Event(change.seq, "hotspots", body, categories=about)
        case "alert":
            body = encoded("alert", change.seq, {"id": change.subject})
            return Event(change.seq, "alert", body)
    return None


def _of_report(change: Change, now: datetime) -> Event | None:
    sides = [side for side in (change.old, change.new) if side]
    categories = frozenset(name for side in sides for name in (side.category, side.family))
    late = now - change.at > _JUST_NOW
    # What is no longer shown so exactly is matched as roughly as it is shown, or somebody could
    # close in on it by ever smaller boxes.
    rough = late and (change.today is None or change.today.blurred)
    places = [_around(side.cell) if rough else _at(middle_of(side.cell)) for side in sides]
    if change.new is None:
        if late and change.today is None:
            categories = frozenset()
        body = encoded("removed", change.seq, {"code": change.subject})
        return Event(change.seq, "removed", body, tuple(places), categories)
    if change.today is None and late:
        # Hidden or erased since; its `removed` follows.
        return None
    place = _place(change.new, change.today)
    if not rough:
        places[-1] = _at(place)
    name = _name(change.old, change.new)
    body = encoded(name, change.seq, _told(change, change.new, place))
    return Event(change.seq, name, body, tuple(places), categories)


def _at(place: Place) -> Box:
    return (*place, *place)


def _around(cell: int) -> Box:
    """The cell of zoom 18 that holds a cell, within which the public sees a blurred report."""
    return TileAddress(BLUR_LEVEL, *tile_of(cell, BLUR_LEVEL)).bounds


def _name(old: Seen | None, new: Seen) -> str:
    if old is None:
        return "created"
    ended = new.status != old.status and new.status not in OPEN_STATUSES
    return "closed" if ended else "changed"


def _place(new: Seen, today: Today | None) -> Place:
    cell = new.cell
    if today and today.blurred:
        cell = cell >> _BLUR_BITS << _BLUR_BITS | _BLUR_MIDDLE
    # As lists and tiles have it, to the last digit.
    return (today.lon, today.lat) if today and cell == today.cell else middle_of(cell)


def _told(change: Change, new: Seen, place: Place) -> dict[str, Any]:
    return {
        "code": change.subject,
        "category": new.category,
        "family": new.family,
        "status": new.status,
        "open": new.status in OPEN_STATUSES,
        "kind": new.kind,
        "lon": round(place[0], 7),
        "lat": round(place[1], 7),
        "ward": new.ward,
        "created_at": rfc3339(new.created_at),
        "at": rfc3339(change.at),
    }
