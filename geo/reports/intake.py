"""Taking in one report: checked, placed, assigned, due, stored, answered. Once per key."""

import hashlib
import hmac
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from geo.errors import Invalid, KeyReused, PinwardError, UnknownCategory
from geo.photos import keeping
from geo.reports import codes, contacts, events
from geo.reports.assigning import Intake
from geo.reports.categories import nearest
from geo.reports.keys import Keys
from geo.reports.new import CATEGORY_CODE, NewReport, check_answers
from geo.reports.times import rfc3339
from geo.store import categories as category_store
from geo.store import reports as store
from geo.store.database import AnyRow, AsyncConnection

# A phone's clock may run ahead of ours.
CLOCK_TOLERANCE = timedelta(minutes=10)
OLDEST = timedelta(days=365)
# There are 23**8 codes: a second try is rare at any number of reports a city will have.
TRIES = 5
_ANONYMOUS = {"report_id": None, "sealed": None, "phone_mark": None, "email_mark": None}


@dataclass(frozen=True)
class Receipt:
    """The answer to a report: `answer` is kept for replays, `secret` is kept nowhere."""

    answer: dict[str, Any]
    secret: str
    replayed: bool


@dataclass(frozen=True, slots=True)
class Doubts:
    """What is known of who sent a report, and why the staff are to look at it before the public.

    `device`: keyed hash, kept for `DEVICE_KEPT` apart from the report and sealed to it, so that
    two reports of one device have nothing in common. `reasons`: `{code, vi, en}`;
    with any the report is taken in as all are, but withheld.
    """

    device: bytes | None = None
    reasons: Sequence[events.Words] = ()


NO_DOUBTS = Doubts()
DEVICE_KEPT = timedelta(days=7)


async def submit(
    conn: AsyncConnection,
    new: NewReport,
    intake: Intake,
    now: datetime,
    idempotency_key: UUID | None = None,
    doubts: Doubts = NO_DOUBTS,
) -> Receipt:
    """Take in a report; all it writes is in the caller's transaction, or, of a report without
    photos, in one statement.

    `now` is aware; wards are dated by the city's local day of it. With an `idempotency_key` the
    same report sent again, also at the same moment, gets the first answer.

    Raises `UnknownCategory`; `OutsideCoverage`; `KeyReused` when the key came with another report;
    `Invalid` when the answers do not fit the category, `observed_at` is not of the last year, or a
    photo's id cannot be used.
    """
    hashed, body_hash = key_hash(idempotency_key), None
    if idempotency_key:
        body_hash = _body_hash(new, intake.keys.secret)
        secret = codes.secret_of_key(intake.keys.secret, idempotency_key)
    else:
        secret = codes.new_secret()
    claim = {
        "secret_hash": codes.secret_hash(secret),
        "key_hash": hashed,
        "body_hash": body_hash,
    }
    category = intake.seen.get(new.category)
    for _ in range(TRIES):
        ready: _Ready | None = None
        if category is not None:
            # Of a replay nothing is refused, and by now what refuses it may have changed.
            with suppress(PinwardError):
                ready = _ready(new, intake, category, now, doubts)
        else:
            well_formed = CATEGORY_CODE.fullmatch(new.category)
            known = await store.context(conn, new.category if well_formed else "", hashed)
            # Before any other check: a replay gets its first answer even if the rules changed.
            if known.answer is not None:
                return _replay(known, new, intake.keys, idempotency_key)
            if known.category is None or not known.category["offered"]:
                raise await unknown_category(conn, new.category)
            ready = _ready(new, intake, known.category, now, doubts)
            intake.seen[new.category] = known.category
        if ready is not None and (answer := await _file(conn, ready, claim, intake.keys, now)):
            return Receipt(answer, secret, replayed=False)
        category = None
    raise RuntimeError(f"the report could not be filed in {TRIES} tries")


@dataclass(frozen=True, slots=True)
class _Ready:
    """A report that nothing speaks against: what is written of it, and what its sender is told."""

    new: NewReport
    doubts: Doubts
    values: dict[str, Any]
    told: dict[str, Any]


