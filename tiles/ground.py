"""The map's ground: water, wards and their names; and how a style layer is written."""

from typing import Any, Final

from tiles.layers import LAYERS
from tiles.palette import Palette

# The page's typeface, then the system's; the first name also tells the weight.
REGULAR: Final = ["Be Vietnam Pro", "sans-serif"]
STRONG: Final = ["Be Vietnam Pro SemiBold", "Be Vietnam Pro", "sans-serif"]

Json = dict[str, Any]


def layer(group: str, id: str, type: str, source: str | None = None, **rest: Any) -> Json:
    """A style layer that belongs to a switch of the page; `part` names the layer inside a tile."""
    made: Json = {"id": id, "type": type, "metadata": {"pinward:group": group}}
    if source is not None:
        made["source"] = source
    if source in LAYERS:
        made["source-layer"] = rest.pop("part", source)
    return made | rest


def by_zoom(*stops: float) -> list[Any]:
    """A value that changes with the zoom: `zoom, value, zoom, value, …`."""
    return ["interpolate", ["linear"], ["zoom"], *stops]


def ground(colours: Palette, basemap: bool) -> list[Json]:
    """What everything lies on: the sea or a basemap, the wards, their edges."""
    urban = ["match", ["get", "kind"], ["commune", "special_zone"], colours.rural, colours.urban]
    layers = [layer("other", "water", "background", paint={"background-color": colours.water})]
    if basemap:
        layers.append(layer("other", "basemap", "raster", "basemap"))
    return [
        *layers,
        layer(
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
        layer(
            "wards",
            "ward-edge-glow",
            "line",
            "wards",
            minzoom=9,
            layout={"line-join": "round"},
            paint={
                "line-color": colours.border_glow,
                "line-opacity": 0.06,
                "line-width": by_zoom(9, 2, 12, 4, 15, 7),
            },
        ),
        layer(
            "wards",
            "ward-edge",
            "line",
            "wards",
            layout={"line-join": "round"},
            paint={
                "line-color": colours.border,
                "line-opacity": by_zoom(6, 0.5, 10, 0.9),
                "line-width": by_zoom(6, 0.3, 10, 0.7, 13, 1.2, 16, 2),
            },
        ),
    ]


def ward_names(colours: Palette, lang: str) -> list[Json]:
    """Names of wards, each where its ward has room for it."""
    local = ["get", "name"]
    short = ["coalesce", ["get", "name_en"], local] if lang == "en" else local
    full = short if lang == "en" else ["get", "name_full"]
    return [
        layer(
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
                "text-font": REGULAR,
                "text-size": by_zoom(9, 10.5, 12, 12, 15, 15),
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
                "text-opacity": by_zoom(9, 0.75, 12, 1),
            },
        )
    ]
