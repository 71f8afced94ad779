"""The audit log: who of the staff did what to which report, and why. Added to, never changed.

Each line holds the hash of the one before, and a hash over that and itself. So whoever changes,
drops or puts in a line has to write all later ones anew, and then the head that somebody remembered
elsewhere (`pinward audit head`) fits no more; nor does it after the end was cut off. The hash has
no key: one that the service knows would stop nobody who got into the service, and whoever checks
the log would have to be trusted with it. Numbers and hashes are given by the database (a trigger of
migration 0018), under a lock held until the writer's commit: two writers cannot fork the chain.

Nobody's contact, text or place belongs here. Write the line as the last thing of a transaction, so
that others who write lines wait for its commit only.
"""

import hashlib
import struct
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, insert, select

from geo.errors import Invalid
from geo.store.database import AnyRow, AsyncConnection
from geo.store.tables import audit_log

LONGEST = {"actor": 300, "action": 60, "subject": 300, "reason": 500}
FIRST = bytes(32)
"""What stands in the first line for the hash of the one before."""

_BATCH = 2_000


@dataclass(frozen=True, slots=True)
class Head:
    """The last line of the log at some time: its number (0: none yet) and its hash (32 bytes)."""

    n: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.n}:{self.hash.hex()}"

    @classmethod
    def parse(cls, written: str) -> "Head":
        """A head as `pinward audit head` prints it; raises `Invalid`."""
        number, _, digest = written.strip().partition(":")
        try:
            head = cls(int(number), bytes.fromhex(digest))
        except ValueError:
            head = cls(-1, b"")
        if head.n < 0 or len(head.hash) != 32:
            message = "must be a number and 64 hex digits, as `pinward audit head` prints it"
            raise Invalid.of("head", message)
        return head


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look at the whole log found.

    `lines` were read up to `head`, the last; `broken_at` is the number of the first line that is
    not as it was written or not there (None: whole), `why` says it in a sentence.
    """

    lines: int
    head: Head
    broken_at: int | None = None
    why: str = ""


async def write(
    conn: AsyncConnection, *, actor: str, action: str, subject: str, reason: str, now: datetime
) -> None:
    """Add a line, in the caller's transaction: if that is not committed, it did not happen.

    `now` is aware. Raises `Invalid` on what is empty, too long or more than one printable line,
    and the database's own error when another writer holds the log for more than 5 s.
    """
    said = {"actor": actor, "action": action, "subject": subject, "reason": reason}
    for name, value in said.items():
        said[name] = _tidy(name, value)
    await conn.execute(insert(audit_log).inline().values(at=now, **said))


def _tidy(name: str, value: str) -> str:
    tidy = value.strip()
    if not tidy or not tidy.isprintable():
        raise Invalid.of(name, "must be one line that says something")
    if len(tidy) > LONGEST[name]:
        raise Invalid.of(name, f"must be at most {LONGEST[name]} characters; it has {len(tidy)}")
    return tidy


async def head(conn: AsyncConnection) -> Head:
    """The last line there is."""
    query = select(audit_log.c.n, audit_log.c.hash).order_by(audit_log.c.n.desc()).limit(1)
    last = (await conn.execute(query)).one_or_none()
    return Head(last.n, bytes(last.hash)) if last else Head(0, FIRST)


async def lines(
    conn: AsyncConnection,
    *,
    actor: str | None = None,
    action: str | None = None,
    subject: str | None = None,
    since: datetime | None = None,
    limit: int = 100,
) -> list[AnyRow]:
    """The newest lines that meet all conditions, newest first."""
    equal = {"actor": actor, "action": action, "subject": subject}
    conditions: list[ColumnElement[bool]] = [
        audit_log.c[name] == value for name, value in equal.items() if value is not None
    ]
    if since is not None:
        conditions.append(audit_log.c.at >= since)
    query = select(audit_log).where(*conditions).order_by(audit_log.c.n.desc()).limit(limit)
    return list((await conn.execute(query)).all())


def hash_of(n: int, at: datetime, said: tuple[str, str, str, str], before: bytes) -> bytes:
    """The hash of a line; `said` is its actor, action, subject and reason.

    sha256 over the hash before (32 bytes) and then each field, number and time (UTC, to the
    microsecond) written out, as UTF-8 behind its length in bytes (4, big endian): no two lines are
    the same bytes. Twin of `pinward_audit_hash` in the database.
    """
    written = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    digest = hashlib.sha256(before)
    for field in (str(n), written, *said):
        packed = field.encode()
        digest.update(struct.pack(">i", len(packed)) + packed)
    return digest.digest()


async def verify(conn: AsyncConnection, remembered: Head | None = None) -> Verdict:
    """Read the whole log and find the first line that is wrong or missing.

    With a `remembered` head also whether the log still leads up to it: the end was not cut off,
    and what came before it was not written anew.
    """
    last = Head(0, FIRST)
    read = 0
    found = await conn.stream(
        select(audit_log).order_by(audit_log.c.n).execution_options(yield_per=_BATCH)
    )
    async for row in found:
        if why := _wrong(row, last):
            return Verdict(read, last, *why)
        last = Head(row.n, bytes(row.hash))
        read += 1
        if remembered and remembered.n == last.n and remembered.hash != last.hash:
            why_not = (
                f"line {last.n} is whole, but not the one that was remembered: it, or lines "
                "before it, were written anew"
            )
            return Verdict(read, last, last.n, why_not)
    if remembered and remembered.n > last.n:
        gone = _numbered(last.n + 1, remembered.n)
        why_not = f"the log ends with line {last.n}, but went up to {remembered.n}: {gone} missing"
        return Verdict(read, last, last.n + 1, why_not)
    return Verdict(read, last)


def _wrong(row: AnyRow, last: Head) -> tuple[int, str] | None:
    if row.n != last.n + 1:
        return last.n + 1, f"{_numbered(last.n + 1, row.n - 1)} missing before line {row.n}"
    said = (row.actor, row.action, row.subject, row.reason)
    if hash_of(row.n, row.at, said, bytes(row.before)) != bytes(row.hash):
        return row.n, f"line {row.n} is not as it was written: its hash is of something else"
    if bytes(row.before) != last.hash:
        replaced = "something that is gone" if last.n == 0 else f"another line {last.n}"
        return row.n, f"line {row.n} follows upon {replaced}: what was before it was written anew"
    return None


def _numbered(first: int, last: int) -> str:
    return f"line {first} is" if first == last else f"lines {first} to {last} are"
