"""The plan of a reform as one HTML page with a map, by folium: opened anywhere, sent by mail.

Leaflet is written into the page when it is at hand (the built pages have it), so that the page
needs no internet; else folium's links to public servers stay in it. There is no background map:
the wards are the map.
"""

import json
import re
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

import folium
import numpy as np
import shapely
from branca.element import Element
from folium.map import CustomPane

from geo.reports.reform.plan import Pair, Plan
from geo.reports.reform.told import Safe, both, count, km2, named, share, told
from geo.reports.reform.words import same_for_people

# A tenth of a pixel at the zooms the map is looked at.
_FINE_DEGREES = 0.00005
# Percent of the wards at each side that the first view may leave out, where there are many.
_FAR, _FEW = 0.5, 100

_HERE = Path(__file__).parent
# folium forbids to enlarge the page, which people with weak eyes do.
_VIEWPORT = re.compile(r'<meta name="viewport"[^>]*>')
_ENLARGED = '<meta name="viewport" content="width=device-width, initial-scale=1">'

_WHAT = {
    "moves": both("chuyển phường", "moves"),
    "split": both("chuyển, phường cũ bị chia", "moves, old ward split"),
    "stays": both("giữ phường", "stays"),
}


def plan_map(plan: Plan, leaflet: Path | None = None, made_at: datetime | None = None) -> str:
    """The plan as an HTML page; `leaflet` is the folder of `leaflet.js` and `leaflet.css`.

    `made_at`, when the numbers were read, is told in its own time zone.
    """
    drawn = folium.Map(tiles=None, control_scale=True, prefer_canvas=True, zoom_snap=0.25)
    if leaflet is not None:
        drawn.default_js, drawn.default_css = [], []
    key = [*_ground(plan, drawn), *_borders(plan, drawn)]
    figure = drawn.get_root()
    assert isinstance(figure, folium.Figure)
    # branca writes a title as it is.
    figure.title = escape(f"{plan.set_name}: điều chỉnh địa giới, boundary reform")
    head: Any = figure.header
    if leaflet is not None:
        css = (leaflet / "leaflet.css").read_text(encoding="utf-8")
        script = (leaflet / "leaflet.js").read_text(encoding="utf-8")
        head.add_child(Element(f"<style>{css}</style>"), name="leaflet_css")
        head.add_child(Element(f"<script>{script}</script>"), name="leaflet_js")
    # After folium's own, which it overrules.
    page = figure.render().replace("</head>", f"<style>{_file('map.css')}</style></head>", 1)
    page = _VIEWPORT.sub(_ENLARGED, page, count=1).replace("<html>", '<html lang="vi">', 1)
    before, at, after = page.partition('<div class="folium-map"')
    shown, end, rest = after.partition("</div>")
    west, south, east, north = _bounds(plan)
    text = both("Nội dung kế hoạch", "The plan in words")
    return (
        f'{before}<main class="page"><div class="told" tabindex="0" role="region" '
        f'aria-label="{_bare(text)}">{told(plan, made_at)}</div>'
        f'<div class="map" data-bounds="[[{south},{west}],[{north},{east}]]">'
        f'{at} role="region" aria-label="Bản đồ · Map"{shown}{end}'
        f'<fieldset class="key" aria-label="Chú giải · Legend">{"".join(key)}</fieldset></div>'
        f"</main><script>{_file('map.js')}</script>{rest}"
    )


