"""Where a task's points come from: told to the worker in a few words, which then loads its own.

A source is a small value that can be pickled. Whatever loads it, and however often, a point must
have the same row and the same metres.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from geo import crs
from geo.errors import Invalid, UnreadableFile
from geo.hotspots.country.blocks import Block, Box, Cut, Floats, Ints, places
from geo.hotspots.window import Reports
from geo.period import Period
from geo.store import hotspot_inputs as inputs
from geo.store import hotspots as lookup
from geo.store.area import Bbox
from geo.store.database import AsyncConnection, create_engine

T = TypeVar("T")

# Degrees that a box of metres is wider, for what its bent edges may cut off.
_MARGIN_DEGREES = 0.001
_MARGIN_M = 50.0


class Source(Protocol):
    """The points of one city and category, in metres of one plane."""

    def blocks(self, side_m: float) -> list[Block]:
        """Every block of this size that holds points; others may be among them."""
        ...

    def load(self, box: Box) -> tuple[Ints, Floats]:
        """(rows, points_m) in a box, (n,) and (n, 2): a row numbers a point, and no other one."""
        ...


class City(Protocol):
    """The reports of a city's window, of all categories."""

    def reports(self) -> Reports:
        """All of them."""
        ...


@dataclass(frozen=True, slots=True)
class Stored:
    """Points in a folder that `Cut.save` wrote, which every worker sees by the same path."""

    folder: Path

    def blocks(self, side_m: float) -> list[Block]:
        """Those that hold points. Raises `Invalid` if `side_m` is not what they were cut to."""
        return Cut.open(self.folder).blocks(side_m)

    def load(self, box: Box) -> tuple[Ints, Floats]:
        """Reads the blocks that the box touches."""
        return Cut.open(self.folder).load(box)


@dataclass(frozen=True, slots=True)
class Parquet:
    """Columns `row`, `x_m`, `y_m` of a file that every worker sees by the same path.

    Row groups that a box does not touch are not read: a file sorted by place is quick.
    """

    path: Path

    def blocks(self, side_m: float) -> list[Block]:
        """Those that hold points; reads the columns group by group."""
        found: set[Block] = set()
        with self._file() as file:
            for group in range(file.num_row_groups):
                points = _metres(file.read_row_group(group, columns=["x_m", "y_m"]))
                found.update(
                    Block(*place) for place in np.unique(places(points, side_m), axis=0).tolist()
                )
        return sorted(found)

    def load(self, box: Box) -> tuple[Ints, Floats]:
        """Reads the row groups that the box touches."""
        from pyarrow import parquet

        with self._file():
            table = parquet.read_table(
                self.path,
                columns=["row", "x_m", "y_m"],
                filters=[
                    ("x_m", ">=", box.left_m),
                    ("x_m", "<=", box.right_m),
                    ("y_m", ">=", box.low_m),
                    ("y_m", "<=", box.high_m),
                ],
            )
        return table["row"].to_numpy().astype(np.int64), _metres(table)

    def _file(self) -> Any:
        from pyarrow import ArrowInvalid, parquet

        try:
            file = parquet.ParquetFile(self.path)
        except (OSError, ArrowInvalid) as error:
            raise UnreadableFile(f"{self.path} is no Parquet file: {error}") from error
        missing = {"row", "x_m", "y_m"} - set(file.schema_arrow.names)
        if missing:
            raise UnreadableFile(f"{self.path} has no column {', '.join(sorted(missing))}")
        return file


def _metres(table: Any) -> Floats:
    return np.column_stack([table["x_m"].to_numpy(), table["y_m"].to_numpy()]).astype(np.float64)


