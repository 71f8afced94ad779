"""Where a process takes its tiles from: its memory while that is true, else the database."""

import contextlib
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

import psycopg
from sqlalchemy.exc import DBAPIError
from starlette.types import Receive

from api import metrics
from api.feed import Change, Feed, Touch
from api.tile_service.cache import Name, TileCache, TileKey
from api.tile_service.flights import Flight, Flights
from api.tile_service.wire import WireTile
from geo.errors import NotReady
from geo.settings import Settings
from geo.store.database import AsyncEngine, create_engine
from tiles import render
from tiles.address import CELL_ZOOM, MAX_ZOOM, TileAddress
from tiles.filters import Filter
from tiles.layers import Layer

# A batch with more changes than this empties the layer instead: finding what so many touch would
# hold up the process, and most of it is touched anyway.
_MOST_CHANGES = 1000

# While no changes are heard of, one query still answers all who ask within this time of each other.
_BLIND_S = 0.25


class TileSource:
    """The tiles of one process; it has some within `following`."""

    def __init__(self, settings: Settings) -> None:
        self.cache: Final = TileCache(settings.tile_cache_mb << 20)
        self._flights: Flights[TileKey, WireTile] = Flights()
        # Of private tiles, which nobody shares: only so that the query ends when the client leaves.
        self._alone: Flights[object, WireTile] = Flights()
        self._settings = settings
        self._engine: AsyncEngine | None = None
        self._feed: Feed | None = None

    @contextlib.asynccontextmanager
    async def following(self, url: str, feed: Feed) -> AsyncIterator[None]:
        """Take tiles from this database, and trust the memory while the feed is connected."""
        settings = self._settings
        self._engine = create_engine(
            url,
            settings.tile_connections,
            wait_s=settings.tile_timeout_s,
            statement_s=settings.tile_timeout_s,
        )
        unsubscribe = feed.subscribe(self.changed, self.missed)
        self._feed = feed
        try:
            yield
        finally:
            self._feed = None
            unsubscribe()
            await self._engine.dispose()

    @property
    def trusted(self) -> bool:
        """Whether what is in memory is true."""
        return self._feed is not None and self._feed.connected

    async def tile(
        self, layer: Layer, address: TileAddress, chosen: Filter, name: Name, receive: Receive
    ) -> WireTile:
        """A public layer's tile, asked for by the address `name`.

        Raises what `tiles.render.tile` raises, `NotReady` when the query takes too long, and
        `ClientGone` when the client leaves (told by `receive`), which cancels the query unless
        others wait for it.
        """
        if layer.private:
            raise ValueError(f"{layer.id} is private: tiles of one person are not for all")
        key = TileKey.of(layer.id, address, chosen)
        found = self.cache.get(key) if self.trusted else None
        if found is None:
            found = await self._flights.join(
                key,
                partial(self._make, key, layer, address, chosen),
                receive,
                self._settings.tile_timeout_s if self.trusted else _BLIND_S,
            )
        self.cache.name(key, name)
        return found

    async def private_tile(
        self, layer: Layer, address: TileAddress, chosen: Filter, receive: Receive
    ) -> WireTile:
        """A tile for one person alone: made for them and kept nowhere. Raises as `tile` does."""

        async def make(_: Flight[WireTile]) -> WireTile:
            return (await self._made(layer, address, chosen))[0]

        return await self._alone.join(object(), make, receive, 0)

    async def _make(
        self,
        key: TileKey,
        layer: Layer,
        address: TileAddress,
        chosen: Filter,
        flight: Flight[WireTile],
    ) -> WireTile:
        # Asked before the query begins: what it sees then, the feed tells the rest of.
        trusted = self.trusted
        tile, until = await self._made(layer, address, chosen)
        if trusted and self.trusted and not flight.stale:
            self.cache.put(key, tile, until)
        return tile

    async def _made(
        self, layer: Layer, address: TileAddress, chosen: Filter
    ) -> tuple[WireTile, float]:
        """The tile from the database, and until when it is true if no data change."""
        if self._engine is None:
            raise NotReady("the service is starting")
        metrics.TILE_QUERIES.labels(layer.id).inc()
        clock = render.Clock(datetime.now(UTC), self._settings.timezone)
        try:
            async with self._engine.connect() as conn:
                body = await render.tile(conn, layer, address, chosen, clock)
        except (DBAPIError, psycopg.Error) as error:
            # The pyramid is read by the driver itself, below SQLAlchemy.
            cause = error.orig if isinstance(error, DBAPIError) else error
            if isinstance(cause, psycopg.errors.QueryCanceled):
                raise NotReady(
                    f"this tile took longer than {self._settings.tile_timeout_s:g} s; "
                    "try again in a moment, or ask for less of it by a filter"
                ) from error
            raise
        return await WireTile.of(body, layer), _until(layer, clock)

    def changed(self, batch: Iterable[Touch | Change]) -> None:
        """Forget what these changes touch, in memory and in the making."""
        cells: set[int] = set()
        layers: set[str] = set()
        for change in batch:
            if change.topic == "report":
                cells.update(
                    cell for cell in (change.old_cell, change.new_cell) if cell is not None
                )
            else:
                layers.add(change.topic)
        if len(cells) > _MOST_CHANGES:
            layers.add("reports")
        if layers:
            self._forget_layers(layers)
        if cells and "reports" not in layers:
            nodes = _nodes_over(cells)
            self.cache.drop_at("reports", nodes)
            self._flights.outdate(lambda key: key.layer == "reports" and key.node in nodes)

    def _forget_layers(self, layers: set[str]) -> None:
        def touched(key: TileKey) -> bool:
            # A tile chosen by wards was right to know these wards.
            return key.layer in layers or ("wards" in layers and bool(key.chosen.ward))

        self.cache.drop_where(touched)
        self._flights.outdate(touched)

    def missed(self) -> None:
        """Changes may have been missed: forget everything."""
        self.cache.clear()
        self._flights.outdate(lambda _: True)


def _nodes_over(cells: Iterable[int]) -> set[int]:
    """The tiles of all zooms that hold these cells, numbered as in `TileKey`."""
    nodes: set[int] = set()
    for cell in cells:
        node = 1 << 2 * MAX_ZOOM | cell >> 2 * (CELL_ZOOM - MAX_ZOOM)
        while node and node not in nodes:
            nodes.add(node)
            node >>= 2
    return nodes


def _until(layer: Layer, clock: render.Clock) -> float:
    """When a tile made at this moment may be wrong though no data changed, seconds since 1970."""
    tomorrow = clock.today + timedelta(days=1)
    day_ends = datetime.combine(tomorrow, time(), ZoneInfo(clock.timezone)).timestamp()
    if layer.clock_s is None:
        return day_ends
    return min(day_ends, clock.now.timestamp() + layer.clock_s)
