"""What a reporter changes or adds is let in and looked at as a report is, by the same rules."""

import secrets
from itertools import count

import psycopg
import pytest
from conftest import serving
from own import LIST
from phones import Phone, is_challenge
from staffed import release, signed_in

import builders

QUEUE = "/api/v1/moderation/reports"
WHY = {"reason": "lý do thử"}
SPAM = "Vay tiền nhanh tại vay-nhanh.top"
PLACES = count()


@pytest.fixture(scope="module")
def service(clone, city_template, tmp_path_factory):
    folder = tmp_path_factory.mktemp("looked-at")
    with serving(
        clone(city_template), folder, PINWARD_LIMITS="yes", PINWARD_PROOF_WORK="20"
    ) as made:
        yield made


@pytest.fixture(scope="module")
def agent(service):
    with signed_in(service, "hotline_agent") as client:
        yield client


class Reporter(Phone):
    """A phone that has sent one report, and changes it."""

    def __init__(self, service, address=None, **more):
        n = next(PLACES)
        super().__init__(service.http, address or f"198.51.{n}.7")
        lon, lat = builders.middle(n % 6)
        self.at = {"lon": lon + (n % 9) * 0.0011, "lat": lat}
        said = {"text": f"Nước ngập {secrets.token_hex(9)}", **self.at, **more}
        body = builders.a_report(**said)
        answer = self.http.post(LIST, json=body, headers=self.headers)
        assert answer.status_code == 201, answer.text
        self.service, self.code = service, answer.json()["code"]
        self.secret = {"Authorization": f"Report {answer.json()['secret']}"}
        self.path = f"{LIST}/{self.code}"

    def ask(self, method, what, body, **headers):
        sent = self.headers | self.secret | headers
        return self.http.request(method, f"{self.path}{what}", json=body, headers=sent)

    @property
    def public(self):
        return self.http.get(self.path).status_code == 200

    @property
    def withheld(self):
        """Why it waits: the last reasons, None where it does not."""
        with psycopg.connect(self.service.url) as db:
            state = "SELECT withheld, id FROM reports WHERE code = %s"
            withheld, id = db.execute(state, (self.code,)).fetchone()
            said = (
                "SELECT data, public FROM report_events WHERE report_id = %s AND kind = 'withheld'"
            )
            found = db.execute(said + " ORDER BY id DESC", (id,)).fetchone()
        assert (withheld is None) == self.public
        if withheld is None:
            return None
        assert (withheld, found[1]) == ("review", False)
        return [one["code"] for one in found[0]["reasons"]]


@pytest.mark.parametrize(
    ("method", "what", "body", "status"),
    [
        ("PATCH", "", {"text": SPAM}, 200),
        ("PATCH", "", {"category": "bus.skipped_stop", "answers": {"route": "www.spam.vn"}}, 200),
        ("POST", "/additions", {"text": SPAM}, 201),
    ],
)
def test_a_link_that_comes_later_waits_and_the_reporter_sees_no_difference(
    service, agent, method, what, body, status
):
    mine = Reporter(service)
    assert mine.public
    answer = mine.ask(method, what, body)
    assert answer.status_code == status
    assert mine.withheld == ["link"]
    view = mine.ask("GET", "", None).json()["properties"]
    assert view["visibility"] == "public"
    seen = mine.ask("GET", "/events", None).json()["events"]
    assert "withheld" not in [one["kind"] for one in seen]
    (item,) = [one for one in agent.get(QUEUE).json()["reports"] if one["code"] == mine.code]
    assert item["state"] == "review"
    # released, and then changed once more: what was looked at is not what it says now
    assert release(agent, mine.code).status_code == 200
    assert mine.public
    mine.ask("POST", "/additions", {"text": f"Lần nữa: {SPAM}"})
    assert mine.withheld == ["link"]


def test_what_is_nothing_suspicious_does_not_wait(service):
    mine = Reporter(service)
    assert mine.ask("PATCH", "", {"text": "Nước ngập trước chợ, sâu 0.5 m"}).status_code == 200
    assert mine.ask("POST", "/additions", {"text": "Vẫn còn ngập"}).status_code == 201
    assert mine.withheld is None


def test_what_the_staff_have_hidden_stays_hidden(service, agent):
    mine = Reporter(service)
    agent.post(f"{QUEUE}/{mine.code}/hide", json=WHY)
    mine.ask("POST", "/additions", {"text": SPAM})
    assert agent.get(f"{QUEUE}/{mine.code}").json()["state"] == "hidden"


@pytest.mark.parametrize(("method", "what"), [("PATCH", ""), ("POST", "/additions")])
def test_one_text_put_into_many_reports_waits(service, method, what):
    text = f"Cột điện bị đổ trước trường, rất nguy hiểm {what}"
    found = []
    for _ in range(7):
        mine = Reporter(service)
        mine.ask(method, what, {"text": text})
        found.append(mine.withheld)
    assert found == [None] * 5 + [["same-text"]] * 2


def test_pins_moved_to_one_spot_wait(service):
    lon, lat = builders.middle(3)
    moved = [Reporter(service, "203.0.113.9", lon=lon, lat=lat + 0.002) for _ in range(10)]
    # sent apart from each other in time: only where they are moved to is one spot
    with psycopg.connect(service.url) as db:
        db.execute("UPDATE reports SET withheld = NULL")
        db.execute("DELETE FROM abuse_buckets")
    found = []
    for mine in moved:
        answer = mine.ask("POST", "/position", {"lon": lon, "lat": lat})
        assert answer.status_code == 200, answer.text
        found.append(mine.withheld)
    assert found == [None] * 8 + [["one-spot"]] * 2


