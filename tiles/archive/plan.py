"""What goes into an archive, and where something may lie."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from geo.errors import Invalid
from geo.store.area import Bbox
from tiles import layers
from tiles.address import MAX_ZOOM
from tiles.filters import TAKEN, Filter
from tiles.layers import Layer

DEFAULT_MAX_ZOOM = 14
"""Each zoom further may be four times the tiles; maps draw the last one larger."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What goes into an archive: each layer with the filters it takes, zooms, and tiles touching
    `bbox` (whole tiles: nothing is cut off at the box)."""

    parts: tuple[tuple[Layer, Filter], ...]
    min_zoom: int
    max_zoom: int
    bbox: Bbox | None = None

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        chosen: Filter,
        min_zoom: int = 0,
        max_zoom: int | None = None,
        bbox: Bbox | None = None,
    ) -> "Plan":
        """Raises `NotFound` on an unknown layer; `Invalid` on what may or can not go together.

        A filter goes to every layer that takes it; one that none takes is refused.
        """
        known = [layers.layer_of(name) for name in dict.fromkeys(names)]
        if not known:
            raise Invalid("an archive needs at least one layer: --layer reports")
        for layer in known:
            if layer.private:
                raise Invalid(
                    f"{layer.id} is for signed-in staff and goes into no file: leave it out"
                )
        deepest = min(layer.max_zoom for layer in known)
        last = min(deepest, DEFAULT_MAX_ZOOM) if max_zoom is None else max_zoom
        if not 0 <= min_zoom <= last <= MAX_ZOOM:
            raise Invalid(
                f"zooms go from 0 to {MAX_ZOOM}, the first not above the last; "
                f"these are {min_zoom} to {last}"
            )
        if last > deepest:
            short = next(layer for layer in known if layer.max_zoom == deepest)
            raise Invalid(
                f"{short.id} ends at zoom {deepest}, and would vanish from a map of this archive "
                f"beyond it: use --max-zoom {deepest}, or an archive of its own"
            )
        if last < min(layer.min_zoom for layer in known):
            raise Invalid(f"{known[0].id} has tiles from zoom {known[0].min_zoom} on only")
        parts = tuple((layer, _taken(chosen, layer)) for layer in known)
        for part in fields(chosen):
            if getattr(chosen, part.name) and not any(getattr(f, part.name) for _, f in parts):
                raise Invalid(
                    f"{part.name} is no filter of {', '.join(layer.id for layer in known)}"
                )
        return cls(parts, min_zoom, last, bbox)


def _taken(chosen: Filter, layer: Layer) -> Filter:
    """The part of a filter that a layer listens to."""
    empty = Filter()
    others = {
        part.name: getattr(empty, part.name)
        for part in fields(chosen)
        if part.name not in TAKEN[layer.id]
    }
    return replace(chosen, **others)
