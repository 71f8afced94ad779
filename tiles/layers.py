"""What each layer is: its zooms, the layers inside its tiles, their fields and types.

The TileJSON says exactly this, the SQL delivers it, and the tests hold one against the other.
"""

from dataclasses import dataclass
from typing import Final

from geo.errors import NotFound
from geo.store.tables.alerts import ALERT_KINDS, CERTAINTIES, SEVERITIES, URGENCIES
from geo.store.tables.reports import OPEN_STATUSES, STATUSES
from tiles.address import MAX_ZOOM, TileAddress

# A tile with more reports (facilities) than this carries cells instead of points. From afar fewer:
# a thousand dots side by side say less than their number, and neighbouring tiles should look alike.
MOST_POINTS: Final = 1500
MOST_POINTS_AFAR: Final = 250
NEAR_ZOOM: Final = 13
# Facilities are cells below this zoom however few they are: single dots would only overlap.
FACILITY_POINTS_ZOOM: Final = 11
# Labels of wards are in the tiles from this zoom on; below there is no room to write them.
LABELS_ZOOM: Final = 9
# Beside labels, areas carry the longer names too from this zoom on.
NAMES_ZOOM: Final = 10
# Hulls of hotspots are drawn from this zoom on; below, one of 100 m is smaller than two pixels.
HULLS_ZOOM: Final = 11

_COUNT = "Number: how many {} this feature stands for; the sum over a zoom's tiles is their count"
_TESTED = {
    "relative_risk": "Number: the category's odds here by those around",
    "p_value": "Number: chance of any such place on the map",
    "trend": "String: new, sporadic, intensifying, diminishing, persistent; absent: not known",
}
_ABSENT_IN_CELLS = "; absent in cells"
_CELL_NOTE = "; absent where a feature stands for more than one"


@dataclass(frozen=True, slots=True)
class VectorLayer:
    """A layer inside a tile. `fields` maps each to its type and meaning, as TileJSON wants."""

    id: str
    description: str
    geometry: str
    fields: dict[str, str]
    min_zoom: int = 0


@dataclass(frozen=True, slots=True)
class Layer:
    """What is served under `/tiles/{id}`; `max_age_s` is how long browsers may keep a tile.

    A tile with a `clock_s` changes with the time alone (something expires): whoever keeps one makes
    it anew after so many seconds, though no data changed. A `private` layer is for signed-in staff,
    each tile for one of them: no cache may keep it, and nothing public may hold it.
    """

    id: str
    title: dict[str, str]
    min_zoom: int
    max_zoom: int
    max_age_s: int
    parts: tuple[VectorLayer, ...]
    clock_s: int | None = None
    private: bool = False

    def check_zoom(self, address: TileAddress) -> None:
        """Raise `NotFound` outside the layer's zooms."""
        if not self.min_zoom <= address.z <= self.max_zoom:
            raise NotFound(
                f"{self.id} has tiles at zoom {self.min_zoom} to {self.max_zoom}, "
                f"none at zoom {address.z}"
            )


REPORTS: Final = Layer(
    id="reports",
    title={"vi": "Phản ánh", "en": "Reports"},
    min_zoom=0,
    max_zoom=MAX_ZOOM,
    # A report just sent must be on the map at once: browsers ask each time (ETag, 304).
    max_age_s=0,
    parts=(
        VectorLayer(
            id="reports",
            description=(
                f"Public reports, each in exactly one tile of every zoom: points where a tile has "
                f"at most {MOST_POINTS} ({MOST_POINTS_AFAR} below zoom {NEAR_ZOOM}) that can be "
                "read at once, else 8 x 8 cells with counts"
            ),
            geometry="point",
            fields={
                "point_count": _COUNT.format("reports"),
                "open_count": "Number: how many of them are open",
                **{
                    f"{status}_count": f"Number: how many of them are {status}; absent when none, "
                    "and in tiles of points"
                    for status in STATUSES
                },
                "cell": "Number: the cell, one number over all zooms, also the feature's id; its "
                "reports are listed by /api/v1/reports?cell=; absent on points",
                "code": f"String: code of the report{_ABSENT_IN_CELLS}",
                "category": f"String: category code{_ABSENT_IN_CELLS}",
                "family": f"String: code of the category's family{_ABSENT_IN_CELLS}",
                "status": f"String: one of {', '.join(STATUSES)}{_ABSENT_IN_CELLS}",
                "kind": f"String: incident or suggestion{_ABSENT_IN_CELLS}",
                "created": "String: day it came in, YYYY-MM-DD in the city's time"
                f"{_ABSENT_IN_CELLS}",
            },
        ),
    ),
)

