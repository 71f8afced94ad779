"""What a run of hotspots reads: the reports of a period as arrays, and months of history."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from importlib import resources

import numpy as np
import numpy.typing as npt
import shapely
from psycopg import sql
from sqlalchemy import text

from geo.period import Period
from geo.store.area import Bbox
from geo.store.database import AnyRow, AsyncConnection, driver, load_sql
from geo.store.packed_rows import Rows, packed_rows
from geo.store.reports import BLUR_DEGREES
from geo.store.tables.reports import OPEN_STATUSES

# A report that is no independent sign of a problem there.
NOT_COUNTED = ("duplicate", "rejected", "withdrawn")

_COLUMNS = (
    ("id", "V16"),
    ("lon", ">f8"),
    ("lat", ">f8"),
    ("at", ">i8"),
    ("category", ">i2"),
    ("open", "?"),
    ("channel", ">i4"),
    ("sender", ">i8"),
    ("flagged", "?"),
)
_EPOCH_US = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
SQUARES_A_DEGREE = 50


async def rows(
    conn: AsyncConnection,
    period: Period,
    city: str | None = None,
    category: str | None = None,
    area: Bbox | None = None,
    *,
    hidden: bool = True,
) -> dict[str, npt.NDArray[np.generic]]:
    """Columns `number lon lat at_us category open channel sender flagged`, one entry a report.

    `number` (int64) is the last eight bytes of the report's id: random in every id, so two reports
    share one as good as never. `at_us` counts microseconds since 1970 UTC, `category` is the
    category's number. Duplicates, rejected and withdrawn reports are missing. In the order of time
    and number, whatever order the table is in.

    `city` narrows to the wards of sets of that name, `category` to a code, `area` to where the
    public sees a report; some that lie beside it may be among them. Not `hidden`: without those of
    hidden categories.
    """
    statement = _statement(period, city, category, area, hidden)
    parts = [_narrow(block) async for block in packed_rows(conn, statement, _COLUMNS)]
    found = np.concatenate(parts)
    found = found[np.lexsort((found["number"], found["at_us"]))]
    return {name: np.ascontiguousarray(found[name]) for name in found.dtype.names or ()}


async def cities(conn: AsyncConnection) -> list[str]:
    """The names of cities that ward sets bear."""
    found = await conn.execute(text("SELECT DISTINCT city FROM ward_sets ORDER BY city"))
    return list(found.scalars())


async def count(
    conn: AsyncConnection, period: Period, category: str | None = None, area: Bbox | None = None
) -> int:
    """How many such reports the public sees in `area`, edges included, without hidden categories;
    reports as in `rows`."""
    parts = area.parts if area else ((-180.0, -90.0, 180.0, 90.0),)
    boxes = [
        sql.SQL("lon BETWEEN {} AND {} AND lat BETWEEN {} AND {}").format(west, east, south, north)
        for west, south, east, north in parts
    ]
    asked = sql.SQL("SELECT count(*) FROM ({rows}) AS found WHERE {boxes}").format(
        rows=_statement(period, None, category, area, hidden=False),
        boxes=sql.SQL(" OR ").join(boxes),
    )
    found = await (await (await driver(conn)).execute(asked)).fetchone()
    assert found is not None
    return int(found[0])


async def squares(
    conn: AsyncConnection, period: Period, city: str | None, category: str | None
) -> npt.NDArray[np.int64]:
    """(n, 2) lon and lat of the lower corners of the squares that hold any such reports, in
    `SQUARES_A_DEGREE`-ths of a degree; reports as in `rows`."""
    asked = sql.SQL(
        "SELECT DISTINCT floor(lon * {per})::int8, floor(lat * {per})::int8 FROM ({rows}) AS found"
    ).format(per=sql.Literal(SQUARES_A_DEGREE), rows=_statement(period, city, category, None))
    cursor = await (await driver(conn)).execute(asked)
    return np.array(await cursor.fetchall(), dtype=np.int64).reshape(-1, 2)


def _statement(
    period: Period,
    city: str | None,
    category: str | None,
    area: Bbox | None,
    hidden: bool = True,
) -> sql.Composed:
    """The statement of what counts; every part that is asked for narrows it."""
    narrowed = []
    if city is not None:
        narrowed.append(
            sql.SQL(
                "AND r.ward_id IN (SELECT w.id FROM wards AS w JOIN ward_sets AS s"
                " ON s.id = w.set_id WHERE s.city = {})"
            ).format(city)
        )
    if category is not None:
        narrowed.append(sql.SQL("AND r.category_code = {}").format(category))
    if area is not None:
        # By the index on true places; a report is seen near its own.
        boxes = [
            sql.SQL("r.geom && ST_Expand(ST_MakeEnvelope({}, {}, {}, {}, 4326), {})").format(
                *part, BLUR_DEGREES
            )
            for part in area.parts
        ]
        narrowed.append(sql.SQL("AND ({})").format(sql.SQL(" OR ").join(boxes)))
    if not hidden:
        narrowed.append(sql.SQL("AND c.visibility <> {}").format("hidden"))
    written = (
        resources.files("geo.store").joinpath("hotspots_inputs.sql").read_text(encoding="utf-8")
    )
    return sql.SQL(written).format(
        open=sql.Literal(list(OPEN_STATUSES)),
        left_out=sql.Literal(list(NOT_COUNTED)),
        since=sql.Literal(period.since),
        until=sql.Literal(period.until),
        narrowed=sql.SQL(" ").join(narrowed),
    )


_KEPT = np.dtype(
    [
        ("number", "i8"),
        ("lon", "f8"),
        ("lat", "f8"),
        ("at_us", "i8"),
        ("category", "i8"),
        ("open", "?"),
        ("channel", "i8"),
        ("sender", "i8"),
        ("flagged", "?"),
    ]
)


def _narrow(told: Rows) -> npt.NDArray[np.void]:
    made = np.empty(len(told), _KEPT)
    tail = np.frombuffer(told["id"].tobytes(), ">i8").reshape(-1, 2)[:, 1]
    made["number"] = tail
    made["at_us"] = told["at"] + _EPOCH_US
    for name in ("lon", "lat", "category", "open", "channel", "sender", "flagged"):
        made[name] = told[name]
    return made


async def history(
    conn: AsyncConnection,
    category: str,
    visibility: str,
    hulls: Sequence[shapely.Geometry],
    ends: Sequence[datetime],
    reach_m: float = 0.0,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(of the category, of all others): events within `reach_m` of hulls, (hulls, periods) each.

    `hulls` are WGS 84 degrees, `ends` the ascending borders of the periods, one more than there
    are. An event is of the period of its first report, of those since the first border. For a
    blurred category all are counted where the public sees blurred ones; hidden ones are counted
    for a hidden category only.
    """
    shape = (len(hulls), len(ends) - 1)
    mine, others = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    if not len(hulls):
        return mine, others
    found = await conn.execute(
        load_sql("geo.store", "hotspots_history"),
        {
            "category": category,
            "blurred": visibility == "blurred",
            "hidden": visibility == "hidden",
            "hulls": [shapely.to_wkb(each) for each in hulls],
            "ends": list(ends),
            "first": ends[0],
            "last": ends[-1],
            "left_out": list(NOT_COUNTED),
            "reach_m": reach_m,
        },
    )
    for row in found:
        mine[row.hull - 1, row.part - 1] = row.mine
        others[row.hull - 1, row.part - 1] = row.others
    return mine, others


