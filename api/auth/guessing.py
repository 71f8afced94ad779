"""Guessing passwords and codes is slowed down, and nobody is locked out by being guessed at.

What is counted, in the database, so right across processes, and forgotten after a day:

* account and network together: five tries are free, then the wait doubles up to 15 minutes. Who
  guesses at an account from elsewhere does not slow its owner down.
* the network: sixty free, then up to a minute. One network may be a whole office or a mobile
  operator's thousands, so it is held loosely.
* the account, from all networks: after thirty failures each try is answered two seconds later, and
  is not refused. Codes of the second step, which only who has the password can try, wait longer.

A browser that has signed in to the account before (cookie `pinward_device`, signed by us) is
counted for itself alone: no attack from elsewhere, be it from its own network, touches it. Networks
are never kept: only a hash under the service's key, and that for a day.
"""

import asyncio
import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil

from geo.errors import TooMany
from geo.reports.codes import derived_key
from geo.store import sign_in_failures as store
from geo.store.database import AsyncEngine
from geo.store.sign_in_failures import Count

DEVICE_LASTS = timedelta(days=90)
ATTACKED_S = 2.0
ATTACKED_AFTER = 30
_WAITING = 64
_waiting = 0


@dataclass(frozen=True, slots=True)
class Try:
    """One try to sign in: for which address (lower case), from which network and known device."""

    email: str
    network: str
    device: str = ""
    step: str = "password"


class Guard:
    """Lets tries through, or not; `secret_key` is the service's."""

    def __init__(self, engine: AsyncEngine, secret_key: bytes) -> None:
        self._engine = engine
        self._key = derived_key(secret_key, "sign-in marks")

    def _mark(self, *parts: str) -> bytes:
        said = "\0".join(parts).encode()
        return hmac.new(self._key, said, hashlib.sha256).digest()

    def new_device(self, email: str) -> str:
        """The cookie of a browser that has signed in to this account."""
        made = f"{int(datetime.now(UTC).timestamp())}.{secrets.token_urlsafe(16)}"
        return f"{made}.{self._device_seal(email, made)}"

    def known_device(self, email: str, cookie: str) -> str:
        """What to count a browser by; empty when it did not sign in to this account lately."""
        made, _, seal = cookie.rpartition(".")
        if not hmac.compare_digest(seal.encode(), self._device_seal(email, made).encode()):
            return ""
        began = datetime.fromtimestamp(int(made.partition(".")[0]), UTC)
        return made if datetime.now(UTC) - began < DEVICE_LASTS else ""

    def _device_seal(self, email: str, made: str) -> str:
        return base64.urlsafe_b64encode(self._mark("device", email, made)).decode().rstrip("=")

    def _counts(self, one: Try) -> tuple[list[Count], Count | None]:
        """What a try is counted under: what may refuse it, and what may only slow it down."""
        code = one.step == "code"
        if one.device:
            own = self._mark(one.step, "device", one.email, one.device)
            return [Count(own, 5, 900.0)], None
        pair = Count(self._mark(one.step, "pair", one.email, one.network), 5, 900.0)
        network = Count(self._mark("network", one.network), 60, 60.0)
        account = self._mark(one.step, "account", one.email)
        if code:
            return [pair, Count(account, 10, 900.0), network], None
        return [pair, network], Count(account, 2**30, 0.0)

    async def admit(self, one: Try) -> None:
        """Count a try as failed until `right` is said, or raise `TooMany`.

        May wait for two seconds; holds no connection meanwhile.
        """
        now = datetime.now(UTC)
        refusing, slowing = self._counts(one)
        attacked = False
        async with self._engine.begin() as conn:
            await store.forget(conn, now)
            taken: list[bytes] = []
            for count in refusing:
                _, later_s = await store.take(conn, count, now)
                if later_s:
                    # What refuses is counted once, where it is; the others count no try.
                    for mark in taken:
                        await store.give_back(conn, mark, now)
                    break
                taken.append(count.mark)
            else:
                later_s = 0.0
                if slowing:
                    failed, _ = await store.take(conn, slowing, now)
                    attacked = failed > ATTACKED_AFTER
        if later_s:
            raise TooMany(
                "that was tried too often; try again later, or from a browser that has signed in "
                "to this account before",
                later_s=ceil(later_s),
            )
        if attacked:
            await _wait()

    async def right(self, one: Try) -> None:
        """The try was right: it did not fail after all."""
        now = datetime.now(UTC)
        refusing, slowing = self._counts(one)
        async with self._engine.begin() as conn:
            await store.clear(conn, refusing[0].mark)
            for count in [*refusing[1:], *([slowing] if slowing else [])]:
                await store.give_back(conn, count.mark, now)


async def _wait() -> None:
    global _waiting
    if _waiting >= _WAITING:
        raise TooMany("many are signing in just now; try again in a moment", later_s=2)
    _waiting += 1
    try:
        await asyncio.sleep(ATTACKED_S)
    finally:
        _waiting -= 1
