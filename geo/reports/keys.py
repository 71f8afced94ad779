"""The keys of a service: which one seals contact data, and which open what was sealed before."""

import hashlib
import hmac
import os
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from geo.reports.codes import derived_key

_VERSION = b"\x01"
_NONCE = 12
FRONT = 5
"""So many first bytes of what is sealed name its key."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What a service derives its keys from, each at least 32 bytes.

    `secret` and, after it was replaced, `old_secrets` (newest first) derive report secrets; from
    `secret` alone comes the key that seals which device a report came from. Contact data are sealed
    under the first of `contact`, which are theirs alone, or under one derived from `secret` where
    there is none; all of them open.
    """

    secret: bytes
    old_secrets: tuple[bytes, ...] = ()
    contact: tuple[bytes, ...] = ()

    @property
    def secrets(self) -> tuple[bytes, ...]:
        """The secret key and those before it, newest first."""
        return (self.secret, *self.old_secrets)

    @property
    def front(self) -> bytes:
        """The first bytes of all that is sealed under today's key."""
        return _front(self._ring()[0])

    def seal(self, said: bytes, report_id: UUID) -> bytes:
        """`said` for this report: version, the key's name, a random nonce, AES-256-GCM.

        The report's id and the front are authenticated too: moved to another report's row it does
        not open.
        """
        return _seal(self._ring()[0], said, report_id)

    def unseal(self, sealed: bytes, report_id: UUID) -> bytes | None:
        """The way back; None where no key opens it, it is another report's, or was changed."""
        return _unseal(self._ring(), sealed, report_id)

    def seal_device(self, device: bytes, report_id: UUID) -> bytes:
        """The keyed hash of a device for this report, as `seal`: of two reports of one device
        nobody sees without the key that they are."""
        return _seal(self._device(), device, report_id)

    def unseal_device(self, sealed: bytes, report_id: UUID) -> bytes | None:
        """The way back; None as of `unseal`, and where the secret was replaced since.

        The door would know the device by another hash now: what was sealed before says nothing.
        """
        return _unseal((self._device(),), sealed, report_id)

    def marks(self, kind: str, value: str) -> Iterator[bytes]:
        """Keyed hashes by which a normalised phone or e-mail is found again, today's key first.

        Who has the database alone can neither read a number out of them nor try numbers; only that
        two reports have the same one is to be seen.
        """
        for key in self._ring():
            mark = derived_key(key, f"contact {kind}")
            yield hmac.new(mark, value.encode(), hashlib.sha256).digest()

    def _ring(self) -> tuple[bytes, ...]:
        return (*self.contact, *self.secrets)

    def _device(self) -> bytes:
        return derived_key(self.secret, "device of a report")


def plain_phone(value: str) -> str:
    """A phone number as it is compared: digits, with the 0 of within Vietnam instead of +84."""
    digits = re.sub(r"\D", "", value)
    abroad = value.strip().startswith("+")
    if digits.startswith("00"):
        digits, abroad = digits[2:], True
    # Nobody's number within the country begins with 84 and has so many digits.
    if digits.startswith("84") and (abroad or len(digits) >= 11):
        # some write the 0 as well: +84 (0)912 …
        return "0" + digits[2:].removeprefix("0")
    return f"+{digits}" if abroad else digits


def plain_email(value: str) -> str:
    """An e-mail address as it is compared: its letters' case is not."""
    return unicodedata.normalize("NFC", value).strip().casefold()


def _seal(key: bytes, said: bytes, report_id: UUID) -> bytes:
    nonce = os.urandom(_NONCE)
    front = _front(key)
    return front + nonce + _cipher(key).encrypt(nonce, said, front + report_id.bytes)


def _unseal(ring: tuple[bytes, ...], sealed: bytes, report_id: UUID) -> bytes | None:
    front, nonce, rest = sealed[:FRONT], sealed[FRONT : FRONT + _NONCE], sealed[FRONT + _NONCE :]
    for key in ring:
        if _front(key) == front:
            try:
                return _cipher(key).decrypt(nonce, rest, front + report_id.bytes)
            except InvalidTag:
                return None
    return None


def _front(key: bytes) -> bytes:
    return _VERSION + derived_key(key, "contact key name")[: FRONT - 1]


def _cipher(key: bytes) -> AESGCM:
    return AESGCM(derived_key(key, "contact seal"))
