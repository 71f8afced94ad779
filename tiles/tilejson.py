"""TileJSON 3.0: what a layer is and where its data lie, so that clients ask for the right tiles."""

import html
import math
from dataclasses import fields
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Select, func, literal, select

from geo.reports.tasks.conditions import conditions
from geo.store import alerts as alert_rows
from geo.store import hotspots as hotspot_rows
from geo.store.database import AsyncConnection, driver
from geo.store.tables import alerts, facilities, hotspots, reports, ward_sets, wards
from tiles.address import MERCATOR_LAT
from tiles.filters import Filter
from tiles.layers import Layer
from tiles.pyramid import extent as pyramid
from tiles.pyramid.extent import Extent
from tiles.render import Clock

# Pixels of a map in which the middle part of the data (two standard deviations to each side) fits
# at the zoom of `center`; a tile is 512 pixels wide on the screen.
_VIEW_PX = 900.0
_TILE_PX = 512.0


def view_zoom(found: Extent, layer: Layer) -> int:
    """The zoom at which most features are in view, within the layer's zooms."""
    wanted = math.log2(360.0 * _VIEW_PX / (_TILE_PX * max(4.0 * found.spread, 1e-6)))
    return max(layer.min_zoom, min(layer.max_zoom, math.floor(wanted)))


async def describe(
    conn: AsyncConnection, layer: Layer, chosen: Filter, clock: Clock, *, base: str, city: str
) -> dict[str, Any]:
    """The TileJSON of a layer under `base` (scheme and host, no slash at the end).

    The tiles' address carries the filter on. `bounds` hold the whole layer whatever the filter; an
    empty layer has neither `bounds` nor `center`. Raises `Invalid` on a wrong filter, and
    `NotSignedIn` on a private layer without a scope.
    """
    await chosen.check(conn, layer)
    made: dict[str, Any] = {
        "tilejson": "3.0.0",
        "name": layer.title["vi"],
        "description": layer.title["en"],
        "version": "1.0.0",
        "attribution": await _attribution(conn, layer, chosen, clock, city),
        "scheme": "xyz",
        "tiles": [f"{base}/tiles/{layer.id}/{{z}}/{{x}}/{{y}}.mvt{_query(chosen)}"],
        "minzoom": layer.min_zoom,
        "maxzoom": layer.max_zoom,
        "vector_layers": [
            {
                "id": part.id,
                "description": part.description,
                "minzoom": max(part.min_zoom, layer.min_zoom),
                "maxzoom": layer.max_zoom,
                "fields": part.fields,
            }
            for part in layer.parts
        ],
    }
    found = await extent(conn, layer, chosen, clock)
    if found is not None:
        made["bounds"] = [found.west, found.south, found.east, found.north]
        made["center"] = [found.lon, found.lat, view_zoom(found, layer)]
    return made


async def extent(
    conn: AsyncConnection, layer: Layer, chosen: Filter, clock: Clock
) -> Extent | None:
    """Where the layer's features lie; None when it has none."""
    if layer.id == "reports":
        lie = await pyramid.extent(await driver(conn))
        return lie and _rounded(lie)
    place = _places(layer, chosen, clock).subquery("place").c.place
    middle_x = (func.ST_XMin(place) + func.ST_XMax(place)) / 2.0
    middle_y = (func.ST_YMin(place) + func.ST_YMax(place)) / 2.0
    asked = select(
        func.min(func.ST_XMin(place)),
        func.min(func.ST_YMin(place)),
        func.max(func.ST_XMax(place)),
        func.max(func.ST_YMax(place)),
        func.avg(middle_x),
        func.avg(middle_y),
        func.stddev_pop(middle_x),
        func.stddev_pop(middle_y),
    )
    *bounds, lon, lat, wide, high = (await conn.execute(asked)).one()
    if bounds[0] is None:
        return None
    west, south, east, north = bounds
    return _rounded(Extent(west, south, east, north, lon, lat, max(wide, high)))


def _rounded(found: Extent) -> Extent:
    # Outwards, so that rounding leaves nothing out; TileJSON ends where the Mercator square ends.
    return Extent(
        west=math.floor(found.west * 1e6) / 1e6,
        south=max(-MERCATOR_LAT, math.floor(found.south * 1e6) / 1e6),
        east=math.ceil(found.east * 1e6) / 1e6,
        north=min(MERCATOR_LAT, math.ceil(found.north * 1e6) / 1e6),
        lon=round(found.lon, 5),
        lat=max(-MERCATOR_LAT, min(MERCATOR_LAT, round(found.lat, 5))),
        spread=found.spread,
    )


def _places(layer: Layer, chosen: Filter, clock: Clock) -> Select[Any]:
    """The geometries of a layer, EPSG:4326, as `place`."""
    if layer.id == "wards":
        return select(wards.c.geom.label("place")).where(
            wards.c.valid.contains(chosen.on or clock.today)
        )
    if layer.id == "hotspots":
        answer = hotspot_rows.latest_answers(chosen.category, on=chosen.on).subquery("answer")
        drawn = select(hotspots.c.geom.label("place")).join_from(
            hotspots, answer, hotspots.c.answer_id == answer.c.id
        )
        return drawn.where(hotspots.c.seen != "dormant")
    if layer.id == "alerts":
        return select(alerts.c.geom.label("place")).where(alert_rows.in_force(clock.now))
    if layer.id == "tasks":
        assert chosen.scope is not None
        return select(reports.c.geom.label("place")).where(*conditions(chosen.scope))
    return select(facilities.c.geom.label("place"))


async def _attribution(
    conn: AsyncConnection, layer: Layer, chosen: Filter, clock: Clock, city: str
) -> str:
    """Whom to name beside the map, as HTML."""
    if layer.id == "facilities":
        found = select(facilities.c.source).distinct().order_by(facilities.c.source).limit(10)
        sources = [str(source) for source in (await conn.execute(found)).scalars()]
        if any("osm" in source.lower() or "openstreetmap" in source.lower() for source in sources):
            return (
                '© <a href="https://www.openstreetmap.org/copyright">OpenStreetMap</a> '
                f"contributors · {html.escape(', '.join(sources))}"
            )
        return html.escape(", ".join(sources))
    if layer.id == "wards":
        sets = (
            select(func.concat(ward_sets.c.city, literal(" ("), ward_sets.c.name, literal(")")))
            .join_from(wards, ward_sets, wards.c.set_id == ward_sets.c.id)
            .where(wards.c.valid.contains(chosen.on or clock.today))
            .distinct()
            .limit(10)
        )
        names = sorted((await conn.execute(sets)).scalars())
        return html.escape(", ".join(names))
    return html.escape(city)


def _query(chosen: Filter) -> str:
    """The filter as the query of a tile's address, in one order whatever order it came in."""
    asked: dict[str, str] = {}
    for part in fields(chosen):
        value = getattr(chosen, part.name)
        if part.name == "scope":
            # told by the sign-in of who asks
            continue
        if isinstance(value, tuple) and value:
            asked[part.name] = ",".join(value)
        elif isinstance(value, str):
            asked[part.name] = value
        elif value and not isinstance(value, tuple):
            asked[part.name] = value.isoformat().replace("+00:00", "Z")
    # `{` would be taken for a part of the template
    return f"?{urlencode(asked, safe=',:')}" if asked else ""