def _ready(
    new: NewReport, intake: Intake, category: dict[str, Any], now: datetime, doubts: Doubts
) -> _Ready:
    place = intake.place(new.lon, new.lat, new.accuracy_m, now)
    _check_observed(new.observed_at, now)
    assigned = intake.assigned(place, (new.lon, new.lat), new.accuracy_m, category, now)
    told = [events.received(), *filter(None, [assigned.event])]
    if doubts.reasons:
        told.append(events.withheld(doubts.reasons))
    dues = assigned.dues()
    values = {
        "kind": new.kind,
        "category": new.category,
        "category_seen": category["seen"],
        **assigned.columns(),
        **dues,
        "text": new.text,
        "lon": new.lon,
        "lat": new.lat,
        "accuracy_m": new.accuracy_m,
        "channel": new.channel,
        "answers": _json(check_answers(category["questions"], new.answers)),
        "observed_at": new.observed_at,
        "now": now,
        "events": _json(told),
        "withheld": "review" if doubts.reasons else None,
        "device_until": now + DEVICE_KEPT,
    }
    answer = {**assigned.told(), "due_at": dues["due_at"] and rfc3339(dues["due_at"])}
    return _Ready(new, doubts, values, answer)


async def _file(
    conn: AsyncConnection, ready: _Ready, claim: dict[str, Any], keys: Keys, now: datetime
) -> dict[str, Any] | None:
    """Write it; what its sender is told. None: nothing was, as its category was changed since, or
    its key has an answer by now."""
    new = ready.new
    for _ in range(TRIES):
        answer = {**ready.told, "code": codes.new_code()}
        report_id = uuid7()
        named = {"id": report_id, "code": answer["code"], "answer": _json(answer)}
        device = ready.doubts.device and keys.seal_device(ready.doubts.device, report_id)
        reachable = contacts.row_of(new.contact, report_id, keys) if new.contact else _ANONYMOUS
        written = await store.submit(
            conn, {**ready.values, **claim, **named, **reachable, "device": device}
        )
        if written.filed:
            # A statement of its own, so that most reports, which have none, do not pay for it.
            if new.photos:
                await keeping.attach(conn, report_id, new.photos, now)
            return answer
        if written.free or not written.current:
            return None
    raise RuntimeError(f"no free report code found in {TRIES} tries")


def key_hash(idempotency_key: UUID | None) -> bytes | None:
    """What the database keeps of an Idempotency-Key."""
    return hashlib.sha256(idempotency_key.bytes).digest() if idempotency_key else None


def _body_hash(new: NewReport, secret_key: bytes) -> bytes:
    # Keyed: from a plain hash of a report whose text is public, a phone number could be guessed.
    key = codes.derived_key(secret_key, "report bodies")
    return hmac.new(key, new.canonical(), hashlib.sha256).digest()


def _replay(known: AnyRow, new: NewReport, keys: Keys, idempotency_key: UUID | None) -> Receipt:
    if known.answer is None or idempotency_key is None:
        raise RuntimeError("the first request with this Idempotency-Key left no answer")
    kept = bytes(known.body_hash)
    if not kept:
        # Erased since: what was sent is not known any more, nor does it come back.
        secret = codes.secret_of_key(keys.secret, idempotency_key)
        return Receipt(known.answer, secret, replayed=True)
    for key in keys.secrets:
        # The secret is the one of the key that the report was sent under.
        if hmac.compare_digest(kept, _body_hash(new, key)):
            secret = codes.secret_of_key(key, idempotency_key)
            return Receipt(known.answer, secret, replayed=True)
    raise KeyReused()


async def unknown_category(conn: AsyncConnection, code: str) -> UnknownCategory:
    """What to raise on a category that is none, or is not offered: it names the nearest."""
    offered = [row["code"] for row in await category_store.every(conn, offered_only=True)]
    near = nearest(code, offered)
    shown = code.encode("unicode_escape").decode() if not code.isprintable() else code
    hint = f"; the nearest are {', '.join(near)}" if near else ""
    return UnknownCategory(
        f"there is no category {shown!r}{hint}; GET /api/v1/categories lists all",
        errors=[{"field": "category", "message": f"unknown{hint}"}],
        nearest=near,
    )


def _check_observed(observed_at: datetime | None, now: datetime) -> None:
    if observed_at is None:
        return
    message = ""
    if observed_at > now + CLOCK_TOLERANCE:
        message = "must not lie in the future"
    elif observed_at < now - OLDEST:
        message = "must not be more than a year ago"
    if message:
        raise Invalid.of("observed_at", message)


_json = json.JSONEncoder(ensure_ascii=False).encode
