"""Taking in a report by what a process remembers of categories, unless they have changed since."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import text

from geo.errors import Invalid, KeyReused, OutsideCoverage, UnknownCategory
from geo.reports import codes, intake
from geo.reports.assigning import Intake
from geo.reports.city_rules import CityRules
from geo.reports.keys import Keys
from geo.reports.new import NewReport
from geo.wards.directory import WardDirectory

pytestmark = pytest.mark.anyio
ZONE = "Asia/Ho_Chi_Minh"
SAID = {"category": "bus.skipped_stop", "lon": 106.61, "lat": 10.71, "text": "Xe bỏ trạm"}
BUS = {"route": "19"}


@pytest.fixture
async def taken(engine):
    """What a process takes reports in with, after one of them: it knows the category by then."""
    async with engine.connect() as conn:
        wards = await WardDirectory.load(conn)
    taken = Intake(wards, Keys(b"k" * 32), ZONE, 300.0, CityRules.none(ZONE))
    await send(engine, taken)
    assert set(taken.seen) == {SAID["category"]}
    return taken


async def send(engine, taken, key=None, **more):
    new = NewReport.model_validate({**SAID, "answers": BUS, **more})
    async with engine.connect() as conn:
        # As the route does it: one statement is a transaction.
        await conn.execution_options(isolation_level="AUTOCOMMIT")
        return await intake.submit(conn, new, taken, datetime.now(UTC), key)


async def rows(engine, query):
    async with engine.connect() as conn:
        return (await conn.execute(text(query))).all()


async def change(engine, statement):
    async with engine.begin() as conn:
        await conn.execute(text(statement))


async def test_what_is_remembered_is_not_asked_for_again(engine, taken, monkeypatch):
    async def nobody_asks(*_):
        raise AssertionError

    monkeypatch.setattr(intake.store, "context", nobody_asks)
    receipt = await send(engine, taken)
    assert not receipt.replayed
    assert receipt.answer["due_at"]


async def test_a_category_that_changed_since_is_read_again(engine, taken):
    await change(
        engine,
        "UPDATE categories SET questions = '[]', deadlines = '{\"resolve_days\": 300}'"
        " WHERE code = 'bus.skipped_stop'",
    )
    with pytest.raises(Invalid, match="route"):
        await send(engine, taken)
    await send(engine, taken, answers={})
    (row,) = await rows(
        engine, "SELECT due_at - created_at > '290 days' FROM reports ORDER BY id DESC LIMIT 1"
    )
    assert row[0]
    assert len(await rows(engine, "SELECT FROM reports")) == 2


async def test_one_that_is_not_offered_any_more_takes_nothing(engine, taken):
    await change(engine, "UPDATE categories SET offered = false WHERE code = 'bus.skipped_stop'")
    with pytest.raises(UnknownCategory):
        await send(engine, taken, uuid4())
    assert len(await rows(engine, "SELECT FROM reports")) == 1
    assert not await rows(engine, "SELECT FROM idempotency_keys")


@pytest.mark.parametrize(
    "more", [{}, {"lon": 1.0, "lat": 1.0}, {"answers": {"nothing": "asked"}}, {"category": "x.y"}]
)
async def test_a_key_that_was_used_comes_before_all_else(engine, taken, more, monkeypatch):
    key = uuid4()
    first = await send(engine, taken, key)
    if more:
        # What it says would be refused, too.
        with pytest.raises(KeyReused):
            await send(engine, taken, key, **more)

    def outside(*_):
        raise OutsideCoverage

    # By now the place is in no ward, and this process has not seen the category yet, or has.
    monkeypatch.setattr(Intake, "place", outside)
    new = Intake(taken.wards, taken.keys, ZONE, 300.0, taken.rules)
    for each in (new, taken):
        again = await send(engine, each, key)
        assert again.replayed
        assert (again.answer, again.secret) == (first.answer, first.secret)


async def test_a_code_that_is_taken_is_not_given_again(engine, taken, monkeypatch):
    key = uuid4()
    (known,) = await rows(engine, "SELECT code FROM reports")
    free = codes.new_code()
    chosen = iter([known.code, known.code, free])
    monkeypatch.setattr(codes, "new_code", lambda: next(chosen))
    receipt = await send(engine, taken, key)
    assert receipt.answer["code"] == free
    (kept,) = await rows(engine, "SELECT answer FROM idempotency_keys")
    assert kept.answer["code"] == free


async def test_where_no_code_is_free_nothing_is_left_behind(engine, taken, monkeypatch):
    (known,) = await rows(engine, "SELECT code FROM reports")
    monkeypatch.setattr(codes, "new_code", lambda: known.code)
    with pytest.raises(RuntimeError, match="no free report code"):
        await send(engine, taken, uuid4())
    assert len(await rows(engine, "SELECT FROM reports")) == 1
    assert not await rows(engine, "SELECT FROM idempotency_keys")
    assert not await rows(
        engine, "SELECT FROM report_events AS e WHERE report_id NOT IN (SELECT id FROM reports)"
    )
