"""Threads that share out slices of an array, for compiled functions that let go of the lock."""

import itertools
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

Slice = tuple[int, int]

# Below so many elements, starting threads costs more than they save.
_FEW = 30_000
# Slices for each thread, so that one full of work does not keep the others waiting.
_SLICES = 8


class Crew:
    """A pool of `threads` for work on `n` elements, to be used in `with`; one thread for few."""

    def __init__(self, n: int, threads: int | None = None) -> None:
        threads = processors() if threads is None else threads
        self.threads = threads if n >= _FEW else 1
        self._parts = _SLICES * threads if self.threads > 1 else 1
        self._pool = ThreadPoolExecutor(threads) if self.threads > 1 else None

    def __enter__(self) -> "Crew":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._pool:
            self._pool.shutdown()

    def each(self, work: Callable[..., Any], slices: Iterable[tuple[Any, ...]]) -> list[Any]:
        """What `work(*slice)` answers, in the order of the slices."""
        if self._pool is None:
            return [work(*one) for one in slices]
        return list(self._pool.map(lambda one: work(*one), slices))

    def slices(self, n: int, most: int | None = None) -> list[Slice]:
        """Equal slices of 0 … n, of at most `most` elements."""
        parts = self._parts if most is None else max(self._parts, -(-n // most))
        ends = [n * i // parts for i in range(parts + 1)]
        return [(a, b) for a, b in itertools.pairwise(ends) if b > a]

    def weighed(self, start: npt.NDArray[Any]) -> list[Slice]:
        """Slices of the groups that begin at `start` (with the end behind) of equal contents."""
        wanted = np.linspace(0, start[-1], self._parts + 1)[1:-1]
        ends = np.unique(np.concatenate([[0, len(start) - 1], np.searchsorted(start, wanted)]))
        return [(int(a), int(b)) for a, b in itertools.pairwise(ends)]


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
