"""MapLibre styles over our own layers: a calm map that needs nothing from anyone else.

Text is drawn from the fonts of the page or the device (no `glyphs` address): maplibre-gl does so
from version 5.11. Every layer says in `metadata["pinward:group"]` which switch of the page it
belongs to: wards, reports, hotspots, schools, clinics, or other (always shown).
"""

from typing import Any, Final

from geo.errors import NotFound
from geo.facilities.kinds import GROUPS
from tiles.layers import FACILITY_POINTS_ZOOM, HULLS_ZOOM, LAYERS
from tiles.palette import DAY, NIGHT, Palette
from tiles.tilejson import Extent

NAMES: Final = {"pinward": DAY, "pinward-dark": NIGHT}

# The page's typeface, then the system's; the first name also tells the weight.
_REGULAR: Final = ["Be Vietnam Pro", "sans-serif"]
_STRONG: Final = ["Be Vietnam Pro SemiBold", "Be Vietnam Pro", "sans-serif"]

_REPORTS_WORD: Final = {"vi": " phản ánh", "en": " reports"}

Json = dict[str, Any]


def build(name: str, lang: str, *, base: str, view: Extent | None, basemap: str = "") -> Json:
    """The style `name` with its sources under `base`; raises `NotFound` on an unknown name.

    `lang` is vi or en; `view` is where the map opens; `basemap` is a raster template drawn below.
    """
    if name not in NAMES:
        raise NotFound(f"there is no style {name!r}; there are {', '.join(NAMES)}")
    colours = NAMES[name]
    style: Json = {
        "version": 8,
        "name": "Pinward" if colours is DAY else "Pinward, dark",
        "metadata": {"pinward:lang": lang},
        "sources": {
            layer: {"type": "vector", "url": f"{base}/tiles/{layer}.json"} for layer in LAYERS
        },
        "sprite": f"{base}/styles/sprite",
        "transition": {"duration": 200, "delay": 0},
        "layers": [],
    }
    if view is not None:
        style["center"] = [view.lon, view.lat]
        style["zoom"] = view.zoom(LAYERS["reports"])
    if basemap:
        style["sources"]["basemap"] = {"type": "raster", "tiles": [basemap], "tileSize": 256}
    style["layers"] = [
        *_ground(colours, bool(basemap)),
        *_hotspots(colours),
        *_report_points(colours),
        *_ward_names(colours, lang),
        *_facilities(colours, "schools", colours.school),
        *_facilities(colours, "clinics", colours.clinic),
        *_facilities(colours, "other", colours.place),
        *_report_cells(colours),
        *_hotspot_edges(colours),
        *_report_counts(colours),
        *_hotspot_counts(colours, lang),
    ]
    return style


def _layer(group: str, id: str, type: str, source: str | None = None, **rest: Any) -> Json:
    made: Json = {"id": id, "type": type, "metadata": {"pinward:group": group}}
    if source is not None:
        made["source"] = source
    if source in LAYERS:
        made["source-layer"] = rest.pop("part", source)
    return made | rest


def _by_zoom(*stops: float, base: float = 1.0) -> list[Any]:
    kind = ["exponential", base] if base != 1.0 else ["linear"]
    return ["interpolate", kind, ["zoom"], *stops]


def _ground(colours: Palette, basemap: bool) -> list[Json]:
    urban = ["match", ["get", "kind"], ["commune", "special_zone"], colours.rural, colours.urban]
    layers = [_layer("other", "water", "background", paint={"background-color": colours.water})]
    if basemap:
        layers.append(_layer("other", "basemap", "raster", "basemap"))
    return [
        *layers,
        _layer(
            "wards",
            "ward-land",
            "fill",
            "wards",
            paint={
                "fill-color": urban,
                # a basemap shows through; the wards stay something to point at
                "fill-opacity": 0.12 if basemap else 1,
                "fill-antialias": False,
            },
        ),
        _layer(
            "wards",
            "ward-edge-glow",
            "line",
            "wards",
            minzoom=9,
            layout={"line-join": "round"},
            paint={
                "line-color": colours.border_glow,
                "line-opacity": 0.06,
                "line-width": _by_zoom(9, 2, 12, 4, 15, 7),
            },
        ),
        _layer(
            "wards",
            "ward-edge",
            "line",
            "wards",
            layout={"line-join": "round"},
            paint={
                "line-color": colours.border,
                "line-opacity": _by_zoom(6, 0.5, 10, 0.9),
                "line-width": _by_zoom(6, 0.3, 10, 0.7, 13, 1.2, 16, 2),
            },
        ),
    ]


def _ward_names(colours: Palette, lang: str) -> list[Json]:
    local = ["get", "name"]
    short = ["coalesce", ["get", "name_en"], local] if lang == "en" else local
    full = short if lang == "en" else ["get", "name_full"]
    return [
        _layer(
            "wards",
            "ward-name",
            "symbol",
            "wards",
            part="ward_labels",
            minzoom=9,
            # A name appears when its ward has about 30 pixels of room to each side.
            filter=[
                ">=",
                ["get", "room_m"],
                ["step", ["zoom"], 4600, 10, 2300, 11, 1100, 12, 560, 13, 0],
            ],
            layout={
                "text-field": ["step", ["zoom"], short, 13, full],
                "text-font": _REGULAR,
                "text-size": _by_zoom(9, 10.5, 12, 12, 15, 15),
                "text-max-width": 7,
                "text-letter-spacing": 0.01,
                "text-padding": 4,
                "symbol-sort-key": ["-", 0, ["get", "room_m"]],
                "text-variable-anchor": ["center", "top", "bottom"],
                "text-radial-offset": 0.9,
            },
            paint={
                "text-color": colours.label,
                "text-halo-color": colours.label_halo,
                "text-halo-width": 1.5,
                "text-opacity": _by_zoom(9, 0.75, 12, 1),
            },
        )
    ]


