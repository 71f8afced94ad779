"""Whether a report or upload is let in now: asked before anything of it is written.

    sender: Sender                      # of a route: what its headers say of who sends
    doubts = await admission.report(request, conn, sender, token, new, key_hash=…, now=…)
    reasons = await admission.change(request, conn, sender, token, told, key_hash=…, now=…)
    await admission.upload(request, conn, sender, token, now=…)
    await admission.support(request, conn, sender, token, now=…)

A device that sends too much is refused, for as long as `Retry-After` says. Who only shares an
address with many others is asked for a proof of work, which pages and clients give unseen. Nobody
is kept waiting without a word, and nothing of who sends goes further than the buckets, which hold
keyed hashes and forget them.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Depends, Header, Request

from api.auth.staff import signed_in
from api.network import network_of, wider
from geo.abuse import proof
from geo.abuse.buckets import Bucket, Limits, Touched, in_order, key_of
from geo.abuse.suspicion import LINK, has_link, noted
from geo.errors import ChallengeNeeded, DeviceBanned, NotAllowed, NotSignedIn, TooMany
from geo.reports.codes import derived_key
from geo.reports.events import Words
from geo.reports.intake import Doubts
from geo.reports.new import NewReport
from geo.reports.times import rfc3339
from geo.settings import Settings
from geo.store import abuse as store
from geo.store.database import AnyRow, AsyncConnection

# One report may have as many photos.
_UPLOADS = 5
_DEVICE = re.compile(r"[0-9A-Za-z_-]{16,64}")


@dataclass(frozen=True, slots=True)
class FromHeaders:
    """What the headers say: the device's own token, and the proof that it was asked for."""

    device: str | None
    proof: str | None


async def _sender(
    pinward_device: Annotated[
        str | None,
        Header(
            max_length=100,
            description="16 to 64 random letters, digits, - and _ that the client makes once and "
            "keeps; a hash of it is kept for some days, to tell who floods from their neighbours",
        ),
    ] = None,
    pinward_proof: Annotated[
        str | None,
        Header(
            max_length=200,
            description="`<challenge>.<answer>`, where an answer of type `challenge` asked for it",
        ),
    ] = None,
) -> FromHeaders:
    named = pinward_device and _DEVICE.fullmatch(pinward_device)
    return FromHeaders(pinward_device if named else None, pinward_proof)


Sender = Annotated[FromHeaders, Depends(_sender)]
"""Who sends, as a route's parameter."""


def limits(settings: Settings) -> Limits | None:
    """The limits that the settings name; None: nothing is counted."""
    if not settings.limits:
        return None
    return Limits(
        settings.limit_device_h, settings.limit_network_h, settings.limit_all_h, settings.proof_work
    )


async def report(
    request: Request,
    conn: AsyncConnection,
    sender: FromHeaders,
    token: str | None,
    new: NewReport,
    *,
    key_hash: bytes | None,
    now: datetime,
) -> Doubts:
    """Let a report in, or raise `TooMany`, `ChallengeNeeded` or `DeviceBanned`.

    `conn` must be in no transaction, and is in none afterwards. One whose Idempotency-Key
    (`key_hash`) has its answer already is let in for nothing. What the staff send is in no doubt.
    """
    account = await _account(conn, token)
    network = network_of(request, request.app.state.settings)
    asked = _Asked("report", sender, network, account, key_hash, now)
    told = Told(new.text, new.answers, (new.lon, new.lat))
    reasons = await _looked_through(request, conn, asked, told)
    known = account is None and request.app.state.limits is not None
    return Doubts(_device(_key(request), sender.device) if known else None, reasons)


@dataclass(frozen=True, slots=True)
class Told:
    """What a reporter tells that the public will read: `place` as longitude and latitude."""

    text: str | None = None
    answers: Mapping[str, Any] | None = None
    place: tuple[float, float] | None = None


async def change(
    request: Request,
    conn: AsyncConnection,
    sender: FromHeaders,
    token: str | None,
    told: Told,
    *,
    key_hash: bytes | None,
    now: datetime,
) -> Sequence[Words]:
    """As `report`, for what is changed of one or added to it: why the staff are to look at it.

    In buckets of their own: who corrects a slip has not sent another report. What is told counts
    for the same rules, in the same buckets of texts and spots, as if it had come so at first.
    """
    account = await _account(conn, token)
    network = network_of(request, request.app.state.settings)
    asked = _Asked("change", sender, network, account, key_hash, now)
    return await _looked_through(request, conn, asked, told)


async def _looked_through(
    request: Request, conn: AsyncConnection, asked: "_Asked", told: Told
) -> Sequence[Words]:
    """Why the staff are to look at it; raises as `report` does. What the staff send is in no
    doubt."""
    each: Limits | None = request.app.state.limits
    ours = asked.account is not None
    rules = [] if ours or not each else noted(each, asked.network, told.text, told.place)
    empty = await _admit(
        request,
        conn,
        asked,
        [_touched(_key(request), bucket, "note", *whose) for _, bucket, whose in rules],
    )
    found = [rule for n, (rule, _, _) in enumerate(rules) if n in empty]
    said = " ".join((told.text or "", *map(str, (told.answers or {}).values())))
    if not ours and has_link(said):
        found.append(LINK)
    return [rule.told for rule in found]


