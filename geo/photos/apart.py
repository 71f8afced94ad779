"""The door: a photo is cleaned in a process of its own, and its answer is not trusted either."""

import asyncio
import contextlib
import logging
import sys
from asyncio import AbstractEventLoop, Semaphore
from asyncio.subprocess import DEVNULL, PIPE, Process
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
    child = await asyncio.create_subprocess_exec(
        *COMMAND, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={}
    )
    try:
        async with asyncio.timeout(wall_s):
            _, answer = await asyncio.gather(_feed(child, data), _read(child))
            return await child.wait(), answer
    except TimeoutError:
        raise refused("too-much-work") from None
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()


async def _feed(child: Process, data: bytes) -> None:
    assert child.stdin is not None
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        child.stdin.write(data)
        await child.stdin.drain()
    child.stdin.close()


async def _read(child: Process) -> bytes:
    assert child.stdout is not None
    answer = bytearray()
    while some := await child.stdout.read(1 << 16):
        answer += some
        if len(answer) > _LONGEST_ANSWER:
            raise refused("not-clean")
    return bytes(answer)


def _refusal(code: int, answer: bytes) -> RefusedPhoto:
    if code == 0 and answer.startswith(REFUSED):
        reason, _, what = answer[len(REFUSED) :].decode(errors="replace").partition("\n")
        if reason in REASONS:
            # Only words of ours are passed on.
            return refused(reason, what if what in kinds.NAMES else None)
    # Ended by a signal, of its limits or its own; or by an error that nobody foresaw.
    log.warning("a photo's process ended with %s", code)
    return refused("too-much-work" if code < 0 else "broken")
