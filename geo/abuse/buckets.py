"""Token buckets: how many reports and uploads whoever sends them may send, and what follows else.

A bucket holds `burst` tokens at most and gets `per_hour` new ones; each report takes one of every
bucket that it touches, or none at all where it is not taken in. What an empty one leads to is its
`effect`: a device is `refuse`d until it has a token again; a network, which thousands of phones may
share, and the service as a whole only ask for a small proof of work (`prove`), harder the deeper
the bucket is overdrawn; of a text or a place it is a `note` to the staff, who look at the report
before the public does.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

Effect = Literal["refuse", "prove", "note"]
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Bucket:
    """`start`: the tokens of one that nobody used yet; `kept`: how long an untouched one is
    remembered, after which it is full or as good as new."""

    effect: Effect
    burst: float
    per_hour: float
    start: float
    kept: timedelta = HOUR

    @property
    def floor(self) -> float:
        """No deeper is it overdrawn than is refilled while it is remembered."""
        return min(0.0, self.burst - self.per_hour) if self.effect == "prove" else 0.0


@dataclass(frozen=True, slots=True)
class Touched:
    """A bucket and whose it is: the keyed hash of it."""

    key: bytes
    bucket: Bucket


@dataclass(frozen=True, slots=True)
class Limits:
    """How many an hour one device, one network and everybody may send; what the proof costs.

    `work`: sha256 hashes that the easiest proof takes on average; a cheap phone does some
    50,000 in a second.
    """

    device_h: int = 30
    network_h: int = 600
    all_h: int = 30_000
    work: int = 15_000

    def device(self) -> Bucket:
        """Of a device: one that is new has few tokens, as anybody can say to be a new one."""
        burst = max(3.0, self.device_h * 0.4)
        return Bucket("refuse", burst, self.device_h, min(burst, 3.0), DAY)

    def changing(self) -> Bucket:
        """Of a device that changes reports, full from the first: each takes a report's secret, and
        each report can be changed so often only."""
        return replace(self.device(), start=self.device().burst)

    def nameless(self) -> Bucket:
        """Of all in a network that name no device."""
        return Bucket("prove", 3.0, self.device_h, 3.0)

    def network(self) -> Bucket:
        """Of all in a network."""
        burst = max(3.0, self.network_h / 10)
        return Bucket("prove", burst, self.network_h, burst)

    def wider(self) -> Bucket:
        """Of all in an IPv6 /48: a customer's 65,536 networks, or as many customers of one."""
        burst = max(3.0, 0.8 * self.network_h)
        return Bucket("prove", burst, 8.0 * self.network_h, burst)

    def everybody(self) -> Bucket:
        """Of all there are."""
        burst = max(10.0, self.all_h / 30)
        return Bucket("prove", burst, self.all_h, burst)

    def text(self) -> Bucket:
        """Of one and the same text, wherever it comes from."""
        return Bucket("note", 5, 5, 5)

    def spot(self) -> Bucket:
        """Of one network at one spot: a flood of water has many senders, not one address."""
        return Bucket("note", 8, 24, 8)

    def staff(self) -> Bucket:
        """Of an account or API key of the staff, whoever it writes for."""
        per_hour = max(600.0, 20.0 * self.device_h)
        return Bucket("refuse", per_hour / 4, per_hour, per_hour / 4)

    def difficulty(self, depth: float) -> int:
        """Hashes for a proof where buckets are overdrawn `depth` times (1: just empty)."""
        return max(1, min(64 * self.work, round(self.work * depth)))


def key_of(secret: bytes, kind: str, *parts: str) -> bytes:
    """16 bytes that stand for a device, network, text … in the database: without the key nobody
    finds out what they stand for, though there are few networks to try."""
    said = "\x00".join((kind, *parts))
    return hmac.new(secret, said.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()[:16]


def in_order(touched: Sequence[Touched]) -> list[Touched]:
    """Those that refuse first, as nothing else need be looked at then; those that all need last."""
    order: dict[Effect, int] = {"refuse": 0, "note": 1, "prove": 2}
    return sorted(touched, key=lambda one: order[one.bucket.effect])
