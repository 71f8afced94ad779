"""Who reported, when they said so: checked, sealed before it is stored, and read in one place.

Nothing else reads the table (a test looks): staff by `read`, which says so in the audit log, and
the reporter by `own`.
"""

import base64
import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from geo import audit
from geo.errors import Invalid, NotReady, NotSignedIn
from geo.reports import codes
from geo.reports.codes import derived_key
from geo.reports.keys import Keys, plain_email, plain_phone
from geo.reports.text import clean_text
from geo.store import asking
from geo.store import contacts as store
from geo.store.database import AsyncConnection, AsyncEngine
from geo.store.retention import Limits

READERS = ("hotline_agent", "ward_officer", "admin")
"""Whose accounts may see contacts: crews are told where, planners count. Also in migration 0024."""
# What people complain of is not theirs to take away who answer for it. Also in migration 0024.
ERASERS = ("hotline_agent", "admin")

_PHONE = re.compile(r"\+?[0-9(][0-9 ().\-/]*")
# How Fernet tokens begin: base64 of their version and the years of today.
_FERNET = b"gAAAA"
_EMAIL = re.compile(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>.]+")


def _one_line(value: str) -> str:
    try:
        return clean_text(value, 200, one_line=True)
    except Invalid as error:
        raise ValueError(error.detail) from None


def _phone(value: str) -> str:
    value = _one_line(value)
    digits = sum(character.isdigit() for character in value)
    if not _PHONE.fullmatch(value) or not 8 <= digits <= 15:
        raise ValueError("must be a phone number of 8 to 15 digits, e.g. 0912 345 678")
    return value


def _email(value: str) -> str:
    value = _one_line(value)
    if len(value) > 254 or not _EMAIL.fullmatch(value):
        raise ValueError("must be an e-mail address, e.g. an@example.vn")
    return value


