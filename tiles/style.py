"""MapLibre styles over our own layers: a calm map that needs nothing from anyone else.

Text is drawn from the fonts of the page or the device (no `glyphs` address): maplibre-gl does so
from version 5.11. Every layer says in `metadata["pinward:group"]` which switch of the page it
belongs to: wards, reports, hotspots, alerts, schools, clinics, or other (always shown).
"""

from typing import Final

from geo.errors import NotFound
from tiles import alert_marks, marks
from tiles.ground import Json, ground, ward_names
from tiles.layers import LAYERS, PUBLIC
from tiles.palette import DAY, NIGHT
from tiles.pyramid.extent import Extent
from tiles.tilejson import view_zoom

NAMES: Final = {"pinward": DAY, "pinward-dark": NIGHT}


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
            layer: {"type": "vector", "url": f"{base}/tiles/{layer}.json"} for layer in PUBLIC
        },
        "sprite": f"{base}/styles/sprite",
        "transition": {"duration": 200, "delay": 0},
        "layers": [],
    }
    if view is not None:
        style["center"] = [view.lon, view.lat]
        style["zoom"] = view_zoom(view, LAYERS["reports"])
    if basemap:
        style["sources"]["basemap"] = {"type": "raster", "tiles": [basemap], "tileSize": 256}
    style["layers"] = [
        *ground(colours, bool(basemap)),
        *alert_marks.areas(colours),
        *marks.hotspots(colours),
        *marks.report_points(colours),
        *ward_names(colours, lang),
        *marks.facilities(colours, "schools", colours.school),
        *marks.facilities(colours, "clinics", colours.clinic),
        *marks.facilities(colours, "other", colours.place),
        *marks.report_cells(colours),
        *marks.hotspot_edges(colours),
        *marks.report_counts(colours, lang),
        *marks.hotspot_counts(colours, lang),
        *alert_marks.signs(colours, lang),
    ]
    return style
