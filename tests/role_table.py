"""Who of the staff may do what: a row for every route of the API, by what it is asked and by whom.

Written down once more, not taken from `api.auth.rights`: a slip there has to show. A new route
needs a row here (`tests/api/test_rights.py` says which one is missing).
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import builders
from api.auth.rights import Action
from geo.store.tables.users import ROLES

ANY = ("city", "ward", "organisation", "other ward", "other organisation", "both")
"""What an account may act for: the city, the ward (or its committee) that the report and the alert
asked for are of, another one, or this ward and another's committee, which is nothing."""
MINE = ("city", "ward", "organisation")
NAMED = tuple(scope for scope in ANY if scope != "city")

Whom = dict[str, tuple[str, ...]]
STAFF: Whom = dict.fromkeys(ROLES, ANY)
"""Whoever of the staff is signed in."""
NOBODY: Whom = {}
"""None of the staff: only a reporter, by the secret."""
_WARNERS: Whom = {"ward_officer": ("ward", "organisation"), "planner": MINE, "admin": MINE}
_COUNTERS: Whom = {"planner": ANY, "admin": ANY}
_MODERATORS: Whom = {
    "hotline_agent": MINE,
    "ward_officer": ("ward", "organisation"),
    "admin": MINE,
}
_MOVERS: Whom = {**_MODERATORS, "crew": ("ward", "organisation")}
_GUARDS: Whom = {"hotline_agent": ("city",), "admin": ("city",)}
_SEE_TASKS: Whom = {
    "hotline_agent": ANY,
    "crew": NAMED,
    "ward_officer": NAMED,
    "planner": ANY,
    "admin": ANY,
}
_WORKERS: Whom = {role: scopes for role, scopes in _SEE_TASKS.items() if role != "planner"}
_ANSWERERS: Whom = dict.fromkeys(("hotline_agent", "ward_officer", "admin"), ANY)
_HERE = dict(zip(("lon", "lat"), builders.middle(0), strict=True))
_BOX = {"left": 0, "top": 0, "right": 0.5, "bottom": 0.5}


@dataclass(frozen=True)
class Ask:
    """A request; `{report}`, `{pictured}` (with a photo), `{unseen}` (with a photo, and not for the
    public) and `{alert}` in its path are codes of the ward asked for.

    `whom`: by whom, in which scopes, it is answered with neither 401 nor 403; None: by anybody.
    `last`: it ends the sign-in that asks. `nobody`: what whoever is not signed in is answered.
    """

    path: str
    whom: Whom | None = None
    action: Action | None = None
    more: dict[str, Any] = field(default_factory=dict)
    last: bool = False
    nobody: int = 401


def an_alert() -> dict[str, Any]:
    """An alert within the first ward."""
    lon, lat = builders.middle(0)
    ring = [(lon - 0.002, lat), (lon + 0.002, lat), (lon, lat + 0.002), (lon - 0.002, lat)]
    return {
        "kind": "flood",
        "severity": "severe",
        "headline": {"vi": "Ngập", "en": "Flood"},
        "area": {"type": "Polygon", "coordinates": [ring]},
        "expires_at": (datetime.now(UTC) + timedelta(hours=6)).isoformat(),
    }


_PUBLIC = (
    "/healthz",
    "/readyz",
    "/api/v1/categories",
    "/api/v1/organisations",
    "/api/v1/reports",
    "/api/v1/statistics",
    "/api/v1/wards",
    "/api/v1/wards/at",
    "/api/v1/facilities",
    "/api/v1/facilities/nearby",
    "/api/v1/hotspots",
    "/api/v1/hotspots/beginnings",
    "/api/v1/hotspots/artefacts",
    "/api/v1/hotspots/hexagons",
    "/api/v1/hotspots/quiet",
    "/api/v1/alerts",
    "/api/v1/live",
    "/styles/sprite.json",
    "/styles/sprite.png",
)
"""Read by anybody at an address without a parameter."""

