"""A route that forgot to ask whose contacts it may show: the database does not show them to it."""

from typing import Annotated, Any

import httpx
import pytest
from anyio import to_thread
from sqlalchemy import text
from staffed import PASSWORD, put_user
from told import put_contacts

from api.app import create_app
from api.auth.rights import Action, may
from api.session import Read
from builders import CODES
from geo.settings import Settings
from geo.store.asking import as_account
from geo.store.database import AnyRow

pytestmark = pytest.mark.anyio

EVERY = text(
    "SELECT w.code FROM report_contacts AS c JOIN reports AS r ON r.id = c.report_id"
    " JOIN wards AS w ON w.id = r.ward_id"
)


@pytest.fixture
async def careless(city_url, tmp_path, monkeypatch):
    """The service with routes that select all contacts there are."""
    await to_thread.run_sync(put_contacts, city_url)
    monkeypatch.setenv("PINWARD_DATABASE_URL", city_url)
    monkeypatch.setenv("PINWARD_STATE", str(tmp_path))
    monkeypatch.delenv("PINWARD_SERVICE_DATABASE_URL", raising=False)
    app = create_app(Settings())

    @app.get("/bug/anybody")
    async def anybody(conn: Read) -> list[Any]:
        return list((await conn.execute(EVERY)).scalars())

    @app.get("/bug/undeclared")
    async def undeclared(
        conn: Read, account: Annotated[AnyRow, may(Action.READ_CONTACT)]
    ) -> list[Any]:
        return list((await conn.execute(EVERY)).scalars())

    @app.get("/bug/unscoped")
    async def unscoped(
        conn: Read, account: Annotated[AnyRow, may(Action.READ_CONTACT)]
    ) -> list[Any]:
        await as_account(conn, account.id)
        return list((await conn.execute(EVERY)).scalars())

    async with app.router.lifespan_context(app):
        yield app


async def ask(app, path, email=None):
    """The wards whose contacts a route shows to an account, or to nobody."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://careless") as client:
        if email:
            sign_in = {"email": email, "password": PASSWORD}
            assert (await client.post("/api/v1/session", json=sign_in)).status_code == 200
        answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return set(answer.json())


async def test_an_officer_is_shown_the_own_ward_alone(careless, city_url):
    officer = await to_thread.run_sync(lambda: put_user(city_url, "ward_officer", ward=CODES[1]))
    assert await ask(careless, "/bug/unscoped", officer) == {CODES[1]}


async def test_an_agent_of_the_whole_city_is_shown_all(careless, city_url):
    agent = await to_thread.run_sync(lambda: put_user(city_url, "hotline_agent"))
    assert await ask(careless, "/bug/unscoped", agent) == set(CODES[:3])


async def test_without_a_word_for_whom_nothing_is_shown(careless, city_url):
    assert await ask(careless, "/bug/anybody") == set()
    officer = await to_thread.run_sync(lambda: put_user(city_url, "ward_officer", ward=CODES[1]))
    for path in ("/bug/anybody", "/bug/undeclared"):
        assert await ask(careless, path, officer) == set()
        # What one request said does not hold for the next one on its connection.
        assert await ask(careless, "/bug/unscoped", officer) == {CODES[1]}
        assert await ask(careless, path, officer) == set()
