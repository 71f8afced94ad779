"""What another service vouched for, and our own second step: who gives which, and attacks on it."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pyotp
import pytest
import signing_in
from conftest import serving
from signing_in import Browser
from staffed import PASSWORD, put_user

CODE, TOTP = "/api/v1/session/oidc/staff/code", "/api/v1/session/totp"
HTML = {"Accept": "text/html,*/*;q=0.8"}
MEANT = {"Pinward-Request": "1"}


@pytest.fixture(scope="module")
def provider():
    with signing_in.hostile() as made:
        yield made


@pytest.fixture(scope="module")
def service(provider, clone, city_template, tmp_path_factory):
    given = signing_in.settings(
        "staff",
        provider,
        PINWARD_TOTP_ROLES="admin",
        PINWARD_OIDC_STAFF_SECOND_STEP="mfa, otp",
    )
    with serving(clone(city_template), tmp_path_factory.mktemp("service"), **given) as made:
        yield made


def linked(service, provider, role, name):
    """An account that the provider's person `name` reaches, who is confirmed there next."""
    email = put_user(service.url, role, name=name)
    with psycopg.connect(service.url) as conn:
        conn.execute(
            "INSERT INTO user_identities SELECT %s, %s, id, now() FROM users WHERE email = %s",
            (provider.base, name, email),
        )
    provider.does(claims={"sub": name})
    return email


def enrolled(service, email):
    """Sets up the account's second step by its password; the app's secret, all codes unused."""
    with httpx.Client(base_url=service.base, timeout=30, headers=MEANT) as http:
        body = {"email": email, "password": PASSWORD}
        assert http.post("/api/v1/session", json=body).status_code == 200
        secret = http.post(TOTP, json={"password": PASSWORD}).json()["secret"]
        done = http.put(TOTP, json={"code": pyotp.TOTP(secret).now()})
        assert done.status_code == 200, done.text
    with psycopg.connect(service.url) as conn:
        conn.execute("UPDATE users SET totp_step = 0 WHERE email = %s", (email,))
    return secret


def give(browser, code, **headers):
    return browser.http.post(
        CODE, data={"code": code}, headers={"Origin": str(browser.http.base_url), **headers}
    )


def test_our_second_step_is_asked_for_after_the_service_and_then_opens(service, provider):
    email = linked(service, provider, "planner", "asked")
    secret = enrolled(service, email)
    browser = Browser(service)
    page = browser.come_back(browser.confirmed(browser.begin("/desk?ward=1")), **HTML)
    assert page.status_code == 401
    assert f'<form method="post" action="{CODE}">' in page.text
    assert "form-action 'self'" in page.headers["content-security-policy"]
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "pinward_session" not in browser.http.cookies
    assert not browser.signed_in
    again = give(browser, "000000", **HTML)
    assert again.status_code == 401
    assert "sai hoặc đã được dùng" in again.text
    assert not browser.signed_in
    waiting = dict(browser.http.cookies)
    code = pyotp.TOTP(secret).now()
    opened = give(browser, code, **HTML)
    assert (opened.status_code, opened.headers["location"]) == (303, "/desk?ward=1")
    assert browser.http.get("/api/v1/session").json()["email"] == email
    assert "pinward_oidc_code" not in browser.http.cookies
    # With the cookie kept, the same code opens nothing.
    other = Browser(service)
    other.http.cookies.update(waiting)
    assert give(other, code).status_code == 401
    assert not other.signed_in


def test_what_is_kept_while_the_code_is_asked_for_is_no_sign_in(service, provider):
    email = linked(service, provider, "planner", "waiting")
    secret = enrolled(service, email)
    browser = Browser(service)
    assert browser.sign_in().json()["type"].endswith("/code-needed")
    kept = browser.http.cookies["pinward_oidc_code"]
    for name in ("pinward_session", "pinward_oidc_staff"):
        other = Browser(service)
        other.http.cookies.set(name, kept)
        assert not other.signed_in
    # Another site's form gives no code, and a browser that began nothing has none to give.
    code = pyotp.TOTP(secret).now()
    assert give(browser, code, Origin="https://elsewhere.example").status_code == 403
    assert give(Browser(service), code).json()["reason"] == "not-begun-here"
    as_json = browser.http.post(CODE, json={"code": code}, headers=MEANT)
    assert as_json.status_code == 415
    large = give(browser, "1" * 3000)
    assert large.status_code == 413
    # Unlinked meanwhile: the service's word counts no more.
    with psycopg.connect(service.url) as conn:
        conn.execute("DELETE FROM user_identities WHERE sub = 'waiting'")
    assert give(browser, code).json()["reason"] == "unknown-person"
    assert not browser.signed_in


