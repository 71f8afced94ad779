"""The audit log: nobody changes it unseen, and writers neither fork it nor wait for ever."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from geo import audit
from geo.errors import Invalid

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 3, 1, 8, 30, 0, 123456, tzinfo=UTC)


async def write(conn, n=0, **changes):
    said = {
        "actor": "an@example.test",
        "action": "contact.read",
        "subject": "2345-6789",
        "reason": f"gọi lại cho người gửi, lần {n}",
        "now": NOW + timedelta(seconds=n),
    }
    await audit.write(conn, **{**said, **changes})


async def fill(engine, n=6):
    for k in range(n):
        async with engine.begin() as conn:
            await write(conn, k)


async def verdict(engine, remembered=None):
    async with engine.connect() as conn:
        return await audit.verify(conn, remembered)


async def head(engine):
    async with engine.connect() as conn:
        return await audit.head(conn)


def behind_its_back(url, *statements):
    """As who owns the database, with its triggers switched off."""
    with psycopg.connect(url) as db:
        db.execute("ALTER TABLE audit_log DISABLE TRIGGER ALL")
        for statement in statements:
            db.execute(statement)
        db.execute("ALTER TABLE audit_log ENABLE ALWAYS TRIGGER audit_chain")
        db.execute("ALTER TABLE audit_log ENABLE ALWAYS TRIGGER audit_kept")


async def test_a_log_that_nobody_touched_is_whole(engine):
    assert await verdict(engine) == audit.Verdict(0, audit.Head(0, audit.FIRST))
    await fill(engine)
    found = await verdict(engine, await head(engine))
    assert (found.lines, found.broken_at, found.head.n) == (6, None, 6)
    async with engine.connect() as conn:
        newest = await audit.lines(conn, limit=2)
        assert [row.n for row in newest] == [6, 5]
        assert newest[0].reason == "gọi lại cho người gửi, lần 5"
        assert [r.n for r in await audit.lines(conn, since=NOW + timedelta(seconds=4))] == [6, 5]
        assert await audit.lines(conn, actor="nobody@example.test") == []


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_log SET reason = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"],
)
@pytest.mark.parametrize("role", ["origin", "replica"])
async def test_lines_are_neither_changed_nor_taken_out(engine, city_url, statement, role):
    await fill(engine, 2)
    with psycopg.connect(city_url) as db:
        db.execute(f"SET session_replication_role = {role}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="only ever added to"):
            db.execute(statement)
    assert (await verdict(engine)).lines == 2


async def test_number_and_hashes_are_not_for_the_writer_to_choose(engine, city_url):
    await fill(engine, 2)
    with psycopg.connect(city_url) as db:
        db.execute(
            "INSERT INTO audit_log SELECT 77, at, actor, action, subject, 'giả', before, hash "
            "FROM audit_log WHERE n = 1"
        )
    found = await verdict(engine)
    assert (found.lines, found.head.n, found.broken_at) == (3, 3, None)


@pytest.mark.parametrize("column", ["at", "actor", "action", "subject", "reason", "hash", "before"])
async def test_the_first_line_that_was_changed_is_named(engine, city_url, column):
    await fill(engine)
    to = {"at": "at + interval '1 microsecond'", "hash": "sha256(hash)", "before": "sha256(before)"}
    change = to.get(column, f"{column} || 'x'")
    behind_its_back(city_url, f"UPDATE audit_log SET {column} = {change} WHERE n IN (3, 5)")
    found = await verdict(engine)
    assert found.broken_at == 3
    assert "line 3 is not as it was written" in found.why


async def test_a_text_moved_from_one_field_to_the_next_is_seen(engine, city_url):
    await fill(engine, 3)
    behind_its_back(
        city_url,
        "UPDATE audit_log SET actor = actor || left(action, 1), action = substr(action, 2) "
        "WHERE n = 2",
    )
    assert (await verdict(engine)).broken_at == 2


async def test_what_is_missing_is_said_by_its_numbers(engine, city_url):
    await fill(engine)
    behind_its_back(city_url, "DELETE FROM audit_log WHERE n IN (3, 4)")
    found = await verdict(engine)
    assert (found.broken_at, found.lines) == (3, 2)
    assert "lines 3 to 4 are missing before line 5" in found.why
    behind_its_back(city_url, "DELETE FROM audit_log WHERE n = 1")
    found = await verdict(engine)
    assert (found.broken_at, found.why) == (1, "line 1 is missing before line 2")


async def test_a_line_taken_out_and_the_rest_moved_up_is_seen(engine, city_url):
    await fill(engine)
    behind_its_back(
        city_url,
        "DELETE FROM audit_log WHERE n = 3",
        *(f"UPDATE audit_log SET n = {n - 1} WHERE n = {n}" for n in (4, 5, 6)),
    )
    assert (await verdict(engine)).broken_at == 3


RECHAIN = """
UPDATE audit_log AS l SET before = p.hash,
    hash = pinward_audit_hash(l.n, l.at, l.actor, l.action, l.subject, l.reason, p.hash)
