"""Staff accounts and their sign-ins in the database. Passwords arrive here already hashed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Date, cast, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert

from geo.errors import Invalid, NotFound
from geo.store import sessions as sessions_store
from geo.store.database import AnyRow, AsyncConnection
from geo.store.tables import organisations, recovery_codes, sessions, users
from geo.store.tables.users import ROLES


@dataclass(frozen=True, slots=True)
class NewUser:
    """An account to be; `email` is kept in lower case, an empty `ward_code` means the city.

    `ward_day` is the city's day on which `ward_code` names a ward (None: the database's today).
    """

    email: str
    name: str
    role: str
    password_hash: str
    ward_code: str | None = None
    organisation_id: int | None = None
    ward_day: date | None = None

    def __post_init__(self) -> None:
        address = self.email.strip().lower()
        local, at, domain = address.partition("@")
        if not (local and at and domain) or len(address) > 254:
            raise Invalid(f"{self.email!r} is not an e-mail address")
        if not self.name.strip():
            raise Invalid("an account needs a name")
        if self.role not in ROLES:
            raise Invalid(f"there is no role {self.role!r}; the roles are {', '.join(ROLES)}")
        object.__setattr__(self, "email", address)


async def add(conn: AsyncConnection, user: NewUser) -> int:
    """Add an account, returns its id; raises `Invalid` when the address has one already."""
    values = {name: getattr(user, name) for name in NewUser.__dataclass_fields__}
    if user.ward_day is None:
        del values["ward_day"]
    row = await conn.execute(
        pg_insert(users)
        .values(values)
        .on_conflict_do_nothing(index_elements=["email"])
        .returning(users.c.id)
    )
    made = row.scalar()
    if made is None:
        raise Invalid(f"there is an account for {user.email} already")
    return int(made)


async def every(conn: AsyncConnection) -> Sequence[AnyRow]:
    """All accounts, by address; `ward_id` is the first version of the ward that is meant."""
    return (await conn.execute(_ACCOUNT.order_by(users.c.email))).all()


async def by_email(conn: AsyncConnection, email: str) -> AnyRow | None:
    """The account of this address that may sign in, with its password hash."""
    wanted = users.c.email == email.strip().lower()
    query = _ACCOUNT.add_columns(users.c.password_hash).where(wanted, ~users.c.disabled)
    return (await conn.execute(query)).one_or_none()


async def disable(conn: AsyncConnection, email: str) -> None:
    """Close an account and end its sign-ins; raises `NotFound`."""
    await sessions_store.end_all(conn, await _set(conn, email, disabled=True))


async def enable(conn: AsyncConnection, email: str) -> None:
    """Open a closed account again; raises `NotFound`."""
    await _set(conn, email, disabled=False)


async def set_password(conn: AsyncConnection, email: str, password_hash: str) -> None:
    """Give an account another password and end its sign-ins; raises `NotFound`."""
    await sessions_store.end_all(conn, await _set(conn, email, password_hash=password_hash))


async def reset_totp(conn: AsyncConnection, email: str) -> None:
    """Take the second step and its recovery codes away and end the sign-ins; raises `NotFound`."""
    user_id = await _set(conn, email, totp_sealed=None, totp_since=None)
    await conn.execute(delete(recovery_codes).where(recovery_codes.c.user_id == user_id))
    await sessions_store.end_all(conn, user_id)


async def rehash(conn: AsyncConnection, user_id: int, old: str, new: str) -> bool:
    """Replace a password's hash unless it was changed meanwhile; whether it was replaced."""
    done = await conn.execute(
        update(users)
        .where(users.c.id == user_id, users.c.password_hash == old, ~users.c.disabled)
        .values(password_hash=new)
        .returning(users.c.id)
    )
    return done.scalar() is not None


async def _set(conn: AsyncConnection, email: str, **values: object) -> int:
    wanted = users.c.email == email.strip().lower()
    done = await conn.execute(update(users).where(wanted).values(values).returning(users.c.id))
    user_id = done.scalar()
    if user_id is None:
        raise NotFound(f"there is no account for {email}")
    return int(user_id)


async def move(
    conn: AsyncConnection,
    email: str,
    ward_code: str | None,
    organisation_id: int | None,
    day: date,
) -> None:
    """Let an account act for the ward that a code names on a day, and for an organisation.

    None twice: the city. Its sign-ins go on, with the new scope. Raises `NotFound`.
    """
    if ward_code is not None:
        meant = select(func.pinward_ward_meant(ward_code, cast(day, Date)))
        if (await conn.execute(meant)).scalar() is None:
            raise NotFound(f"there is no ward {ward_code}")
    done = await conn.execute(
        update(users)
        .where(users.c.email == email.strip().lower())
        .values(ward_code=ward_code, organisation_id=organisation_id, ward_day=day)
    )
    if not done.rowcount:
        raise NotFound(f"there is no account for {email}")


async def signed_in(conn: AsyncConnection, token_hash: bytes, now: datetime) -> AnyRow | None:
    """The account behind a sign-in that has not run out, and `session_id` and `limited` of that.

    None for anybody else.
    """
    query = (
        _ACCOUNT.add_columns(sessions.c.id.label("session_id"), sessions.c.limited)
        .join(sessions, sessions.c.user_id == users.c.id)
        .where(sessions_store.live(token_hash, now), ~users.c.disabled)
    )
    return (await conn.execute(query)).one_or_none()


_ACCOUNT = select(
    users.c.id,
    users.c.email,
    users.c.name,
    users.c.role,
    users.c.ward_code,
    func.pinward_ward_meant(users.c.ward_code, users.c.ward_day).label("ward_id"),
    func.pinward_ward_alone(users.c.ward_code).label("ward_alone"),
    users.c.organisation_id,
    users.c.disabled,
    users.c.totp_since,
    organisations.c.code.label("organisation_code"),
    organisations.c.name_vi.label("organisation_vi"),
    organisations.c.name_en.label("organisation_en"),
).select_from(users.outerjoin(organisations, organisations.c.id == users.c.organisation_id))
