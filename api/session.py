"""What a route is handed: a database connection, and the wards of this process.

Both connections end before the answer is sent (`scope="function"`), so a 201 means committed.

All of it are coroutines, also what waits for nothing: a plain function would be called in a thread,
and to change threads takes longer than most of what they do.
"""

import inspect
from collections.abc import AsyncIterator, Callable
from datetime import date, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import Depends, Request

from geo.reports.city_rules import CityRules
from geo.settings import Settings
from geo.store.database import AsyncConnection
from geo.wards.directory import WardDirectory


async def _read(request: Request) -> AsyncIterator[AsyncConnection]:
    async with request.app.state.engine.connect() as conn:
        yield conn


async def _snapshot(request: Request) -> AsyncIterator[AsyncConnection]:
    async with request.app.state.engine.connect() as conn:
        yield await conn.execution_options(isolation_level="REPEATABLE READ")


async def _wards(request: Request) -> WardDirectory:
    directory: WardDirectory = request.app.state.wards
    return directory


async def _rules(request: Request) -> CityRules:
    rules: CityRules = request.app.state.rules
    return rules


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def in_place(made: Callable[..., Any]) -> Any:
    """`Depends` on a class, its instances made without a thread."""

    async def make(**given: Any) -> Any:
        return made(**given)

    make.__signature__ = inspect.signature(made)  # type: ignore[attr-defined]
    return Depends(make)


def today(settings: Settings) -> date:
    """The day it is in the city."""
    return datetime.now(ZoneInfo(settings.timezone)).date()


Read = Annotated[AsyncConnection, Depends(_read, scope="function")]
"""A connection to read with."""
Snapshot = Annotated[AsyncConnection, Depends(_snapshot, scope="function")]
"""A connection to read with, all of it as it was at one moment."""


async def _write(conn: Read) -> AsyncIterator[AsyncConnection]:
    # The one by which it was asked who is signed in: a request that held one connection and waited
    # for another would keep all others waiting, once as many did as there are connections.
    yield conn
    await conn.commit()


Write = Annotated[AsyncConnection, Depends(_write, scope="function")]
"""A connection in a transaction, committed when the route returns, rolled back when it raises."""
Wards = Annotated[WardDirectory, Depends(_wards)]
"""The dated wards as this process knows them; `api.refresh` keeps them fresh."""
Rules = Annotated[CityRules, Depends(_rules)]
"""The city's rules of routing and deadlines as this process knows them; kept fresh as well."""
ServiceSettings = Annotated[Settings, Depends(_settings)]
"""The settings the service was started with."""