FROM audit_log AS p WHERE p.n = l.n - 1 AND l.n = {n}
"""


async def test_a_line_with_a_hash_of_its_own_breaks_the_next(engine, city_url):
    await fill(engine)
    behind_its_back(city_url, "UPDATE audit_log SET reason = 'x' WHERE n = 3", RECHAIN.format(n=3))
    found = await verdict(engine)
    assert found.broken_at == 4
    assert "follows upon another line 3" in found.why


async def test_a_remembered_head_sees_a_tail_cut_off_and_a_log_written_anew(engine, city_url):
    await fill(engine)
    remembered = await head(engine)
    behind_its_back(city_url, "DELETE FROM audit_log WHERE n > 4")
    assert (await verdict(engine)).broken_at is None
    found = await verdict(engine, remembered)
    assert found.broken_at == 5
    assert found.why == "the log ends with line 4, but went up to 6: lines 5 to 6 are missing"
    # Filled up again, so that only the hash tells.
    await fill(engine, 3)
    found = await verdict(engine, remembered)
    assert found.broken_at == 6
    assert "not the one that was remembered" in found.why
    behind_its_back(
        city_url,
        "UPDATE audit_log SET reason = 'x' WHERE n = 2",
        *(RECHAIN.format(n=n) for n in range(2, 8)),
    )
    assert (await verdict(engine)).broken_at is None
    assert (await verdict(engine, remembered)).broken_at == 6


async def test_many_writers_at_once_make_one_chain(engine):
    async def one(k):
        async with engine.begin() as conn:
            await conn.execute(text("SELECT pg_sleep(:s)").bindparams(s=(k * 7 % 5) / 100))
            await write(conn, k)
            if k % 4 == 0:
                await conn.rollback()

    await asyncio.gather(*(one(k) for k in range(40)))
    found = await verdict(engine)
    assert (found.lines, found.broken_at) == (30, None)


async def test_a_writer_that_does_not_end_makes_others_fail_and_not_wait_for_ever(engine):
    clock = asyncio.get_running_loop().time
    async with engine.connect() as long, engine.connect() as other:
        await write(long, 1)
        began = clock()
        with pytest.raises(OperationalError, match="lock timeout"):
            await write(other, 2)
        assert 4 < clock() - began < 9
        # Whoever writes no line is not kept waiting, and this session's own patience is as before.
        await other.rollback()
        assert (await other.execute(text("SHOW lock_timeout"))).scalar() == "0"
        await long.commit()
    assert (await verdict(engine)).lines == 1


async def test_what_was_rolled_back_leaves_no_line_and_no_gap(engine):
    await fill(engine, 1)
    async with engine.connect() as conn:
        await write(conn, 9)
        await conn.rollback()
    await fill(engine, 1)
    found = await verdict(engine)
    assert (found.lines, found.broken_at) == (2, None)


@pytest.mark.parametrize("reason", ["", "  ", "a\nb", "x" * 501, "\u202eabc"])
async def test_a_line_says_something_on_one_line(conn, reason):
    with pytest.raises(Invalid):
        await write(conn, reason=reason)


async def test_the_commands_check_print_and_list(engine, city_url, pinward):
    await fill(engine)
    noted = pinward("audit", "head", url=city_url).stdout.strip()
    assert noted == str(await head(engine))
    whole = pinward("audit", "verify", "--head", noted, url=city_url)
    assert (whole.returncode, "6 lines" in whole.stdout) == (0, True)
    listed = json.loads(pinward("audit", "list", "--limit", "2", "--json", url=city_url).stdout)
    assert [line["n"] for line in listed["lines"]] == [6, 5]
    assert listed["lines"][0]["at"] == "2026-03-01T08:30:05.123456Z"
    behind_its_back(city_url, "DELETE FROM audit_log WHERE n = 6")
    assert pinward("audit", "verify", url=city_url).returncode == 0
    cut = pinward("audit", "verify", "--head", noted, "--json", url=city_url)
    assert cut.returncode == 1
    assert json.loads(cut.stdout)["broken_at"] == 6
    bad = pinward("audit", "verify", "--head", "6:abc", url=city_url)
    assert (bad.returncode, "64 hex digits" in bad.stderr) == (1, True)


async def test_who_may_only_add_can_neither_read_nor_forge(engine, city_url):
    await fill(engine, 2)
    with psycopg.connect(city_url) as db:
        db.execute("CREATE ROLE only_adds")
        db.execute("GRANT INSERT ON audit_log TO only_adds")
        db.execute("SET ROLE only_adds")
        db.execute(
            "INSERT INTO audit_log (n, at, actor, action, subject, reason, hash)"
            " VALUES (9, now(), 'a', 'b', 'c', 'd', sha256('x'))"
        )
        for statement in ("SELECT hash FROM audit_log", "UPDATE audit_log SET actor = 'x'"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), db.transaction():
                db.execute(statement)
        db.execute("RESET ROLE")
        db.execute("REVOKE ALL ON audit_log FROM only_adds")
        db.execute("DROP ROLE only_adds")
    found = await verdict(engine)
    assert (found.lines, found.head.n, found.broken_at) == (3, 3, None)
