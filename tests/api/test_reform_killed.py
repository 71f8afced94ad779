"""A reform applied, or undone, by a command that is killed again and again ends as if it never was.

The command is held at rows of reports that the test has locked, so that each kill comes while two
batches are under way and a known number of others are done.
"""

import json

import pytest
from reforming import (
    DAY,
    ELSEWHERE,
    SET,
    draw_anew,
    kill,
    query,
    reported,
    rows_held,
    running,
    store,
    today_held,
    until_gone,
    until_held,
)

from geo.reports.reform.moves import AT_ONCE, BATCH

N, CLOSED = 3_000, 200
# Batches that are done before each kill, of those that the run before left.
KILLED_AFTER = (0, 5, 2)

OPEN = "status IN ('received', 'assigned', 'in_progress', 'waiting')"
# A report, its row of what undo needs and its event are written together or not at all.
HALF_MOVED = f"""
SELECT r.code FROM reports r
LEFT JOIN reform_moves m ON m.report_id = r.id
LEFT JOIN wards w ON w.id = r.ward_id
LEFT JOIN ward_sets s ON s.id = w.set_id
LEFT JOIN LATERAL (
    SELECT array_agg(e.id) AS ids FROM report_events e
    WHERE e.report_id = r.id AND e.kind = 'moved'
) e ON true
WHERE {OPEN} AND (
    (s.name = '{SET}') IS DISTINCT FROM (m.report_id IS NOT NULL)
    OR e.ids IS DISTINCT FROM CASE WHEN m.event_id IS NOT NULL THEN ARRAY[m.event_id] END
)
"""
BY_WARD = "SELECT ward_id, count(*) FROM reports GROUP BY 1"
# But for when it was changed last, which is told to who looks at it.
STANDING = "SELECT to_jsonb(r) - 'updated_at' FROM reports r ORDER BY id"
MOVES = "SELECT count(*) FROM reform_moves"
RENEWED = f"{MOVES} WHERE event_id IS NULL"
# Given back and forgotten, or kept and moved.
HALF_RESTORED = f"""
SELECT r.code FROM reports r
LEFT JOIN reform_moves m ON m.report_id = r.id
JOIN wards w ON w.id = r.ward_id
JOIN ward_sets s ON s.id = w.set_id
WHERE {OPEN} AND (s.name = '{SET}') IS DISTINCT FROM (m.report_id IS NOT NULL)
"""
TOLD_UNEVENLY = """
SELECT report_id FROM report_events WHERE kind = 'moved' GROUP BY 1 HAVING count(*) <> 2
"""
EVENTS = "SELECT id, to_jsonb(e) FROM report_events e ORDER BY id"
LEFT = f"""
SELECT code FROM reports WHERE {OPEN} AND id NOT IN (SELECT report_id FROM reform_moves)
ORDER BY id
"""
KEPT = "SELECT r.code FROM reform_moves m JOIN reports r ON r.id = m.report_id ORDER BY r.id"


@pytest.fixture
def city(city_url):
    """3,000 open reports and some closed ones, and the wards of the reform."""
    store(city_url, [*reported(N)])
    store(city_url, reported(CLOSED, status="closed", source="closed"))
    draw_anew(city_url)
    return city_url


def killed_at(url, folder, verb, left, done):
    """Run the command until `done` batches of what is `left` are done and the next two are under
    way; kill it there."""
    codes = [code for (code,) in query(url, left)]
    held = [codes[(done + k) * BATCH] for k in range(AT_ONCE)]
    with rows_held(url, held), running(url, folder, verb, "--to", SET) as process:
        until_held(url, process, AT_ONCE)
        kill(process)
        assert len(query(url, left)) == len(codes) - done * BATCH
    until_gone(url)


def killed_at_the_end(url, folder, verb):
    """Run the command until it makes today's answers, and kill it there."""
    with today_held(url), running(url, folder, verb, "--to", SET) as process:
        until_held(url, process, 1)
        kill(process)
    until_gone(url)


def ended(pinward, url, verb):
    done = pinward("wards", "reform", verb, "--to", SET, "--json", url=url)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_an_apply_killed_again_and_again_ends_when_it_is_run_again(city, pinward, tmp_path):
    before = query(city, BY_WARD)
    for done in KILLED_AFTER:
        killed_at(city, tmp_path, "apply", LEFT, done)
        assert query(city, HALF_MOVED) == []
        assert sum(n for _, n in query(city, BY_WARD)) == N + CLOSED
        assert query(city, "SELECT state FROM reforms") == [("applying",)]
    killed_at_the_end(city, tmp_path, "apply")
    assert query(city, MOVES) == [(N,)]
    assert query(city, "SELECT state FROM reforms") == [("applying",)]
    said = ended(pinward, city, "apply")
    assert (said["state"], said["left"], said["outside"]) == ("applied", 0, 0)
    assert query(city, ELSEWHERE, DAY) == []
    assert query(city, HALF_MOVED) == []
    after = query(city, BY_WARD)
    assert sum(n for _, n in after) == sum(n for _, n in before) == N + CLOSED
    assert query(city, MOVES) == [(N,)]
    # The first runs' are counted, too.
    counted = "SELECT summary -> 'moved', summary -> 'renewed' FROM reforms"
    [(moved, renewed)] = query(city, counted)
    assert (moved, renewed) == (N - renewed, query(city, RENEWED)[0][0])
    # Closed ones gain today's ward: not all of 90003 went where most of it did.
    assert said["derived"] > 0


def test_an_undo_killed_again_and_again_gives_every_report_back_as_it_was(city, pinward, tmp_path):
    before, told = query(city, STANDING), query(city, EVENTS)
    ended(pinward, city, "apply")
    assert query(city, STANDING) != before
    for done in KILLED_AFTER:
        killed_at(city, tmp_path, "undo", KEPT, done)
        assert query(city, HALF_RESTORED) == []
        assert query(city, "SELECT state FROM reforms") == [("undoing",)]
    killed_at_the_end(city, tmp_path, "undo")
    assert query(city, MOVES) == [(0,)]
    said = ended(pinward, city, "undo")
    assert (said["state"], said["touched"]) == ("undone", 0)
    assert query(city, STANDING) == before
    # The history goes on: of each move, and of each way back.
    assert query(city, EVENTS)[: len(told)] == told
    assert query(city, "SELECT count(*) FROM reports_today") == [(0,)]
    assert query(city, TOLD_UNEVENLY) == []


def test_a_run_for_late_reports_that_is_killed_leaves_no_wrong_answer_of_today(
    city, pinward, tmp_path
):
    ended(pinward, city, "apply")
    store(city, reported(500, source="late"))
    own = "SELECT count(*) FROM reports_today"
    [(before,)] = query(city, own)
    killed_at(city, tmp_path, "apply", LEFT, 1)
    # The state says nothing of it: the reform is in force.
    assert query(city, "SELECT state FROM reforms") == [("applied",)]
    assert query(city, MOVES) == [(N + BATCH,)]
    assert query(city, HALF_MOVED) == []
    # Who is in today's ward has no other one; who waits still has.
    assert query(city, f"{own} JOIN reform_moves USING (report_id)") == [(0,)]
    assert 0 < query(city, own)[0][0] < before
    said = ended(pinward, city, "apply")
    assert said["moved"] + said["renewed"] == 500 - BATCH
    assert query(city, ELSEWHERE, DAY) == []
    assert query(city, f"{own} t JOIN reports r ON r.id = t.report_id WHERE {OPEN}") == [(0,)]
