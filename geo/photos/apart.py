"""The door: a photo is cleaned in a process of its own, and its answer is not trusted either."""

import asyncio
import logging
import sys
from asyncio import AbstractEventLoop, Semaphore
from asyncio.subprocess import DEVNULL, PIPE
from signal import SIGALRM, SIGKILL, SIGXCPU
from typing import cast
from weakref import WeakKeyDictionary

from geo.errors import RefusedPhoto
from geo.photos import kinds
from geo.photos.child import REFUSED, TAKEN
from geo.photos.cleaned import Cleaned
from geo.photos.limits import WALL_S
from geo.photos.refusals import MOST_BYTES, REASONS, refused

log = logging.getLogger("pinward.photos")

# -I: neither the environment nor the working directory says what is imported.
COMMAND = (sys.executable, "-I", "-B", "-m", "geo.photos.child")
AT_ONCE = 2
# 2048 x 2048 of pure noise at this quality is under 4 MB.
_LONGEST_ANSWER = 8 << 20

# CPU and time are told by the first two; memory, as a rule, by the system's own killing.
_OF_LIMITS = (SIGXCPU, SIGALRM, SIGKILL)

_turns: WeakKeyDictionary[AbstractEventLoop, Semaphore] = WeakKeyDictionary()


async def cleaned(data: bytes, wall_s: float = WALL_S) -> Cleaned:
    """The photo as a bare JPEG, at most 2048 px long, after at most `wall_s` of its own process.

    Raises `RefusedPhoto` for whatever else it is, and whatever becomes of the process: killed by
    its limits, crashed, or answering what is not clean. At most `AT_ONCE` processes of this one's
    run at a time; the others wait their turn. Cancelled, it ends its process.
    """
    # Here, too: what is refused anyway is not to wait for a turn.
    if not data:
        raise refused("empty")
    if len(data) > MOST_BYTES:
        raise refused("too-large")
    turn = _turns.setdefault(asyncio.get_running_loop(), Semaphore(AT_ONCE))
    async with turn:
        code, answer = await _answer_of(data, wall_s)
    if answer.startswith(TAKEN) and code == 0:
        return Cleaned.of(answer[len(TAKEN) :])
    raise _refusal(code, answer)


async def _answer_of(data: bytes, wall_s: float) -> tuple[int, bytes]:
    # An empty environment: no database's address and no secret for one who takes the decoder over.
    child, talk = await asyncio.get_running_loop().subprocess_exec(
        _Talk, *COMMAND, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={}
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
        raise refused("too-much-work") from None
    finally:
        # Ends it if it still runs, and our ends of its pipes, whoever holds the others.
        child.close()
        await talk.ended.wait()


class _Talk(asyncio.SubprocessProtocol):
    """`said`: all of stdout, once it is closed; `ended`: the process is.

    Not the streams of asyncio: with them the end of a process is told only after that of its pipes,
    which one that floods its own, or leaves it to a process of its own, puts off for ever.
    """

    def __init__(self) -> None:
        self.said: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.ended = asyncio.Event()
        self._answer = bytearray()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._answer += data
        if len(self._answer) > _LONGEST_ANSWER and not self.said.done():
            self.said.set_exception(refused("not-clean"))

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == 1 and not self.said.done():
            self.said.set_result(bytes(self._answer))

    def process_exited(self) -> None:
        self.ended.set()


def _refusal(code: int, answer: bytes) -> RefusedPhoto:
    if code == 0 and answer.startswith(REFUSED):
        reason, _, what = answer[len(REFUSED) :].decode(errors="replace").partition("\n")
        if reason in REASONS:
            # Only words of ours are passed on.
            return refused(reason, what if what in kinds.NAMES else None)
    # Crashed in a decoder, ended by its limits, or by an error that nobody foresaw.
    log.warning("a photo's process ended with %s", code)
    return refused("too-much-work" if -code in _OF_LIMITS else "broken")
