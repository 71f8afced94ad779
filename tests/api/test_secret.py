"""Every address that takes a report's secret: whoever has another one learns nothing, not even by
how long it takes, and neither a log, a referrer nor a cache holds a secret."""

import ast
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from hostile import drawn, written
from own import LIST, Sent

import builders
from api.routes import ROUTERS
from api.routes.reports import _secret

ROOT = Path(__file__).resolve().parents[2]
LON, LAT = builders.middle(0)
OF = "/api/v1/reports/{code}"
# In an order in which each is taken after those before it.
ASKED = {
    ("GET", ""): None,
    ("GET", "events"): None,
    ("GET", "photos/{n}"): None,
    ("GET", "photos/{n}/still"): None,
    ("GET", "export"): None,
    ("PATCH", ""): {"text": "Sửa lại."},
    ("POST", "position"): {"lon": LON + 1e-5, "lat": LAT},
    ("POST", "additions"): {"text": "Thêm."},
    ("PUT", "contact"): {"phone": "0987 654 321"},
    ("DELETE", "contact"): None,
    ("POST", "rating"): {"rating": 4},
    ("POST", "reopen"): {"text": "Vẫn còn."},
    ("POST", "confirm"): None,
    ("POST", "withdraw"): None,
    ("POST", "erasure"): {"text": True},
}
# What the staff did meanwhile, or it would be refused.
RESOLVED = "status = 'resolved', resolved_at = now()"
BEFORE = {
    ("POST", "rating"): RESOLVED,
    ("POST", "confirm"): RESOLVED,
    ("POST", "withdraw"): "status = 'assigned', resolved_at = NULL, closed_at = NULL",
}
# "Me too" is said with the secret of another report (tests/api/test_supports.py).
OF_ANOTHER = {("POST", f"{OF}/support")}
WRONG = "f" * 64


def _takes_the_secret(dependant):
    return dependant.call is _secret or any(map(_takes_the_secret, dependant.dependencies))


def test_every_address_that_takes_a_secret_stands_here():
    routes = [route for router in ROUTERS for route in router.routes]
    taking = {
        (method, route.path)
        for route in routes
        if isinstance(route, APIRoute) and _takes_the_secret(route.dependant)
        for method in route.methods
    }
    own = {(method, f"{OF}/{what}".rstrip("/")) for method, what in ASKED}
    assert taking == own | OF_ANOTHER


@pytest.fixture(scope="module")
def answers(service):
    """(report's secret, address → the answer to a wrong one, the answer to the right one)."""
    files = {"file": ("a.jpg", written(drawn(), "JPEG"))}
    photo = service.http.post("/api/v1/uploads", files=files, timeout=120).json()["id"]
    sent = Sent(service, photos=[photo])
    found = {}
    for (method, what), body in ASKED.items():
        path = what.format(n=1)
        if (method, what) in BEFORE:
            sent.becomes(BEFORE[method, what])
        wrong = sent.ask(method, path, body, secret=WRONG)
        found[method, what] = (wrong, sent.ask(method, path, body))
    return sent.secret, found


@pytest.mark.parametrize("asked", ASKED)
def test_another_secret_opens_nothing_and_the_right_one_does(answers, asked):
    _, found = answers
    wrong, right = found[asked]
    assert right.status_code in (200, 201), right.text
    assert wrong.status_code == 401
    assert wrong.headers["content-type"] == "application/problem+json"
    assert wrong.json()["detail"] == "this secret is not this report's"


@pytest.mark.parametrize("asked", ASKED)
def test_no_cache_referrer_or_answer_gets_the_secret(answers, asked):
    secret, found = answers
    wrong, right = found[asked]
    assert right.headers["cache-control"] == "no-store"
    for answer in (wrong, right):
        # What is sent along from a page of ours to another site is our host, and never an address.
        assert answer.headers["referrer-policy"] == "strict-origin"
        assert secret not in str(answer.request.url)
        for said in (secret, WRONG):
            assert said.encode() not in answer.content
            assert said not in str(answer.headers)


def test_no_log_gets_it(service, answers):
    secret, _ = answers
    log = service.log.read_text()
    assert log
    for said in (secret, WRONG, "Report "):
        assert said not in log


def test_the_page_of_a_report_sends_no_address_along(service):
    # The secret is in its fragment, which browsers keep to themselves; scripts alone see it.
    answer = Sent(service)
    page = service.http.get(f"/r/{answer.code}")
    assert page.headers["referrer-policy"] == "strict-origin"
    assert '<meta name="referrer"' not in page.text
    said = service.http.post(LIST, json=builders.a_report()).json()
    assert said["secret"] not in said["tracking_url"].partition("#")[0]


def _compared(path):
    """The comparisons of a file that name a secret, but for whether there is one."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Compare) or "secret" not in ast.unparse(node):
            continue
        if not all(isinstance(each, ast.Is | ast.IsNot) for each in node.ops):
            yield f"{path.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node)}"


def test_secrets_are_compared_in_constant_time_and_nowhere_else():
    files = [path for room in ("api", "geo", "tiles") for path in (ROOT / room).rglob("*.py")]
    assert [found for path in files for found in _compared(path)] == []
    # Nor by the database, which compares as it likes.
    for path in (ROOT / "geo").rglob("*.sql"):
        assert "secret_hash =" not in path.read_text(), path
    one = ast.parse((ROOT / "geo/reports/codes.py").read_text())
    [test] = [n for n in one.body if isinstance(n, ast.FunctionDef) and n.name == "is_secret"]
    assert "hmac.compare_digest(" in ast.unparse(test)
