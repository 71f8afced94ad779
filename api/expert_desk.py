"""Experts' questions, each worked out by a process of its own, few of them at once.

Not in a thread: scikit-learn computes HDBSCAN without ever letting another Python thread run, so
one question would hold up every request of the service for seconds. A process also ends with its
memory, and is ended when it takes too long or its client hangs up.
"""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfo

import psycopg
from sqlalchemy.exc import OperationalError

from api import entrance
from geo.errors import Invalid, NotReady
from geo.hotspots.expert.question import Question
from geo.settings import Settings
from geo.store.area import Bbox

# Of one process of the service. The second keeps a slow one from shutting out everybody else.
MOST_AT_ONCE: Final = 2
# What is allowed takes seconds; this ends what hangs.
_LONGEST_S: Final = 60.0

_COMMAND: Final = (sys.executable, "-c", "from api.expert_desk import main; main()")


class ExpertDesk:
    """Counts the questions that a process of the service is at."""

    def __init__(self) -> None:
        self._doing = 0

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """A place at the desk for the length of the block; raises `NotReady` when all are taken."""
        if self._doing >= MOST_AT_ONCE:
            raise NotReady(
                f"{MOST_AT_ONCE} questions of experts are being worked out, as many as may be; "
                "ask again in some seconds"
            )
        self._doing += 1
        try:
            yield
        finally:
            self._doing -= 1

    async def ask(self, question: Question) -> bytes:
        """The JSON body of the answer (see `api.hotspot_expert.body`).

        Raises `Invalid` when too much would be drawn, `NotReady` when the database is away or it
        takes too long or too much. Cancelled, it ends its process.
        """
        child = await asyncio.create_subprocess_exec(
            *_COMMAND,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        asked = json.dumps({**asdict(question), "parent": os.getpid()}, default=str).encode()
        try:
            async with asyncio.timeout(_LONGEST_S):
                said, wrong = await child.communicate(asked)
        except TimeoutError:
            raise NotReady(
                f"this took longer than {_LONGEST_S:.0f} s; ask for a smaller bbox, or later",
                later_s=round(_LONGEST_S),
            ) from None
        finally:
            if child.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    child.kill()
                await child.wait()
        ended = child.returncode or 0
        if ended < 0:
            # By the system, as a rule for its memory: asked again as it is, it ends so again.
            raise NotReady(
                "this was more than can be worked out here now; ask for a smaller bbox, or later",
                later_s=round(_LONGEST_S),
            )
        if ended:
            last = wrong.decode(errors="replace").strip().splitlines()[-1:]
            raise RuntimeError(f"it ended with {ended}: {' '.join(last)[:500]}")
        kind, _, body = said.partition(b"\n")
        if kind == b"answer":
            return body
        told = json.loads(body)
        if kind == b"away":
            raise NotReady(told["detail"])
        raise Invalid(told["detail"], errors=told["errors"])


def main() -> None:
    """Read a question from standard input, write its answer; what the desk's process runs."""
    from api.orphaned import when_orphaned

    asked: dict[str, Any] = json.load(sys.stdin)
    when_orphaned(asked.pop("parent"), lambda: os._exit(1))
    area = asked.pop("area")
    question = Question(
        **{**asked, "as_of": date.fromisoformat(asked["as_of"])},
        area=Bbox(**area) if area else None,
    )
    try:
        kind, told = "answer", asyncio.run(_answer(question))
    except Invalid as error:
        kind, told = "invalid", {"detail": error.detail, "errors": error.errors}
    except (NotReady, OperationalError, psycopg.OperationalError):
        kind, told = "away", {"detail": "the database does not answer; try again in a moment"}
    sys.stdout.write(f"{kind}\n{json.dumps(told, ensure_ascii=False, separators=(',', ':'))}")


async def _answer(question: Question) -> dict[str, Any]:
    # Here, not above: what computes is for this process only.
    from api.hotspot_expert import body
    from geo.hotspots.expert.answer import answer, geojson
    from geo.store.database import create_engine

    settings = Settings()
    zone = ZoneInfo(settings.timezone)
    engine = create_engine(entrance.service_database_url(settings), pool_size=1)
    try:
        async with engine.connect() as conn:
            made = await answer(conn, question, zone)
    finally:
        await engine.dispose()
    features = [geojson(shape) for shape in made.shapes]
    return body(question, zone, features, made.n_reports, made.n_cells)
