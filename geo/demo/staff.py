"""The demo's staff: one sign-in for each kind, with passwords made on this installation."""

import json
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import update

from geo.store import users
from geo.store.database import AsyncConnection
from geo.store.tables import users as accounts

# Without vowels and look-alikes: read aloud, typed on a phone.
_LETTERS = "bcdfghjkmnpqrstvwxz23456789"


@dataclass(frozen=True)
class SignIn:
    """One account as it is printed; `ward_code` empty: the whole city."""

    role: str
    email: str
    name: str
    password: str
    ward_code: str = ""


_STAFF = (
    ("hotline_agent", "hotline", "Trần Thị Mỹ Hạnh", ""),
    ("crew", "crew", "Lê Văn Tâm", "26743"),
    ("ward_officer", "officer", "Nguyễn Ngọc Diễm", "26743"),
    ("planner", "planner", "Phạm Quốc Khánh", ""),
    ("admin", "admin", "Võ Hoàng Minh", ""),
)
_DOMAIN = "demo.pinward.test"


def sign_ins(path: Path) -> list[SignIn]:
    """The sign-ins kept in `path`, made and kept there (mode 600) the first time."""
    try:
        return [SignIn(**row) for row in json.loads(path.read_text(encoding="utf-8"))["sign_ins"]]
    except (OSError, ValueError, KeyError, TypeError):
        made = [
            SignIn(role, f"{local}@{_DOMAIN}", name, _password(), ward)
            for role, local, name, ward in _STAFF
        ]
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".new")
    aside.unlink(missing_ok=True)
    aside.touch(mode=0o600)
    kept = {"sign_ins": [asdict(one) for one in made]}
    aside.write_text(json.dumps(kept, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    aside.replace(path)
    return made


async def enrolled(conn: AsyncConnection, staff: list[SignIn]) -> bool:
    """Whether all of them have an account."""
    there = {str(row.email) for row in await users.every(conn)}
    return all(one.email in there for one in staff)


async def enrol(conn: AsyncConnection, staff: list[SignIn], hashed: Callable[[str], str]) -> None:
    """Make the accounts, or give those that are there these passwords and open them again."""
    there = {str(row.email) for row in await users.every(conn)}
    for one in staff:
        if one.email in there:
            await conn.execute(
                update(accounts)
                .where(accounts.c.email == one.email)
                .values(password_hash=hashed(one.password), disabled=False)
            )
        else:
            ward = one.ward_code or None
            await users.add(
                conn, users.NewUser(one.email, one.name, one.role, hashed(one.password), ward)
            )


def _password() -> str:
    drawn = "".join(secrets.choice(_LETTERS) for _ in range(12))
    return f"{drawn[:4]}-{drawn[4:8]}-{drawn[8:]}"
