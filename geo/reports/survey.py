"""A first look over a whole file: what can only be said of a row when all are known."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from geo.reports import cleaning
from geo.reports.rows import Batch

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

# One exact point holding so many of a file's rows is where its geocoder puts what it cannot find.
PILE_SHARE, PILE_ROWS = 0.01, 100


@dataclass(frozen=True)
class Pile:
    """A point that holds suspiciously many rows."""

    lon: float
    lat: float
    rows: int


@dataclass(frozen=True)
class Survey:
    """`rows` in all; `repeated` (rows,) marks ids that came before; `piles`, largest first;
    `categories`, the names as the file has them.
    """

    rows: int
    repeated: Bools
    piles: tuple[Pile, ...]
    categories: tuple[str, ...]

    def on_a_pile(self, lon: Floats, lat: Floats) -> Bools:
        """Which points lie exactly on a pile."""
        found = np.zeros(len(lon), dtype=bool)
        for pile in self.piles:
            found |= (lon == pile.lon) & (lat == pile.lat)
        return found


def survey(batches: Iterable[Batch]) -> Survey:
    """Read all of it once; some 30 bytes a row are held meanwhile."""
    ids: list[pa.Array] = []
    points: list[npt.NDArray[np.complex128]] = []
    categories: set[str] = set()
    for batch in batches:
        ids.append(cleaning.ids(batch))
        categories.update(cleaning.categories(batch))
        lon, lat, reason = cleaning.positions(batch)
        points.append((lon + 1j * lat)[reason == 0])
    rows = sum(len(each) for each in ids)
    if not rows:
        return Survey(0, np.zeros(0, dtype=bool), (), ())
    piles = _piles(np.concatenate(points))
    return Survey(rows, _repeated(ids, rows), piles, tuple(sorted(categories)))


def _repeated(ids: list[pa.Array], rows: int) -> Bools:
    chunked = pa.chunked_array(ids)
    # One dictionary over all chunks, so that its positions mean the same everywhere.
    encoded = chunked.dictionary_encode().unify_dictionaries()
    indices = np.concatenate([chunk.indices.to_numpy() for chunk in encoded.chunks])
    repeated = np.ones(rows, dtype=bool)
    repeated[np.unique(indices, return_index=True)[1]] = False
    repeated[pc.equal(chunked, "").to_numpy()] = False
    return repeated


def _piles(points: npt.NDArray[np.complex128]) -> tuple[Pile, ...]:
    places, counts = np.unique(points, return_counts=True)
    many = np.flatnonzero(counts >= max(PILE_ROWS, PILE_SHARE * len(points)))
    ordered = many[np.argsort(-counts[many], kind="stable")]
    return tuple(
        Pile(float(places[i].real), float(places[i].imag), int(counts[i])) for i in ordered
    )