def test_guessing_our_codes_after_the_service_is_slowed(service, provider):
    enrolled(service, linked(service, provider, "planner", "guessed"))
    browser = Browser(service)
    browser.sign_in()
    statuses = [give(browser, "abcdef").status_code for _ in range(12)]
    assert statuses[0] == 401
    assert 429 in statuses


def test_the_services_second_step_counts_where_the_setting_names_it(service, provider):
    email = linked(service, provider, "admin", "counted")
    enrolled(service, email)
    for methods, counts in ((["pwd", "otp"], True), (["pwd", "sms"], False), ("mfa", False)):
        provider.does(claims={"sub": "counted", "amr": methods})
        browser = Browser(service)
        answer = browser.sign_in()
        assert answer.status_code == (303 if counts else 401), methods
        assert browser.signed_in is counts


def test_a_role_that_needs_a_second_step_may_do_nothing_before_it_has_one(service, provider):
    linked(service, provider, "admin", "must")
    browser = Browser(service)
    assert browser.sign_in().status_code == 303
    assert browser.http.get("/api/v1/session").status_code == 403
    assert browser.http.get("/api/v1/keys").status_code == 403
    begun = browser.http.post(TOTP, json={"password": PASSWORD}, headers=MEANT)
    assert begun.status_code == 200
    provider.does(claims={"sub": "must", "amr": ["mfa"]})
    assert browser.sign_in().status_code == 303
    assert browser.http.get("/api/v1/keys").status_code == 200


def test_a_sign_in_by_the_service_is_listed_renewed_guarded_and_ended_as_any(service, provider):
    linked(service, provider, "planner", "as-any")
    browser, other = Browser(service), Browser(service)
    assert browser.sign_in().status_code == 303
    # An hour later the token is another.
    before = browser.http.cookies["pinward_session"]
    with psycopg.connect(service.url) as conn:
        conn.execute("UPDATE sessions SET rotated_at = rotated_at - interval '2 hours'")
    assert browser.signed_in
    assert browser.http.cookies["pinward_session"] != before
    assert other.sign_in().status_code == 303
    listed = browser.http.get("/api/v1/sessions").json()["sessions"]
    assert len(listed) == 2
    # CSRF: by the cookie alone, and from elsewhere, nothing is changed.
    del browser.http.headers["Pinward-Request"]
    for said in ({}, {"Origin": "https://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert browser.http.delete("/api/v1/sessions", headers=said).status_code == 403
    # Everywhere: also what the other browser has.
    assert browser.http.delete("/api/v1/sessions", headers=MEANT).status_code == 204
    assert not other.signed_in


def test_signing_in_again_ends_the_sign_in_before_though_its_cookie_stays_behind(service, provider):
    linked(service, provider, "planner", "twice")
    browser = Browser(service)
    assert browser.sign_in().status_code == 303
    old = browser.http.cookies["pinward_session"]
    back = browser.confirmed(browser.begin())
    # As browsers do: a `Strict` cookie is not sent with a way back from another site.
    del browser.http.cookies["pinward_session"]
    assert browser.come_back(back).status_code == 303
    assert browser.signed_in
    before = Browser(service)
    before.http.cookies.set("pinward_session", old)
    assert not before.signed_in


def test_who_is_unlinked_while_signing_in_is_not_signed_in(service, provider):
    linked(service, provider, "planner", "unlinked")
    browser = Browser(service)
    back = browser.confirmed(browser.begin())
    with ThreadPoolExecutor(1) as pool, psycopg.connect(service.url) as conn:
        conn.execute("SELECT 1 FROM users WHERE email = 'unlinked@example.test' FOR UPDATE")
        coming = pool.submit(browser.come_back, back)
        waits = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        with psycopg.connect(service.url, autocommit=True) as watch:
            for _ in range(200):
                if watch.execute(waits).fetchone():
                    break
                time.sleep(0.05)
            else:
                pytest.fail("nobody waits for the account")
        conn.execute("DELETE FROM user_identities WHERE sub = 'unlinked'")
        conn.commit()
        answer = coming.result(30)
    assert answer.status_code == 401
    assert not browser.signed_in
