"""The marks on the map: reports, hotspots, schools, clinics and other places."""

from typing import Any, Final

from geo.facilities.kinds import GROUPS
from tiles.ground import REGULAR, STRONG, Json, by_zoom, layer
from tiles.layers import FACILITY_POINTS_ZOOM, HULLS_ZOOM
from tiles.palette import Palette

_REPORTS_WORD: Final = {"vi": " phản ánh", "en": " reports"}
_MILLION: Final = {"vi": "tr", "en": "M"}


def hotspots(colours: Palette) -> list[Json]:
    """The area of each hotspot, below what it holds."""
    return [
        layer(
            "hotspots",
            "hotspot-hull",
            "fill",
            "hotspots",
            minzoom=HULLS_ZOOM,
            paint={
                "fill-color": colours.hotspot,
                "fill-opacity": by_zoom(10, 0.35, 13, 0.22, 16, 0.14),
            },
        ),
    ]


def hotspot_edges(colours: Palette) -> list[Json]:
    """Outlines above everything they hold; rings where hulls are too small to see."""
    size = ["sqrt", ["get", "n"]]
    return [
        layer(
            "hotspots",
            "hotspot-ring",
            "circle",
            "hotspots",
            part="hotspot_points",
            maxzoom=13,
            paint={
                "circle-color": colours.hotspot,
                "circle-opacity": 0.14,
                "circle-radius": [
                    *("interpolate", ["linear"], ["zoom"]),
                    *(6, ["+", 3, ["*", 0.35, size]]),
                    *(12, ["+", 8, ["*", 1.1, size]]),
                ],
                "circle-stroke-color": colours.hotspot_line,
                "circle-stroke-width": by_zoom(6, 1.2, 11, 2.4),
                "circle-stroke-opacity": by_zoom(12, 0.9, 13, 0),
            },
        ),
        layer(
            "hotspots",
            "hotspot-edge",
            "line",
            "hotspots",
            minzoom=HULLS_ZOOM,
            layout={"line-join": "round"},
            paint={
                "line-color": colours.hotspot_line,
                "line-opacity": 0.85,
                "line-width": by_zoom(10, 0.8, 13, 1.6, 16, 2.4),
            },
        ),
    ]


def hotspot_counts(colours: Palette, lang: str) -> list[Json]:
    """How many reports a hotspot holds."""
    return [
        layer(
            "hotspots",
            "hotspot-count",
            "symbol",
            "hotspots",
            part="hotspot_points",
            minzoom=14,
            layout={
                "text-field": ["concat", ["to-string", ["get", "n"]], _REPORTS_WORD[lang]],
                "text-font": STRONG,
                "text-size": by_zoom(14, 11, 16, 13),
                "symbol-sort-key": ["-", 0, ["get", "n"]],
                "text-padding": 4,
                "text-variable-anchor": ["bottom", "top", "left", "right"],
                "text-radial-offset": by_zoom(13, 1.4, 16, 3),
            },
            paint={
                "text-color": colours.hotspot_text,
                "text-halo-color": colours.label_halo,
                "text-halo-width": 1.6,
            },
        ),
    ]


def report_points(colours: Palette) -> list[Json]:
    """Single reports by the colour of their family."""
    family: list[Any] = ["match", ["get", "family"]]
    for code, colour in colours.families.items():
        family += [code, colour]
    is_open = [">", ["get", "open_count"], 0]
    return [
        layer(
            "reports",
            "report-point",
            "circle",
            "reports",
            filter=["==", ["get", "point_count"], 1],
            layout={"circle-sort-key": ["get", "open_count"]},
            paint={
                "circle-color": [*family, colours.unknown_family],
                "circle-radius": by_zoom(8, 2, 11, 2.8, 13, 4, 15, 6, 18, 10),
                # what is settled stands back behind what is open
                "circle-opacity": ["case", is_open, 0.95, 0.5],
                "circle-stroke-color": colours.mark_edge,
                "circle-stroke-width": by_zoom(10, 0.4, 13, 1, 16, 1.6),
                "circle-stroke-opacity": ["case", is_open, 0.95, 0.5],
            },
        )
    ]


