"""Kept no longer than the rules say: by category, from the end of a report, in batches."""

import json
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

import builders
from geo.reports import retention
from geo.reports.keys import Keys

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
KEYS = Keys(b"s" * 32)
LONG_AGO = NOW - timedelta(days=6 * 366)
FLOOD, LIGHT = "drainage.flooding", "lighting.out"


def put(url, n=1, *, category=FLOOD, status="closed", closed_at=LONG_AGO, **columns):
    """Reports with contacts, texts of theirs and Idempotency-Keys; their codes."""
    lon, lat = builders.middle(0)
    values = {"source": None, "updated_at": closed_at or LONG_AGO, **columns}
    with psycopg.connect(url) as db:
        found = db.execute(
            "INSERT INTO reports (id, code, category_code, status, text, geom, created_at,"
            " closed_at, source, updated_at) SELECT gen_random_uuid(),"
            " substr(gen_random_uuid()::text, 1, 13), %s, %s, 'chuyện riêng',"
            " ST_SetSRID(ST_MakePoint(%s, %s), 4326), %s, %s, %s, %s FROM generate_series(1, %s)"
            " RETURNING id, code",
            (
                *(category, status, lon, lat, LONG_AGO, closed_at),
                *(values["source"], values["updated_at"], n),
            ),
        ).fetchall()
        for report_id, code in found:
            sealed = KEYS.seal(b'{"phone": "0912 345 678"}', report_id)
            db.execute("INSERT INTO report_contacts VALUES (%s, %s)", (report_id, sealed))
            db.execute(
                "INSERT INTO idempotency_keys VALUES (sha256(%s), '\\x01', %s, %s)",
                (code.encode(), json.dumps({"code": code}), LONG_AGO),
            )
    return [code for _, code in found]


def left(url):
    """Codes of the reports that still have a contact, and of those that still have their text."""
    with psycopg.connect(url) as db:
        contacts = db.execute(
            "SELECT code FROM reports JOIN report_contacts ON report_id = id"
        ).fetchall()
        texts = db.execute("SELECT code FROM reports WHERE text = 'chuyện riêng'").fetchall()
    return {code for (code,) in contacts}, {code for (code,) in texts}


async def due(engine, now=NOW):
    async with engine.connect() as conn:
        return await retention.due(conn, now)


async def run(engine, now=NOW, batch=500, done=lambda n: None):
    return await retention.run(engine, now, done, batch)


async def rule(engine, *said):
    async with engine.begin() as conn:
        await retention.set_rule(conn, *said)


async def test_what_is_due_is_counted_first_and_then_goes(engine, city_url):
    old = put(city_url, 3)
    recent = put(city_url, 2, closed_at=NOW - timedelta(days=400))
    fresh = put(city_url, 2, closed_at=NOW - timedelta(days=300))
    found = await due(engine)
    assert found.contacts == {FLOOD: 5}
    assert found.contents == {FLOOD: 3}
    assert found.keys == 7
    assert left(city_url) == ({*old, *recent, *fresh}, {*old, *recent, *fresh})
    gone = await run(engine)
    assert (gone.contacts, gone.contents, gone.keys) == (found.contacts, found.contents, 7)
    assert left(city_url) == ({*fresh}, {*recent, *fresh})
    again = await run(engine)
    assert (again.contacts.total(), again.contents.total(), again.keys) == (0, 0, 0)
    with psycopg.connect(city_url) as db:
        told = db.execute(
            "SELECT text, e.kind, text_vi, status, closed_at FROM reports r"
            " JOIN report_events e ON report_id = r.id WHERE code = %s",
            (old[0],),
        ).fetchone()
    assert "hết thời hạn lưu giữ" in told[0]
    assert (told[1], "hết thời hạn" in told[2]) == ("erased", True)
    assert told[3:] == ("closed", LONG_AGO)


async def test_open_reports_and_texts_of_other_systems_are_not_touched(engine, city_url):
    is_open = put(city_url, status="in_progress", closed_at=None)
    resolved = put(city_url, status="resolved", closed_at=None)
    imported = put(city_url, source="hotline")
    withdrawn = put(city_url, status="withdrawn", closed_at=None)
    await run(engine)
    assert left(city_url) == ({*is_open, *resolved}, {*is_open, *resolved, *imported})
    assert withdrawn[0] not in left(city_url)[1]


