"""What people write is plain text at every door: what is not seen is gone, markup is not markup."""

import gzip
import json
import unicodedata
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest
from conftest import command, serving
from staffed import release, signed_in

import builders

LIST = "/api/v1/reports"
# An override that turns the end, an isolate, letters cut by zero-width characters, a tag, marks.
UNSEEN = "\u202egnp.\u202c\u2066x\u2069 mi\u200bễn\u2060 ph\u200dí\ufeff \U000e0041z" + "\u0301" * 9
BARE = "gnp.x miễn phí " + unicodedata.normalize("NFC", "z" + "\u0301" * 5)
MARKUP = "<img src=x onerror=alert(1)><script>alert(2)</script> &amp; javascript:alert(3)"
HOSTILE = f"{MARKUP} {UNSEEN}"
SHOWN = f"{MARKUP} {BARE}"
# What no text of ours may hold (U+200D only between emoji and in scripts that need it).
HARMFUL = frozenset("\u200b\u200d\u200e\u200f\u2060\ufeff\u061c\u202a\u202b\u202c\u202d\u202e") | {
    *map(chr, range(0x2066, 0x206A)),
    *map(chr, range(0xE0000, 0xE0100)),
}
WHY = {"reason": HOSTILE}


@pytest.fixture(scope="module")
def service(clone, city_template, tmp_path_factory):
    with serving(clone(city_template), tmp_path_factory.mktemp("plain")) as made:
        yield made


@pytest.fixture(scope="module")
def agent(service):
    with signed_in(service, "hotline_agent") as client:
        yield client


def strings(value):
    """All texts in a JSON value, names of members too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)


def told(answer, status=200):
    """What a door says, once it is known that no browser takes it for a page and nothing in it is
    unseen."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].split(";")[0].endswith("json")
    assert answer.headers["x-content-type-options"] == "nosniff"
    found = list(strings(answer.json()))
    assert not HARMFUL & set("".join(found))
    return found


def sent(service, **changes):
    answer = service.http.post(LIST, json=builders.a_report(**changes), headers=builders.a_key())
    told(answer, 201)
    return answer.json()


def test_a_reports_text_at_every_door(service, tmp_path):
    made = sent(service, text=HOSTILE)
    path = f"{LIST}/{made['code']}"
    own = {"Authorization": f"Report {made['secret']}"}
    assert SHOWN in told(service.http.get(path))
    assert SHOWN in told(service.http.get(path, headers=own))
    lon, lat = builders.middle(0)
    box = {"bbox": f"{lon - 0.001},{lat - 0.001},{lon + 0.001},{lat + 0.001}"}
    assert SHOWN in told(service.http.get(LIST, params=box))
    # and it is found by what it shows, whatever the words that are searched for hide
    for said in ("miễn phí", "mi\u200bễn\u2060 phí", "\u202emiễn phí"):
        assert SHOWN in told(service.http.get(LIST, params={"q": said}))
    run = command(tmp_path)
    for name in ("out.csv", "out.geojson.gz"):
        out = tmp_path / name
        assert run("reports", "export", out, url=service.url).returncode == 0
        raw = gzip.decompress(out.read_bytes()) if name.endswith("gz") else out.read_bytes()
        if name == "out.csv":
            assert BARE in raw.decode()
            assert not HARMFUL & set(raw.decode())
        else:
            found = list(strings(json.loads(raw)))
            assert SHOWN in found
            assert not HARMFUL & set("".join(found))


def test_what_the_staff_write_is_plain_too(service, agent):
    made = sent(service, text="Nước ngập ở đây")
    own = {"Authorization": f"Report {made['secret']}"}
    moderation = f"/api/v1/moderation/reports/{made['code']}"
    assert SHOWN in told(agent.post(f"{moderation}/text", json={"text": HOSTILE, "reason": "thử"}))
    assert SHOWN in told(service.http.get(f"{LIST}/{made['code']}"))
    told(agent.post(f"{moderation}/hide", json=WHY))
    said = told(service.http.get(f"{LIST}/{made['code']}/events", headers=own))
    assert f"The city hid this report. Reason: {SHOWN}" in said
    told(agent.get("/api/v1/moderation/reports", params={"state": "hidden"}))
    told(agent.get(moderation))
    told(release(agent, made["code"]))


def test_answers_and_names(service, agent):
    made = sent(
        service,
        category="bus.late",
        answers={"route": HOSTILE},
        reporter={"name": HOSTILE, "phone": "0987654321"},
    )
    own = {"Authorization": f"Report {made['secret']}"}
    told(service.http.get(f"{LIST}/{made['code']}", headers=own))
    contact = agent.get(f"{LIST}/{made['code']}/contact", params={"why": "gọi lại"})
    assert SHOWN in told(contact)


def test_alerts(service):
    body = {
        "kind": "storm",
        "severity": "minor",
        "headline": {"vi": HOSTILE[:100], "en": HOSTILE[:100]},
        "description": {"vi": HOSTILE},
        "wards": [builders.CODES[0]],
        "expires_at": (datetime.now(UTC) + timedelta(hours=6)).isoformat(),
    }
    with signed_in(service, "planner") as planner:
        made = planner.post("/api/v1/alerts", json=body)
        assert SHOWN in told(made, 201)
    assert SHOWN in told(service.http.get("/api/v1/alerts"))
    answer = service.http.get("/api/v1/alerts", headers={"Accept": "application/cap+xml"})
    assert "<script" not in answer.text
    assert "<img" not in answer.text
    said = [element.text or "" for element in ET.fromstring(answer.content).iter()]
    assert SHOWN in said
    assert not HARMFUL & set("".join(said))


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"category": HOSTILE}, 422),
        ({"lon": HOSTILE}, 422),
        ({"answers": {HOSTILE[:100]: "x"}}, 422),
        ({"photos": [HOSTILE]}, 422),
        ({HOSTILE: 1}, 422),
        ({"\ud800": 1}, 400),
        ({"answers": {"\udfff": "x"}}, 400),
    ],
)
def test_an_error_does_not_say_it_either(service, changes, status):
    body = json.dumps(builders.a_report(**changes))
    sent_as = {"Content-Type": "application/json"}
    told(service.http.post(LIST, content=body, headers=sent_as), status)


@pytest.mark.parametrize("path", [f"{LIST}/{UNSEEN}", f"{LIST}?status={UNSEEN}", f"/{UNSEEN}"])
def test_nor_does_one_about_the_address(service, path):
    answer = service.http.get(path)
    told(answer, answer.status_code)
    assert 400 <= answer.status_code < 500