CHANGES = [
    ("PATCH", "", lambda n: {"text": f"Nước ngập {n} {secrets.token_hex(9)}"}),
    ("POST", "/additions", lambda n: {"text": f"Thêm {n} {secrets.token_hex(9)}"}),
    ("POST", "/position", lambda n: dict(zip(("lon", "lat"), builders.middle(0), strict=True))),
]


@pytest.mark.parametrize(("method", "what", "body"), CHANGES)
def test_a_barred_device_changes_nothing(service, agent, method, what, body):
    mine = Reporter(service, lon=builders.middle(0)[0], lat=builders.middle(0)[1] + 0.001)
    before = mine.ask("GET", "", None).json()
    bar = f"{QUEUE}/{mine.code}/device/bar"
    assert agent.post(bar, json=WHY).status_code == 200
    refused = mine.ask(method, what, body(0))
    assert refused.status_code == 403
    assert refused.json()["type"].endswith("/device-banned")
    assert mine.ask("GET", "", None).json() == before
    # none of it is in the way of what is one's own
    assert mine.ask("PUT", "/contact", {"phone": "0912 345 678"}).status_code == 200


def test_a_device_that_changes_without_end_is_told_when_to_come_again(service):
    mine = Reporter(service)
    said = [mine.ask(*CHANGES[n % 2][:2], CHANGES[n % 2][2](n)) for n in range(14)]
    assert [each.status_code for each in said] == [200, 201] * 6 + [429] * 2
    assert int(said[-1].headers["retry-after"]) > 1
    # what was taken from the one bucket is in the other still
    assert mine.send().status_code == 201


def test_an_addition_sent_again_costs_nothing(service):
    mine, key = Reporter(service), builders.a_key()
    said = [mine.ask("POST", "/additions", {"text": "Thêm"}, **key) for _ in range(20)]
    assert [each.status_code for each in said] == [201] + [200] * 19


def test_who_names_no_device_proves_after_three(service):
    mine = Reporter(service)
    mine.headers.pop("Pinward-Device")
    said = [mine.ask(*CHANGES[1][:2], CHANGES[1][2](n)) for n in range(4)]
    assert [each.status_code for each in said[:3]] == [201] * 3
    assert is_challenge(said[3])


@pytest.mark.parametrize("secret", [{}, {"Authorization": f"Report {secrets.token_urlsafe(32)}"}])
def test_without_the_secret_nothing_is_counted(service, secret):
    phone, text = Phone(service.http, "198.51.100.99"), f"Nước ngập {secrets.token_hex(9)}"
    path = f"{Reporter(service).path}/additions"
    for _ in range(20):
        answer = service.http.post(path, json={"text": text}, headers=phone.headers | secret)
        assert answer.status_code == 401
    # nor is the text of somebody else taken for one that many send
    assert Reporter(service, text=text).withheld is None


def _edited(agent, mine):
    body = WHY | {"text": "Sửa lại"}
    assert agent.post(f"{QUEUE}/{mine.code}/text", json=body).status_code == 200


def _withdrawn(agent, mine):
    assert mine.ask("POST", "/withdraw", None).status_code == 200


REFUSED = {
    "edited": (_edited, "PATCH", "", {}, {}, 409),
    "withdrawn": (_withdrawn, "PATCH", "", {}, {}, 409),
    "another version": (None, "PATCH", "", {}, {"If-Match": '"x"'}, 412),
    "no such category": (None, "PATCH", "", {"category": "no.such"}, {}, 422),
    "no such answer": (None, "PATCH", "", {"answers": {"no": "1"}}, {}, 422),
    "nothing more": (_withdrawn, "POST", "/additions", {}, {}, 409),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_is_refused_counts_for_nobody(service, agent, why):
    before, method, what, more, headers, status = REFUSED[why]
    mine, text = Reporter(service), f"Cây đổ chắn đường {secrets.token_hex(9)}"
    if before:
        before(agent, mine)
    for _ in range(8):
        answer = mine.ask(method, what, {"text": text, **more}, **headers)
        assert answer.status_code == status, answer.text
    assert Reporter(service, text=text).withheld is None


def test_a_pin_that_is_not_moved_counts_for_nobody(service):
    mine, (lon, lat) = Reporter(service, "203.0.113.77"), builders.middle(5)
    for _ in range(10):
        answer = mine.ask("POST", "/position", {"lon": lon, "lat": lat + 0.007})
        assert answer.status_code == 422
        answer = mine.ask("POST", "/position", {**mine.at, "accuracy_m": None})
        assert answer.status_code == 200
    for at in ({"lon": lon, "lat": lat + 0.007}, mine.at):
        assert Reporter(service, "203.0.113.77", **at).withheld is None


def test_what_is_sent_along_unchanged_is_not_looked_at_again(service, agent):
    mine, text = Reporter(service), f"Nước ngập {secrets.token_hex(9)}"
    routes = {"answers": {"route": "www.x.vn"}}
    bodies = [
        {"category": "waste.bin_full"},
        {"category": "bus.skipped_stop", "answers": {"route": "19"}},
    ]
    for n in range(8):
        answer = mine.ask("PATCH", "", {"text": text, **bodies[n % 2]})
        assert answer.status_code == 200, answer.text
        assert mine.withheld is None
    linked = Reporter(service, text=SPAM, category="bus.skipped_stop", **routes)
    assert release(agent, linked.code).status_code == 200
    for body in ({"category": "bus.skipped_stop"}, routes, bodies[0]):
        assert linked.ask("PATCH", "", {"text": SPAM, **body}).status_code == 200
        assert linked.withheld is None
    assert linked.ask("PATCH", "", {"text": f"{SPAM}!"}).status_code == 200
    assert linked.withheld == ["link"]
