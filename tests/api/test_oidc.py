"""Staff sign in by another service: what it, a browser or somebody between may get wrong."""

import base64
import time

import httpx
import psycopg
import pytest
import signing_in
from conftest import serving
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from signing_in import Browser
from staffed import PASSWORD, put_user

from geo.reports.codes import derived_key

KEY = "a secret key for the tests of signing in"


@pytest.fixture(scope="module")
def provider():
    with signing_in.hostile() as made:
        yield made


@pytest.fixture(scope="module")
def service(provider, clone, city_template, tmp_path_factory):
    given = signing_in.settings("staff", provider, PINWARD_SECRET_KEY=KEY)
    with serving(clone(city_template), tmp_path_factory.mktemp("service"), **given) as made:
        email = put_user(made.url, "planner", name="linked")
        with psycopg.connect(made.url) as conn:
            conn.execute(
                "INSERT INTO user_identities SELECT %s, 'person-1', id, now() FROM users "
                "WHERE email = %s",
                (provider.base, email),
            )
        yield made


@pytest.fixture(autouse=True)
def honest(provider):
    provider.does()


@pytest.fixture
def browser(service):
    return Browser(service)


def refused(browser, answer, reason, status=401):
    """The answer says so in both languages, and nobody is signed in."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["reason"] == reason
    assert answer.json()["detail_vi"]
    assert "pinward_session" not in answer.headers.get("set-cookie", "")
    assert not browser.signed_in


def test_a_linked_person_is_signed_in_and_goes_on_to_the_page_asked_for(browser):
    answer = browser.sign_in("/desk?ward=90001")
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk?ward=90001")
    cookies = {c.partition("=")[0]: c for c in answer.headers.get_list("set-cookie")}
    assert set(cookies) == {"pinward_session", "pinward_device", "pinward_oidc_staff"}
    assert "HttpOnly" in cookies["pinward_session"]
    assert "samesite=strict" in cookies["pinward_session"].lower()
    assert "Max-Age=0" in cookies["pinward_oidc_staff"]
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert browser.http.get("/api/v1/session").json()["email"] == "linked@example.test"


def test_the_provider_is_asked_with_state_nonce_and_s256_which_the_page_cannot_read(browser):
    there = httpx.URL(browser.begin())
    asked = dict(there.params)
    assert asked["response_type"] == "code"
    assert asked["scope"] == "openid email"
    assert asked["code_challenge_method"] == "S256"
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
    assert all(len(asked[name]) >= 43 for name in ("state", "nonce", "code_challenge"))
    (cookie,) = browser.http.cookies.jar
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "lax"
    assert asked["state"] not in cookie.value


WRONG_TOKENS = {
    "another issuer": {"claims": {"iss": "https://elsewhere.example"}},
    "the issuer with a slash more": {"claims": {"iss": "{base}/"}},
    "no issuer": {"claims": {"iss": None}},
    "another audience": {"claims": {"aud": "another client"}},
    "another audience with our azp": {"claims": {"aud": "another", "azp": "pinward-test"}},
    "no audience": {"claims": {"aud": None}},
    "audiences without ours": {"claims": {"aud": ["a", "b"]}},
    "an audience that is no text": {"claims": {"aud": {"pinward-test": 1}}},
    "two audiences and no azp": {"claims": {"aud": ["pinward-test", "another"]}},
    "another azp": {"claims": {"azp": "another client"}},
    "another nonce": {"claims": {"nonce": "of another sign-in"}},
    "no nonce": {"claims": {"nonce": None}},
    "a nonce that is no text": {"claims": {"nonce": 5}},
    "expired": {"claims": {"exp": -120}},
    "no exp": {"claims": {"exp": None}},
    "an exp that is no number": {"claims": {"exp": "tomorrow"}},
    "of the future": {"claims": {"iat": 600}},
    "no iat": {"claims": {"iat": None}},
    "not valid yet": {"claims": {"nbf": 600}},
    "another access token's hash": {"claims": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}},
    "an empty hash": {"claims": {"at_hash": ""}},
    "no sub": {"claims": {"sub": None}},
    "an empty sub": {"claims": {"sub": ""}},
    "a sub that is a number": {"claims": {"sub": 1}},
    "a sub that no database holds": {"claims": {"sub": "person-1\0"}},
    "a sub without end": {"claims": {"sub": "p" * 256}},
    "alg none": {"alg": "none", "sign": "none", "claims": {"at_hash": None}},
    "alg None": {"alg": "None", "sign": "none", "claims": {"at_hash": None}},
    "alg none and a signature": {
        "sign": "right",
        "token": {"id_token": "eyJhbGciOiJub25lIn0.e30.x"},
    },
    "a key that is not published": {"sign": "other"},
    "a key of elliptic curves that is not published": {"alg": "ES256", "sign": "other"},
    "the public key as an HMAC's secret": {"alg": "HS256", "sign": "pem"},
    "the public JWK as an HMAC's secret": {"alg": "HS256", "sign": "jwk"},
    "an unknown kid": {"header": {"kid": "nobody's"}},
    "a name that must be understood": {"header": {"crit": ["ours"], "ours": 1}},
    "an encrypted token": {"token": {"id_token": "a.b.c.d.e"}},
    "no token": {"token": {"id_token": "no token"}},
    "a token that is no text": {"token": {"id_token": 7}},
    "no ID token": {"no_id_token": True},
    "a token without end": {"claims": {"more": "x" * 40_000}},
    "no access token": {"token": {"access_token": None}},
}


@pytest.mark.parametrize("what", WRONG_TOKENS)
def test_a_token_that_is_not_wholly_in_order_signs_nobody_in(provider, service, what):
    how = WRONG_TOKENS[what]
    claims = how.get("claims", {})
    if isinstance(claims.get("iss"), str):
        claims["iss"] = claims["iss"].format(base=provider.base)
    provider.does(**how)
    browser = Browser(service)
    refused(browser, browser.sign_in(), "not-believed")


def test_the_same_person_with_a_token_in_order_is_signed_in(provider, service):
    for how in (
        {},
        {"alg": "ES256"},
        {"claims": {"aud": ["pinward-test"]}},
        {"claims": {"aud": ["pinward-test", "another"], "azp": "pinward-test"}},
        {"claims": {"exp": -30, "iat": 30, "nbf": 30}},
        {"claims": {"at_hash": None}},
        {"header": {"typ": "JWT", "x5c": ["A" * 600], "theirs": 1}},
    ):
        provider.does(**how)
        assert Browser(service).sign_in().status_code == 303, how


@pytest.mark.parametrize("changed", ["another", "", "é"])
def test_a_state_that_is_not_this_browsers_is_refused(service, browser, changed):
    back = httpx.URL(browser.confirmed(browser.begin())).copy_set_param("state", changed)
    refused(browser, browser.come_back(str(back)), "not-begun-here")


def test_a_missing_state_is_refused(provider, browser):
    provider.does(callback={"state": None})
    refused(browser, browser.sign_in(), "not-begun-here")


def test_what_one_browser_began_no_other_can_end(service, browser):
    back = browser.confirmed(browser.begin())
    victim = Browser(service)
    refused(victim, victim.come_back(back), "not-begun-here")
    victim.begin()
    refused(victim, victim.come_back(back), "not-begun-here")
    # The one that began it still can: what others try takes nothing away.
    assert browser.come_back(back).status_code == 303


def test_a_sign_in_counts_once_also_with_the_cookie_kept(provider, service, browser):
    back = browser.confirmed(browser.begin())
    cookie = dict(browser.http.cookies)
    assert browser.come_back(back).status_code == 303
    assert "pinward_oidc_staff" not in browser.http.cookies
    again = Browser(service)
    again.http.cookies.update(cookie)
    asked = len(provider.seen()["token"])
    refused(again, again.come_back(back), "used")
    assert len(provider.seen()["token"]) == asked


def test_a_sign_in_that_failed_counts_no_second_time(provider, service, browser):
    provider.does(claims={"nonce": "another"})
    back = browser.confirmed(browser.begin())
    cookie = dict(browser.http.cookies)
    refused(browser, browser.come_back(back), "not-believed")
    browser.http.cookies.update(cookie)
    provider.does()
    refused(browser, browser.come_back(back), "used")


def test_a_sign_in_of_more_than_ten_minutes_ago_and_a_made_up_one_are_refused(service, browser):
    back = browser.confirmed(browser.begin())
    name, value = next(iter(browser.http.cookies.items()))
    cipher = AESGCM(derived_key(KEY.encode(), "oidc flow"))
    sealed = _unpacked(value)
    flow = cipher.decrypt(sealed[:12], sealed[12:], b"staff").decode()
    ends = flow.rsplit(":", 1)[1].rstrip("}")
    for change, kind, reason in (
        (str(int(time.time()) - 1), b"staff", "took-too-long"),
        (ends, b"citizen", "not-begun-here"),
    ):
        plain = flow.replace(ends, change).encode()
        again = Browser(service)
        again.http.cookies.set(
            name, _packed(sealed[:12] + cipher.encrypt(sealed[:12], plain, kind))
        )
        refused(again, again.come_back(back), reason)
    for made_up in ("x", value[:-3] + "AAA", "é"):
        answer = httpx.get(back, headers={"Cookie": f"{name}={made_up}".encode()})
        assert answer.json()["reason"] == "not-begun-here"


def test_a_verifier_of_another_sign_in_redeems_no_code(service, browser):
    # The code that somebody else got, pushed under this browser's own state.
    stolen = httpx.URL(browser.confirmed(browser.begin())).params["code"]
    other = Browser(service)
    back = httpx.URL(other.confirmed(other.begin())).copy_set_param("code", stolen)
    refused(other, other.come_back(str(back)), "code-refused")


def test_another_service_may_not_answer_for_this_one(provider, service):
    provider.does(callback={"iss": "https://elsewhere.example"})
    browser = Browser(service)
    refused(browser, browser.sign_in(), "wrong-service")
    provider.does(callback={"iss": provider.base})
    assert browser.sign_in().status_code == 303


def test_who_cancels_is_told_and_nothing_the_provider_says_is_repeated(provider, browser):
    provider.does(
        callback={"code": None, "error": "access_denied", "error_description": "<b>call 1900</b>"}
    )
    answer = browser.sign_in()
    refused(browser, answer, "declined")
    assert "1900" not in answer.text


@pytest.mark.parametrize(
    "back",
    [
        *("https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", "desk", ""),
        *("/\t/elsewhere.example", "/\n", "javascript:alert(1)", "/api/v1/session/oidc/staff"),
        *("\\/elsewhere.example", "/é", "/" + "x" * 500, " /desk", "/a b"),
    ],
)
def test_after_signing_in_only_pages_of_ours_are_gone_on_to(service, back):
    answer = service.http.get("/api/v1/session/oidc/staff", params={"return": back})
    assert answer.status_code == 422, answer.headers
    assert "set-cookie" not in answer.headers


def test_a_browser_is_shown_a_page_and_no_script_can_be_in_it(provider, service):
    provider.does(claims={"sub": "<script>alert(1)</script>"})
    browser = Browser(service)
    answer = browser.come_back(browser.confirmed(browser.begin()), Accept="text/html,*/*;q=0.8")
    assert answer.status_code == 403
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "chưa có tài khoản" in answer.text
    assert "there is no account here for you" in answer.text
    assert "<script" not in answer.text
    assert answer.headers["cache-control"] == "no-store"


def test_unknown_people_get_no_account(provider, service, browser):
    with psycopg.connect(service.url) as conn:
        before = conn.execute("SELECT count(*) FROM users").fetchone()
    provider.does(claims={"sub": "person-2"})
    refused(browser, browser.sign_in(), "unknown-person", 403)
    # The same name at another service is another person.
    with psycopg.connect(service.url) as conn:
        conn.execute(
            "INSERT INTO user_identities SELECT 'https://elsewhere.example', 'person-2', id, now() "
            "FROM users LIMIT 1"
        )
    refused(browser, browser.sign_in(), "unknown-person", 403)
    with psycopg.connect(service.url) as conn:
        assert conn.execute("SELECT count(*) FROM users").fetchone() == before


def test_a_verified_address_links_nobody_unless_the_setting_says_so(provider, service, browser):
    put_user(service.url, "planner", name="person-3")
    provider.does(claims={"sub": "person-3", "email": "person-3@example.test"})
    refused(browser, browser.sign_in(), "unknown-person", 403)


def test_the_password_sign_in_goes_on_beside(service):
    email = put_user(service.url, "planner", name="by-password")
    answer = service.http.post("/api/v1/session", json={"email": email, "password": PASSWORD})
    assert answer.status_code == 200
    service.http.cookies.clear()


def test_neither_code_nor_token_nor_state_is_in_the_log_or_the_database(provider, service, browser):
    back = httpx.URL(browser.confirmed(browser.begin()))
    provider.does(claims={"nonce": "another"})
    browser.come_back(str(back))
    log = service.log.read_text()
    assert "an ID token of" in log
    with psycopg.connect(service.url) as conn:
        kept = str(conn.execute("SELECT * FROM oidc_states").fetchall())
    for secret in (back.params["code"], back.params["state"]):
        assert secret not in log
        assert secret not in kept


def _unpacked(value):
    return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))


def _packed(value):
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
