"""What crews did without a signal: done once, in order, and nothing of it lost."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from own import Sent
from staffed import signed_in
from working import At

import builders
from api.jobs import in_time
from geo.settings import Settings

ACTIONS = "/api/v1/tasks/actions"


@pytest.fixture(scope="module")
def crew(service):
    with signed_in(service, "crew", ward=builders.CODES[0], name="crew") as client:
        yield client


@pytest.fixture(scope="module")
def desk(service):
    with signed_in(service, "hotline_agent", name="desk") as client:
        yield client


def does(code, move, **more):
    return {"id": str(uuid4()), "code": code, "move": move, **more}


def a_day_s_work(code, version=None):
    """Take, start and resolve, each after the one before."""
    take = does(code, "take", version=version)
    start = does(code, "start", after=take["id"])
    done = does(code, "resolve", after=start["id"], text="Đã thông cống", inner="Nên quay lại")
    return [take, start, done]


def replayed(client, actions):
    answer = client.post(ACTIONS, json={"actions": actions})
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert [each["id"] for each in results] == [each["id"] for each in actions]
    return results


def statuses(results):
    return [each["status"] for each in results]


def test_a_day_s_work_sent_twice_is_done_once(service, crew):
    code = Sent(service).code
    actions = a_day_s_work(code, At(crew, code).seen["version"])
    first = replayed(crew, actions)
    assert statuses(first) == ["done"] * 3
    seen = At(crew, code).seen
    assert seen["status"] == "resolved"
    again = replayed(crew, actions)
    assert statuses(again) == ["again"] * 3
    assert [each["version"] for each in again] == [each["version"] for each in first]
    assert At(crew, code).seen == seen
    assert seen["version"] == first[-1]["version"]


def test_sent_by_ten_at_once_it_is_done_once(service, crew):
    code = Sent(service).code
    actions = a_day_s_work(code)
    with ThreadPoolExecutor(10) as pool:
        found = list(pool.map(lambda _: replayed(crew, actions), range(10)))
    for nth in range(3):
        assert sorted(each[nth]["status"] for each in found) == ["again"] * 9 + ["done"]
    kinds = [kind for kind, *_ in At(crew, code).lines()]
    assert kinds[2:] == ["taken", "in_progress", "resolved", "note"]


def test_what_was_done_before_a_crash_stays_done_and_the_rest_follows(service, crew):
    """The connection to the database is cut while the second action waits."""
    one, other = Sent(service).code, Sent(service).code
    actions = [does(one, "take"), does(other, "take"), does(other, "start")]
    with psycopg.connect(service.url) as blocker, ThreadPoolExecutor(1) as beside:
        blocker.execute("SELECT 1 FROM reports WHERE code = %s FOR UPDATE", (other,))
        asked = beside.submit(crew.post, ACTIONS, json={"actions": actions})
        with psycopg.connect(service.url, autocommit=True) as db:
            for _ in range(200):
                cut = db.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE wait_event_type = 'Lock' AND datname = current_database()"
                ).fetchall()
                if cut:
                    break
                db.execute("SELECT pg_sleep(0.05)")
        assert cut
        assert asked.result().status_code == 503
    assert At(crew, one).seen["holder"]["mine"]
    assert At(crew, other).seen["holder"] is None
    assert statuses(replayed(crew, actions)) == ["again", "done", "done"]


def test_an_id_with_another_body_is_refused_and_changes_nothing(service, crew):
    code = Sent(service).code
    take = does(code, "take")
    replayed(crew, [take])
    (result,) = replayed(crew, [{**take, "move": "release"}])
    assert result["status"] == "refused"
    assert result["problem"]["type"].endswith("/action-id-reused")
    assert At(crew, code).seen["holder"]["mine"]


def test_a_conflict_stops_its_own_report_alone_and_shows_what_it_is_now(service, crew, desk):
    one, other = Sent(service).code, Sent(service).code
    seen = At(crew, one).seen["version"]
    At(desk, one).does("reject", text="Đã có người làm")
    first, second = a_day_s_work(one, seen), a_day_s_work(other)
    mixed = [action for both in zip(first, second, strict=True) for action in both]
    results = replayed(crew, mixed)
    assert statuses(results) == ["conflict", "done", "skipped", "done", "skipped", "done"]
    assert results[0]["problem"]["status"] == 412
    task = results[0]["task"]["properties"]
    assert task["status"] == "rejected"
    assert task["events"][-1]["by"] == "Người Thử"
    assert At(desk, one).seen["status"] == "rejected"
    # The page sends what still holds once more, and nothing of it was used up.
    assert statuses(replayed(crew, first)) == ["conflict", "skipped", "skipped"]


def test_who_comes_between_one_s_own_actions_is_noticed(service, crew, desk):
    code = Sent(service).code
    take, start, done = a_day_s_work(code)
    assert statuses(replayed(crew, [take])) == ["done"]
    At(desk, code).does("notes", inner="Khách đã gọi lại")
    results = replayed(crew, [start, done])
    assert statuses(results) == ["conflict", "skipped"]
    assert results[0]["task"]["properties"]["events"][-1]["text"]["vi"] == "Khách đã gọi lại"


def test_what_is_another_s_or_not_right_is_refused_and_the_rest_is_done(service, crew):
    lon, lat = builders.middle(1)
    theirs = Sent(service, lon=lon, lat=lat).code
    mine, right, after = (Sent(service).code for _ in range(3))
    results = replayed(
        crew,
        [
            does(theirs, "take"),
            does(right, "note", inner="x" * 2001),
            does(mine, "resolve"),
            does("ZZZZZZZ", "take"),
            does(mine, "take"),
            does(after, "take", after=str(uuid4())),
            does(after, "note", inner="Cần xe cẩu"),
        ],
    )
    assert statuses(results) == ["refused"] * 4 + ["skipped", "conflict", "skipped"]
    assert results[0]["problem"]["status"] == 403
    assert results[0]["task"] is None
    # What somebody wrote at too great a length keeps nobody else's work from being done.
    assert results[1]["problem"]["errors"][0]["field"] == "inner"
    assert results[2]["problem"]["errors"][0]["field"] == "text"
    assert results[5]["problem"]["type"].endswith("/not-done")
    assert statuses(replayed(crew, [does(right, "note", inner="Cần xe cẩu")])) == ["done"]


@pytest.mark.parametrize(
    ("ago", "counts"),
    [
        (timedelta(hours=2), timedelta(hours=2)),
        (timedelta(days=5), timedelta(days=3)),
        (timedelta(days=8), timedelta(0)),
        (-timedelta(hours=3), timedelta(0)),
    ],
)
def test_it_counts_when_it_was_done_where_that_can_be(service, crew, ago, counts):
    """The report's newest event is three days old."""
    sent = Sent(service)
    with psycopg.connect(service.url) as db:
        db.execute(
            "UPDATE report_events SET at = at - interval '3 days' FROM reports AS r"
            " WHERE r.id = report_id AND code = %s",
            (sent.code,),
        )
    now = datetime.now(UTC)
    at = (now - ago).isoformat()
    actions = [does(sent.code, "start", at=at), does(sent.code, "resolve", at=at, text="Xong")]
    assert statuses(replayed(crew, actions)) == ["done", "done"]
    seen = At(crew, sent.code).seen
    resolved = datetime.fromisoformat(seen["resolved_at"])
    assert abs(resolved - (now - counts)) < timedelta(minutes=5)
    event = seen["events"][-1]
    # Both times stand in the history.
    assert datetime.fromisoformat(event["data"]["done_at"]) == datetime.fromisoformat(at)
    assert abs(datetime.fromisoformat(event["data"]["sent_at"]) - now) < timedelta(minutes=5)