WARDS: Final = Layer(
    id="wards",
    title={"vi": "Phường, xã", "en": "Wards"},
    min_zoom=6,
    max_zoom=14,
    max_age_s=300,
    parts=(
        VectorLayer(
            id="wards",
            description="Wards in force on the day; cut at the tile's edge",
            geometry="polygon",
            fields={
                "code": "String: the ward's code",
                "name": f"String: name without its kind; from zoom {LABELS_ZOOM} on",
                "name_full": "String: name with its kind, e.g. Phường Bến Thành; from zoom "
                f"{NAMES_ZOOM} on",
                "name_en": f"String: English name; from zoom {NAMES_ZOOM} on, absent when not "
                "known",
                "kind": "String: ward, commune, town, special_zone, district or other",
            },
        ),
        VectorLayer(
            id="ward_labels",
            description=(
                f"One point well inside each ward, in exactly one tile of every zoom from "
                f"{LABELS_ZOOM} on"
            ),
            geometry="point",
            min_zoom=LABELS_ZOOM,
            fields={
                "code": "String: the ward's code",
                "name": "String: name without its kind",
                "name_full": "String: name with its kind, e.g. Phường Bến Thành",
                "name_en": "String: English name; absent when not known",
                "kind": "String: ward, commune, town, special_zone, district or other",
                "room_m": "Number: radius in metres of the largest circle inside the ward",
            },
        ),
    ),
)

HOTSPOTS: Final = Layer(
    id="hotspots",
    title={"vi": "Điểm nóng", "en": "Hotspots"},
    min_zoom=0,
    max_zoom=14,
    max_age_s=60,
    parts=(
        VectorLayer(
            id="hotspots",
            description=f"Hulls of the newest answer's hotspots, from zoom {HULLS_ZOOM}",
            geometry="polygon",
            min_zoom=HULLS_ZOOM,
            fields={
                "id": "String: id of the hotspot, the same from day to day",
                "category": "String: category code",
                "family": "String: code of the category's family",
                "n": "Number: reports in it",
                "events": "Number: what is left of them when repeats count once",
                "expected": "Number: events, from what people there report otherwise",
                **_TESTED,
                "first_seen": "String: the first day that had it, YYYY-MM-DD in the city's time",
                "last_seen": "String: the last day looked at, YYYY-MM-DD in the city's time",
                "area_m2": "Number: area of the hull in square metres",
            },
        ),
        VectorLayer(
            id="hotspot_points",
            description="A point inside each hotspot, in exactly one tile of every zoom",
            geometry="point",
            fields={
                "id": "String: id of the hotspot, the same from day to day",
                "category": "String: category code",
                "family": "String: code of the category's family",
                "n": "Number: reports in it",
                **_TESTED,
                "point_count": _COUNT.format("hotspots"),
            },
        ),
    ),
)

