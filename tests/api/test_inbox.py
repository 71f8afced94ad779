"""The desk's inbox: pages that together are all of it, in each order, and nobody else's."""

from datetime import timedelta
from itertools import product

import numpy as np
import psycopg
import pytest
from staffed import signed_in
from tasked import SENT, organisations, put_tasks

import builders

INBOX = "/api/v1/tasks"
N = 120


@pytest.fixture(scope="module")
def ids(service):
    return organisations(service.url)


@pytest.fixture(scope="module")
def put(service, ids):
    """Tasks of two organisations and wards, some without a deadline, many due at one time."""
    rng = np.random.default_rng(5)
    with psycopg.connect(service.url) as db:
        wards = dict(db.execute("SELECT organisation_id, id FROM wards"))
    due = [SENT + timedelta(days=int(d)) if d < 12 else None for d in rng.integers(0, 15, N)]
    of = [ids[k] for k in rng.integers(0, 2, N)]
    status = rng.choice(["received", "assigned", "in_progress", "waiting", "resolved"], N).tolist()
    put_tasks(
        service.url,
        [builders.middle(0)] * N,
        due_at=due,
        organisation_id=of,
        ward_id=[wards[each] for each in of],
        priority=rng.integers(1, 4, N).tolist(),
        status=status,
        waits_since=[SENT if each == "waiting" else None for each in status],
        created_at=[SENT - timedelta(hours=int(h)) for h in rng.integers(0, 20, N)],
        category_code=rng.choice(["drainage.flooding", "noise.karaoke"], N).tolist(),
        text=[f"Ngập số {k}" for k in range(N)],
        escalated=rng.integers(0, 3, N).tolist(),
        first_escalated=rng.integers(0, 3, N).tolist(),
        replied_at=[SENT if k % 3 else None for k in range(N)],
    )


def _pages(client, **query):
    """All pages, followed by their links."""
    answer = client.get(INBOX, params=query)
    while True:
        assert answer.status_code == 200, answer.text
        yield answer.json()["tasks"]
        following = answer.json()["next"]
        if following is None:
            return
        assert answer.links["next"]["url"] == following
        answer = client.get(following)


def _all(client, **query):
    return [task for page in _pages(client, **query) for task in page]


@pytest.fixture(scope="module")
def desk(service, put):
    with signed_in(service, "hotline_agent", name="desk") as client:
        yield client


def _rows(service, condition="true"):
    with psycopg.connect(service.url, row_factory=psycopg.rows.dict_row) as db:
        return db.execute(
            "SELECT r.*, EXTRACT(epoch FROM due_at) AS due FROM reports AS r"
            f" WHERE status <> 'resolved' AND organisation_id IS NOT NULL AND {condition}"
        ).fetchall()


NEVER = float("inf")
TOLD = "escalated > 0 OR (first_escalated > 0 AND replied_at IS NULL)"
ORDERS = {
    "due": lambda r: (NEVER if r["due"] is None else r["due"], r["id"]),
    "priority": lambda r: (r["priority"], NEVER if r["due"] is None else r["due"], r["id"]),
    "newest": lambda r: (-r["created_at"].timestamp(), -r["id"].int),
}


@pytest.mark.parametrize(("order", "limit"), list(product(ORDERS, (1, 7, 50, 200))))
def test_pages_together_are_all_of_it_once_and_in_order(service, desk, order, limit):
    rows = sorted(_rows(service), key=ORDERS[order])
    pages = list(_pages(desk, order=order, limit=limit))
    assert [task["code"] for page in pages for task in page] == [row["code"] for row in rows]
    assert all(len(page) == limit for page in pages[:-1])


