"""One question to a process that has nothing: bytes in, bytes out, and an end in time."""

import asyncio
import logging
import sys
from asyncio import AbstractEventLoop, Semaphore
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from signal import SIGALRM, SIGKILL, SIGXCPU
from typing import cast
from weakref import WeakKeyDictionary

from geo.errors import RefusedPhoto
from geo.photos import kinds
from geo.photos.child import REFUSED, TAKEN

log = logging.getLogger("pinward.photos")

# -I: neither the environment nor the working directory says what is imported.
COMMAND = (sys.executable, "-I", "-B", "-m", "geo.photos.child")

# CPU and time are told by the first two; memory, as a rule, by the system's own killing.
_OF_LIMITS = (SIGXCPU, SIGALRM, SIGKILL)


@dataclass(frozen=True)
class Work:
    """What such processes are for: how many at once, how long an answer, whose refusals.

    `refused` makes the error of one of `reasons`, among them "too-much-work", "not-clean" and
    "broken"; its second argument says what the file is.
    """

    name: str
    at_once: int
    longest_answer: int
    reasons: Collection[str]
    refused: Callable[[str, str | None], RefusedPhoto]
    _turns: WeakKeyDictionary[AbstractEventLoop, Semaphore] = field(
        default_factory=WeakKeyDictionary
    )

    async def answer(self, command: Sequence[str], data: bytes, wall_s: float) -> bytes:
        """What the process says of `data`; it is not to be trusted.

        Raises `RefusedPhoto` whatever else becomes of it: killed by its limits, crashed, or not
        ended after `wall_s`. At most `at_once` of this process's own run at a time; the others wait
        their turn. Cancelled, it ends its process.
        """
        loop = asyncio.get_running_loop()
        async with self._turns.setdefault(loop, Semaphore(self.at_once)):
            code, answer = await self._said(command, data, wall_s)
        if answer.startswith(TAKEN) and code == 0:
            return answer[len(TAKEN) :]
        raise self._refusal(code, answer)

    async def _said(self, command: Sequence[str], data: bytes, wall_s: float) -> tuple[int, bytes]:
        # An empty environment: no database's address and no secret for one who takes it over.
        child, talk = await asyncio.get_running_loop().subprocess_exec(
            lambda: _Talk(self), *command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={}
        )
        try:
            into = cast(asyncio.WriteTransport, child.get_pipe_transport(0))
            into.write(data)
            into.close()
            async with asyncio.timeout(wall_s):
                answer = await talk.said
                await talk.ended.wait()
            return child.get_returncode() or 0, answer
        except TimeoutError:
            raise self.refused("too-much-work", None) from None
        finally:
            # Ends it if it still runs, and our ends of its pipes, whoever holds the others.
            child.close()
            await talk.ended.wait()

    def _refusal(self, code: int, answer: bytes) -> RefusedPhoto:
        if code == 0 and answer.startswith(REFUSED):
            reason, _, what = answer[len(REFUSED) :].decode(errors="replace").partition("\n")
            if reason in self.reasons:
                # Only words of ours are passed on.
                return self.refused(reason, what if what in kinds.NAMES else None)
        # Crashed in a decoder, ended by its limits, or by an error that nobody foresaw.
        log.warning("a %s's process ended with %s", self.name, code)
        return self.refused("too-much-work" if -code in _OF_LIMITS else "broken", None)


class _Talk(asyncio.SubprocessProtocol):
    """`said`: all of stdout, once it is closed; `ended`: the process is.

    Not the streams of asyncio: with them the end of a process is told only after that of its pipes,
    which one that floods its own, or leaves it to a process of its own, puts off for ever.
    """

    def __init__(self, work: Work) -> None:
        self.said: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.ended = asyncio.Event()
        self._work = work
        self._answer = bytearray()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._answer += data
        if len(self._answer) > self._work.longest_answer and not self.said.done():
            self.said.set_exception(self._work.refused("not-clean", None))

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == 1 and not self.said.done():
            self.said.set_result(bytes(self._answer))

    def process_exited(self) -> None:
        self.ended.set()
