"""Staff accounts and sign-ins for tests, by the same code as `pinward users add`."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import cache
from typing import Any

import httpx

from api.auth import passwords
from geo.store import users
from geo.store.database import AsyncConnection, create_engine

PASSWORD = "a long enough one"


@cache
def _hash() -> str:
    return passwords.hashed(PASSWORD)


def put_user(
    url: str,
    role: str,
    *,
    ward: str | None = None,
    organisation: int | None = None,
    name: str = "",
    day: date | None = None,
) -> str:
    """An account, its ward as of `day`; its address is of role and scope, or `name`."""
    email = f"{name or f'{role}-{ward or 0}-{organisation or 0}'}@example.test"

    async def run() -> None:
        engine = create_engine(url)
        async with engine.begin() as conn:
            await _add(
                conn, users.NewUser(email, "Người Thử", role, _hash(), ward, organisation, day)
            )
        await engine.dispose()

    asyncio.run(run())
    return email


async def _add(conn: AsyncConnection, user: users.NewUser) -> None:
    await users.add(conn, user)


@contextmanager
def signed_in(service: Any, role: str, **account: Any) -> Iterator[httpx.Client]:
    """A client of the service signed in as a fresh account of this role."""
    email = put_user(service.url, role, **account)
    meant = {"Pinward-Request": "1"}
    with httpx.Client(base_url=service.base, timeout=30, headers=meant) as client:
        answer = client.post("/api/v1/session", json={"email": email, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        yield client


def release(client: httpx.Client, code: str, why: str = "lý do thử") -> httpx.Response:
    """Look at a withheld report, and let the public see it as it was then."""
    path = f"/api/v1/moderation/reports/{code}"
    body = {"reason": why, "version": client.get(path).json()["version"]}
    return client.post(f"{path}/release", json=body)
