"""Who has a task in hand: one at most, whoever asks at once; others are told whose it is."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psycopg
import pytest
from own import Sent
from staffed import signed_in
from working import At

import builders


@pytest.fixture(scope="module")
def crews(service):
    """Twenty crews of the first ward."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                signed_in(service, "crew", ward=builders.CODES[0], name=f"crew-{n}")
            )
            for n in range(20)
        ]


@pytest.fixture(scope="module")
def desk(service):
    with signed_in(service, "hotline_agent", name="desk") as client:
        yield client


def holder(service, code):
    with psycopg.connect(service.url) as db:
        (email,) = db.execute(
            "SELECT u.email FROM reports AS r LEFT JOIN users AS u ON u.id = holder_id"
            " WHERE code = %s",
            (code,),
        ).fetchone()
    return email and email.partition("@")[0]


@pytest.mark.parametrize("with_version", [True, False])
def test_of_twenty_who_take_it_at_once_one_has_it(service, crews, with_version):
    code = Sent(service).code
    seen = At(crews[0], code).etag if with_version else None
    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(lambda crew: At(crew, code).ask("take", etag=seen), crews))
    statuses = [answer.status_code for answer in found]
    assert statuses.count(200) == 1
    assert statuses.count(412 if with_version else 409) == 19
    won = statuses.index(200)
    assert holder(service, code) == f"crew-{won}"
    told = found[won].json()["properties"]
    assert told["holder"] == {"mine": True, "name": "Người Thử"}
    assert told["status"] == "assigned"
    assert [kind for kind, *_ in At(crews[0], code).lines()].count("taken") == 1


def test_what_another_has_in_hand_is_not_moved_by_a_crew_and_they_are_told_whose_it_is(
    service, crews, desk
):
    code = Sent(service).code
    one, other = At(crews[0], code), At(crews[1], code)
    assert one.does("take")["allowed"] == ["start", "release", "wait", "resolve"]
    assert other.seen["allowed"] == []
    for move, more in (
        ("take", {}),
        ("start", {}),
        ("release", {}),
        ("wait", {"text": "Chờ"}),
        ("resolve", {"text": "Xong"}),
    ):
        answer = other.ask(move, **more)
        assert answer.status_code == 409, move
        assert answer.json()["type"].endswith("/in-hand")
        assert answer.json()["holder"] == "Người Thử"
        assert "Người Thử" in answer.json()["detail_vi"]
    assert one.ask("take").status_code == 409
    assert holder(service, code) == "crew-0"
    # The desk goes on all the same, and may put it down for whoever does not come back.
    assert At(desk, code).ask("take").json()["type"].endswith("/in-hand")
    assert At(desk, code).does("release")["holder"] is None
    assert other.does("start")["holder"]["mine"] is True
    assert one.ask("resolve", text="Xong").status_code == 409
    assert other.does("resolve", text="Xong")["holder"] is None


def test_it_stays_in_hand_while_it_waits_and_not_when_it_is_passed_on(service, crews, desk):
    code = Sent(service).code
    one = At(crews[0], code)
    one.does("take")
    assert one.does("start")["holder"]["mine"]
    assert one.does("wait", text="Chờ vật tư")["holder"]["mine"]
    assert At(crews[1], code).ask("start").status_code == 409
    assert one.does("start")["status"] == "in_progress"
    with psycopg.connect(service.url) as db:
        (to,) = db.execute("SELECT max(code) FROM organisations").fetchone()
    At(desk, code).does("assign", text="Không thuộc phường", organisation=to)
    assert holder(service, code) is None


def test_what_nobody_has_in_hand_is_not_put_down(service, crews):
    answer = At(crews[0], Sent(service).code).ask("release")
    assert answer.status_code == 409
    assert "nobody" in answer.json()["detail"]
    assert answer.json()["allowed"] == ["take", "start", "wait", "resolve"]
