"""Each operation of the OpenAPI document, asked by nobody, by an admin and by a reporter, of what
is really there and of what is not: never a server error, never an answer that is not documented."""

import pytest
import requests
import schemathesis
from conftest import serving
from hostile import drawn, written
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from role_table import an_alert
from schemathesis import checks
from staffed import PASSWORD, signed_in

import builders
from api.app import create_app
from geo.settings import Settings

schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")

OPERATIONS = [
    (method.upper(), path)
    for path, methods in create_app(Settings()).openapi()["paths"].items()
    for method in methods
]
ENDLESS = ("/api/v1/live",)
# Computes for seconds; tests/api/test_hotspot_expert.py asks it more.
SLOW = ("/api/v1/hotspots/expert",)
WHOM = st.sampled_from(["nobody", "reporter", "admin", "admin"])
# What is right in most requests, so that not everything made up ends at the door.
RIGHT = {
    **builders.a_report(),
    **an_alert(),
    "reason": "thử",
    "why": "thử",
    "boxes": [{"left": 0, "top": 0, "right": 0.5, "bottom": 0.5}],
    "phone": "0912 345 678",
    "password": PASSWORD,
}
DEVICES = [f"{n:032x}" for n in range(9)]
MOSTLY = st.sampled_from([True, True, True, False])
# Shaped right may still name nothing that is there, what was shaped wrong was put right, and who
# asks may be one who may.
LEFT_OUT = [checks.positive_data_acceptance, checks.negative_data_rejection, checks.ignored_auth]


@pytest.fixture(scope="module")
def described(service):
    return schemathesis.openapi.from_url(f"{service.base}/openapi.json")


@pytest.fixture(scope="module")
def limited(service, tmp_path_factory):
    """The same city and the same keys, with limits on what one device and one network send."""
    settings = {"PINWARD_LIMITS": "yes", "PINWARD_STATE": str(service.log.parent / "state")}
    folder = tmp_path_factory.mktemp("limited")
    with serving(service.url, folder, 1, "--no-worker", **settings) as made:
        yield made


@pytest.fixture(scope="module")
def alert(service):
    with signed_in(service, "admin", name="sender") as admin:
        return admin.post("/api/v1/alerts", json=an_alert()).json()["id"]


def sent(service, path):
    """Reports for whatever may happen to them: code -> secret."""
    made = {}
    for changes in ({}, {"category": "order.theft"}, {"category": "order.drugs"}):
        if "/photos" in path:
            files = {"file": ("a", written(drawn(40, 30), "JPEG"))}
            photo = service.http.post("/api/v1/uploads", files=files, timeout=120).json()["id"]
            changes = {**changes, "photos": [photo]}
        body = builders.a_report(reporter={"phone": "0912 345 678"}, **changes)
        said = service.http.post("/api/v1/reports", json=body).json()
        made[said["code"]] = said["secret"]
    return made


def ids(service, admin, path):
    """What else may stand in a path: an upload that was begun, a sign-in, a key."""
    if "{upload_id}" in path:
        asked = {"Tus-Resumable": "1.0.0", "Upload-Length": "1000"}
        begun = [service.http.post("/api/v1/uploads", headers=asked) for _ in range(3)]
        return {"upload_id": [each.headers["location"].rsplit("/", 1)[1] for each in begun]}
    if path == "/api/v1/keys/{id}":
        keys = [{"name": "thử", "role": "admin"}] * 2
        return {"id": [admin.post("/api/v1/keys", json=key).json()["id"] for key in keys]}
    if path == "/api/v1/sessions/{id}":
        return {"id": [each["id"] for each in admin.get("/api/v1/sessions").json()["sessions"]]}
    return {}


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_whatever_is_asked_is_answered_as_documented(
    service, limited, described, alert, method, path
):
    reports = sent(service, path) if "/reports/{code}" in path else {}
    there = {
        "code": list(reports) or list(builders.CODES[:2]),
        "n": [1],
        "alert_id": [alert],
        "layer": ["reports", "wards", "facilities", "hotspots", "alerts", "tasks"],
    }
    with signed_in(service, "admin", name=f"{method}{OPERATIONS.index((method, path))}") as admin:
        cookies = dict(admin.cookies)
        there |= ids(service, admin, path)

        @given(case=described[path][method].as_strategy(), data=st.data())
        @settings(
            max_examples=5 if path in SLOW else 30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        def check(case, data):
            whom = data.draw(WHOM, label="asked by")
            put_right(case, data, there)
            code = (case.path_parameters or {}).get("code")
            headers = {"Pinward-Request": "1"}
            asked_of = data.draw(st.sampled_from([service, limited]), label="asked of")
            if data.draw(st.booleans(), label="names its device"):
                headers["Pinward-Device"] = data.draw(st.sampled_from(DEVICES), label="device")
            if "{upload_id}" in path and data.draw(MOSTLY, label="speaks tus"):
                headers["Tus-Resumable"] = "1.0.0"
            if whom == "reporter" and code in reports:
                headers["Authorization"] = f"Report {reports[code]}"
            signed = cookies if whom == "admin" else {}
            if path in ENDLESS:
                asked = case.as_transport_kwargs(base_url=asked_of.base, headers=headers)
                asked |= {"cookies": signed, "stream": True, "timeout": 30}
                with requests.request(**asked) as answer:
                    assert answer.status_code < 500, answer.text
            else:
                case.call_and_validate(
                    base_url=asked_of.base,
                    excluded_checks=LEFT_OUT,
                    headers=headers,
                    cookies=signed,
                    timeout=60,
                )

        check()


def put_right(case, data, there):
    """Most of what was made up gives way to what is there, or right."""
    for name in case.path_parameters or {}:
        if name in there and data.draw(MOSTLY, label=f"a real {name}"):
            case.path_parameters[name] = data.draw(st.sampled_from(there[name]))
    for part in (case.query, case.body):
        for name in sorted(part.keys() & RIGHT.keys()) if isinstance(part, dict) else ():
            if data.draw(MOSTLY, label=f"a right {name}"):
                part[name] = RIGHT[name]