ROWS: dict[str, tuple[Ask, ...]] = {
    **{f"GET {path}": (Ask(path),) for path in _PUBLIC},
    "GET /api/v1/reports/{code}": (Ask("/api/v1/reports/{report}"),),
    "GET /api/v1/reports/similar": (
        Ask("/api/v1/reports/similar?lon=106.6&lat=10.7&category=drainage.flooding"),
    ),
    "GET /api/v1/reports/{code}/events": (Ask("/api/v1/reports/{report}/events"),),
    "GET /api/v1/wards/{code}": (Ask(f"/api/v1/wards/{builders.CODES[0]}"),),
    "GET /api/v1/hotspots/{id}": (Ask("/api/v1/hotspots/1"),),
    "GET /api/v1/alerts/{alert_id}": (Ask("/api/v1/alerts/{alert}"),),
    "GET /styles/{name}.json": (Ask("/styles/light.json"),),
    # Shaped wrongly, so that no report comes of it: whoever may send one is told so.
    "POST /api/v1/reports": (Ask("/api/v1/reports", more={"json": {}}),),
    # One's own sign-in, whatever the role. Signing in with nothing is shaped wrongly.
    "POST /api/v1/session": (Ask("/api/v1/session", more={"json": {}}),),
    "GET /api/v1/session": (Ask("/api/v1/session", STAFF),),
    "DELETE /api/v1/session": (Ask("/api/v1/session", last=True),),
    "GET /tiles/{layer}.json": (
        Ask("/tiles/reports.json"),
        Ask("/tiles/tasks.json", _SEE_TASKS, Action.SEE_TASKS),
    ),
    "GET /tiles/{layer}/{z}/{x}/{y}.mvt": (
        Ask("/tiles/reports/12/3261/1925.mvt"),
        Ask("/tiles/tasks/12/3261/1925.mvt", _SEE_TASKS, Action.SEE_TASKS),
    ),
    "GET /api/v1/tasks": (Ask("/api/v1/tasks", _WORKERS, Action.READ_TASKS),),
    # Of no task: who may ask is told so.
    "POST /api/v1/tasks/tour": (
        Ask("/api/v1/tasks/tour", _WORKERS, Action.READ_TASKS, {"json": {**_HERE, "codes": ["x"]}}),
    ),
    "POST /api/v1/tasks/actions": (
        Ask("/api/v1/tasks/actions", _WORKERS, Action.MOVE_TASKS, {"json": {"actions": []}}),
    ),
    "GET /api/v1/tasks/nearby": (
        Ask("/api/v1/tasks/nearby", _WORKERS, Action.READ_TASKS, {"params": _HERE}),
    ),
    "GET /api/v1/tasks/{code}": (Ask("/api/v1/tasks/{report}", _MOVERS, Action.READ_TASKS),),
    # None of them moves it: it is not begun, no organisation is named, there is no such category.
    "POST /api/v1/tasks/{code}/{move}": (
        Ask("/api/v1/tasks/{report}/release", _MOVERS, Action.MOVE_TASKS, {"json": {}}),
        Ask("/api/v1/tasks/{report}/assign", _MODERATORS, Action.MOVE_TASKS, {"json": {}}),
    ),
    # Into itself, and one that is none.
    "POST /api/v1/tasks/{code}/merge": (
        Ask(
            "/api/v1/tasks/{report}/merge",
            _MODERATORS,
            Action.MOVE_TASKS,
            {"json": {"parent": "2222-2222"}},
        ),
    ),
    "POST /api/v1/tasks/{code}/unmerge": (
        Ask(
            "/api/v1/tasks/{report}/unmerge",
            _MODERATORS,
            Action.MOVE_TASKS,
            {"json": {"text": "a"}},
        ),
    ),
    "POST /api/v1/reports/{code}/support": (
        Ask("/api/v1/reports/{report}/support", more={"json": {}}),
    ),
    "POST /api/v1/tasks/{code}/notes": (
        Ask("/api/v1/tasks/{report}/notes", _MOVERS, Action.MOVE_TASKS, {"json": {"inner": "a"}}),
    ),
    "POST /api/v1/tasks/{code}/category": (
        Ask(
            "/api/v1/tasks/{report}/category",
            _MODERATORS,
            Action.MOVE_TASKS,
            {"json": {"category": "none", "text": "a"}},
        ),
    ),
    "GET /api/v1/reports/{code}/contact": (
        Ask(
            "/api/v1/reports/{report}/contact",
            {"hotline_agent": MINE, "ward_officer": ("ward", "organisation"), "admin": MINE},
            Action.READ_CONTACT,
            {"params": {"why": "gọi lại"}},
        ),
    ),
    "GET /api/v1/reports/{code}/export": (Ask("/api/v1/reports/{report}/export", NOBODY),),
    "POST /api/v1/reports/{code}/erasure": (
        Ask(
            "/api/v1/reports/{report}/erasure",
            {"hotline_agent": MINE, "admin": MINE},
            Action.ERASE_REPORT,
            {"json": {"reason": "đơn số 3"}},
        ),
    ),
    "POST /api/v1/alerts": (
        Ask("/api/v1/alerts", _WARNERS, Action.SEND_ALERT, {"json": an_alert()}),
    ),
    "POST /api/v1/alerts/{alert_id}/cancel": (
        Ask("/api/v1/alerts/{alert}/cancel", _WARNERS, Action.CANCEL_ALERT),
    ),
    # Of no category: who may ask is told so, and nothing is worked out.
    "POST /api/v1/hotspots/runs": (
        Ask("/api/v1/hotspots/runs", _COUNTERS, Action.ASK_FOR_RUN, {"json": {"category": "none"}}),
    ),
    "GET /api/v1/hotspots/runs": (Ask("/api/v1/hotspots/runs", STAFF, Action.SEE_RUNS),),
    "GET /api/v1/hotspots/runs/{id}": (Ask("/api/v1/hotspots/runs/1", STAFF, Action.SEE_RUNS),),
    "GET /api/v1/hotspots/expert": (Ask("/api/v1/hotspots/expert", _COUNTERS, Action.ASK_EXPERT),),
    # Whoever knows an upload's id may use it: nobody knows this one.
    "POST /api/v1/uploads": (Ask("/api/v1/uploads"),),
    "GET /api/v1/uploads/{upload_id}": (Ask("/api/v1/uploads/x"),),
    "PATCH /api/v1/uploads/{upload_id}": (Ask("/api/v1/uploads/x"),),
    "DELETE /api/v1/uploads/{upload_id}": (Ask("/api/v1/uploads/x"),),
    "GET /api/v1/reports/{code}/photos/{n}": (Ask("/api/v1/reports/{pictured}/photos/1"),),
    "GET /api/v1/reports/{code}/photos/{n}/still": (
        Ask("/api/v1/reports/{pictured}/photos/1/still"),
        Ask(
            "/api/v1/reports/{unseen}/photos/1/still",
            {**_MODERATORS, "crew": ("ward", "organisation")},
            Action.SEE_PHOTOS,
            nobody=404,
        ),
    ),
    "GET /api/v1/reports/{code}/photos": (
        Ask("/api/v1/reports/{report}/photos", _MODERATORS, Action.MODERATE),
    ),
    # There is no second photo: who may is told so.
    "POST /api/v1/reports/{code}/photos/{n}/boxes": (
        Ask(
            "/api/v1/reports/{report}/photos/2/boxes",
            _MODERATORS,
            Action.MODERATE,
            {"json": {"reason": "mặt người", "boxes": [_BOX]}},
        ),
    ),
    "GET /api/v1/moderation/reports": (
        Ask(
            "/api/v1/moderation/reports",
            {"hotline_agent": ANY, "ward_officer": NAMED, "admin": ANY},
            Action.MODERATE,
        ),
    ),
    "GET /api/v1/tasks/{code}/similar": (
        Ask("/api/v1/tasks/{report}/similar", _MODERATORS, Action.MERGE),
    ),
    "GET /api/v1/moderation/reports/{code}": (
        Ask("/api/v1/moderation/reports/{report}", _MODERATORS, Action.MODERATE),
    ),
    **{
        f"POST /api/v1/moderation/reports/{{code}}/{what}": (
            Ask(
                f"/api/v1/moderation/reports/{{report}}/{path or what}",
                _GUARDS if what.startswith("device/") else _MODERATORS,
                Action.BAR_DEVICES if what.startswith("device/") else Action.MODERATE,
                {"json": {"reason": "thử quyền", **more}},
            ),
        )
        for what, path, more in (
            ("hide", "", {}),
            ("release", "", {"version": "0"}),
            ("text", "", {"text": "Nước ngập."}),
            ("text/undo", "", {}),
            ("photos/{n}/hide", "photos/2/hide", {}),
            ("photos/{n}/show", "photos/2/show", {}),
            ("additions/{n}/hide", "additions/2/hide", {}),
            ("additions/{n}/show", "additions/2/show", {}),
            ("device/bar", "", {}),
            ("device/unbar", "", {}),
        )
    },
    "GET /api/v1/moderation/devices": (
        Ask("/api/v1/moderation/devices", _GUARDS, Action.BAR_DEVICES),
    ),
    "POST /api/v1/moderation/devices/{device}/unbar": (
        Ask(
            "/api/v1/moderation/devices/00/unbar",
            _GUARDS,
            Action.BAR_DEVICES,
            {"json": {"reason": "thử quyền"}},
        ),
    ),
    # Only with the report's secret.
    **{
        f"{method} /api/v1/reports/{{code}}{what}": (
            Ask(f"/api/v1/reports/{{report}}{what}", NOBODY, more={"json": body}),
        )
        for method, what, body in (
            ("PATCH", "", {"text": "Nước ngập."}),
            ("POST", "/position", {"lon": builders.middle(0)[0], "lat": builders.middle(0)[1]}),
            ("POST", "/additions", {"text": "Vẫn còn."}),
            ("POST", "/withdraw", {}),
            ("POST", "/confirm", {}),
            ("POST", "/rating", {"rating": 4}),
            ("POST", "/reopen", {"text": "Vẫn còn."}),
            ("PUT", "/contact", {"phone": "0912 345 678"}),
            ("DELETE", "/contact", {}),
        )
    },
    # Signing in by another service, of which there is none here, and what is a citizen's own.
    "GET /api/v1/session/oidc": (Ask("/api/v1/session/oidc"),),
    "GET /api/v1/session/oidc/{kind}": (Ask("/api/v1/session/oidc/staff"),),
    "GET /api/v1/session/oidc/{kind}/callback": (Ask("/api/v1/session/oidc/staff/callback"),),
    # In JSON, which is refused as such: a form would be a sign-in that nobody began, 401 to all.
    "POST /api/v1/session/oidc/staff/code": (
        Ask("/api/v1/session/oidc/staff/code", more={"json": {"code": "123456"}}),
    ),
    "GET /api/v1/me": (Ask("/api/v1/me", NOBODY),),
    "GET /api/v1/me/reports": (Ask("/api/v1/me/reports", NOBODY),),
    "DELETE /api/v1/me/reports/{code}": (Ask("/api/v1/me/reports/{report}", NOBODY),),
    "DELETE /api/v1/me/session": (Ask("/api/v1/me/session"),),
    "DELETE /api/v1/me": (Ask("/api/v1/me", NOBODY),),
    # Of one's own sign-in, shaped wrongly: nothing changes, and who is signed in is told so.
    **{
        f"{method} {path}": (Ask(path, whom, more={"json": {}}),)
        for method, path, whom in (
            ("PUT", "/api/v1/session/password", STAFF),
            ("POST", "/api/v1/session/code", None),
            ("POST", "/api/v1/session/totp", STAFF),
            ("PUT", "/api/v1/session/totp", STAFF),
            ("DELETE", "/api/v1/session/totp", STAFF),
        )
    },
    "GET /api/v1/sessions": (Ask("/api/v1/sessions", STAFF),),
    "DELETE /api/v1/sessions/{id}": (Ask("/api/v1/sessions/999999", STAFF),),
    "DELETE /api/v1/sessions": (Ask("/api/v1/sessions", STAFF, last=True),),
    "GET /api/v1/answer-templates": (Ask("/api/v1/answer-templates", _ANSWERERS, Action.ANSWER),),
    # Shaped wrongly, and of none: nothing comes of it.
    "POST /api/v1/answer-templates": (
        Ask("/api/v1/answer-templates", _ANSWERERS, Action.ANSWER, {"json": {}}),
    ),
    "PUT /api/v1/answer-templates/{id}": (
        Ask("/api/v1/answer-templates/999999", _ANSWERERS, Action.ANSWER, {"json": {}}),
    ),
    "DELETE /api/v1/answer-templates/{id}": (
        Ask("/api/v1/answer-templates/999999", _ANSWERERS, Action.ANSWER),
    ),
    "GET /api/v1/keys": (Ask("/api/v1/keys", {"admin": ANY}, Action.MANAGE_KEYS),),
    "POST /api/v1/keys": (Ask("/api/v1/keys", {"admin": ANY}, Action.MANAGE_KEYS, {"json": {}}),),
    "DELETE /api/v1/keys/{id}": (Ask("/api/v1/keys/1", {"admin": ANY}, Action.MANAGE_KEYS),),
}
