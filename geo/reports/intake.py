"""Taking in one report: checked, placed, assigned, due, stored, answered. Once per key."""

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row
from uuid_utils.compat import uuid7

from geo.errors import Invalid, KeyReused, OutsideCoverage, UnknownCategory
from geo.reports import codes, contacts, deadlines, events, routing
from geo.reports.categories import nearest
from geo.reports.new import CATEGORY_CODE, NewReport, check_answers
from geo.reports.times import rfc3339
from geo.store import categories as category_store
from geo.store import reports as store
from geo.store.database import AsyncConnection
from geo.store.organisations import committee_code
from geo.wards.directory import Placement, WardDirectory

# A phone's clock may run ahead of ours.
CLOCK_TOLERANCE = timedelta(minutes=10)
OLDEST = timedelta(days=365)
# There are 23**8 codes: a second try is rare at any number of reports a city will have.
TRIES = 5


@dataclass(frozen=True)
class Receipt:
    """The answer to a report: `answer` is kept for replays, `secret` is kept nowhere."""

    answer: dict[str, Any]
    secret: str
    replayed: bool


@dataclass(frozen=True)
class Intake:
    """What every report of a service is taken in with: keys and rules, no state."""

    wards: WardDirectory
    secret_key: bytes
    timezone: str
    snap_m: float


async def submit(
    conn: AsyncConnection,
    new: NewReport,
    intake: Intake,
    now: datetime,
    idempotency_key: UUID | None = None,
) -> Receipt:
    """Take in a report; all it writes is in the caller's transaction.

    `now` is aware; wards are dated by the city's local day of it. With an `idempotency_key` the
    same report sent again, also at the same moment, gets the first answer.

    Raises `UnknownCategory`; `OutsideCoverage`; `KeyReused` when the key came with another report;
    `Invalid` when the answers do not fit the category or `observed_at` is not of the last year.
    """
    place, outside = _place(new, intake, now)
    key_hash = body_hash = None
    if idempotency_key:
        key_hash = hashlib.sha256(idempotency_key.bytes).digest()
        body_hash = _body_hash(new, intake.secret_key)
        secret = codes.secret_of_key(intake.secret_key, idempotency_key)
    else:
        secret = codes.new_secret()
    well_formed = CATEGORY_CODE.fullmatch(new.category)
    committee = committee_code(place.ward.code) if place else None
    known = await store.context(conn, new.category if well_formed else "", committee, key_hash)
    # Before any other check: a replay gets its first answer even if the rules changed since.
    if known.answer is not None:
        return _replay(known, body_hash, secret)
    category = known.category
    if category is None or not category["offered"]:
        raise await _unknown(conn, new.category)
    if outside or not place:
        raise outside or OutsideCoverage()
    _check_observed(new.observed_at, now)
    organisation = known.organisation
    values = {
        "kind": new.kind,
        "category": new.category,
        "status": "assigned" if organisation else "received",
        "text": new.text,
        "lon": new.lon,
        "lat": new.lat,
        "accuracy_m": new.accuracy_m,
        "ward_id": place.ward.id,
        "ward_match": place.match,
        "ward_distance_m": place.distance_m,
        "ambiguous_with": list(place.ambiguous_with),
        "organisation_id": organisation["id"] if organisation else None,
        "channel": new.channel,
        "answers": json.dumps(check_answers(category["questions"], new.answers)),
        "observed_at": new.observed_at,
        "now": now,
        "due_at": deadlines.due_at(now, category["deadlines"]),
        "secret_hash": codes.secret_hash(secret),
        "key_hash": key_hash,
        "body_hash": body_hash,
        "sealed": contacts.seal(new.contact, intake.secret_key) if new.contact else None,
    }
    reasons = _reasons(new, place, organisation, intake.wards)
    told = [events.received()]
    if organisation:
        told.append(events.assigned(organisation["name_vi"], organisation["name_en"]))
    values |= {"reasons": json.dumps(reasons), "events": json.dumps(told)}
    for _ in range(TRIES):
        code = codes.new_code()
        answer = {
            "code": code,
            "status": values["status"],
            "ward": {
                "code": place.ward.code,
                "name": place.ward.name,
                "kind": place.ward.kind,
                "match": place.match,
                "distance_m": place.distance_m,
                "ambiguous_with": list(place.ambiguous_with),
            },
            "organisation": organisation
            and {
                "code": organisation["code"],
                "name": {"vi": organisation["name_vi"], "en": organisation["name_en"]},
            },
            "reasons": reasons,
            "due_at": values["due_at"] and rfc3339(values["due_at"]),
        }
        written = await store.submit(
            conn, {**values, "id": uuid7(), "code": code, "answer": json.dumps(answer)}
        )
        if written.filed:
            return Receipt(answer, secret, replayed=False)
        if key_hash and not written.claimed:
            # Another request with this key was under way; it has committed by now.
            return _replay(await store.context(conn, "", None, key_hash), body_hash, secret)
        if key_hash:
            await store.release_key(conn, key_hash)
    raise RuntimeError(f"no free report code found in {TRIES} tries")


def _place(
    new: NewReport, intake: Intake, now: datetime
) -> tuple[Placement | None, OutsideCoverage | None]:
    today = now.astimezone(ZoneInfo(intake.timezone)).date()
    try:
        found = intake.wards.at(
            new.lon, new.lat, today, accuracy_m=new.accuracy_m, snap_m=intake.snap_m
        )
    except OutsideCoverage as error:
        return None, error
    return found, None


def _body_hash(new: NewReport, secret_key: bytes) -> bytes:
    # Keyed: from a plain hash of a report whose text is public, a phone number could be guessed.
    key = codes.derived_key(secret_key, "report bodies")
    return hmac.new(key, new.canonical(), hashlib.sha256).digest()


def _replay(known: Row[Any], body_hash: bytes | None, secret: str) -> Receipt:
    if known.answer is None or body_hash is None:
        raise RuntimeError("the first request with this Idempotency-Key left no answer")
    if not hmac.compare_digest(bytes(known.body_hash), body_hash):
        raise KeyReused()
    return Receipt(known.answer, secret, replayed=True)


async def _unknown(conn: AsyncConnection, code: str) -> UnknownCategory:
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
        raise Invalid(
            f"observed_at {message}", errors=[{"field": "observed_at", "message": message}]
        )


def _reasons(
    new: NewReport, place: Placement, organisation: dict[str, Any] | None, wards: WardDirectory
) -> list[events.Words]:
    ward = place.ward
    reasons = [routing.ward_reason(ward.name, ward.kind, place.match, place.distance_m)]
    if place.ambiguous_with and new.accuracy_m is not None:
        others = [(wards.by_code(code), code) for code in place.ambiguous_with]
        named = [(other.name, other.kind) if other else (code, "") for other, code in others]
        reasons.append(routing.ambiguity_reason(new.accuracy_m, named))
    if organisation:
        reasons.append(routing.committee_reason(organisation))
    return reasons
