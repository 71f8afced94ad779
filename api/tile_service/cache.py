"""Finished tiles in memory, bounded in bytes, the longest unused going first.

A tile is kept under what it is (layer, place, filter), and found by the addresses (path and query)
it was asked for with, so that a hit parses nothing. It goes when a change touches it, when its time
is up, or when room is needed; never later, so whoever finds one may hand it out.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from typing import Any, NamedTuple

from api.tile_service.wire import WireTile
from tiles.address import CELL_ZOOM, TileAddress
from tiles.filters import Filter

# What keeping a tile costs beside its bytes: the objects around it, measured by
# tests/api/test_tile_cache.py.
_TILE_BYTES = 1150
_NAME_BYTES = 250
_WORD_BYTES = 70
# A tile is asked for by few addresses (other order of parameters, `v=…`); the oldest is forgotten.
_MOST_NAMES = 4

Name = tuple[str, bytes]
"""Path and raw query of a request."""


class TileKey(NamedTuple):
    """What a tile shows. `node` is `1 << 2 * zoom | z-order number`: the parent is `node >> 2`."""

    layer: str
    node: int
    chosen: Filter

    @classmethod
    def of(cls, layer: str, address: TileAddress, chosen: Filter) -> "TileKey":
        """The same key for every way of saying the same filter."""
        sorted_lists: dict[str, Any] = {
            name: tuple(sorted(set(value))) for name, value in _lists(chosen).items()
        }
        number = address.cells[0] >> 2 * (CELL_ZOOM - address.z)
        return cls(layer, 1 << 2 * address.z | number, replace(chosen, **sorted_lists))


class _Kept:
    __slots__ = ("cost", "key", "names", "tile", "until")

    def __init__(self, key: TileKey, tile: WireTile, until: float) -> None:
        self.key = key
        self.tile = tile
        self.until = until
        self.names: list[Name] = []
        packed = 0 if tile.packed is tile.body else len(tile.packed)
        words = sum(len(value) for value in _lists(key.chosen).values())
        self.cost = _TILE_BYTES + _WORD_BYTES * words + len(tile.body) + packed


class TileCache:
    """At most `most_bytes` of tiles; 0 keeps none. For one event loop, so without locks."""

    def __init__(self, most_bytes: int, now: Callable[[], float] = time.time) -> None:
        self.most_bytes = most_bytes
        self.bytes = 0
        self._now = now
        self._kept: OrderedDict[TileKey, _Kept] = OrderedDict()
        self._named: dict[Name, _Kept] = {}
        # Tiles by layer and place, so that a change finds those it touches.
        self._at: dict[tuple[str, int], set[TileKey]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, name: Name) -> tuple[TileKey, WireTile] | None:
        """The tile once asked for by exactly this address."""
        kept = self._named.get(name)
        return None if kept is None else self._used(kept)

    def get(self, key: TileKey) -> WireTile | None:
        """The tile that shows this."""
        kept = self._kept.get(key)
        found = None if kept is None else self._used(kept)
        return None if found is None else found[1]

    def _used(self, kept: _Kept) -> tuple[TileKey, WireTile] | None:
        if self._now() >= kept.until:
            self._drop(kept)
            return None
        self._kept.move_to_end(kept.key)
        return kept.key, kept.tile

    def put(self, key: TileKey, tile: WireTile, until: float) -> None:
        """Keep a tile until that moment (seconds since 1970) at the latest."""
        self.drop(key)
        kept = _Kept(key, tile, until)
        if kept.cost > self.most_bytes:
            return
        self._kept[key] = kept
        self._at.setdefault(key[:2], set()).add(key)
        self.bytes += kept.cost
        self._make_room()

    def name(self, key: TileKey, name: Name) -> None:
        """Let `find` find the tile by this address, if it is kept."""
        kept = self._kept.get(key)
        if kept is None or name in self._named:
            return
        if len(kept.names) == _MOST_NAMES:
            self._unname(kept, 0)
        kept.names.append(name)
        self._named[name] = kept
        self._charge(kept, _cost(name))
        self._make_room()

    def drop(self, key: TileKey) -> None:
        """Forget one tile."""
        if key in self._kept:
            self._drop(self._kept[key])

    def drop_at(self, layer: str, nodes: Iterable[int]) -> None:
        """Forget the layer's tiles at these places, whatever their filter."""
        for node in nodes:
            for key in tuple(self._at.get((layer, node), ())):
                self._drop(self._kept[key])

    def drop_where(self, touched: Callable[[TileKey], bool]) -> None:
        """Forget all tiles of which this is true."""
        for key in [key for key in self._kept if touched(key)]:
            self._drop(self._kept[key])

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()
        self._named.clear()
        self._at.clear()
        self.bytes = 0

    def _make_room(self) -> None:
        while self.bytes > self.most_bytes:
            self._drop(next(iter(self._kept.values())))

    def _drop(self, kept: _Kept) -> None:
        while kept.names:
            self._unname(kept, -1)
        del self._kept[kept.key]
        beside = self._at[kept.key[:2]]
        beside.discard(kept.key)
        if not beside:
            del self._at[kept.key[:2]]
        self._charge(kept, -kept.cost)

    def _unname(self, kept: _Kept, which: int) -> None:
        name = kept.names.pop(which)
        del self._named[name]
        self._charge(kept, -_cost(name))

    def _charge(self, kept: _Kept, cost: int) -> None:
        kept.cost += cost
        self.bytes += cost


def _lists(chosen: Filter) -> dict[str, tuple[str, ...]]:
    values = {part.name: getattr(chosen, part.name) for part in fields(chosen)}
    return {name: value for name, value in values.items() if isinstance(value, tuple)}


def _cost(name: Name) -> int:
    return _NAME_BYTES + len(name[0]) + len(name[1])
