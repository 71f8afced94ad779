"""Alerts on the map: where they hold, and a sign with the headline on top of everything."""

from typing import Any, Final

from tiles.ground import STRONG, Json, by_zoom, layer
from tiles.palette import Palette

# From here on a sign tells its headline; from afar the signs alone are enough.
HEADLINES_ZOOM: Final = 10


def areas(colours: Palette) -> list[Json]:
    """The area of each alert, a veil under the marks, and its dashed edge."""
    return [
        layer(
            "alerts",
            "alert-area",
            "fill",
            "alerts",
            paint={
                "fill-color": _by_severity(colours.alert, colours.alert_grave),
                # near by the veil must not take the colour from what lies in it
                "fill-opacity": by_zoom(6, 0.22, 12, 0.13, 16, 0.07),
                "fill-antialias": False,
            },
        ),
        layer(
            "alerts",
            "alert-edge",
            "line",
            "alerts",
            layout={"line-join": "round"},
            paint={
                "line-color": _by_severity(colours.alert, colours.alert_grave),
                "line-opacity": 0.8,
                "line-width": by_zoom(6, 1, 12, 1.8, 16, 2.6),
                "line-dasharray": [3, 1.6],
            },
        ),
    ]


def signs(colours: Palette, lang: str) -> list[Json]:
    """A warning sign for each alert, whatever its size, and what it says."""
    local = ["get", "headline"]
    headline = ["coalesce", ["get", "headline_en"], local] if lang == "en" else local
    return [
        layer(
            "alerts",
            "alert-sign",
            "symbol",
            "alerts",
            part="alert_points",
            layout={
                "icon-image": _by_severity("alert", "alert-grave"),
                "icon-size": by_zoom(6, 0.75, 11, 1, 15, 1.2),
                "icon-allow-overlap": True,
                # the worst is placed first: where there is room for one headline it is its
                "symbol-sort-key": ["-", 0, ["get", "rank"]],
                "text-field": ["step", ["zoom"], "", HEADLINES_ZOOM, headline],
                "text-font": STRONG,
                "text-size": by_zoom(HEADLINES_ZOOM, 11.5, 14, 13),
                "text-max-width": 11,
                "text-optional": True,
                "text-variable-anchor": ["top", "bottom", "left", "right"],
                "text-radial-offset": 1.25,
                "text-justify": "auto",
            },
            paint={
                "text-color": _by_severity(colours.alert, colours.alert_grave),
                "text-halo-color": colours.label_halo,
                "text-halo-width": 1.8,
            },
        )
    ]


def _by_severity(lesser: str, grave: str) -> list[Any]:
    return ["match", ["get", "severity"], ["severe", "extreme"], grave, lesser]
