"""What the commands say and how: text for people, one JSON object with `--json`, progress bars."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from api import entrance
from geo.reports.times import rfc3339
from geo.settings import Settings
from geo.store.database import AsyncEngine, create_engine

T = TypeVar("T")

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def refuse(message: str) -> None:
    """Say why something was not done, on standard error."""
    err.print(message, style="red", markup=False)


def say(message: str) -> None:
    """A line for people."""
    out.print(message, markup=False)


def several(n: int, one: str, many: str) -> str:
    """`1 report`, `2 reports`: a number and what there are so many of."""
    return f"{n} {one if n == 1 else many}"


def print_json(value: dict[str, Any]) -> None:
    """The one object of `--json`, whatever terminal it goes to; times as RFC 3339 has them."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=_written) + "\n")


def _written(value: Any) -> str:
    return rfc3339(value) if isinstance(value, datetime) else str(value)


@contextmanager
def progress(label: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Yields `done(n)`, the count so far: a bar on a terminal, a line each tenth elsewhere."""
    if err.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, TimeRemainingColumn(), console=err) as bars:
            task = bars.add_task(label, total=total)
            yield lambda n: bars.update(task, completed=n)
        return
    said = 0

    def line(n: int) -> None:
        nonlocal said
        step = max((total or 0) // 10, 1) if total else 10_000
        if n // step > said or n == total:
            said = n // step
            err.print(f"{label}: {n}" + (f" of {total}" if total else ""), markup=False)

    yield line


def with_database(work: Callable[[AsyncEngine], Awaitable[T]]) -> T:
    """Run `work(engine)` on the configured database and return its answer."""

    async def run() -> T:
        settings = Settings()
        engine = create_engine(entrance.database_url(settings), pool_size=4)
        try:
            return await work(engine)
        finally:
            await engine.dispose()

    return asyncio.run(run())
