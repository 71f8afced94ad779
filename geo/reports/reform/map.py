"""The plan of a reform as one HTML page with a map, by folium: opened anywhere, sent by mail.

Leaflet is written into the page when it is at hand (the built pages have it), so that the page
needs no internet; else folium's links to public servers stay in it. There is no background map:
the wards are the map.
"""

import json
from html import escape
from pathlib import Path
from typing import Any

import folium
import numpy as np
import shapely
from branca.element import Element
from folium.map import CustomPane
from folium.template import Template

from geo.reports.reform.plan import Pair, Plan
from geo.store.organisations import ward_names
from geo.wards.directory import Ward

# A tenth of a pixel at the zooms the map is looked at.
_FINE_DEGREES = 0.00005
_SPLIT, _MOVES, _STAYS, _LOST, _GAINED = "#b45309", "#0f766e", "#cbd5e1", "#b91c1c", "#6d28d9"
_LISTED_AT_MOST = 200
# Percent of the wards at each side that the first view may leave out, where there are many.
_FAR, _FEW = 0.5, 100

_STYLE = """
body { margin: 0; font: 15px/1.45 system-ui, sans-serif; color: #1f2937; background: #f8fafc; }
.page { display: grid; grid-template-columns: minmax(320px, 38%) 1fr; height: 100vh; }
.told { overflow: auto; padding: 16px 20px; box-sizing: border-box; }
.folium-map { position: relative; width: 100%; height: 100%; background: #eef2f7; }
h1 { font-size: 20px; margin: 0 0 4px; } h2 { font-size: 16px; margin: 20px 0 6px; }
table { border-collapse: collapse; width: 100%; } th, td { padding: 3px 6px; text-align: left; }
th { border-bottom: 2px solid #94a3b8; } td { border-bottom: 1px solid #e2e8f0; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
.key i { display: inline-block; width: 14px; height: 14px; margin: 0 4px -2px 10px; }
@media (max-width: 760px) { .page { grid-template-columns: 1fr; grid-template-rows: 60vh auto;
  height: auto; } .map { order: -1; height: 60vh; } .told { overflow: visible; } }
"""


