"""Keeps what a process holds in memory equal to the database: the dated wards, the city's rules,
and the feed of changes that the tiles in memory and the live streams follow.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

from fastapi import FastAPI

from api.feed import Feed
from api.listener import Listener
from api.live.hub import Hub
from api.session import today
from geo.reports.city_rules import CityRules
from geo.store import changes, deadlines, wards
from geo.store.database import create_engine
from geo.wards.directory import WardDirectory


async def load(app: FastAPI) -> None:
    """Load the wards into `app.state.wards`; lookups go on with the old ones meanwhile."""
    async with app.state.engine.connect() as conn:
        app.state.wards = await WardDirectory.load(conn, today(app.state.settings))


async def load_rules(app: FastAPI) -> None:
    """Load the city's rules into `app.state.rules`."""
    settings = app.state.settings
    async with app.state.engine.connect() as conn:
        app.state.rules = await CityRules.load(
            conn, settings.timezone, settings.holidays, settings.working_hours
        )


@contextlib.asynccontextmanager
async def kept_fresh(app: FastAPI, url: str) -> AsyncIterator[None]:
    """Load the wards and rules, begin `app.state.feed` and `app.state.live`, keep all fresh."""
    # A connection of its own: no crowd of requests keeps the news waiting.
    engine = create_engine(url, pool_size=1)
    feed = app.state.feed = Feed(engine)
    followers: dict[str, Callable[[], Awaitable[None]]]
    followers = {
        wards.CHANNEL: partial(load, app),
        deadlines.CHANNEL: partial(load_rules, app),
        changes.CHANNEL: feed.catch_up,
    }
    try:
        settings = app.state.settings
        live = Hub(feed, app.state.engine, settings.live_streams, settings.live_heartbeat_s)
        app.state.live = live
        listener = Listener(url, followers, feed.lost)
        async with listener.listening(), feed.watching(), live.running():
            yield
    finally:
        await engine.dispose()
