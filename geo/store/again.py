"""Taking access away again in a restored database, by what `geo.store.since` kept."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text

from geo.store.database import AsyncConnection

_CLOSED = """
UPDATE users SET disabled = true WHERE email = ANY(:emails) AND NOT disabled RETURNING email
"""
_CODES = """
DELETE FROM recovery_codes AS c USING users AS u
WHERE u.id = c.user_id AND u.email = :email AND encode(c.code_hash, 'hex') <> ALL(:left)
AND coalesce(u.totp_since, '-infinity') <= CAST(CAST(:made_at AS text) AS timestamptz)
"""
_UNLINKED = """
DELETE FROM user_identities AS i USING users AS u
WHERE u.id = i.user_id AND u.email = :email
AND (i.issuer || E'\\n' || i.sub) <> ALL(:left)
AND i.linked_at <= CAST(CAST(:made_at AS text) AS timestamptz)
"""
_REVOKED = """
UPDATE api_keys AS k SET revoked_at = CAST(CAST(:at AS text) AS timestamptz)
WHERE k.key_hash = decode(:key, 'hex') AND k.revoked_at IS NULL RETURNING k.prefix
"""
_BARRED = """
INSERT INTO banned_devices AS b (device, until, banned_at, banned_by, reason)
SELECT decode(:device, 'hex'), CAST(CAST(:until AS text) AS timestamptz),
  CAST(CAST(:banned_at AS text) AS timestamptz), :banned_by, :reason
ON CONFLICT (device) DO UPDATE SET until = greatest(b.until, excluded.until)
WHERE b.until < excluded.until RETURNING 1
"""
_LET_GO = """
DELETE FROM citizen_reports AS m USING reports AS r
WHERE r.id = m.report_id AND r.code <> ALL(:codes)
AND r.created_at <= CAST(CAST(:since AS text) AS timestamptz)
"""
_NOBODY = """
DELETE FROM citizens AS c
WHERE NOT EXISTS (SELECT 1 FROM citizen_reports AS m WHERE m.mark = c.mark)
AND NOT EXISTS (SELECT 1 FROM citizen_sessions AS s WHERE s.mark = c.mark)
"""
_CALLED_OFF = """
UPDATE alerts SET cancelled_at = CAST(CAST(:cancelled_at AS text) AS timestamptz)
WHERE identifier = CAST(CAST(:identifier AS text) AS uuid) AND cancelled_at IS NULL
RETURNING headline_vi
"""
_AFTER = """
SELECT DISTINCT e.kind FROM report_events AS e
WHERE e.report_id = :report_id AND e.at > CAST(CAST(:made_at AS text) AS timestamptz)
"""
_ACCOUNTS = """
SELECT u.email, u.disabled, u.role, u.ward_code, o.code AS organisation,
  encode(sha256(convert_to(u.password_hash, 'UTF8')), 'hex') AS password,
  u.totp_since IS NOT NULL AS second_step
FROM users AS u LEFT JOIN organisations AS o ON o.id = u.organisation_id ORDER BY u.email
"""


async def accounts(conn: AsyncConnection) -> list[dict[str, Any]]:
    """The accounts as `geo.store.since` tells of them, without their codes and links."""
    return [dict(row) for row in (await conn.execute(text(_ACCOUNTS))).mappings()]


async def close(conn: AsyncConnection, emails: Sequence[str]) -> list[str]:
    """Disable these accounts; those that were open."""
    return list((await conn.execute(text(_CLOSED), {"emails": list(emails)})).scalars())


async def drop_codes(conn: AsyncConnection, email: str, left: Sequence[str], made_at: str) -> int:
    """Take away an account's recovery codes but those (hex) that were left; how many.

    None of a second step that was set up after `made_at`.
    """
    values = {"email": email, "left": list(left), "made_at": made_at}
    return (await conn.execute(text(_CODES), values)).rowcount


async def unlink(
    conn: AsyncConnection, email: str, left: Sequence[Sequence[str]], made_at: str
) -> int:
    """Take away an account's links with sign-in services but these (issuer, sub), and those that
    were made after `made_at`; how many."""
    values = {"email": email, "left": ["\n".join(pair) for pair in left], "made_at": made_at}
    return (await conn.execute(text(_UNLINKED), values)).rowcount


async def call_off(conn: AsyncConnection, alert: Mapping[str, Any]) -> str | None:
    """End an alert as it was ended; its headline where it was not."""
    return (await conn.execute(text(_CALLED_OFF), dict(alert))).scalar()


async def kinds_after(conn: AsyncConnection, report_id: UUID, made_at: str) -> set[str]:
    """Kinds of what happened to a report later than that."""
    values = {"report_id": report_id, "made_at": made_at}
    return set((await conn.execute(text(_AFTER), values)).scalars())


async def revoke(conn: AsyncConnection, key: str, at: str) -> str | None:
    """Revoke the key of this hash (hex); its prefix where it was good."""
    return (await conn.execute(text(_REVOKED), {"key": key, "at": at})).scalar()


async def bar(conn: AsyncConnection, barred: Mapping[str, Any]) -> bool:
    """Bar a device (hex) at least as long as it was barred; whether it was not."""
    return (await conn.execute(text(_BARRED), dict(barred))).scalar() is not None


async def let_go(conn: AsyncConnection, codes: Sequence[str], since: str) -> int:
    """Keep no reports sent until then as citizens' but these; how many were. Of whom nothing is
    kept nothing stays, unless they have signed in since the restore."""
    values = {"codes": list(codes), "since": since}
    gone = (await conn.execute(text(_LET_GO), values)).rowcount
    await conn.execute(text(_NOBODY))
    return gone
