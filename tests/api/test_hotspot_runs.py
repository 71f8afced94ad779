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


def ended(client, path, patience_s=60):
    ends = time.monotonic() + patience_s
    while time.monotonic() < ends:
        body = client.get(path).json()
        if body["state"] in ("done", "failed"):
            return body
        time.sleep(0.1)
    pytest.fail(f"the run did not end: {body}")


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
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_run_is_refused_by_name(filled, body, field):
    with signed_in(filled, "planner", name=f"p-{field}-{len(str(body))}") as client:
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
        client.post(PATH, json={"as_of": "2026-03-02"})
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


def test_a_worker_killed_in_the_middle_leaves_nothing_and_the_next_one_makes_it(filled):
    with signed_in(filled, "planner", name="killer") as client, psycopg.connect(filled.url) as db:
        # A run waits at this lock with its answers half found.
        db.execute("SELECT pg_advisory_lock(%s)", (Lock.HOTSPOTS,))
        asked = client.post(PATH, json={"as_of": "2026-03-30"})
        path = asked.headers["location"]
        ends = time.monotonic() + 30
        while client.get(path).json()["state"] != "running":
            assert time.monotonic() < ends
            time.sleep(0.05)
        found = children_of(filled.pid)
        (worker,) = [int(pid) for pid, args in found if " worker " in f"{args} "]
        (child,) = [int(pid) for pid, args in children_of(worker) if "hotspots run" in args]
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