@dataclass(frozen=True, slots=True)
class CategoryInDatabase:
    """Reports of a category (code) and period in a database, where the public sees them.

    `city` is the name that its ward sets bear (`pinward wards import --city`); None for all
    reports. A report's row is its number (`hotspot_inputs.rows`), so clusters are numbered by the
    lowest of these. Take a period that is over: reports that come in while a run reads make it
    fail. `url` is a libpq URL as the *worker* understands it; one without a password (libpq's
    passfile) is best, as it travels with each task.
    """

    url: str = field(repr=False)
    period: Period
    category: str
    city: str | None = None
    epsg: int = crs.UTM_48N

    def blocks(self, side_m: float) -> list[Block]:
        """Those that hold points, and some beside them."""

        async def read(conn: AsyncConnection) -> Ints:
            await _there(conn, self.city, self.category)
            return await inputs.squares(conn, self.period, self.city, self.category)

        squares = _from(self.url, read) / inputs.SQUARES_A_DEGREE
        ends = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]) / inputs.SQUARES_A_DEGREE
        corners = (squares[:, None] + ends).reshape(-1, 2)
        x_m, y_m, _ = crs.to_metres(corners[:, 0], corners[:, 1], self.epsg)
        metres = np.column_stack([x_m, y_m]).reshape(-1, 4, 2)
        low = places(metres.min(axis=1) - _MARGIN_M, side_m)
        high = places(metres.max(axis=1) + _MARGIN_M, side_m)
        found: set[Block] = set()
        for (c0, r0), (c1, r1) in zip(low.tolist(), high.tolist(), strict=True):
            found.update(Block(c, r) for c in range(c0, c1 + 1) for r in range(r0, r1 + 1))
        return sorted(found)

    def load(self, box: Box) -> tuple[Ints, Floats]:
        """Those that count; default points that an import flagged do not."""
        west, south, east, north = crs.transformer(self.epsg, crs.WGS84).transform_bounds(*box)
        area = Bbox(
            max(west - _MARGIN_DEGREES, -180.0),
            max(south - _MARGIN_DEGREES, -90.0),
            min(east + _MARGIN_DEGREES, 180.0),
            min(north + _MARGIN_DEGREES, 90.0),
        )

        async def read(conn: AsyncConnection) -> dict[str, Any]:
            return await inputs.rows(conn, self.period, self.city, self.category, area)

        found = _from(self.url, read)
        counted = ~found["flagged"]
        x_m, y_m, _ = crs.to_metres(found["lon"][counted], found["lat"][counted], self.epsg)
        points = np.column_stack([x_m, y_m])
        here = box.holds(points)
        return found["number"][counted][here], points[here]


@dataclass(frozen=True, slots=True)
class CityInDatabase:
    """All reports of a city's window in a database; as a run of one machine reads them.

    `city` as in `CategoryInDatabase`; `zone` is that of sentences about artefacts.
    """

    url: str = field(repr=False)
    period: Period
    city: str | None = None
    zone: tzinfo = UTC

    def reports(self) -> Reports:
        """With their artefacts found."""

        async def read(conn: AsyncConnection) -> Reports:
            await _there(conn, self.city)
            every = await lookup.categories(conn)
            blurred, hidden = (
                [one.number for one in every if one.visibility == visibility]
                for visibility in ("blurred", "hidden")
            )
            found = await inputs.rows(conn, self.period, self.city)
            return Reports.of(found, self.zone, blurred, hidden)

        return _from(self.url, read)


async def _there(conn: AsyncConnection, city: str | None, category: str | None = None) -> None:
    """Raise `Invalid` where nothing bears such a name, which would look like no reports."""
    if category is not None:
        codes = {one.code for one in await lookup.categories(conn, category)}
        if category not in codes:
            raise Invalid(f"there is no category {category!r}")
    if city is not None and city not in (cities := await inputs.cities(conn)):
        raise Invalid(f"no ward set is of a city {city!r}; there are {', '.join(cities) or 'none'}")


def _from(url: str, read: Callable[[AsyncConnection], Awaitable[T]]) -> T:
    """What `read` reads in one transaction."""
    if not url:
        raise Invalid("a source in a database needs its libpq URL")

    async def work() -> T:
        engine = create_engine(url, pool_size=1)
        try:
            async with engine.connect() as conn:
                return await read(conn)
        finally:
            await engine.dispose()

    return asyncio.run(work())