async def upload(
    request: Request,
    conn: AsyncConnection,
    sender: FromHeaders,
    token: str | None,
    *,
    now: datetime,
) -> None:
    """As `report`, for a photo or video: in buckets of their own, as a report has several."""
    account = await _account(conn, token)
    network = network_of(request, request.app.state.settings)
    asked = _Asked("upload", sender, network, account, None, now)
    await _admit(request, conn, asked, [])


async def support(
    request: Request,
    conn: AsyncConnection,
    sender: FromHeaders,
    token: str | None,
    *,
    now: datetime,
) -> None:
    """As `report`, for a "me too": in buckets of their own, as one who has something to report has
    looked at others' before."""
    account = await _account(conn, token)
    network = network_of(request, request.app.state.settings)
    await _admit(request, conn, _Asked("support", sender, network, account, None, now), [])


@dataclass(frozen=True, slots=True)
class _Asked:
    what: Literal["report", "upload", "change", "support"]
    sender: FromHeaders
    network: str
    account: AnyRow | None
    key_hash: bytes | None
    now: datetime


async def _admit(
    request: Request, conn: AsyncConnection, asked: _Asked, noting: Sequence[Touched]
) -> set[int]:
    """Which of `noting` are empty, by their places from 0; raises as `report` does."""
    each: Limits | None = request.app.state.limits
    if each is None:
        return set()
    key, now, named = _key(request), asked.now, asked.sender.device
    touched = in_order([*_buckets(key, each, asked), *noting])
    # Of a phone that changes its network meanwhile the proof still counts.
    bound_to = f"device {named}" if named else f"network {asked.network}"
    signing = derived_key(request.app.state.keys.secret, "proof of work")
    offered = asked.sender.proof
    shown = proof.check(signing, bound_to, offered, now) if offered else None

    async def take(used: tuple[bytes, datetime] | None = None) -> store.Taken:
        return await store.take(
            conn,
            [_drawn(one) for one in touched],
            key_hash=asked.key_hash,
            device=None if asked.account else _device(key, named),
            proof=used,
            now=now,
        )

    taken = await take()
    # How hard is known only now: a proof that was asked for while few sent is none in a flood.
    asked_now = each.difficulty(taken.depth)
    if taken.verdict == "unproven" and shown and proof.is_enough(shown.difficulty, asked_now):
        taken = await take((key_of(key, "proof", shown.name.hex()), shown.expires))
    _raise_unless_admitted(
        taken, lambda: proof.make(signing, bound_to, each.difficulty(taken.depth), now)
    )
    empty = {touched[n].key for n in taken.low}
    return {n for n, one in enumerate(noting) if one.key in empty}


def _raise_unless_admitted(taken: store.Taken, asked_for: Callable[[], proof.Challenge]) -> None:
    later_s = max(1, math.ceil(taken.wait_s))
    if taken.verdict == "refused":
        raise TooMany(
            f"this device has sent so much that it has to wait {later_s} seconds; nothing of this "
            "was kept, send it again then",
            later_s=later_s,
        )
    if taken.verdict == "banned":
        assert taken.until
        raise DeviceBanned(
            f"the city has barred this device from sending until {rfc3339(taken.until)}; whoever "
            "thinks that a mistake can tell the city's hotline, which also takes reports",
            until=rfc3339(taken.until),
        )
    if taken.verdict == "unproven":
        asked = asked_for()
        raise ChallengeNeeded(
            "many send from this network or to this city just now; send it again with the header "
            "Pinward-Proof: <challenge>.<answer>, such that the first 48 bits of its sha256 are "
            f"less than 2^48 / difficulty, or without in {later_s} seconds",
            later_s=later_s,
            challenge=asked.text,
            difficulty=asked.difficulty,
            expires=rfc3339(asked.expires),
        )


def _buckets(key: bytes, each: Limits, asked: _Asked) -> Sequence[Touched]:
    """Those that may stop it."""
    times = _UPLOADS if asked.what == "upload" else 1
    limits = Limits(each.device_h * times, each.network_h * times, each.all_h * times, each.work)
    what, network, device = asked.what, asked.network, asked.sender.device
    if asked.account is not None:
        return [_touched(key, limits.staff(), what, "staff", str(asked.account.id))]
    of_device = limits.changing() if what == "change" else limits.device()
    own = (
        _touched(key, of_device, what, "device", device)
        if device
        else _touched(key, limits.nameless(), what, "nameless", network)
    )
    around = wider(network)
    return [
        own,
        _touched(key, limits.network(), what, "network", network),
        *([_touched(key, limits.wider(), what, "network", around)] if around else []),
        _touched(key, limits.everybody(), what, "everybody"),
    ]


def _touched(key: bytes, bucket: Bucket, what: str, *whose: str) -> Touched:
    return Touched(key_of(key, f"{what} bucket", *whose), bucket)


def _key(request: Request) -> bytes:
    return derived_key(request.app.state.keys.secret, "abuse")


def _device(key: bytes, named: str | None) -> bytes | None:
    """What stands for a device in `banned_devices` and `report_devices`."""
    return key_of(key, "device", named) if named else None


def _drawn(one: Touched) -> store.Drawn:
    bucket = one.bucket
    return store.Drawn(
        one.key,
        bucket.effect,
        bucket.burst,
        bucket.per_hour / 3600,
        bucket.start,
        bucket.floor,
        bucket.kept,
    )


async def _account(conn: AsyncConnection, token: str | None) -> AnyRow | None:
    """Of the staff, or None: whose sign-in has ended sends as anybody does."""
    if not token:
        return None
    try:
        async with conn.begin():
            return await signed_in(conn, token)
    except (NotSignedIn, NotAllowed):
        return None
