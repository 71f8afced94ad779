"""A report's code and secret.

The code is for people: eight characters, said over the phone, written on paper. Its alphabet has
no vowels (no words by accident), nothing that looks like 0, 1, 2, 5, 6 or 8, and codes are drawn at
random, so one tells nothing of the next. The secret is for the reporter's device only; the database
holds its sha256.
"""

import hashlib
import hmac
import os
import re
import secrets
from functools import lru_cache
from uuid import UUID

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from geo.errors import Invalid

ALPHABET = "23456789CDFHJKMNPQRTVWX"
LENGTH = 8
# Letters left out because they look like a digit are read as that digit.
_MISREAD = str.maketrans("BGSZ", "8652")
_BETWEEN = re.compile(r"[\s\-\u2010-\u2015_.]+")
_LETTERS = np.frombuffer(ALPHABET.encode(), dtype=np.uint8)


def new_code() -> str:
    """A random code, written `XXXX-XXXX`."""
    drawn = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    return f"{drawn[:4]}-{drawn[4:]}"


def new_codes(n: int) -> npt.NDArray[np.uint8]:
    """`n` random codes as an (n, 9) array of ASCII, each written `XXXX-XXXX`."""
    # A byte maps evenly onto the letters only below the largest multiple of their number.
    even = 256 - 256 % len(ALPHABET)
    wanted = n * LENGTH
    drawn = np.empty(0, dtype=np.uint8)
    while drawn.size < wanted:
        more = np.frombuffer(os.urandom((wanted - drawn.size) * 2 + 16), dtype=np.uint8)
        drawn = np.concatenate([drawn, more[more < even]])
    letters = _LETTERS[drawn[:wanted] % len(ALPHABET)].reshape(n, LENGTH)
    codes = np.full((n, LENGTH + 1), ord("-"), dtype=np.uint8)
    codes[:, :4] = letters[:, :4]
    codes[:, 5:] = letters[:, 4:]
    return codes


def read_code(typed: str) -> str | None:
    """The code as kept, from however it was typed (case, spaces, hyphen); None when it is none."""
    bare = _BETWEEN.sub("", typed).upper().translate(_MISREAD)
    if len(bare) != LENGTH or any(character not in ALPHABET for character in bare):
        return None
    return f"{bare[:4]}-{bare[4:]}"


@lru_cache(maxsize=64)
def derived_key(secret_key: bytes, purpose: str) -> bytes:
    """32 bytes for one purpose, from the service's secret key (HKDF-SHA256)."""
    return HKDF(
        algorithm=SHA256(), length=32, salt=None, info=f"pinward {purpose}".encode()
    ).derive(secret_key)


def new_secret() -> str:
    """A random secret of 256 bits."""
    return secrets.token_urlsafe(32)


def secret_of_key(secret_key: bytes, key: UUID) -> str:
    """The secret that belongs to an Idempotency-Key, the same at every replay."""
    mac = hmac.new(derived_key(secret_key, "report secret"), key.bytes, hashlib.sha256)
    return mac.hexdigest()


def secret_hash(secret: str) -> bytes:
    """What the database keeps of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def is_secret(offered: str, kept: bytes | None) -> bool:
    """Whether an offered secret is the one kept, in constant time; imported reports have none."""
    return kept is not None and hmac.compare_digest(secret_hash(offered), kept)


def read_key(text: str) -> UUID:
    """The Idempotency-Key as a uuid (quotes around it are allowed); raises `Invalid`."""
    bare = text.strip().strip('"')
    try:
        key = UUID(bare)
    except ValueError:
        key = UUID(int=0)
    if key.int in (0, (1 << 128) - 1) or len(bare) not in (32, 36):
        message = "must be a random uuid, e.g. 0b9e7a52-6b1c-4a57-9b0e-1f6f6b1d2c3a"
        raise Invalid.of("Idempotency-Key", message)
    return key