def _file(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _bare(text: Safe) -> str:
    return re.sub("<[^>]*>", "", text)


def _ground(plan: Plan, drawn: folium.Map) -> list[str]:
    """Draws pieces of ground by what becomes of them; returns their legend."""
    shared = plan.shares
    split = {ward.id for ward, _ in plan.fates.split}
    by_pair = {(pair.old.id, pair.new.id): pair for pair in plan.pairs}
    pieces, seen = [], set()
    for k, (i, j) in enumerate(zip(shared.old.tolist(), shared.new.tolist(), strict=True)):
        pair = by_pair.get(
            (plan.wards.wards[plan.before[i]].id, plan.wards.wards[plan.after[j]].id)
        )
        if pair is None:
            continue
        # By the ground, not by whether a report lies there just now.
        what = "split" if pair.old.id in split else "moves"
        what = "stays" if same_for_people(pair.old, pair.new) else what
        seen.add(what)
        pieces.append(_piece(shared.common[k], what, _pair_facts(pair)))
    key = []
    if pieces:
        layer = _layer(
            drawn,
            pieces,
            ("from", "to", "area", "open", "moving", "unsure"),
            (
                *("Phường cũ · Old ward", "Phường mới · New ward", "Đất chung · Shared ground"),
                *("Đang mở · Open", "… chuyển · that move", "… chưa chắc · unsure"),
            ),
        )
        swatches = "".join(_swatch(what, _WHAT[what]) for what in _WHAT if what in seen)
        title = both("Đất", "Ground")
        key.append(f"<div>{_box(layer, title)}{swatches}</div>")
    for what, title, shapes, areas, positions in (
        ("lost", both("Đất mất", "Ground lost"), shared.lost, shared.lost_m2, plan.before),
        ("gained", both("Đất thêm", "Ground gained"), shared.gained, shared.gained_m2, plan.after),
    ):
        alone = [
            _piece(
                shapes[k],
                what,
                {
                    "ward": escape(named(plan.wards.wards[positions[k]])),
                    "area": km2(float(areas[k])),
                },
            )
            for k in np.flatnonzero(areas > 0).tolist()
        ]
        if alone:
            fields = ("Phường · Ward", "Diện tích · Area")
            layer = _layer(drawn, alone, ("ward", "area"), fields)
            key.append(_box(layer, title, f'<i style="--of:var(--{what})"></i>'))
    return key


def _borders(plan: Plan, drawn: folium.Map) -> list[str]:
    """Draws the borders before and after; returns their legend."""
    CustomPane("borders", z_index=450, pointer_events=False).add_to(drawn)
    key = []
    for of, title, positions, dashes in (
        ("old", both("Ranh giới cũ", "Old borders"), plan.before, {"dashArray": "4 4"}),
        ("new", both("Ranh giới mới", "New borders"), plan.after, {}),
    ):
        shapes = shapely.simplify(plan.wards.polygons[list(positions)], _FINE_DEGREES)
        look = {"fill": False, "weight": 1, **dashes}
        layer = folium.GeoJson(
            json.loads(str(shapely.to_geojson(shapely.geometrycollections(shapes)))),
            style_function=lambda _, look=look: look,
            pane="borders",
        )
        layer.add_to(drawn)
        line = f'<i class="line{" dashed" if dashes else ""}" style="--of:var(--{of})"></i>'
        key.append(_box(layer, title, line, f' data-border="{of}"'))
    return key


def _box(layer: folium.GeoJson, title: Safe, mark: str = "", more: str = "") -> str:
    """A check box that shows and hides a layer."""
    box = f'<input type="checkbox" checked data-layer="{layer.get_name()}"{more}>'
    return f"<label>{box}{mark}<b>{title}</b></label>"


def _swatch(what: str, title: Safe) -> str:
    return f'<span><i style="--of:var(--{what})"></i>{title}</span>'


def _layer(
    drawn: folium.Map,
    pieces: list[dict[str, Any]],
    fields: tuple[str, ...],
    aliases: tuple[str, ...],
) -> folium.GeoJson:
    layer = folium.GeoJson(
        {"type": "FeatureCollection", "features": pieces},
        # The page's script colours them.
        style_function=lambda _: {"fillOpacity": 1, "weight": 0.5},
        tooltip=folium.GeoJsonTooltip(fields=list(fields), aliases=list(aliases)),
    )
    layer.add_to(drawn)
    return layer


def _piece(shape: shapely.Geometry, what: str, facts: dict[str, Any]) -> dict[str, Any]:
    drawn = shapely.simplify(shape, _FINE_DEGREES)
    return {
        "type": "Feature",
        "geometry": json.loads(str(shapely.to_geojson(shapely.set_precision(drawn, 1e-6)))),
        "properties": {"what": what, **facts},
    }


def _pair_facts(pair: Pair) -> dict[str, Any]:
    """What the tooltip tells; it is written as HTML, and names come from files."""
    return {
        "from": escape(named(pair.old)),
        "to": escape(named(pair.new)),
        "area": f"{km2(pair.area_m2)} ({share(pair.of_old)})",
        "open": count(pair.open),
        "moving": count(pair.moving),
        "unsure": count(pair.ambiguous),
    }


def _bounds(plan: Plan) -> list[float]:
    """West, south, east, north of the wards, but for a few far off: an island group 180 km out at
    sea would make a dot of the city."""
    shapes = plan.wards.polygons[[*plan.before, *plan.after]]
    middles = shapely.get_coordinates(shapely.centroid(shapes))
    low, high = np.percentile(middles, (_FAR, 100 - _FAR), axis=0)
    near = ((middles >= low) & (middles <= high)).all(axis=1)
    found = shapely.total_bounds(shapes[near] if len(shapes) > _FEW else shapes)
    return [round(float(edge), 6) for edge in found]