async def test_a_category_goes_by_its_own_rule_then_its_familys_then_the_others(engine, city_url):
    closed_at = NOW - timedelta(days=100)
    other = "drainage.blocked" if _known(city_url, "drainage.blocked") else _sibling(city_url)
    mine, sister = put(city_url, closed_at=closed_at), put(city_url, category=other)
    await rule(engine, "drainage", None, 2)
    found = await due(engine)
    assert (found.contacts, found.contents) == ({}, {FLOOD: 1, other: 1})
    await rule(engine, FLOOD, 1, None)
    found = await due(engine)
    assert (found.contacts, found.contents) == ({FLOOD: 1}, {other: 1})
    await run(engine)
    # Where a text goes, nobody is left to be called either.
    assert left(city_url) == (set(), {*mine})
    assert sister[0] not in left(city_url)[1]


def _known(url, code):
    with psycopg.connect(url) as db:
        return db.execute("SELECT 1 FROM categories WHERE code = %s", (code,)).fetchone()


def _sibling(url):
    with psycopg.connect(url) as db:
        return db.execute(
            "SELECT code FROM categories WHERE parent_code = 'drainage' AND code <> %s LIMIT 1",
            (FLOOD,),
        ).fetchone()[0]


@pytest.mark.parametrize("broken_off_at", [1, 3, 6, 9])
async def test_broken_off_it_goes_on_where_it_was(engine, city_url, broken_off_at):
    codes = put(city_url, 7)
    calls = 0

    def done(n):
        nonlocal calls
        calls += 1
        if calls == broken_off_at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await run(engine, batch=2, done=done)
    await run(engine, batch=2)
    assert left(city_url) == (set(), set())
    with psycopg.connect(city_url) as db:
        told = db.execute(
            "SELECT count(*) FROM report_events WHERE kind = 'erased' GROUP BY report_id"
        ).fetchall()
    assert told == [(1,)] * len(codes)


async def test_the_texts_that_are_due_are_found_by_an_index(engine, city_url):
    put(city_url, 300, closed_at=NOW)
    with psycopg.connect(city_url) as db:
        db.execute("ANALYZE reports")
        db.execute("SET enable_seqscan = off")
        plan = db.execute(
            "EXPLAIN SELECT id FROM reports AS r WHERE r.source IS NULL AND r.content_gone_at IS"
            " NULL AND r.status IN ('closed', 'rejected', 'duplicate', 'withdrawn') AND"
            " coalesce(r.closed_at, r.updated_at) < now() - interval '5 years'"
        ).fetchall()
    assert "ix_reports_ended" in str(plan)


def test_the_command_says_what_is_due_and_leaves_a_line_in_the_audit_log(city_url, pinward):
    put(city_url, 2, closed_at=datetime.now(UTC) - timedelta(days=500))
    dry = pinward("retention", "run", "--dry-run", url=city_url)
    assert f"{FLOOD}: contacts 2, texts 0" in dry.stdout, dry.stderr
    assert len(left(city_url)[0]) == 2
    said = pinward("retention", "set", "*", "--contact-months", "24", "--content-months", "never",
                   url=city_url)  # fmt: skip
    assert said.returncode == 0, said.stderr
    assert "contacts 0, texts 0" in pinward("retention", "run", "--dry-run", url=city_url).stdout
    rules = json.loads(pinward("retention", "rules", "--json", url=city_url).stdout)
    assert rules == {"rules": [{"category": "*", "contact_months": 24, "content_months": None}]}
    for wrong in (("no.such", "1", "1"), ("*", "0", "1"), ("*", "1", "soon")):
        words = ("--contact-months", wrong[1], "--content-months", wrong[2])
        refused = pinward("retention", "set", wrong[0], *words, url=city_url)
        assert refused.returncode == 1, wrong
    assert pinward("retention", "drop", "*", url=city_url).returncode == 1
    pinward("retention", "set", FLOOD, "--contact-months", "12", "--content-months", "12",
            url=city_url)  # fmt: skip
    done = json.loads(pinward("retention", "run", "--json", url=city_url).stdout)
    assert done["categories"] == [{"code": FLOOD, "contacts": 2, "texts": 2}]
    assert left(city_url) == (set(), set())
    with psycopg.connect(city_url) as db:
        lines = db.execute("SELECT action, subject, reason FROM audit_log ORDER BY n").fetchall()
    assert lines == [
        ("retention.set", "*", "contact 24 months, text and photos for good"),
        ("retention.set", FLOOD, "contact 12 months, text and photos 12 months"),
        ("retention.run", "all reports", "contacts 2, texts 2, idempotency keys 2"),
    ]
