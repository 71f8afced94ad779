"""Who of the staff may do what, for which ward or organisation: each role, scope and endpoint."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from fastapi.routing import APIRoute
from staffed import signed_in

import builders
from api.app import create_app
from api.auth import rights, staff
from api.auth.rights import BY_ANYBODY, Action, May, MayAlso
from geo.settings import Settings
from geo.store.tables.users import ROLES

OWN, OTHER = builders.CODES[:2]
ANY = ("city", "ward", "organisation", "other ward", "other organisation", "both")
MINE = ("city", "ward", "organisation")
NAMED = tuple(scope for scope in ANY if scope != "city")

# By whom, in which scopes, the answer is neither 401 nor 403. Written down once more, not taken
# from the table of rights: a slip there has to show.
ALLOWED = {
    Action.SEE_TASKS: {
        "hotline_agent": ANY,
        "crew": NAMED,
        "ward_officer": NAMED,
        "planner": ANY,
        "admin": ANY,
    },
    Action.READ_CONTACT: {
        "hotline_agent": MINE,
        "ward_officer": ("ward", "organisation"),
        "admin": MINE,
    },
    Action.ERASE_REPORT: {"hotline_agent": MINE, "admin": MINE},
    Action.SEND_ALERT: {
        "ward_officer": ("ward", "organisation"),
        "planner": MINE,
        "admin": MINE,
    },
    Action.CANCEL_ALERT: {
        "ward_officer": ("ward", "organisation"),
        "planner": MINE,
        "admin": MINE,
    },
    Action.ASK_FOR_RUN: {"planner": ANY, "admin": ANY},
    Action.SEE_RUNS: dict.fromkeys(ROLES, ANY),
    Action.ASK_EXPERT: {"planner": ANY, "admin": ANY},
}


def an_alert():
    lon, lat = builders.middle(0)
    ring = [(lon - 0.002, lat), (lon + 0.002, lat), (lon, lat + 0.002), (lon - 0.002, lat)]
    return {
        "kind": "flood",
        "severity": "severe",
        "headline": {"vi": "Ngập", "en": "Flood"},
        "area": {"type": "Polygon", "coordinates": [ring]},
        "expires_at": (datetime.now(UTC) + timedelta(hours=6)).isoformat(),
    }


@pytest.fixture(scope="module")
def asked(service):
    """What is asked for, by action: of a report and an alert in the ward `OWN`."""
    answer = service.http.post(
        "/api/v1/reports", json=builders.a_report(reporter={"phone": "0912 345 678"})
    )
    report = f"/api/v1/reports/{answer.json()['code']}"
    with signed_in(service, "planner", name="sender") as planner:
        alert = planner.post("/api/v1/alerts", json=an_alert()).json()["id"]
    return {
        Action.SEE_TASKS: ("GET", "/tiles/tasks.json", {}),
        Action.READ_CONTACT: ("GET", f"{report}/contact", {"params": {"why": "gọi lại"}}),
        Action.ERASE_REPORT: ("POST", f"{report}/erasure", {"json": {"reason": "đơn số 3"}}),
        Action.SEND_ALERT: ("POST", "/api/v1/alerts", {"json": an_alert()}),
        Action.CANCEL_ALERT: ("POST", f"/api/v1/alerts/{alert}/cancel", {}),
        # Of no category: who may ask is told so, and nothing is worked out.
        Action.ASK_FOR_RUN: ("POST", "/api/v1/hotspots/runs", {"json": {"category": "none"}}),
        Action.SEE_RUNS: ("GET", "/api/v1/hotspots/runs", {}),
        Action.ASK_EXPERT: ("GET", "/api/v1/hotspots/expert", {}),
    }


@pytest.fixture(scope="module")
def scopes(service):
    with psycopg.connect(service.url) as db:
        committee = dict(db.execute("SELECT ward_code, id FROM organisations"))
    return {
        "city": {},
        "ward": {"ward": OWN},
        "organisation": {"organisation": committee[OWN]},
        "other ward": {"ward": OTHER},
        "other organisation": {"organisation": committee[OTHER]},
        "both": {"ward": OWN, "organisation": committee[OTHER]},
    }


def test_every_action_is_asked_for(asked):
    assert asked.keys() == ALLOWED.keys() == rights.RIGHTS.keys() == set(Action)


def test_nobody_is_refused_everywhere(service, asked):
    for method, path, more in asked.values():
        assert service.http.request(method, path, **more).status_code == 401, path


@pytest.mark.parametrize("scope", ANY)
@pytest.mark.parametrize("role", ROLES)
def test_each_may_what_the_table_says(service, asked, scopes, role, scope):
    with signed_in(service, role, name=f"{role}-{scope.replace(' ', '-')}", **scopes[scope]) as who:
        for action, (method, path, more) in asked.items():
            answer = who.request(method, path, **more)
            assert answer.status_code < 500, answer.text
            allowed = scope in ALLOWED[action].get(role, ())
            assert (answer.status_code not in (401, 403)) is allowed, (action, answer.text)


def declared(dependant):
    """The actions a route declares, and whether it knows who is signed in without declaring it."""
    actions, bare = [], any(param.alias == staff.COOKIE for param in dependant.cookie_params)
    for each in dependant.dependencies:
        if isinstance(each.call, May | MayAlso):
            actions.append(each.call.action)
            continue
        bare |= (getattr(each.call, "__module__", None) or "").startswith("api.auth")
        more, known = declared(each)
        actions += more
        bare |= known
    return actions, bare


def routes(those):
    for route in those:
        if isinstance(route, APIRoute):
            yield route
        elif hasattr(route, "original_router"):
            yield from routes(route.original_router.routes)
        else:
            assert route.path == "/openapi.json", f"what is {route}?"


def undeclared(app):
    for route in routes(app.routes):
        actions, bare = declared(route.dependant)
        changes = not route.methods <= {"GET", "HEAD", "OPTIONS"}
        names = [f"{method} {route.path}" for method in sorted(route.methods)]
        if (bare or (changes and not actions)) and not set(names) <= set(BY_ANYBODY):
            yield from names


def test_no_route_knows_who_asks_or_changes_anything_without_declaring_its_action():
    app = create_app(Settings())
    assert list(undeclared(app)) == [], (
        "declare an action of api.auth.rights by may(…) or may_also(…), or add to BY_ANYBODY"
    )
    used = {action for route in routes(app.routes) for action in declared(route.dependant)[0]}
    assert used == set(Action)


def test_a_route_that_forgot_is_found():
    app = create_app(Settings())

    @app.get("/seen")
    async def seen(account: staff.Staff): ...

    @app.get("/known")
    async def known(token: staff.Token = None): ...

    @app.put("/changed")
    async def changed(): ...

    assert list(undeclared(app)) == ["GET /seen", "GET /known", "PUT /changed"]