def _hotspots(colours: Palette) -> list[Json]:
    return [
        _layer(
            "hotspots",
            "hotspot-hull",
            "fill",
            "hotspots",
            minzoom=HULLS_ZOOM,
            paint={
                "fill-color": colours.hotspot,
                "fill-opacity": _by_zoom(10, 0.35, 13, 0.22, 16, 0.14),
            },
        ),
    ]


def _hotspot_edges(colours: Palette) -> list[Json]:
    """Outlines above everything they hold; rings where hulls are too small to see."""
    size = ["sqrt", ["get", "n"]]
    return [
        _layer(
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
                "circle-stroke-width": _by_zoom(6, 1.2, 11, 2.4),
                "circle-stroke-opacity": _by_zoom(12, 0.9, 13, 0),
            },
        ),
        _layer(
            "hotspots",
            "hotspot-edge",
            "line",
            "hotspots",
            minzoom=HULLS_ZOOM,
            layout={"line-join": "round"},
            paint={
                "line-color": colours.hotspot_line,
                "line-opacity": 0.85,
                "line-width": _by_zoom(10, 0.8, 13, 1.6, 16, 2.4),
            },
        ),
    ]


def _hotspot_counts(colours: Palette, lang: str) -> list[Json]:
    return [
        _layer(
            "hotspots",
            "hotspot-count",
            "symbol",
            "hotspots",
            part="hotspot_points",
            minzoom=14,
            layout={
                "text-field": ["concat", ["to-string", ["get", "n"]], _REPORTS_WORD[lang]],
                "text-font": _STRONG,
                "text-size": _by_zoom(14, 11, 16, 13),
                "symbol-sort-key": ["-", 0, ["get", "n"]],
                "text-padding": 4,
                "text-variable-anchor": ["bottom", "top", "left", "right"],
                "text-radial-offset": _by_zoom(13, 1.4, 16, 3),
            },
            paint={
                "text-color": colours.hotspot_text,
                "text-halo-color": colours.label_halo,
                "text-halo-width": 1.6,
            },
        ),
    ]


def _report_points(colours: Palette) -> list[Json]:
    family: list[Any] = ["match", ["get", "family"]]
    for code, colour in colours.families.items():
        family += [code, colour]
    is_open = [">", ["get", "open_count"], 0]
    return [
        _layer(
            "reports",
            "report-point",
            "circle",
            "reports",
            filter=["==", ["get", "point_count"], 1],
            layout={"circle-sort-key": ["get", "open_count"]},
            paint={
                "circle-color": [*family, colours.unknown_family],
                "circle-radius": _by_zoom(8, 2, 11, 2.8, 13, 4, 15, 6, 18, 10),
                # what is settled stands back behind what is open
                "circle-opacity": ["case", is_open, 0.95, 0.5],
                "circle-stroke-color": colours.mark_edge,
                "circle-stroke-width": _by_zoom(10, 0.4, 13, 1, 16, 1.6),
                "circle-stroke-opacity": ["case", is_open, 0.95, 0.5],
            },
        )
    ]


def _report_cells(colours: Palette) -> list[Json]:
    count = ["get", "point_count"]
    # By the logarithm: a hundred reports are not drawn ten times as large as ten.
    size = ["log10", count]
    few, below, above, most = colours.cell
    return [
        _layer(
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


def _report_counts(colours: Palette) -> list[Json]:
    count = ["get", "point_count"]
    dark, light = colours.cell_text
    return [
        _layer(
            "reports",
            "report-count",
            "symbol",
            "reports",
            filter=[">", count, 1],
            layout={
                # 999, 1.2k, 12k
                "text-field": [
                    *("step", count, ["to-string", count]),
                    1000,
                    ["concat", ["to-string", ["/", ["round", ["/", count, 100]], 10]], "k"],
                    10000,
                    ["concat", ["to-string", ["round", ["/", count, 1000]]], "k"],
                ],
                "text-font": _STRONG,
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


def _facilities(colours: Palette, group: str, colour: str) -> list[Json]:
    ours = ["==", ["get", "group"], group]
    single = ["==", ["get", "point_count"], 1]
    several = [">", ["get", "point_count"], 1]
    icons: list[Any] = ["match", ["get", "kind"]]
    for kind in GROUPS[group]:
        icons += [kind, kind]
    # Places nobody can switch off appear late; schools and clinics as soon as they are points.
    from_zoom = 14 if group == "other" else FACILITY_POINTS_ZOOM
    switch = group if group in ("schools", "clinics") else "other"
    dots = _layer(
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
            "circle-radius": _by_zoom(FACILITY_POINTS_ZOOM, 1.6, 14, 4.5),
            "circle-opacity": _by_zoom(FACILITY_POINTS_ZOOM, 0.4, 13, 0.8, 14, 1),
            "circle-stroke-color": colours.mark_edge,
            "circle-stroke-width": _by_zoom(12, 0, 13, 0.8),
        },
    )
    cells = _layer(
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
    marks = _layer(
        switch,
        f"{group}-mark",
        "symbol",
        "facilities",
        minzoom=14,
        filter=["all", ours, single],
        layout={
            "icon-image": [*icons, "other"],
            "icon-size": _by_zoom(14, 0.7, 16, 0.9, 18, 1.1),
            "icon-allow-overlap": True,
            "text-field": ["step", ["zoom"], "", 15, ["coalesce", ["get", "name"], ""]],
            "text-font": _REGULAR,
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