class Reporter(BaseModel):
    """How to reach the reporter; all of it may be left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(max_length=400), AfterValidator(_one_line)] | None = None
    phone: Annotated[str, Field(max_length=400), AfterValidator(_phone)] | None = None
    email: Annotated[str, Field(max_length=400), AfterValidator(_email)] | None = None

    @property
    def given(self) -> dict[str, str]:
        """The members that say something; empty: anonymous."""
        return self.model_dump(exclude_none=True)


@dataclass(frozen=True, slots=True)
class Named:
    """A report by its id and its code."""

    id: UUID
    code: str


@dataclass(frozen=True, slots=True)
class Rotated:
    """How many contacts are sealed anew, and how many no key of the settings opens."""

    sealed: int
    unopened: int


def row_of(given: dict[str, str], report_id: UUID, keys: Keys) -> dict[str, Any]:
    """The row that is kept of a contact: sealed, and with the marks it is found again by."""
    said = json.dumps(given, ensure_ascii=False).encode()
    phone, email = given.get("phone"), given.get("email")
    return {
        "report_id": report_id,
        "sealed": keys.seal(said, report_id),
        "phone_mark": next(keys.marks("phone", plain_phone(phone))) if phone else None,
        "email_mark": next(keys.marks("email", plain_email(email))) if email else None,
    }


async def put(conn: AsyncConnection, report_id: UUID, given: dict[str, str], keys: Keys) -> None:
    """Keep this contact for a report, instead of any it had; an empty one makes it anonymous.

    For the reporter alone: the transaction must ask as it (`geo.store.asking`), else `NotAllowed`.
    """
    await asking.require_asked(conn, [report_id], ())
    if given:
        await store.put(conn, row_of(given, report_id, keys))
    else:
        await store.forget(conn, [report_id])


async def read(
    conn: AsyncConnection,
    report: Named,
    *,
    keys: Keys,
    actor: str,
    why: str,
    now: datetime,
    action: str = "contact.read",
) -> dict[str, str]:
    """The contact of a report for one of the staff; empty: there is none.

    The one way for anybody but the reporter. Who read it, when and why is a line of the audit log
    in the same transaction: where that cannot be written this raises, and nothing is read. The
    transaction must ask as an account that may (`geo.store.asking`), else `NotAllowed`.
    """
    await asking.require_asked(conn, [report.id], READERS)
    opened = await _opened(conn, report.id, keys)
    await audit.write(conn, actor=actor, action=action, subject=report.code, reason=why, now=now)
    return opened


async def own(
    conn: AsyncConnection, report_id: UUID, secret_hash: bytes | None, secret: str, keys: Keys
) -> dict[str, str]:
    """The contact for the reporter, who proves to be it by the report's secret.

    Raises `NotSignedIn`. No line of the audit log: it is theirs.
    """
    if not codes.is_secret(secret, secret_hash):
        raise NotSignedIn("this secret is not this report's")
    await asking.as_reporter(conn, report_id, codes.secret_hash(secret))
    return await _opened(conn, report_id, keys)


async def forget(conn: AsyncConnection, report_ids: Sequence[UUID]) -> int:
    """Take away the contacts of these reports; how many there were.

    Raises `NotAllowed` where the transaction asks as nobody who may (`geo.store.asking`).
    """
    await asking.require_asked(conn, report_ids, ERASERS)
    return await store.forget(conn, report_ids)


async def count_due(conn: AsyncConnection, limits: Limits) -> dict[str, int]:
    """How many contacts of each category were kept long enough; for the owner of the tables."""
    await asking.require_all(conn)
    return await store.count_due(conn, limits)


async def forget_due(
    conn: AsyncConnection, limits: Limits, after: UUID, most: int
) -> tuple[Counter[str], UUID | None]:
    """Take away up to `most` of those, by report id from `after` on.

    Returns how many of each category, and where to go on (None: that was all). Raises `NotReady`
    for anybody but the owner of the tables, as `find` does.
    """
    await asking.require_all(conn)
    rows = await store.due(conn, limits, after, most)
    if not rows:
        return Counter(), None
    await store.forget(conn, [row.report_id for row in rows])
    return Counter(row.category_code for row in rows), rows[-1].report_id


async def find(
    conn: AsyncConnection, *, phone: str | None, email: str | None, keys: Keys
) -> list[UUID]:
    """Reports whose reporter gave this phone or this e-mail address, newest first.

    Raises `NotReady` while some contacts are sealed under a key of before: their marks are, too,
    or they have none.
    """
    await asking.require_all(conn)
    if await store.count_other(conn, keys.front):
        raise NotReady(
            "some contacts are sealed under an older key and might be missed: run "
            "`pinward contacts rotate` first"
        )
    phones = list(keys.marks("phone", plain_phone(phone))) if phone else []
    emails = list(keys.marks("email", plain_email(email))) if email else []
    return await store.by_marks(conn, phones, emails)


async def rotate(
    engine: AsyncEngine,
    keys: Keys,
    started: Callable[[int], Callable[[int], None]],
    batch: int = 500,
) -> Rotated:
    """Seal all contacts under today's key that are not yet; `started(total)` shows the progress.

    A transaction for each `batch`, so it may run beside the service, be broken off and run again.
    Raises `NotReady` for anybody but the owner of the tables.
    """
    async with engine.connect() as conn:
        await asking.require_all(conn)
        done = started(await store.count_other(conn, keys.front))
    sealed = unopened = 0
    after: UUID | None = None
    while True:
        async with engine.begin() as conn:
            rows = await store.some_other(conn, keys.front, after, batch)
            for row in rows:
                opened = _open(bytes(row.sealed), row.report_id, keys)
                if opened is None:
                    unopened += 1
                    continue
                await store.reseal(conn, row_of(opened, row.report_id, keys))
                sealed += 1
        if not rows:
            return Rotated(sealed, unopened)
        after = rows[-1].report_id
        done(sealed + unopened)


async def _opened(conn: AsyncConnection, report_id: UUID, keys: Keys) -> dict[str, str]:
    sealed = await store.sealed(conn, report_id)
    if sealed is None:
        return {}
    opened = _open(sealed, report_id, keys)
    if opened is None:
        raise NotReady(
            "the contact cannot be opened: neither PINWARD_CONTACT_KEYS, PINWARD_SECRET_KEY nor "
            "PINWARD_OLD_SECRET_KEYS holds the key it was sealed with, or it was changed"
        )
    return opened


def _open(sealed: bytes, report_id: UUID, keys: Keys) -> dict[str, str] | None:
    said = keys.unseal(sealed, report_id)
    if said is None and sealed.startswith(_FERNET):
        said = _unsealed_by_fernet(sealed, keys)
    if said is None:
        return None
    opened: dict[str, str] = json.loads(said)
    return opened


def _unsealed_by_fernet(sealed: bytes, keys: Keys) -> bytes | None:
    # As contacts were sealed first, under a key of the service's and with no word of the report.
    for secret in keys.secrets:
        fernet = Fernet(base64.urlsafe_b64encode(derived_key(secret, "report contacts")))
        with suppress(InvalidToken):
            return fernet.decrypt(sealed)
    return None
