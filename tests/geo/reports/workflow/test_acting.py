"""Random actors do random allowed and forbidden things to a report; what must hold, holds."""

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import cache

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from staffed import put_user

import builders
from geo.errors import ChangedMeanwhile, Conflict, InHand, Invalid, NotAllowed, NotFound
from geo.reports.codes import new_code
from geo.reports.deadlines.rules import Deadlines, Rule
from geo.reports.workflow.acting import Actor, Said, Work
from geo.reports.workflow.graph import CITIZEN, MOVES, TIMER
from geo.store.database import create_engine
from geo.store.tables.reports import OPEN_STATUSES
from geo.store.tables.users import ROLES

SENT = datetime(2026, 11, 23, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DEADLINES = Deadlines("Asia/Ho_Chi_Minh", [Rule("*", "resolve", 24 * HOUR, "calendar")])
# What is moved by modules of its own (geo.reports.duplicates).
PLAIN = sorted(set(MOVES) - {"merge", "unmerge"})
WHO = (*ROLES, CITIZEN, TIMER)


@pytest.fixture(scope="module")
def place(clone, city_template):
    return clone(city_template)


def sent(url):
    lon, lat = builders.middle(0)
    code = new_code()
    with psycopg.connect(url) as db:
        db.execute(
            "INSERT INTO reports (id, code, category_code, status, text, geom, created_at,"
            " updated_at, due_at, organisation_id) SELECT gen_random_uuid(), %s,"
            " 'drainage.flooding', 'assigned', 'Ngập', ST_SetSRID(ST_MakePoint(%s, %s), 4326),"
            " %s, %s, %s, (SELECT min(id) FROM organisations)",
            (code, lon, lat, SENT, SENT, SENT + 24 * HOUR),
        )
        db.execute(
            "INSERT INTO report_events (report_id, at, kind, text_vi, text_en)"
            " SELECT id, created_at, 'assigned', 'a', 'a' FROM reports WHERE code = %s",
            (code,),
        )
    return code


def history(url, code):
    with psycopg.connect(url) as db:
        return db.execute(
            "SELECT e.id, e.at, e.kind, e.text_vi, e.text_en, e.public, e.data"
            " FROM report_events AS e JOIN reports AS r ON r.id = e.report_id"
            " WHERE r.code = %s ORDER BY e.id",
            (code,),
        ).fetchall()


def row(url, code):
    with psycopg.connect(url, row_factory=psycopg.rows.namedtuple_row) as db:
        return db.execute("SELECT * FROM reports WHERE code = %s", (code,)).fetchone()


@cache
def account(url, who, nth=0):
    """Id of the `nth` account of a role; None of who has none."""
    if who not in ROLES:
        return None
    email = put_user(url, who, organisation=1, name=f"{who}-{nth}-of-the-tests")
    with psycopg.connect(url) as db:
        return db.execute("SELECT id FROM users WHERE email = %s", (email,)).fetchone()[0]


def act(url, code, who, name, at, said=None, version=None, nth=0):
    """The move, in a transaction of its own; the error, if it was refused."""
    actor = Actor((who,), account(url, who, nth))

    async def run():
        engine = create_engine(url, pool_size=1)
        try:
            async with engine.begin() as conn:
                work = Work(conn, actor, DEADLINES, at)
                report = await work.opened(code, version)
                await work.move(report, name, said or Said())
        finally:
            await engine.dispose()

    try:
        asyncio.run(run())
    except (Conflict, NotAllowed, Invalid, ChangedMeanwhile, NotFound) as error:
        return error
    return None


# How often each is tried where it may be made: a report that ended tells little more.
OFTEN = {"wait": 5, "start": 3, "take": 3, "release": 2}


def likely(status):
    """Who may make which moves from here; else random steps seldom lead anywhere."""
    return [
        (who, name)
        for name in PLAIN
        for who in MOVES[name].by
        if status in MOVES[name].starts
        for _ in range(OFTEN.get(name, 1))
    ] or [("admin", "reopen")]


def test_whatever_anybody_tries_the_graph_the_clock_and_the_history_hold(place):
    organisation = builders_organisation(place)
    met = Counter()

    @given(data=st.data(), n=st.integers(1, 12))
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    def check(data, n):
        code, at = sent(place), SENT
        old = str(history(place, code)[-1][0] - 1)
        for _ in range(n):
            at += data.draw(st.sampled_from([0, 1, 1, 2, 3, 5, 8, 40]), label="hours") * HOUR
            said = Said(data.draw(TEXTS), organisation=organisation)
            step(place, code, old, at, said, data, met)

    rare = ("taken", "in hand", "paused", "paused twice")
    # Chance may leave the rarest out of one round.
    for _ in range(5):
        check()
        if all(met[each] for each in rare):
            return
    # Else nothing of it was tried.
    raise AssertionError(met)


TEXTS = st.sampled_from(["Đã thông cống"] * 7 + ["", "  ", "x" * 2001])


def step(place, code, old, at, said, data, met):
    """Somebody tries something; what must hold, holds."""
    before, told = row(place, code), history(place, code)
    if data.draw(st.integers(0, 3), label="allowed"):
        who, name = data.draw(st.sampled_from(likely(before.status)), label="move")
    else:
        who, name = data.draw(st.sampled_from(WHO)), data.draw(st.sampled_from(PLAIN))
    seen = data.draw(st.sampled_from([None, None, "now", "now", "old"]), label="seen")
    version = {"now": str(told[-1][0]), "old": old, None: None}[seen]
    nth = data.draw(st.integers(0, 1), label="which") if who == "crew" else 0
    me, text = account(place, who, nth), said.text
    error = act(place, code, who, name, at, said, version, nth)
    after, now_told = row(place, code), history(place, code)
    # Nothing that was told is changed or lost.
    assert now_told[: len(told)] == told
    move = MOVES[name]
    wanted = {"note", "reason"} & set(move.wants)
    another_s = before.holder_id not in (None, me)
    met["in hand"] += isinstance(error, InHand)
    may = (
        seen != "old"
        and who in move.by
        and before.status in move.starts
        and len(text) <= 2000
        and (not wanted or text.strip())
        and not (who == "crew" and another_s)
        and not (name == "take" and before.holder_id is not None)
        and not (name == "release" and before.holder_id is None)
    )
    assert (error is None) == bool(may), (who, name, before.status, error)
    if error is not None:
        assert (after, now_told) == (before, told)
        if isinstance(error, Conflict):
            assert name not in error.facts["allowed"]
        return
    assert after.status == move.end
    (line,) = now_told[len(told) :]
    assert line[1] == at
    assert (line[6]["from"], line[6]["to"]) == (before.status, after.status)
    # What its sender writes is a line of its own.
    assert who == CITIZEN or text.strip() in line[3]
    assert after.ward_id == before.ward_id
    assert (after.closed_at is not None) == (after.status in ("closed", "rejected", "withdrawn"))
    assert (after.waits_since is not None) == (after.status == "waiting")
    # One has it in hand: who took it first, until it is put down or done.
    takes = before.holder_id is None and name in ("take", "start")
    kept = before.holder_id if name in ("take", "start", "wait") else None
    assert after.holder_id == (me if takes else kept)
    met["taken"] += takes
    waited = check_clock(after, now_told)
    met["paused"] += waited > 0
    met["paused twice"] += waited > 1


def check_clock(report, told):
    """24 hours since it was sent or opened again, but for the time in which it waited; returns how
    many pauses that were."""
    due, waits, pauses = SENT + 24 * HOUR, None, []
    for _, at, kind, *_, data in told:
        if waits is not None and data.get("from") == "waiting":
            if waits < due:
                due += at - waits
            if pauses and pauses[-1][1] == waits:
                waits = pauses.pop()[0]
            pauses += [(waits, at)] if waits < at else []
            waits = None
        if data.get("to") == "waiting":
            waits = at
        if kind == "reopened":
            due, pauses = at + 24 * HOUR, []
    assert report.due_at == due
    assert [(each.lower, each.upper) for each in report.paused] == pauses
    return len(pauses)


def builders_organisation(url):
    with psycopg.connect(url) as db:
        return db.execute("SELECT max(code) FROM organisations").fetchone()[0]


def test_two_who_move_it_at_once_do_so_one_after_the_other(place):
    code = sent(place)
    version = str(history(place, code)[-1][0])
    said = Said("Đã làm")
    with ThreadPoolExecutor(6) as pool:
        found = list(
            pool.map(
                lambda _: act(place, code, "crew", "resolve", SENT + HOUR, said, version), range(6)
            )
        )
    assert [error for error in found if error is None] == [None]
    assert sum(isinstance(error, ChangedMeanwhile) for error in found) == 5
    assert [line[2] for line in history(place, code)] == ["assigned", "resolved"]


def test_what_is_for_the_staff_alone_is_an_event_of_its_own(place):
    code = sent(place)
    said = Said("Cần vật tư", inner="Gọi anh Ba")
    assert act(place, code, "crew", "wait", SENT + HOUR, said) is None
    public, inner = history(place, code)[1:]
    assert (public[3], public[5]) == ("Đang chờ. Cần vật tư", True)
    assert (inner[2], inner[3], inner[5]) == ("note", "Gọi anh Ba", False)


def test_passing_on_names_who_answers_from_now_on(place):
    code, to = sent(place), builders_organisation(place)
    error = act(place, code, "hotline_agent", "assign", SENT, Said("Không thuộc phường"))
    assert isinstance(error, Invalid)
    said = Said("Không thuộc phường", organisation=to)
    assert act(place, code, "hotline_agent", "assign", SENT, said) is None
    line = history(place, code)[-1]
    assert line[6]["organisation"] == to
    with psycopg.connect(place) as db:
        ((name,),) = db.execute(
            "SELECT o.name_vi FROM reports AS r JOIN organisations AS o"
            " ON o.id = r.organisation_id WHERE r.code = %s AND o.code = %s",
            (code, to),
        ).fetchall()
    assert name in line[3]


def test_a_category_that_wants_a_photo_gets_one(place):
    code = sent(place)
    with psycopg.connect(place) as db:
        db.execute("UPDATE categories SET photo_wanted = true WHERE code = 'drainage.flooding'")
    try:
        error = act(place, code, "crew", "resolve", SENT, Said("Xong"))
    finally:
        with psycopg.connect(place) as db:
            db.execute("UPDATE categories SET photo_wanted = false")
    assert isinstance(error, Invalid)
    assert error.errors[0]["field"] == "photos"
    assert row(place, code).status in OPEN_STATUSES
