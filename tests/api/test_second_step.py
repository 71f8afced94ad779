"""The second step of signing in, over HTTP, and attacks on it."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pyotp
from conftest import serving
from staffed import PASSWORD, put_user, signed_in

SESSION, CODE, TOTP = "/api/v1/session", "/api/v1/session/code", "/api/v1/session/totp"


def client(service):
    return httpx.Client(base_url=service.base, timeout=30, headers={"Pinward-Request": "1"})


def enrolled(service, name):
    """An account with a second step: its address, secret and recovery codes."""
    with signed_in(service, "admin", name=name) as staff:
        assert staff.post(TOTP, json={"password": "not the one"}).status_code == 401
        begun = staff.post(TOTP, json={"password": PASSWORD}).json()
        assert begun["uri"].startswith("otpauth://totp/Pinward:")
        assert staff.put(TOTP, json={"code": "abcdef"}).status_code == 403
        before = staff.cookies["pinward_session"]
        done = staff.put(TOTP, json={"code": pyotp.TOTP(begun["secret"]).now()})
        assert done.status_code == 200, done.text
        assert staff.cookies["pinward_session"] != before
        assert staff.get(SESSION).status_code == 200
    return f"{name}@example.test", begun["secret"], done.json()["recovery_codes"]


def first(http, email):
    answer = http.post(SESSION, json={"email": email, "password": PASSWORD})
    assert answer.status_code == 401, answer.text
    assert answer.json()["type"].endswith("/code-needed")
    assert "set-cookie" not in answer.headers
    return answer.json()["ticket"]


def forget_steps(service):
    with psycopg.connect(service.url) as db:
        db.execute("UPDATE users SET totp_step = 0")


def test_the_second_step_is_asked_for_and_a_code_counts_once(service):
    email, secret, codes = enrolled(service, "two-steps")
    with psycopg.connect(service.url) as db:
        kept = str(db.execute("SELECT * FROM users, recovery_codes").fetchall())
    assert secret not in kept
    assert not any(code in kept or code.replace("-", "") in kept for code in codes)
    with client(service) as http:
        # The code that confirmed the app is used up.
        with psycopg.connect(service.url) as db:
            asked = "SELECT totp_step FROM users WHERE email = %s"
            (step,) = db.execute(asked, (email,)).fetchone()
        used = {"ticket": first(http, email), "code": pyotp.TOTP(secret).at(step * 30)}
        assert http.post(CODE, json=used).status_code == 401
        assert http.get(SESSION).status_code == 401
        forget_steps(service)
        body = {"ticket": first(http, email), "code": pyotp.TOTP(secret).now()}
        with ThreadPoolExecutor(4) as pool:
            tries = list(pool.map(lambda _: httpx.post(service.base + CODE, json=body), range(4)))
        # The right one counts as failed until it is known; the last of them may have to wait.
        opened, *refused = sorted(t.status_code for t in tries)
        assert (opened, len(refused)) == (200, 3)
        assert set(refused) <= {401, 429}
        # Two steps old is too old.
        forget_steps(service)
        old = pyotp.TOTP(secret).at(time.time() - 90)
        assert http.post(CODE, json={**body, "code": old}).status_code == 401
    said = service.log.read_text()
    assert secret not in said
    assert body["ticket"] not in said


def test_a_recovery_code_opens_once(service):
    email, _, codes = enrolled(service, "paper")
    with client(service) as http:
        ticket = first(http, email)
        body = {"ticket": ticket, "code": codes[0].upper()}
        assert http.post(CODE, json=body).status_code == 200
        assert http.get(SESSION).status_code == 200
        assert http.post(CODE, json=body).status_code == 401


def test_a_ticket_is_no_sign_in_and_is_bound_to_its_account(service):
    one, _, _ = enrolled(service, "ticket-one")
    _, secret, _ = enrolled(service, "ticket-two")
    forget_steps(service)
    with client(service) as http:
        ticket = first(http, one)
        cookie = {"Cookie": f"pinward_session={ticket}"}
        assert http.get(SESSION, headers=cookie).status_code == 401
        code = pyotp.TOTP(secret).now()
        with psycopg.connect(service.url) as db:
            query = "SELECT id FROM users WHERE email = 'ticket-two@example.test'"
            other = db.execute(query).fetchone()[0]
        forged = f"{other}.{ticket.partition('.')[2]}"
        for wrong in (ticket, forged, "x", "1.2.3.4", f"{other}.9999999999.x.", ""):
            answer = http.post(CODE, json={"ticket": wrong, "code": code})
            assert answer.status_code == 401, wrong


def test_guessing_codes_is_slowed_from_all_networks_together(service):
    email, _, _ = enrolled(service, "guessed")
    with client(service) as http:
        ticket = first(http, email)
        statuses = [
            http.post(
                CODE,
                json={"ticket": ticket, "code": "abcdef"},
                headers={"X-Forwarded-For": f"198.18.1.{n}"},
            ).status_code
            for n in range(20)
        ]
    assert statuses[0] == 401
    assert statuses[-1] == 429
    assert statuses.count(401) <= 14


def test_a_lost_phone_is_reset_by_the_command(service, pinward):
    email, _, _ = enrolled(service, "lost")
    assert pinward("users", "totp-reset", email, url=service.url).returncode == 0
    with client(service) as http:
        answer = http.post(SESSION, json={"email": email, "password": PASSWORD})
        assert answer.status_code == 200


def test_a_role_that_needs_it_can_do_nothing_else_before(city_url, tmp_path):
    with serving(city_url, tmp_path, PINWARD_TOTP_ROLES="admin") as service:
        put_user(service.url, "admin", name="must")
        with signed_in(service, "planner") as planner:
            assert planner.get(SESSION).status_code == 200
        with client(service) as http:
            body = {"email": "must@example.test", "password": PASSWORD}
            assert http.post(SESSION, json=body).status_code == 200
            assert http.get("/api/v1/keys").status_code == 403
            assert http.get("/api/v1/hotspots/runs").status_code == 403
            secret = http.post(TOTP, json={"password": PASSWORD}).json()["secret"]
            code = pyotp.TOTP(secret).now()
            assert http.put(TOTP, json={"code": code}).status_code == 200
            assert http.get("/api/v1/keys").status_code == 200
            away = http.request("DELETE", TOTP, json={"password": PASSWORD})
            assert away.status_code == 403