@pytest.mark.parametrize("order", ORDERS)
def test_each_sees_the_tasks_of_their_own_ward_or_organisation(service, put, ids, order):
    for name, account, condition in (
        ("organisation", {"organisation": ids[1]}, f"organisation_id = {ids[1]}"),
        ("ward", {"ward": builders.CODES[0]}, f"organisation_id = {ids[0]}"),
        ("both", {"ward": builders.CODES[0], "organisation": ids[1]}, "false"),
    ):
        with signed_in(service, "crew", name=f"{name}-{order}", **account) as crew:
            found = {task["code"] for task in _all(crew, order=order, limit=9)}
            assert found == {row["code"] for row in _rows(service, condition)}, name
            # Asking for more than one's own gives no more.
            more = _all(crew, organisation=f"ward-{builders.CODES[0]}", limit=200)
            theirs = {row["code"] for row in _rows(service, f"organisation_id = {ids[0]}")}
            assert {task["code"] for task in more} == found & theirs


@pytest.mark.parametrize(
    ("query", "condition"),
    [
        ({"status": "waiting,received"}, "status IN ('waiting', 'received')"),
        ({"category": "noise"}, "category_code = 'noise.karaoke'"),
        ({"ward": builders.CODES[1]}, "ward_id = (SELECT id FROM wards WHERE code = '90002')"),
        ({"priority": "1,3"}, "priority IN (1, 3)"),
        ({"late": "yes"}, "due_at < now() AND status <> 'waiting'"),
        ({"late": "no"}, "(due_at IS NULL OR due_at >= now() OR status = 'waiting')"),
        ({"escalated": "yes"}, f"({TOLD})"),
        ({"escalated": "no"}, f"NOT ({TOLD})"),
        ({"due_before": "2026-11-25T01:00:00Z"}, "due_at < '2026-11-25T01:00:00Z'"),
        ({"q": "ngap 77"}, "text = 'Ngập số 77'"),
        ({"holder": "none"}, "holder_id IS NULL"),
        ({"holder": "me"}, "false"),
    ],
)
def test_what_is_chosen_narrows_and_is_counted(service, desk, query, condition):
    rows = _rows(service, condition)
    for order in ORDERS:
        found = [task["code"] for task in _all(desk, limit=40, order=order, **query)]
        assert sorted(found) == sorted(row["code"] for row in rows)
    counts = desk.get(INBOX, params={**query, "counts": "yes"}).json()["counts"]
    assert counts["open"] == len(rows) == sum(counts["status"].values())
    late = [task for task in _all(desk, limit=200, **query) if task["late"]]
    assert counts["late"] == len(late)


def test_a_line_says_what_was_told_of_each_promise(service, desk):
    rows = {row["code"]: row for row in _rows(service)}
    for task in _all(desk, limit=200):
        row = rows.pop(task["code"])
        assert task["escalated"] == {
            "first_reply": row["first_escalated"],
            "resolve": row["escalated"],
        }
        assert (task["replied_at"] is None) == (row["replied_at"] is None)
    assert not rows


def test_a_page_goes_on_where_it_ended_whatever_was_done_meanwhile(service, desk):
    before = _all(desk, limit=200)
    first = desk.get(INBOX, params={"limit": 10}).json()
    with psycopg.connect(service.url) as db:
        db.execute("UPDATE reports SET status = 'resolved' WHERE code = %s", (before[9]["code"],))
    rest = desk.get(first["next"]).json()["tasks"]
    with psycopg.connect(service.url) as db:
        db.execute(
            "UPDATE reports SET status = %s WHERE code = %s",
            (before[9]["status"], before[9]["code"]),
        )
    assert [task["code"] for task in rest] == [task["code"] for task in before[10:20]]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"status": "closed"}, "status"),
        ({"priority": "4"}, "priority"),
        ({"cursor": "x"}, "cursor"),
        ({"order": "due", "sort": "up"}, "sort"),
    ],
)
def test_what_is_no_choice_is_named(desk, query, field):
    answer = desk.get(INBOX, params=query)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


def test_a_cursor_of_another_order_is_refused(desk):
    following = desk.get(INBOX, params={"limit": 5}).json()["next"]
    cursor = following.partition("cursor=")[2]
    answer = desk.get(INBOX, params={"cursor": cursor, "order": "newest"})
    assert answer.status_code == 422