FACILITIES: Final = Layer(
    id="facilities",
    title={"vi": "Trường học, y tế và nơi công cộng", "en": "Schools, clinics and public places"},
    min_zoom=5,
    max_zoom=16,
    max_age_s=300,
    parts=(
        VectorLayer(
            id="facilities",
            description=(
                f"Facilities, each in exactly one tile of every zoom: points from zoom "
                f"{FACILITY_POINTS_ZOOM} where a tile has at most {MOST_POINTS}, else 8 x 8 "
                "cells for each group with counts"
            ),
            geometry="point",
            fields={
                "point_count": _COUNT.format("facilities"),
                "group": "String: schools, clinics or other",
                "kind": f"String: school, kindergarten, university, clinic, …{_CELL_NOTE}",
                "name": f"String: name; absent when it has none{_CELL_NOTE}",
            },
        ),
    ),
)

_ALERT_FIELDS: Final = {
    "id": "Number: id of the alert",
    "kind": f"String: one of {', '.join(ALERT_KINDS)}",
    "severity": f"String: one of {', '.join(SEVERITIES)}",
    "rank": "Number: the severity as a number, 1 minor to 4 extreme",
    "urgency": f"String: one of {', '.join(URGENCIES)}",
    "certainty": f"String: one of {', '.join(CERTAINTIES)}",
    "headline": "String: headline in Vietnamese",
    "headline_en": "String: headline in English; absent when there is none",
    "effective": "String: in force from, RFC 3339, UTC",
    "expires": "String: in force until, RFC 3339, UTC",
}

ALERTS: Final = Layer(
    id="alerts",
    title={"vi": "Cảnh báo", "en": "Alerts"},
    min_zoom=0,
    max_zoom=14,
    max_age_s=0,
    # they begin and end by the clock
    clock_s=10,
    parts=(
        VectorLayer(
            id="alerts",
            description="Areas of the alerts in force now, cut at the tile's edge; the worst last",
            geometry="polygon",
            fields=_ALERT_FIELDS,
        ),
        VectorLayer(
            id="alert_points",
            description="A point inside each alert in force, in exactly one tile of every zoom",
            geometry="point",
            fields={**_ALERT_FIELDS, "point_count": _COUNT.format("alerts")},
        ),
    ),
)

_POINTS_ONLY: Final = "; absent in tiles of cells"
TASKS: Final = Layer(
    id="tasks",
    title={"vi": "Việc cần làm", "en": "Tasks"},
    min_zoom=0,
    max_zoom=MAX_ZOOM,
    max_age_s=0,
    clock_s=10,
    private=True,
    parts=(
        VectorLayer(
            id="tasks",
            description=(
                "Assigned, open reports that the signed-in account works on, at their true place, "
                f"each in exactly one tile of every zoom: points where a tile has at most "
                f"{MOST_POINTS} ({MOST_POINTS_AFAR} below zoom {NEAR_ZOOM}), else 8 x 8 cells with "
                "counts"
            ),
            geometry="point",
            fields={
                "point_count": _COUNT.format("tasks"),
                "late_count": "Number: how many of them are late",
                "code": f"String: code of the report{_POINTS_ONLY}",
                "category": f"String: category code{_POINTS_ONLY}",
                "family": f"String: code of the category's family{_POINTS_ONLY}",
                "status": f"String: one of {', '.join(OPEN_STATUSES)}{_POINTS_ONLY}",
                "due": "String: day it is due, YYYY-MM-DD in the city's time; absent without one"
                f" and{_POINTS_ONLY.partition('absent')[2]}",
                "late": f"Boolean: past its due time, and not waiting for others{_POINTS_ONLY}",
            },
        ),
    ),
)

LAYERS: Final[dict[str, Layer]] = {
    layer.id: layer for layer in (WARDS, REPORTS, HOTSPOTS, FACILITIES, ALERTS, TASKS)
}
PUBLIC: Final[tuple[str, ...]] = tuple(id for id, layer in LAYERS.items() if not layer.private)
"""The layers for everybody."""


def layer_of(name: str) -> Layer:
    """The layer of this name; raises `NotFound` naming those there are."""
    if name not in LAYERS:
        raise NotFound(f"there is no layer {name!r}; there are {', '.join(LAYERS)}")
    return LAYERS[name]