def test_what_time_told_meanwhile_is_no_conflict_and_makes_nobody_late(service, crew, desk):
    """Done an hour ago without a signal; its time was over, and told to be, half an hour ago."""
    sent = Sent(service)
    now = datetime.now(UTC)
    with psycopg.connect(service.url) as db:
        db.execute(
            "UPDATE report_events SET at = at - interval '1 day' FROM reports AS r"
            " WHERE r.id = report_id AND code = %s",
            (sent.code,),
        )
    due = now - timedelta(minutes=30)
    sent.becomes(f"due_at = '{due}', warn_at = '{due - timedelta(hours=2)}'")
    actions = a_day_s_work(sent.code, At(crew, sent.code).seen["version"])
    etag = At(desk, sent.code).etag
    settings = Settings(database_url=service.url)
    asyncio.run(in_time(service.url, settings, due + timedelta(minutes=5)))
    assert At(crew, sent.code).seen["escalated"]["resolve"] == 2
    assert At(desk, sent.code).etag == etag
    done = (now - timedelta(hours=1)).isoformat()
    assert statuses(replayed(crew, [{**each, "at": done} for each in actions])) == ["done"] * 3
    seen = At(crew, sent.code).seen
    assert datetime.fromisoformat(seen["resolved_at"]) == datetime.fromisoformat(done)


def test_what_another_account_did_is_not_done_under_the_name_of_who_is_signed_in(service, crew):
    code = Sent(service).code
    take = does(code, "take")
    answer = crew.post(ACTIONS, json={"account": "somebody@example.test", "actions": [take]})
    assert answer.status_code == 409
    assert At(crew, code).seen["holder"] is None
    answer = crew.post(ACTIONS, json={"account": "Crew@example.test", "actions": [take]})
    assert statuses(answer.json()["results"]) == ["done"]


def test_no_more_than_two_hundred_at_once(crew):
    answer = crew.post(ACTIONS, json={"actions": [does("x", "take")] * 201})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "actions"
