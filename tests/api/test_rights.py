"""Who of the staff may do what, for which ward or organisation: each role, scope and endpoint."""

import psycopg
import pytest
from fastapi.routing import APIRoute
from hostile import drawn, written
from role_table import ANY, ROWS, an_alert
from staffed import signed_in

import builders
from api.app import create_app
from api.auth import rights, staff
from api.auth.rights import BY_ANYBODY, Action, May, MayAlso
from geo.settings import Settings
from geo.store.tables.users import ROLES

OWN, OTHER = builders.CODES[:2]


@pytest.fixture(scope="module")
def asks(service):
    """All that the table asks, of a report and an alert in the ward `OWN`; what signs out last."""
    code = {}
    for name, more in (
        ("{report}", {"reporter": {"phone": "0912 345 678"}}),
        ("{pictured}", {}),
        ("{unseen}", {"category": "order.drugs"}),
    ):
        files = {"file": ("a", written(drawn(40, 30), "JPEG"))}
        photo = service.http.post("/api/v1/uploads", files=files, timeout=120).json()["id"]
        body = builders.a_report(photos=[photo], **more)
        code[name] = service.http.post("/api/v1/reports", json=body).json()["code"]
    with signed_in(service, "planner", name="sender") as planner:
        alert = planner.post("/api/v1/alerts", json=an_alert()).json()["id"]
    named = {**code, "{alert}": alert}
    made = []
    for route, those in ROWS.items():
        for ask in those:
            path = ask.path
            for name, value in named.items():
                path = path.replace(name, str(value))
            made.append((route, path, ask))
    return sorted(made, key=lambda each: (each[2].last, each[2].last and each[2].whom is None))


def status(client, route, path, ask):
    """How a request is answered; of a stream only that it begins is waited for."""
    with client.stream(route.split()[0], path, **ask.more) as answer:
        assert answer.status_code < 500, (route, path, answer.read())
        return answer.status_code


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


def documented(app):
    """Each route of the OpenAPI document, and what else the app answers by a function of ours."""
    paths = app.openapi()["paths"]
    told = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    return told | {
        f"{method} {route.path}"
        for route in routes(app.routes)
        for method in route.methods - {"OPTIONS"}
        if route.path.startswith("/api/")
    }


def test_every_route_has_a_row_in_the_table_and_every_row_a_route():
    found = documented(create_app(Settings()))
    assert found - ROWS.keys() == set(), "add what each may to tests/role_table.py"
    assert ROWS.keys() - found == set(), "these are no routes any more"
    assert len(found) > 35


def test_every_action_has_a_row():
    actions = {ask.action for those in ROWS.values() for ask in those}
    assert actions - {None} == rights.RIGHTS.keys() == set(Action)


def test_a_new_route_without_a_row_is_found():
    app = create_app(Settings())

    @app.get("/api/v1/new/{thing}")
    async def new(thing: str): ...

    @app.get("/api/v1/unheard", include_in_schema=False)
    async def unheard(): ...

    assert documented(app) - ROWS.keys() == {"GET /api/v1/new/{thing}", "GET /api/v1/unheard"}


def test_nobody_is_refused_what_is_not_for_anybody(service, asks):
    for route, path, ask in asks:
        said = status(service.http, route, path, ask)
        if ask.whom is None:
            assert said not in (401, 403), (route, path)
        else:
            assert said == ask.nobody, (route, path)


@pytest.mark.parametrize("scope", ANY)
@pytest.mark.parametrize("role", ROLES)
def test_each_may_what_the_table_says(service, asks, scopes, role, scope):
    with signed_in(service, role, name=f"{role}-{scope.replace(' ', '-')}", **scopes[scope]) as who:
        for route, path, ask in asks:
            allowed = ask.whom is None or scope in ask.whom.get(role, ())
            said = status(who, route, path, ask)
            assert (said not in (401, 403)) is allowed, (route, path, said)


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
        if (bare or changes) and not actions and not set(names) <= set(BY_ANYBODY):
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
