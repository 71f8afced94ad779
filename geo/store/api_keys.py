"""API keys in the database, known by the sha256 of the whole key.

A key acts in its owner's name and never further than the owner may: asked for when it is made, and
again whenever it is used.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Date,
    and_,
    case,
    cast,
    false,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    update,
)

from geo.errors import Invalid, NotAllowed
from geo.store.database import AnyRow, AsyncConnection
from geo.store.tables import api_keys, organisations, users
from geo.store.tables.users import ROLES

LONGEST = timedelta(days=366 * 2)
NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key to be: what it may do (`role`, ward, organisation; empty: the city), until when."""

    name: str
    prefix: str
    key_hash: bytes
    role: str
    ward_code: str | None
    organisation_id: int | None
    expires_at: datetime


async def add(conn: AsyncConnection, new: NewKey, owner: AnyRow, now: datetime) -> int:
    """Keep a key of this account's, returns its id; raises `Invalid` and `NotAllowed`."""
    if not new.name.strip() or len(new.name) > 100:
        raise Invalid.of("name", "must say in 1 to 100 characters what the key is for")
    if new.role not in ROLES:
        raise Invalid.of("role", f"must be one of {', '.join(ROLES)}")
    if not now < new.expires_at <= now + LONGEST:
        raise Invalid.of("days", "must be at least 1 and at most two years")
    if not (
        owner.role in ("admin", new.role)
        and owner.ward_code in (None, new.ward_code)
        and owner.organisation_id in (None, new.organisation_id)
    ):
        raise NotAllowed("a key can do no more, and for no more wards, than the account it is for")
    row = await conn.execute(
        insert(api_keys)
        .values(
            name=new.name.strip(),
            prefix=new.prefix,
            key_hash=new.key_hash,
            owner_id=owner.id,
            role=new.role,
            ward_code=new.ward_code,
            organisation_id=new.organisation_id,
            made_at=now,
            expires_at=new.expires_at,
        )
        .returning(api_keys.c.id)
    )
    return int(row.scalar_one())


async def account(conn: AsyncConnection, key_hash: bytes, now: datetime) -> AnyRow | None:
    """The account as which a key acts, with the columns of `geo.store.users.signed_in`.

    `id` is its owner's, `email` names owner and key. None for a key that is not known, has run out
    or was revoked, and when its owner is gone, disabled, or may do less than the key by now.
    """
    query = (
        select(
            users.c.id,
            (users.c.email + " (key " + api_keys.c.prefix + ")").label("email"),
            api_keys.c.name,
            api_keys.c.role,
            api_keys.c.ward_code,
            func.pinward_ward_meant(api_keys.c.ward_code, _ward_day()).label("ward_id"),
            func.pinward_ward_alone(api_keys.c.ward_code).label("ward_alone"),
            api_keys.c.organisation_id,
            users.c.disabled,
            users.c.totp_since,
            organisations.c.code.label("organisation_code"),
            organisations.c.name_vi.label("organisation_vi"),
            organisations.c.name_en.label("organisation_en"),
            null().label("session_id"),
            false().label("limited"),
            api_keys.c.id.label("key_id"),
        )
        .select_from(
            api_keys.join(users, users.c.id == api_keys.c.owner_id).outerjoin(
                organisations, organisations.c.id == api_keys.c.organisation_id
            )
        )
        .where(api_keys.c.key_hash == key_hash, api_keys.c.expires_at > now)
        .where(api_keys.c.revoked_at.is_(None), _within_owner(), ~users.c.disabled)
    )
    return (await conn.execute(query)).one_or_none()


def _ward_day() -> ColumnElement[date]:
    # A key for its owner's ward means the same one; else the ward of the day it was made.
    made_on = cast(api_keys.c.made_at, Date)
    return case((users.c.ward_code == api_keys.c.ward_code, users.c.ward_day), else_=made_on)


def _within_owner() -> ColumnElement[bool]:
    return and_(
        users.c.role.in_([literal("admin"), api_keys.c.role]),
        or_(users.c.ward_code.is_(None), users.c.ward_code == api_keys.c.ward_code),
        or_(
            users.c.organisation_id.is_(None),
            users.c.organisation_id == api_keys.c.organisation_id,
        ),
    )


async def used(conn: AsyncConnection, key_hash: bytes, now: datetime) -> None:
    """Note that a key is used, at most once a minute."""
    await conn.execute(
        update(api_keys)
        .where(api_keys.c.key_hash == key_hash)
        .where(or_(api_keys.c.used_at.is_(None), api_keys.c.used_at <= now - NOTED_EVERY))
        .values(used_at=now)
    )


async def every(conn: AsyncConnection) -> Sequence[AnyRow]:
    """All keys, the newest first, with their owner's address as `owner`; never the keys."""
    columns = [column for column in api_keys.c if column.name != "key_hash"]
    query = (
        select(*columns, users.c.email.label("owner"), organisations.c.code.label("organisation"))
        .select_from(
            api_keys.join(users, users.c.id == api_keys.c.owner_id).outerjoin(
                organisations, organisations.c.id == api_keys.c.organisation_id
            )
        )
        .order_by(api_keys.c.id.desc())
    )
    return (await conn.execute(query)).all()


async def find(conn: AsyncConnection, id: int) -> AnyRow | None:
    """One key, to revoke it."""
    query = select(api_keys.c.prefix, api_keys.c.ward_code, api_keys.c.organisation_id)
    return (await conn.execute(query.where(api_keys.c.id == id))).one_or_none()


async def revoke(conn: AsyncConnection, id: int, now: datetime) -> None:
    """End a key at once; one that was ended before stays as it was."""
    await conn.execute(
        update(api_keys)
        .where(api_keys.c.id == id, api_keys.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )
