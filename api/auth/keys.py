"""Making API keys: random, shown once, and recognised by their beginning."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from api.auth.staff import token_hash
from geo import audit
from geo.errors import NotFound
from geo.store import api_keys
from geo.store.database import AnyRow, AsyncConnection

BEGINS = "pw_"
DAYS = 365


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a key shall be for; an empty ward and organisation mean the city."""

    name: str
    role: str
    ward_code: str | None = None
    organisation_id: int | None = None
    days: int = DAYS


async def make(
    conn: AsyncConnection, wanted: Wanted, owner: AnyRow, actor: str, now: datetime
) -> tuple[int, str]:
    """Keep a key of this account's; its id, and the key itself, which is nowhere else.

    Raises `Invalid` and `NotAllowed`. Writes a line of the audit log.
    """
    key = BEGINS + secrets.token_urlsafe(32)
    prefix = key[: len(BEGINS) + 6]
    new = api_keys.NewKey(
        wanted.name,
        prefix,
        token_hash(key),
        wanted.role,
        wanted.ward_code,
        wanted.organisation_id,
        now + timedelta(days=wanted.days),
    )
    id = await api_keys.add(conn, new, owner, now)
    reason = f"for {owner.email}, as {wanted.role}, for {wanted.days} days"
    await audit.write(
        conn, actor=actor, action="key.add", subject=f"key {prefix}", reason=reason, now=now
    )
    return id, key


async def revoke(conn: AsyncConnection, id: int, actor: str, now: datetime) -> None:
    """End a key at once; raises `NotFound`. Writes a line of the audit log."""
    found = await api_keys.find(conn, id)
    if found is None:
        raise NotFound(f"there is no API key with the number {id}")
    await api_keys.revoke(conn, id, now)
    await audit.write(
        conn,
        actor=actor,
        action="key.revoke",
        subject=f"key {found.prefix}",
        reason="revoked by hand",
        now=now,
    )