def report_cells(colours: Palette) -> list[Json]:
    """Many reports as one circle, larger and darker with their number."""
    count = ["get", "point_count"]
    # By the logarithm: a hundred reports are not drawn ten times as large as ten.
    size = ["log10", count]
    few, below, above, most = colours.cell
    return [
        layer(
            "reports",
            "report-cell",
            "circle",
            "reports",
            filter=[">", count, 1],
            layout={"circle-sort-key": count},
            paint={
                "circle-color": [
                    *("interpolate", ["linear"], size),
                    *(0.3, few, 1.9, below, 2.1, above, 3.3, most),
                ],
                "circle-radius": [
                    *("interpolate", ["linear"], size),
                    *(0.3, 8, 1, 12, 2, 18, 3, 25, 4, 32),
                ],
                "circle-opacity": 0.94,
                "circle-stroke-color": colours.cell_edge,
                "circle-stroke-width": 1.5,
                "circle-stroke-opacity": 0.85,
            },
        ),
    ]


def report_counts(colours: Palette, lang: str) -> list[Json]:
    """The numbers in those circles, as the language writes them."""
    count = ["get", "point_count"]

    def short(unit: int, step: int, word: str) -> list[Any]:
        rounded = ["/", ["round", ["/", count, step]], unit // step]
        return ["concat", ["number-format", rounded, {"locale": lang}], word]

    dark, light = colours.cell_text
    return [
        layer(
            "reports",
            "report-count",
            "symbol",
            "reports",
            filter=[">", count, 1],
            layout={
                # 999, 1.2k, 12k, 1.2M; 999, 1,2k, 12k, 1,2tr
                "text-field": [
                    *("step", count, ["to-string", count]),
                    *(1_000, short(1_000, 100, "k")),
                    *(9_950, short(1_000, 1_000, "k")),
                    *(999_500, short(1_000_000, 100_000, _MILLION[lang])),
                    *(9_950_000, short(1_000_000, 1_000_000, _MILLION[lang])),
                ],
                "text-font": STRONG,
                "text-size": [
                    *("interpolate", ["linear"], ["log10", count]),
                    *(0.3, 10, 2, 12, 4, 15),
                ],
                "symbol-sort-key": ["-", 0, count],
                "text-allow-overlap": True,
                "text-padding": 0,
            },
            paint={"text-color": ["step", count, dark, 100, light]},
        ),
    ]


def facilities(colours: Palette, group: str, colour: str) -> list[Json]:
    """Schools, clinics or other places: circles from afar, then dots, then icons with names."""
    ours = ["==", ["get", "group"], group]
    single = ["==", ["get", "point_count"], 1]
    several = [">", ["get", "point_count"], 1]
    icons: list[Any] = ["match", ["get", "kind"]]
    for kind in GROUPS[group]:
        icons += [kind, kind]
    # Places nobody can switch off appear late; schools and clinics as soon as they are points.
    from_zoom = 14 if group == "other" else FACILITY_POINTS_ZOOM
    switch = group if group in ("schools", "clinics") else "other"
    dots = layer(
        switch,
        f"{group}-dot",
        "circle",
        "facilities",
        minzoom=from_zoom,
        maxzoom=14,
        filter=["all", ours, single],
        paint={
            "circle-color": colour,
            # a hint from afar, a mark near by
            "circle-radius": by_zoom(FACILITY_POINTS_ZOOM, 1.6, 14, 4.5),
            "circle-opacity": by_zoom(FACILITY_POINTS_ZOOM, 0.4, 13, 0.8, 14, 1),
            "circle-stroke-color": colours.mark_edge,
            "circle-stroke-width": by_zoom(12, 0, 13, 0.8),
        },
    )
    cells = layer(
        switch,
        f"{group}-cell",
        "circle",
        "facilities",
        filter=["all", ours, several],
        paint={
            "circle-color": colour,
            "circle-opacity": 0.3,
            "circle-radius": [
                *("interpolate", ["linear"], ["log10", ["get", "point_count"]]),
                *(0, 1.6, 1, 4, 2, 7, 3, 11),
            ],
        },
    )
    marks = layer(
        switch,
        f"{group}-mark",
        "symbol",
        "facilities",
        minzoom=14,
        filter=["all", ours, single],
        layout={
            "icon-image": [*icons, "other"],
            "icon-size": by_zoom(14, 0.7, 16, 0.9, 18, 1.1),
            "icon-allow-overlap": True,
            "text-field": ["step", ["zoom"], "", 15, ["coalesce", ["get", "name"], ""]],
            "text-font": REGULAR,
            "text-size": 11.5,
            "text-max-width": 9,
            "text-optional": True,
            "text-variable-anchor": ["top", "bottom", "left", "right"],
            "text-radial-offset": 1.05,
            "text-justify": "auto",
        },
        paint={
            "text-color": colour,
            "text-halo-color": colours.label_halo,
            "text-halo-width": 1.5,
        },
    )
    return [cells, dots, marks] if group != "other" else [marks]