class _Fitted(folium.MacroElement):
    """Fits the map again once its place on the page is known."""

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "window.addEventListener('load', () => {"
        " {{ this._parent.get_name() }}.invalidateSize();"
        " {{ this._parent.get_name() }}.fitBounds({{ this.bounds }}); });"
        "{% endmacro %}"
    )

    def __init__(self, bounds: list[list[float]]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Fitted"
        self.bounds = bounds


def plan_map(plan: Plan, leaflet: Path | None = None) -> str:
    """The plan as an HTML page; `leaflet` is the folder of `leaflet.js` and `leaflet.css`."""
    drawn = folium.Map(tiles=None, control_scale=True, prefer_canvas=True)
    if leaflet is not None:
        drawn.default_js, drawn.default_css = [], []
    _ground(plan, drawn)
    _borders(plan, drawn)
    folium.LayerControl(collapsed=False).add_to(drawn)
    west, south, east, north = _bounds(plan)
    drawn.add_child(_Fitted([[south, west], [north, east]]))
    figure = drawn.get_root()
    assert isinstance(figure, folium.Figure)
    figure.title = f"{plan.set_name}: điều chỉnh địa giới, boundary reform"
    head: Any = figure.header
    head.add_child(Element(f"<style>{_STYLE}</style>"), name="style_of_the_page")
    if leaflet is not None:
        css = (leaflet / "leaflet.css").read_text(encoding="utf-8")
        script = (leaflet / "leaflet.js").read_text(encoding="utf-8")
        head.add_child(Element(f"<style>{css}</style>"), name="leaflet_css")
        head.add_child(Element(f"<script>{script}</script>"), name="leaflet_js")
    page = figure.render()
    before, at, after = page.partition('<div class="folium-map"')
    shown, end, rest = after.partition("</div>")
    told = _told(plan)
    return (
        f'{before}<div class="page"><div class="told">{told}</div>'
        f'<div class="map">{at}{shown}{end}</div></div>{rest}'
    )


def _ground(plan: Plan, drawn: folium.Map) -> None:
    """Pieces of ground by what becomes of them."""
    share = plan.shares
    split = {ward.id for ward, _ in plan.fates.split}
    by_pair = {(pair.old.id, pair.new.id): pair for pair in plan.pairs}
    pieces = []
    for k, (i, j) in enumerate(zip(share.old.tolist(), share.new.tolist(), strict=True)):
        pair = by_pair.get(
            (plan.wards.wards[plan.before[i]].id, plan.wards.wards[plan.after[j]].id)
        )
        if pair is None:
            continue
        color = _STAYS if not pair.moving else _SPLIT if pair.old.id in split else _MOVES
        pieces.append(_piece(share.common[k], color, _pair_facts(pair)))
    _layer(
        drawn,
        pieces,
        "Đất chuyển phường · Ground by what becomes of it",
        ("from", "to", "open", "moving", "unsure", "area"),
        (
            *("Từ · From", "Đến · To", "Đang mở · Open", "Chuyển · Move"),
            *("Chưa chắc · Ambiguous", "Diện tích · Area"),
        ),
    )
    for name, shapes, areas, positions, color in (
        ("Đất mất · Ground lost", share.lost, share.lost_m2, plan.before, _LOST),
        ("Đất thêm · Ground gained", share.gained, share.gained_m2, plan.after, _GAINED),
    ):
        alone = [
            _piece(
                shapes[k],
                color,
                {"ward": _named(plan.wards.wards[positions[k]]), "area": _km2(float(areas[k]))},
            )
            for k in np.flatnonzero(areas > 0).tolist()
        ]
        if alone:
            fields = ("Phường · Ward", "Diện tích · Area")
            _layer(drawn, alone, name, ("ward", "area"), fields)


def _borders(plan: Plan, drawn: folium.Map) -> None:
    CustomPane("borders", z_index=450, pointer_events=False).add_to(drawn)
    for name, positions, style in (
        ("Ranh giới cũ · Old borders", plan.before, {"color": "#334155", "dashArray": "4 4"}),
        ("Ranh giới mới · New borders", plan.after, {"color": "#0f172a"}),
    ):
        shapes = shapely.simplify(plan.wards.polygons[list(positions)], _FINE_DEGREES)
        look = {"weight": 1.5, "fill": False, **style}
        folium.GeoJson(
            json.loads(str(shapely.to_geojson(shapely.geometrycollections(shapes)))),
            name=name,
            style_function=lambda _, look=look: look,
            pane="borders",
        ).add_to(drawn)


def _layer(
    drawn: folium.Map,
    pieces: list[dict[str, Any]],
    name: str,
    fields: tuple[str, ...],
    aliases: tuple[str, ...],
) -> None:
    if not pieces:
        return
    folium.GeoJson(
        {"type": "FeatureCollection", "features": pieces},
        name=name,
        style_function=lambda feature: {
            "fillColor": feature["properties"]["color"],
            "fillOpacity": 0.65,
            "color": "#ffffff",
            "weight": 0.5,
        },
        tooltip=folium.GeoJsonTooltip(fields=list(fields), aliases=list(aliases)),
    ).add_to(drawn)


def _piece(shape: shapely.Geometry, color: str, facts: dict[str, Any]) -> dict[str, Any]:
    drawn = shapely.simplify(shape, _FINE_DEGREES)
    return {
        "type": "Feature",
        "geometry": json.loads(str(shapely.to_geojson(shapely.set_precision(drawn, 1e-6)))),
        "properties": {"color": color, **facts},
    }


def _pair_facts(pair: Pair) -> dict[str, Any]:
    return {
        "from": _named(pair.old),
        "to": _named(pair.new),
        "open": pair.open,
        "moving": pair.moving,
        "unsure": pair.ambiguous,
        "area": f"{_km2(pair.area_m2)} ({pair.of_old:.1%})",
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


def _named(ward: Ward) -> str:
    return f"{ward.code} {ward_names(ward.name, ward.kind)[0]}"


def _km2(area_m2: float) -> str:
    return f"{area_m2 / 1e6:,.2f} km²"


def _told(plan: Plan) -> str:
    """The numbers beside the map."""
    totals = plan.as_json()["totals"]
    numbers = (
        ("Phường, xã trước · Wards before", totals["wards_before"]),
        ("Phường, xã sau · Wards after", totals["wards_after"]),
        ("Phản ánh đang mở · Open reports", totals["open"]),
        ("… chuyển phường · that move", totals["moving"]),
        ("… giữ tên, ranh giới mới · of renewed wards", totals["renewed"]),
        ("… chưa chắc phường nào · ambiguous", totals["ambiguous"]),
        ("… ngoài mọi phường · in no ward", totals["outside"]),
        ("Phường bị chia · Wards split", len(plan.fates.split)),
        ("Phường nhập từ nhiều phường · Wards merged", len(plan.fates.merged)),
        ("Mã dùng lại · Codes reused", len(plan.fates.reused)),
        ("Đất mất · Ground lost", _km2(totals["lost_m2"])),
        ("Đất thêm · Ground gained", _km2(totals["gained_m2"])),
        ("Tài khoản cần xem · Accounts to look at", len(plan.pointing.accounts)),
    )
    key = "".join(
        f'<i style="background:{color}"></i>{name}'
        for color, name in (
            (_MOVES, "chuyển · moves"),
            (_SPLIT, "chuyển, phường bị chia · moves, ward split"),
            (_STAYS, "giữ nguyên · as it was"),
            (_LOST, "mất · lost"),
            (_GAINED, "thêm · gained"),
        )
    )
    most = sorted(plan.pairs, key=lambda p: (-p.moving, p.old.code, p.new.code))
    rows = [
        (_named(p.old), _named(p.new), f"{p.of_old:.1%}", p.open, p.moving, p.ambiguous)
        for p in most[:_LISTED_AT_MOST]
    ]
    parts = [
        f"<h1>{escape(plan.set_name)}</h1>",
        f"<p>Có hiệu lực · in force on {plan.in_force_on}</p>",
        _table(("", ""), [(name, _count(n)) for name, n in numbers], 1),
        f'<p class="key">{key}</p>',
        "<h2>Từ phường cũ đến phường mới · From old to new wards</h2>",
        _table(("Từ · From", "Đến · To", "%", "Mở · Open", "Chuyển · Move", "?"), rows, 2),
    ]
    if len(most) > len(rows):
        parts.append(f"<p>… {len(most) - len(rows)} cặp nữa · more pairs: --json</p>")
    for title, lines in (
        (
            "Mã dùng lại · Codes reused",
            [f"{old.code}: {old.name} → {new.name}" for old, new in plan.fates.reused],
        ),
        (
            "Tài khoản cần xem · Accounts to look at",
            [one.sentence() for one in plan.pointing.accounts],
        ),
        (
            "Khác với bảng chuyển đổi · Disagreements with the mapping",
            [one.sentence() for one in plan.disagreements],
        ),
    ):
        if lines:
            listed = "".join(f"<li>{escape(line)}</li>" for line in lines)
            parts.append(f"<h2>{title} ({len(lines)})</h2><ul>{listed}</ul>")
    return "".join(parts)


def _table(head: tuple[str, ...], rows: list[tuple[Any, ...]], words: int) -> str:
    """A table whose first `words` columns are words, the others numbers."""

    def line(cells: tuple[Any, ...], tag: str) -> str:
        return "".join(
            f"<{tag}{' class=n' if i >= words else ''}>{escape(str(cell))}</{tag}>"
            for i, cell in enumerate(cells)
        )

    top = f"<thead><tr>{line(head, 'th')}</tr></thead>" if any(head) else ""
    body = "".join(f"<tr>{line(row, 'td')}</tr>" for row in rows)
    return f"<table>{top}<tbody>{body}</tbody></table>"


def _count(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
