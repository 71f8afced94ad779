"""An expert's question ends when nobody waits for its answer, and what ends it is told."""

import contextlib
import http.client
import json
import os
import signal
from pathlib import Path
from urllib.parse import urlencode

import psycopg
import pytest
from conftest import serving
from holding import counted, until
from planted import AS_OF
from staffed import signed_in

PATH = "/api/v1/hotspots/expert"
QUERY = {"category": "drainage.flooding", "on": AS_OF.isoformat(), "method": "dbscan"}


@pytest.fixture
def desk(city_url, tmp_path):
    with serving(city_url, tmp_path, 1, "--no-worker") as made:
        yield made


def working(service):
    """{pid: parent's pid} of the processes that work questions of this service out."""
    found = {}
    for each in Path("/proc").glob("[0-9]*"):
        # One may end while it is looked at.
        with contextlib.suppress(OSError):
            if b"api.expert_desk" in (each / "cmdline").read_bytes():
                above = list(ancestors(int(each.name)))
                if service.pid in above:
                    found[int(each.name)] = above[0]
    return found


def ancestors(pid):
    while pid > 1:
        pid = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
        yield pid


def asking(service, client):
    """A connection that the question was sent on."""
    made = http.client.HTTPConnection("127.0.0.1", service.http.base_url.port, timeout=30)
    cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    made.request("GET", f"{PATH}?{urlencode(QUERY)}", headers={"Cookie": cookies})
    return made


@contextlib.contextmanager
def asked(service, client):
    """A question whose process waits for the database: (its pid, its parent's, the connection)."""
    with contextlib.closing(asking(service, client)) as connection:
        until(lambda: working(service))
        with psycopg.connect(service.url) as db:
            # Counted before, so nobody but the process waits.
            db.execute("LOCK TABLE reports IN ACCESS EXCLUSIVE MODE")
            until(lambda: waiting(service.url))
            ((pid, parent),) = working(service).items()
            yield pid, parent, connection
            db.rollback()


def waiting(url):
    with psycopg.connect(url) as db:
        return db.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'reports'::regclass"
        ).fetchone()[0]


def test_a_client_that_hangs_up_ends_its_process(desk):
    with signed_in(desk, "planner") as client:
        with asked(desk, client) as (pid, _, connection):
            connection.close()
            # It would wait a minute for the table.
            until(lambda: pid not in working(desk))
            until(lambda: counted(desk.http, "pinward_http_requests_total", status="499") == 1)
        assert client.get(PATH, params=QUERY).status_code == 200


def test_a_client_that_hangs_up_while_reports_are_counted_gives_its_place_back(desk):
    with signed_in(desk, "planner") as client:
        with psycopg.connect(desk.url) as db:
            db.execute("LOCK TABLE reports IN ACCESS EXCLUSIVE MODE")
            with contextlib.closing(asking(desk, client)):
                until(lambda: waiting(desk.url) == 1)
            until(lambda: waiting(desk.url) == 0)
            db.rollback()
        assert client.get(PATH, params=QUERY).status_code == 200


def test_a_process_ended_by_the_system_is_503_that_says_to_ask_for_less(desk):
    with signed_in(desk, "planner") as client:
        with asked(desk, client) as (pid, _, connection):
            os.kill(pid, signal.SIGKILL)
            answer = connection.getresponse()
            told = json.load(answer)
        assert answer.status == 503
        assert "smaller bbox" in told["detail"]
        assert int(answer.headers["retry-after"]) >= 30
        assert client.get(PATH, params=QUERY).status_code == 200


def test_a_service_that_is_killed_leaves_no_process_at_work(desk):
    with signed_in(desk, "planner") as client, asked(desk, client) as (pid, parent, _):
        os.kill(parent, signal.SIGKILL)
        until(lambda: not Path(f"/proc/{pid}").exists())
