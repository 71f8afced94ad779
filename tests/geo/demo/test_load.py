from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from geo.demo import city, load, staff
from geo.store.database import AsyncConnection, create_engine
from geo.wards import importing
from geo.wards.check import check

N = 1_500


@pytest.fixture
async def empty(url: str) -> object:
    engine = create_engine(url, pool_size=2)
    async with engine.connect() as conn:
        yield conn
    await engine.dispose()


async def _one(conn: AsyncConnection, sql: str) -> object:
    return (await conn.execute(text(sql))).scalar()


@pytest.mark.anyio
async def test_the_city_is_loaded_whole_with_a_ward_and_an_office_for_every_report(
    empty: AsyncConnection, now: datetime
) -> None:
    assert await load.holds(empty) == "nothing"
    done = await load.load(empty, now, N)
    assert await load.holds(empty) == "demo"
    assert await load.others(empty) == ""
    assert (done.wards, done.reports) == (168, N)
    assert await _one(empty, "SELECT count(*) FROM reports WHERE ward_match = 'covers'") == N
    assert await _one(empty, "SELECT count(*) FROM reports WHERE organisation_id IS NULL") == 0
    assert await _one(empty, "SELECT count(*) FROM facilities") == done.facilities > 1_000
    newest = (
        "SELECT count(*) FROM hotspots h JOIN hotspot_answers a ON a.id = h.answer_id"
        " WHERE h.seen <> 'dormant' AND a.as_of = (SELECT max(as_of) FROM hotspot_answers)"
    )
    assert await _one(empty, newest) == done.hotspots > 0
    # the last event says what the report's status is
    odd = """
        SELECT count(*) FROM reports r JOIN LATERAL (
            SELECT kind FROM report_events e
            WHERE e.report_id = r.id AND kind <> 'rated' ORDER BY id DESC LIMIT 1
        ) last ON true WHERE last.kind <> r.status
    """
    assert await _one(empty, odd) == 0
    assert await _one(empty, "SELECT count(*) FROM reports WHERE due_at IS NULL") == 0
    # about every fourth of those who got a result said how it was, and the history has it
    rated = "SELECT count(*) FROM reports WHERE rating IS NOT NULL"
    ended = "SELECT count(*) FROM reports WHERE status IN ('resolved', 'closed')"
    told = (
        "SELECT count(*) FROM report_events WHERE kind = 'rated' AND at = ("
        "SELECT rated_at FROM reports WHERE id = report_id AND rating = (data->>'rating')::int)"
    )
    share = await _one(empty, rated) / await _one(empty, ended)
    assert 0.15 < share < 0.3
    assert await _one(empty, told) == await _one(empty, rated)


@pytest.mark.anyio
async def test_a_load_that_breaks_off_leaves_nothing(empty: AsyncConnection, now: datetime) -> None:
    def stop_late(line: str) -> None:
        if "hotspots" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        async with empty.begin():
            await load.load(empty, now, 300, say=stop_late)
    assert await load.holds(empty) == "nothing"
    assert await _one(empty, "SELECT count(*) FROM reports") == 0


@pytest.mark.anyio
async def test_a_database_with_other_wards_is_not_taken_for_an_empty_one(
    conn: AsyncConnection,
) -> None:
    assert await load.holds(conn) == "other"
    assert "small-city" in await load.others(conn)


@pytest.mark.anyio
async def test_real_wards_of_the_reform_take_the_place_of_the_demos(
    empty: AsyncConnection, demo_city: city.City, now: datetime
) -> None:
    await load.load(empty, now, 100)
    done = await importing.import_wards(
        empty,
        load.ward_file(demo_city),
        name="hcmc-2025",
        valid_from=date(2025, 7, 1),
        city=load.CITY_NAME,
    )
    assert len(done.ended) == 168


def test_the_wards_stand_up_to_our_own_check(demo_city: city.City) -> None:
    found = check(load.ward_file(demo_city))
    assert found.clean, found


@pytest.mark.anyio
async def test_early_reports_have_wards_too_when_the_clock_is_behind(
    empty: AsyncConnection,
) -> None:
    """Half a year after the reform a year of reports begins before it."""
    await load.load(empty, datetime(2026, 1, 5, tzinfo=UTC), 200)
    assert await _one(empty, "SELECT count(*) FROM reports WHERE ward_id IS NULL") == 0


@pytest.mark.anyio
async def test_there_is_a_sign_in_of_every_kind_and_lost_passwords_are_replaced(
    empty: AsyncConnection, tmp_path: Path
) -> None:
    from geo.store import users
    from geo.store.tables.users import ROLES

    kept = tmp_path / "demo.json"
    first = staff.sign_ins(kept)
    assert {one.role for one in first} == set(ROLES)
    assert staff.sign_ins(kept) == first
    assert len({one.password for one in first}) == len(first)
    await staff.enrol(empty, first, lambda password: f"hash of {password}")
    assert await staff.enrolled(empty, first)
    kept.unlink()
    second = staff.sign_ins(kept)
    assert second[0].password != first[0].password
    await staff.enrol(empty, second, lambda password: f"hash of {password}")
    found = await users.by_email(empty, second[0].email)
    assert found is not None
    assert found.password_hash == f"hash of {second[0].password}"