async def surroundings(
    conn: AsyncConnection,
    shapes: Sequence[shapely.Polygon],
    middles: Sequence[tuple[float, float]],
    on: date,
    kinds: Sequence[str],
    radius_m: float,
) -> Sequence[AnyRow]:
    """For each shape, in order: `ward_code ward_vi ward_en ward_kind` of the ward that its middle
    (lon, lat) lies in on a day, None where in none, `street`, the name of the one that runs
    through the shape farthest, None where none is known, and `near`, the facilities of these kinds
    within `radius_m` of the shape, the nearest first, each `{kind, name, distance_m}`.
    """
    if not shapes:
        return []
    found = await conn.execute(
        load_sql("geo.store", "hotspots_surroundings"),
        {
            "shapes": [shapely.to_wkb(each) for each in shapes],
            "lon": [lon for lon, _ in middles],
            "lat": [lat for _, lat in middles],
            "day": on,
            "kinds": list(kinds),
            "radius_m": radius_m,
        },
    )
    return found.all()


async def union_of_wards(conn: AsyncConnection, codes: Sequence[str], on: date) -> shapely.Geometry:
    """The land of these wards on a day, WGS 84 degrees, drawn about 20 m fine."""
    found = await conn.execute(
        text(
            "SELECT ST_AsBinary(ST_Multi(ST_SimplifyPreserveTopology(ST_Union(geom), 0.0002)))"
            " FROM wards WHERE code = ANY (:codes) AND valid @> CAST(:day AS date)"
        ),
        {"codes": list(codes), "day": on},
    )
    return shapely.from_wkb(bytes(found.scalar_one()))


async def land(conn: AsyncConnection, on: date) -> list[shapely.Geometry]:
    """The polygons of all wards of a day, WGS 84 degrees."""
    found = await conn.execute(
        text("SELECT ST_AsBinary(geom) FROM wards WHERE valid @> CAST(:day AS date) ORDER BY code"),
        {"day": on},
    )
    return [shapely.from_wkb(bytes(wkb)) for wkb in found.scalars()]


async def surroundings_mark(conn: AsyncConnection) -> str:
    """Changes when a ward, street, facility or category does, whose names a run tells."""
    found = await conn.execute(
        text(
            """
            SELECT md5(concat(
                (SELECT string_agg(concat_ws(' ', id, valid, code, name, name_en, kind,
                    md5(ST_AsBinary(geom))), ',' ORDER BY id) FROM wards),
                (SELECT string_agg(concat_ws(' ', number, code, name_vi, name_en, visibility), ','
                    ORDER BY number) FROM categories),
                (SELECT md5(string_agg(md5(concat_ws(' ', id, kind, name, geom::text)), '' ORDER BY id))
                    FROM facilities),
                -- a source's streets are replaced as a whole, and get new numbers
                (SELECT concat_ws(' ', count(*), min(id), max(id)) FROM streets)
            ))
            """  # noqa: E501
        )
    )
    return str(found.scalar_one())
