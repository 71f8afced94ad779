"""Passwords at rest: argon2id with the library's defaults (RFC 9106, low-memory choice).

A check takes 64 MiB and a good part of a processor for a while. So a process makes two at a time,
and has no more than a few waiting: a flood of sign-ins is told to come again, and neither memory
nor the service's other work is eaten by it.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from geo.errors import Invalid, TooMany

SHORTEST = 10
AT_ONCE = 2
WAITING = 30

_hasher = PasswordHasher()
T = TypeVar("T")


class _Bounded:
    """Threads of our own: one that works for somebody who has left still counts as busy."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="argon2")
        self._inside = 0

    async def run(self, work: Callable[[], T]) -> T:
        if self._inside >= AT_ONCE + WAITING:
            raise TooMany("many are signing in just now; try again in a moment", later_s=2)
        self._inside += 1
        future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        future.add_done_callback(lambda _: self._left())
        return await future

    def _left(self) -> None:
        self._inside -= 1


_bounded = _Bounded()


@cache
def _nobody() -> str:
    # Checked when there is no such account, so that the answer takes as long as for a real one.
    return _hasher.hash("nobody has this password")


def long_enough(password: str) -> None:
    """Raise `Invalid` on a password under 10 characters."""
    if len(password) < SHORTEST:
        raise Invalid(f"a password needs at least {SHORTEST} characters")


def hashed(password: str) -> str:
    """argon2id hash to store; raises `Invalid` on a password under 10 characters."""
    long_enough(password)
    return _hasher.hash(password)


async def hashed_aside(password: str) -> str:
    """As `hashed`, off the event loop; raises `TooMany` when too many are waiting."""
    long_enough(password)
    return await _bounded.run(lambda: _hasher.hash(password))


async def matches(stored: str | None, password: str) -> bool:
    """Whether the password is right; off the event loop, and as slow without an account.

    Raises `TooMany` when too many are waiting.
    """
    return await _bounded.run(lambda: _matches(stored, password))


def outdated(stored: str) -> bool:
    """Whether a hash was made with other parameters than today's, so should be made anew."""
    return _hasher.check_needs_rehash(stored)


def _matches(stored: str | None, password: str) -> bool:
    try:
        return _hasher.verify(stored or _nobody(), password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False
