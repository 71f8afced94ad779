"""The colours of the map, by day and by night.

Families keep the hue that their icon has on the pages (OKLCH hue, at lightness 0.60 and chroma 0.15
by day, 0.72 and 0.14 by night, so that none shouts over another).
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Palette:
    """One theme's colours, as CSS hex."""

    water: str
    urban: str
    rural: str
    border: str
    border_glow: str
    label: str
    label_halo: str
    mark_edge: str
    # few, below a hundred, above it, very many; the text changes at a hundred too
    cell: tuple[str, str, str, str]
    cell_text: tuple[str, str]
    cell_edge: str
    hotspot: str
    hotspot_line: str
    hotspot_text: str
    # alerts: minor and moderate, severe and extreme
    alert: str
    alert_grave: str
    school: str
    clinic: str
    place: str
    families: dict[str, str]
    unknown_family: str


DAY: Final = Palette(
    water="#d2e0e4",
    urban="#f8f5ee",
    rural="#eef2e4",
    border="#a9aa9b",
    border_glow="#0b665c",
    label="#52635f",
    label_halo="#fbf9f4",
    mark_edge="#ffffff",
    cell=("#d3ebe4", "#93cbbf", "#2b8579", "#0b5c53"),
    cell_text=("#073f38", "#ffffff"),
    cell_edge="#ffffff",
    hotspot="#f07f2e",
    hotspot_line="#d2580c",
    hotspot_text="#9c3d05",
    alert="#8a6100",
    alert_grave="#b3192e",
    school="#2f6fc4",
    clinic="#c8385a",
    place="#7a6a8f",
    families={
        "traffic": "#ca5747",
        "lighting": "#a97600",
        "drainage": "#0486d3",
        "power": "#9d7d00",
        "telecom": "#7970d5",
        "trees": "#3a9742",
        "water": "#0090c3",
        "waste": "#bf6600",
        "noise": "#a75fb7",
        "construction": "#c46016",
        "street": "#c95463",
        "bus": "#009b94",
        "environment": "#009956",
        "health": "#c25485",
        "order": "#537bd9",
    },
    unknown_family="#6d7f86",
)

NIGHT: Final = Palette(
    water="#0a1518",
    urban="#182725",
    rural="#152420",
    border="#3f5a55",
    border_glow="#66cfbb",
    label="#b4c7c2",
    label_halo="#101c1b",
    mark_edge="#0f1b1a",
    cell=("#1d3d38", "#2a6359", "#4fb5a3", "#7fdcca"),
    cell_text=("#d9f2ec", "#05241f"),
    cell_edge="#0f1b1a",
    hotspot="#ff9a4d",
    hotspot_line="#ffae70",
    hotspot_text="#ffcda6",
    alert="#f2c14e",
    alert_grave="#ff8087",
    school="#7fb0f5",
    clinic="#ff8fa8",
    place="#b9a9d1",
    families={
        "traffic": "#ef806f",
        "lighting": "#cd9c1f",
        "drainage": "#4dacf6",
        "power": "#c0a320",
        "telecom": "#9c96f8",
        "trees": "#67bb6b",
        "water": "#00b6e6",
        "waste": "#e38d3d",
        "noise": "#cb86db",
        "construction": "#e9884d",
        "street": "#ef7d88",
        "bus": "#00bfb8",
        "environment": "#4ebe7d",
        "health": "#e87da9",
        "order": "#79a1fc",
    },
    unknown_family="#9fb0b5",
)
