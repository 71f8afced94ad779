"""Adding to one's report: what was forgotten, what is new. Text alone: photos go with a report."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from geo.errors import Invalid, KeyReused
from geo.reports import codes, events, intake
from geo.reports.events import Words
from geo.reports.keys import Keys
from geo.reports.own import looking, rules
from geo.reports.text import clean_text
from geo.reports.times import rfc3339
from geo.store import own as store
from geo.store.database import AnyRow, AsyncConnection

LONGEST = 2_000
_ANSWER = ("code", "at", "left")


def said_text(value: str) -> str:
    """What is added, as it is kept; `ValueError` says what is wrong with it."""
    try:
        return clean_text(value, LONGEST)
    except Invalid as error:
        raise ValueError(error.detail) from None


class Addition(BaseModel):
    """What is to be added."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: Annotated[
        str,
        AfterValidator(said_text),
        Field(min_length=1, description=f"up to {LONGEST} characters after trimming"),
    ]


@dataclass(frozen=True)
class Added:
    """The answer to an addition, which says nothing of what was written: it is kept for replays."""

    answer: dict[str, Any]
    replayed: bool


async def check(
    conn: AsyncConnection, report: AnyRow, now: datetime, idempotency_key: UUID | None = None
) -> None:
    """Raises `Conflict` when nothing can be added; not where the key has its answer already."""
    key_hash = intake.key_hash(idempotency_key)
    if key_hash is None or not await store.first_use(conn, key_hash):
        _check(report, now)


def _check(report: AnyRow, now: datetime) -> None:
    rules.check(report, "add", now)
    rules.check_kept(report)
    rules.check_count(report, ("added",), rules.MOST_ADDITIONS)


async def add(
    conn: AsyncConnection,
    report: AnyRow,
    said: Addition,
    keys: Keys,
    now: datetime,
    idempotency_key: UUID | None = None,
    reasons: Sequence[Words] = (),
) -> Added:
    """Add to an opened report; the same again with the same key gets the first answer.

    With `reasons` the staff are to look at it before the public does. Raises `KeyReused` when the
    key came with something else; `Conflict` when nothing can be added.
    """
    key_hash = intake.key_hash(idempotency_key)
    if key_hash and (first := await store.first_use(conn, key_hash)):
        return _replay(first, report, said, keys)
    _check(report, now)
    left = rules.MOST_ADDITIONS - report.counts.get("added", 0) - 1
    answer = dict(zip(_ANSWER, (report.code, rfc3339(now), left), strict=True))
    body_hash = _body_hash(report, said, keys.secret)
    # The report is ours until the commit, so whoever was quicker sent it with another report.
    if key_hash and not await store.claim(conn, key_hash, body_hash, answer, now):
        raise KeyReused()
    await looking.withhold(conn, report, reasons, now, said.text)
    await store.tell(conn, report.id, [events.added(said.text)], now)
    await store.touch(conn, report.id, now)
    return Added(answer, replayed=False)


def _replay(first: AnyRow, report: AnyRow, said: Addition, keys: Keys) -> Added:
    kept = bytes(first.body_hash)
    ours = first.answer is not None and first.answer.keys() == set(_ANSWER)
    # Empty: erased since. What was sent is not known any more, nor does it come back.
    same = not kept or any(
        hmac.compare_digest(kept, _body_hash(report, said, key)) for key in keys.secrets
    )
    if not (ours and same and first.answer["code"] == report.code):
        raise KeyReused()
    # The database keeps another order of its members; a replay is the same to the byte.
    return Added({name: first.answer[name] for name in _ANSWER}, replayed=True)


def _body_hash(report: AnyRow, said: Addition, secret_key: bytes) -> bytes:
    # Keyed, as that of a report is: a short text could be guessed from a plain one.
    key = codes.derived_key(secret_key, "additions")
    return hmac.new(key, f"{report.code}\n{said.text}".encode(), hashlib.sha256).digest()
