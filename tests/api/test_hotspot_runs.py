"""Asking for a run: who may, how far it is, and that the worker makes it whatever happens."""

import os
import signal
import subprocess
import time

import psycopg
import pytest
from planted import AS_OF, put_life, put_trouble
from staffed import signed_in

from builders import middle
from geo.store.locks import Lock

PATH = "/api/v1/hotspots/runs"
BODY = {"as_of": AS_OF.isoformat(), "category": "drainage.flooding"}


@pytest.fixture(scope="module")
def filled(service):
    put_life(service.url)
    put_trouble(service.url, *middle(0))
    return service


def until(client, path, *states, patience_s=60):
    ends = time.monotonic() + patience_s
    while time.monotonic() < ends:
        body = client.get(path).json()
        if body["state"] in states:
            return body
        time.sleep(0.1)
    pytest.fail(f"the run came to none of {states}: {body}")


def ended(client, path):
    return until(client, path, "done", "failed")


def test_a_planner_asks_and_the_worker_makes_it(filled):
    with signed_in(filled, "planner") as client:
        asked = client.post(PATH, json=BODY)
        assert asked.status_code == 202
        assert asked.json()["state"] == "waiting"
        body = ended(client, asked.headers["location"])
        assert (body["state"], body["n_hotspots"], body["error"]) == ("done", 1, None)
        assert body["done"] == body["total"] > 0
        assert client.get(PATH).json()["runs"][0] == body
    (found,) = filled.http.get("/api/v1/hotspots").json()["features"]
    assert found["properties"]["category"] == "drainage.flooding"


def test_others_may_not(filled):
    assert filled.http.post(PATH, json=BODY).status_code == 401
    assert filled.http.get(PATH).status_code == 401
    with signed_in(filled, "crew") as client:
        assert client.post(PATH, json=BODY).status_code == 403
        assert client.get(PATH).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"category": "castle"}, "category"),
        ({"as_of": "someday"}, "as_of"),
        ({"as_of": "2999-01-01"}, "as_of"),
        ({"as_of": "9999-12-31"}, "as_of"),
        ({"as_of": "0001-01-01"}, "as_of"),
        ({"category": "a\0b"}, "category"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_run_is_refused_by_name(filled, body, field):
    with signed_in(filled, "planner", name=f"p-{abs(hash(str(body)))}") as client:
        answer = client.post(PATH, json=body)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_a_run_that_is_none_is_404(filled):
    with signed_in(filled, "admin") as client:
        assert client.get(f"{PATH}/999999").status_code == 404


def test_of_two_alike_that_wait_there_is_one(filled):
    with signed_in(filled, "admin", name="twice") as client, psycopg.connect(filled.url) as db:
        # Jobs are done one after the other, and this one waits at the lock.
        db.execute("SELECT pg_advisory_lock(%s)", (Lock.HOTSPOTS,))
        begun = client.post(PATH, json={"as_of": "2026-03-02"})
        until(client, begun.headers["location"], "running")
        # What has begun may have read its reports already: it is no answer to who asks now.
        anew = client.post(PATH, json={"as_of": "2026-03-02"})
        assert anew.json()["id"] != begun.json()["id"]
        first, second = (client.post(PATH, json={"as_of": "2026-03-01"}) for _ in range(2))
        assert first.json()["state"] == second.json()["state"] == "waiting"
        assert first.json()["id"] == second.json()["id"]
        db.execute("SELECT pg_advisory_unlock(%s)", (Lock.HOTSPOTS,))
        db.commit()
        ended(client, second.headers["location"])


def children_of(pid):
    done = subprocess.run(
        ["ps", "-ww", "--ppid", str(pid), "-o", "pid=,args="],
        capture_output=True,
        text=True,
        check=False,
    )
    return [line.split(None, 1) for line in done.stdout.splitlines()]


def worker_of(service):
    (worker,) = [int(pid) for pid, args in children_of(service.pid) if " worker " in f"{args} "]
    return worker


def runs_of(worker, like="hotspots run"):
    return [int(pid) for pid, args in children_of(worker) if like in args]


def killed(client, path, service, known=()):
    """Kill the process that makes a run, another one than those known; returns its id."""
    until(client, path, "running")
    asked, worker = f"--asked {path.rpartition('/')[2]} ", worker_of(service)
    ends = time.monotonic() + 60
    while not (found := set(runs_of(worker, asked)) - set(known)):
        assert time.monotonic() < ends
        time.sleep(0.05)
    (child,) = found
    os.kill(child, signal.SIGKILL)
    return child


def test_a_run_that_dies_again_and_again_fails_and_can_be_asked_for_anew(filled):
    with signed_in(filled, "planner", name="dying") as client, psycopg.connect(filled.url) as db:
        db.execute("SELECT pg_advisory_lock(%s)", (Lock.HOTSPOTS,))
        asked = client.post(PATH, json={"as_of": "2026-03-20"})
        path = asked.headers["location"]
        first = killed(client, path, filled)
        with psycopg.connect(filled.url, autocommit=True) as other:
            # As if it had died twice more: each try waits for five seconds.
            other.execute(
                "UPDATE procrastinate_jobs SET attempts = 3 WHERE (args->>'run_id')::bigint = %s",
                (asked.json()["id"],),
            )
        killed(client, path, filled, known=(first,))
        body = ended(client, path)
        assert body["state"] == "failed"
        assert "died 4 times" in body["error"]
        anew = client.post(PATH, json={"as_of": "2026-03-20"})
        assert anew.json()["id"] != body["id"]
        db.execute("SELECT pg_advisory_unlock(%s)", (Lock.HOTSPOTS,))
        db.commit()
        assert ended(client, anew.headers["location"])["state"] == "done"


def test_a_worker_killed_in_the_middle_leaves_nothing_and_the_next_one_makes_it(filled):
    with signed_in(filled, "planner", name="killer") as client, psycopg.connect(filled.url) as db:
        # A run waits at this lock with its answers half found.
        db.execute("SELECT pg_advisory_lock(%s)", (Lock.HOTSPOTS,))
        asked = client.post(PATH, json={"as_of": "2026-03-30"})
        path = asked.headers["location"]
        until(client, path, "running")
        worker = worker_of(filled)
        (child,) = runs_of(worker)
        os.kill(worker, signal.SIGKILL)
        ends = time.monotonic() + 10
        while os.path.exists(f"/proc/{child}"):  # noqa: PTH110
            assert time.monotonic() < ends, "the run outlived its worker"
            time.sleep(0.05)
        (n,) = db.execute(
            "SELECT count(*) FROM hotspot_answers WHERE as_of = '2026-03-30'"
        ).fetchone()
        assert n == 0
        db.execute("SELECT pg_advisory_unlock(%s)", (Lock.HOTSPOTS,))
        db.commit()
        body = ended(client, path)
        assert (body["state"], body["n_hotspots"]) == ("done", 1)
