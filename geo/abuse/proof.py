"""A small proof of work: what a client shows instead of being refused for its neighbours.

    challenge = make(key, bound_to, difficulty, now)
    header    = f"{challenge}.{answer}"      # sha256 of it begins with a small enough number
    used      = check(key, bound_to, header, now)

The first 48 bits of the sha256 of the header, read as a number, must be below 2^48 / difficulty: so
many hashes it takes on average. A challenge is signed, so that nothing is kept of one that was only
given out; of one that was answered its name is kept until it ends, so that it counts once.
"""

import base64
import binascii
import hashlib
import hmac
import os
import re
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

LASTS = timedelta(minutes=10)
"""Time enough for the slowest phone on the weakest network."""

EASIER = 4
"""So many times easier a proof may be than what is asked when it comes."""

MOST_BITS = 48
# expires (seconds since 1970), difficulty, and what tells it from all others
_SAYS = struct.Struct(">II8s")
_MAC = 16
_ANSWER = re.compile(r"[0-9A-Za-z]{1,20}")


@dataclass(frozen=True, slots=True)
class Challenge:
    """What is to be answered; `text` is the challenge itself, as the client gets it."""

    text: str
    difficulty: int
    expires: datetime


@dataclass(frozen=True, slots=True)
class Proof:
    """A challenge that was answered: `name` (8 bytes) is that of no other."""

    name: bytes
    difficulty: int
    expires: datetime


def make(key: bytes, bound_to: str, difficulty: int, now: datetime) -> Challenge:
    """A challenge that only `bound_to` can use, until it ends."""
    until = int((now + LASTS).timestamp())
    said = _SAYS.pack(until, difficulty, os.urandom(8))
    packed = base64.urlsafe_b64encode(said + _mac(key, bound_to, said)).rstrip(b"=")
    return Challenge(packed.decode(), difficulty, datetime.fromtimestamp(until, UTC))


def check(key: bytes, bound_to: str, header: str, now: datetime) -> Proof | None:
    """The proof that a header is; None: it is none, somebody else's, or ended. Used or not, only
    the database knows."""
    challenge, _, answer = header.partition(".")
    if len(header) > 100 or not header.isascii() or not _ANSWER.fullmatch(answer):
        return None
    try:
        packed = base64.b64decode(
            challenge + "=" * (-len(challenge) % 4), altchars=b"-_", validate=True
        )
    except (ValueError, binascii.Error):
        return None
    said, mac = packed[: _SAYS.size], packed[_SAYS.size :]
    if len(said) != _SAYS.size or not hmac.compare_digest(mac, _mac(key, bound_to, said)):
        return None
    until, difficulty, name = _SAYS.unpack(said)
    expires = datetime.fromtimestamp(until, UTC)
    if expires <= now or not is_answer(header, difficulty):
        return None
    return Proof(name, difficulty, expires)


def is_enough(shown: int, asked: int) -> bool:
    """Whether a proof of difficulty `shown` will do where `asked` is asked by now.

    A quarter of it does: while an honest phone works others send, too. Less was asked for in
    quieter times, and kept for these.
    """
    return shown * EASIER >= asked


def is_answer(header: str, difficulty: int) -> bool:
    """Whether enough work was done for it."""
    first = int.from_bytes(hashlib.sha256(header.encode()).digest()[: MOST_BITS // 8], "big")
    return first < (1 << MOST_BITS) // difficulty


def answer(challenge: str, difficulty: int) -> str:
    """Do the work: the header that answers a challenge, as a client in Python would."""
    limit = (1 << MOST_BITS) // difficulty
    begun = hashlib.sha256(f"{challenge}.".encode())
    n = 0
    while True:
        tried = begun.copy()
        tried.update(str(n).encode())
        if int.from_bytes(tried.digest()[: MOST_BITS // 8], "big") < limit:
            return f"{challenge}.{n}"
        n += 1


def _mac(key: bytes, bound_to: str, said: bytes) -> bytes:
    return hmac.new(key, said + bound_to.encode(), hashlib.sha256).digest()[:_MAC]
