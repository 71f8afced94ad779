"""Passwords at rest: argon2id with the library's defaults (RFC 9106, low-memory choice)."""

import asyncio
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from geo.errors import Invalid

SHORTEST = 10

_hasher = PasswordHasher()


@cache
def _nobody() -> str:
    # Checked when there is no such account, so that the answer takes as long as for a real one.
    return _hasher.hash("nobody has this password")


def hashed(password: str) -> str:
    """argon2id hash to store; raises `Invalid` on a password under 10 characters."""
    if len(password) < SHORTEST:
        raise Invalid(f"a password needs at least {SHORTEST} characters")
    return _hasher.hash(password)


async def matches(stored: str | None, password: str) -> bool:
    """Whether the password is right; off the event loop, and as slow without an account."""
    return await asyncio.to_thread(_matches, stored, password)


def _matches(stored: str | None, password: str) -> bool:
    try:
        return _hasher.verify(stored or _nobody(), password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False
