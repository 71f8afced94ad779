"""Citizens who sign in and stay nobody: a mark, the reports they chose, and being forgotten."""

import psycopg
import pytest
import signing_in
from conftest import serving
from signing_in import Browser
from staffed import put_user

import builders

KEY, NEWER = "a-first-secret-key-of-thirty-two-letters", "and-another-one-which-replaced-the-first"
NOBODY = {"citizens": 0, "citizen_sessions": 0, "citizen_reports": 0}


@pytest.fixture(scope="module")
def provider():
    with signing_in.hostile() as made:
        yield made


@pytest.fixture(scope="module")
def service(provider, clone, city_template, tmp_path_factory):
    given = signing_in.settings("citizen", provider, PINWARD_SECRET_KEY=KEY)
    with serving(clone(city_template), tmp_path_factory.mktemp("service"), **given) as made:
        yield made


@pytest.fixture(autouse=True)
def nobody_known(provider, service):
    provider.does()
    with psycopg.connect(service.url) as conn:
        conn.execute("DELETE FROM citizens")


def citizen(service, provider, sub="person-1"):
    provider.does(claims={"sub": sub, "name": "Lê Văn Riêng", "cccd": "079123456789"})
    browser = Browser(service, "citizen")
    answer = browser.sign_in("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/"), answer.text
    return browser


def send(browser, mine=True, key=None, **changes):
    headers = {"Pinward-Mine": "1"} if mine else {}
    headers |= {"Idempotency-Key": key} if key else {}
    answer = browser.http.post(
        "/api/v1/reports", json=builders.a_report(**changes), headers=headers
    )
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


def mine(browser):
    answer = browser.http.get("/api/v1/me/reports")
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return [feature["id"] for feature in answer.json()["features"]]


def counted(service):
    with psycopg.connect(service.url) as conn:
        return {
            table: conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in NOBODY
        }


def test_a_citizen_sees_the_reports_kept_as_theirs_and_nobody_elses(service, provider):
    one, other = citizen(service, provider), citizen(service, provider, "person-2")
    first, theirs = send(one), send(other)
    second = send(one, category="order.drugs", reporter={"phone": "0912 345 678"})
    assert first["mine"] is True
    assert mine(one) == [second["code"], first["code"]]
    assert mine(other) == [theirs["code"]]
    # From another device, signed in anew, the same.
    assert mine(citizen(service, provider)) == [second["code"], first["code"]]


def test_the_list_shows_the_own_view_but_no_contact_which_takes_the_secret(service, provider):
    browser = citizen(service, provider)
    sent = send(browser, category="order.drugs", reporter={"phone": "0912 345 678"})
    answer = browser.http.get("/api/v1/me/reports")
    (feature,) = answer.json()["features"]
    assert feature["properties"]["visibility"] == "hidden"
    assert feature["properties"]["mine"] is True
    assert "345" not in answer.text
    assert sent["secret"] not in answer.text


def test_the_list_is_paged_to_its_end(service, provider):
    browser = citizen(service, provider)
    codes = [send(browser)["code"] for _ in range(5)][::-1]
    found, address = [], "/api/v1/me/reports?limit=2"
    while address:
        answer = browser.http.get(address).json()
        found.append([feature["id"] for feature in answer["features"]])
        address = answer["next"]
    assert found == [codes[:2], codes[2:4], codes[4:]]


def test_signed_in_a_report_is_anonymous_unless_it_is_asked_for(service, provider):
    browser = citizen(service, provider)
    for headers in ({}, {"Pinward-Mine": "0"}, {"Pinward-Mine": "false"}):
        answer = browser.http.post("/api/v1/reports", json=builders.a_report(), headers=headers)
        assert "mine" not in answer.json()
    assert mine(browser) == []
    assert counted(service)["citizen_reports"] == 0


def test_who_is_not_signed_in_any_more_is_told_and_the_report_is_taken_in(service, provider):
    browser = citizen(service, provider)
    with psycopg.connect(service.url) as conn:
        conn.execute("UPDATE citizen_sessions SET expires_at = now()")
    assert send(browser)["mine"] is False
    assert browser.http.get("/api/v1/me/reports").status_code == 401
    assert browser.http.get("/api/v1/me").status_code == 401


def test_nothing_is_kept_of_a_person_but_a_hash_under_our_key(service, provider):
    browser = citizen(service, provider)
    send(browser)
    with psycopg.connect(service.url) as conn:
        rows = [conn.execute(f"SELECT * FROM {table}").fetchall() for table in NOBODY]
        everything = str(
            conn.execute(
                "SELECT query_to_xml('SELECT * FROM ' || quote_ident(relname), true, false, '') "
                "FROM pg_stat_user_tables WHERE schemaname = 'public'"
            ).fetchall()
        )
    ((mark,),), ((token, session_mark, _),), ((_, report_mark),) = rows
    assert len(mark) == len(token) == 32
    assert mark == session_mark == report_mark
    for told in ("person-1", "Riêng", "079123456789", browser.http.cookies["pinward_citizen"]):
        assert told not in everything
    assert "person-1" not in service.log.read_text()


def test_of_who_had_nothing_kept_nothing_stays_after_signing_out(service, provider):
    browser = citizen(service, provider)
    send(browser, mine=False)
    cookie = browser.http.cookies["pinward_citizen"]
    assert browser.http.delete("/api/v1/me/session").status_code == 204
    assert counted(service) == NOBODY
    browser.http.cookies.set("pinward_citizen", cookie)
    assert browser.http.get("/api/v1/me").status_code == 401
    assert browser.http.delete("/api/v1/me/session").status_code == 204


def test_what_is_kept_outlasts_the_sign_in(service, provider):
    browser = citizen(service, provider)
    code = send(browser)["code"]
    browser.http.delete("/api/v1/me/session")
    assert mine(citizen(service, provider)) == [code]


def test_forgotten_a_citizen_is_nobody_and_the_reports_stay(service, provider):
    browser, phone = citizen(service, provider), citizen(service, provider)
    sent = send(browser)
    answer = browser.http.delete("/api/v1/me")
    assert answer.status_code == 204
    assert counted(service) == NOBODY
    assert browser.http.get("/api/v1/me").status_code == 401
    assert phone.http.get("/api/v1/me").status_code == 401
    own = {"Authorization": f"Report {sent['secret']}"}
    assert service.http.get(f"/api/v1/reports/{sent['code']}", headers=own).status_code == 200
    assert mine(citizen(service, provider)) == []


def test_one_report_can_be_let_go_and_only_by_whom_it_is_kept(service, provider):
    one, other = citizen(service, provider), citizen(service, provider, "person-2")
    code = send(one)["code"]
    assert other.http.delete(f"/api/v1/me/reports/{code}").status_code == 404
    assert one.http.delete("/api/v1/me/reports/none").status_code == 404
    assert one.http.delete(f"/api/v1/me/reports/{code}").status_code == 204
    assert mine(one) == []


def test_an_erased_report_is_nobodys_and_does_not_come_back_when_sent_again(service, provider):
    browser = citizen(service, provider)
    key = "0b9e7a52-6b1c-4a57-9b0e-1f6f6b1d2c3a"
    sent = send(browser, key=key)
    own = {"Authorization": f"Report {sent['secret']}"}
    erased = browser.http.post(f"/api/v1/reports/{sent['code']}/erasure", json={}, headers=own)
    assert erased.status_code == 200
    assert mine(browser) == []
    again = send(browser, key=key)
    assert (again["code"], again["mine"]) == (sent["code"], False)
    assert mine(browser) == []


def test_a_report_kept_long_enough_is_nobodys(service, provider, pinward):
    browser = citizen(service, provider)
    sent = send(browser)
    assert mine(browser) == [sent["code"]]
    with psycopg.connect(service.url) as conn:
        conn.execute(
            "UPDATE reports SET status = 'closed', created_at = now() - interval '30 years', "
            "closed_at = now() - interval '30 years', updated_at = now() - interval '30 years'"
        )
    done = pinward("retention", "run", url=service.url)
    assert done.returncode == 0, done.stderr
    assert mine(browser) == []


def test_a_report_sent_again_is_kept_once_and_by_the_first(service, provider):
    one, other = citizen(service, provider), citizen(service, provider, "person-2")
    key = "1b9e7a52-6b1c-4a57-9b0e-1f6f6b1d2c3a"
    assert send(one, key=key)["mine"] is True
    assert send(one, key=key)["mine"] is True
    assert send(other, key=key)["mine"] is False


def test_a_citizen_is_no_staff_and_staff_are_no_citizens(service, provider):
    put_user(service.url, "admin", name="person-1")
    browser = citizen(service, provider)
    assert browser.http.get("/api/v1/session").status_code == 401
    token = browser.http.cookies["pinward_citizen"]
    browser.http.cookies.set("pinward_session", token)
    assert browser.http.get("/api/v1/session").status_code == 401
    back = browser.confirmed(browser.begin()).replace("/citizen/", "/staff/")
    assert browser.come_back(back).status_code == 404


def test_the_cookie_is_out_of_reach_and_other_sites_can_have_nothing_kept(service, provider):
    provider.does()
    browser = Browser(service, "citizen")
    answer = browser.sign_in("/")
    cookie = next(c for c in answer.headers.get_list("set-cookie") if "pinward_citizen=" in c)
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    for path, method, header in (
        ("/api/v1/reports", "POST", "pinward-mine"),
        ("/api/v1/me", "DELETE", "x"),
        ("/api/v1/me/reports", "GET", "x"),
    ):
        asked = service.http.options(
            path,
            headers={
                "Origin": "https://elsewhere.example",
                "Access-Control-Request-Method": method,
                "Access-Control-Request-Headers": header,
            },
        )
        assert asked.status_code in (400, 405)
        assert "pinward-mine" not in asked.headers.get("access-control-allow-headers", "").lower()
    answer = browser.http.get("/api/v1/me", headers={"Origin": "https://elsewhere.example"})
    assert "access-control-allow-origin" not in answer.headers


def test_what_is_a_citizens_own_is_changed_from_our_pages_alone(service, provider):
    browser = citizen(service, provider)
    code = send(browser)["code"]
    del browser.http.headers["Pinward-Request"]
    for said in ({}, {"Origin": "https://elsewhere.example"}, {"Sec-Fetch-Site": "same-site"}):
        for path in ("/api/v1/me", f"/api/v1/me/reports/{code}", "/api/v1/me/session"):
            assert browser.http.delete(path, headers=said).status_code == 403, (path, said)
    assert mine(browser) == [code]
    own = {"Origin": service.base}
    assert browser.http.delete(f"/api/v1/me/reports/{code}", headers=own).status_code == 204


def test_signing_in_again_ends_the_sign_in_before_though_its_cookie_stays_behind(service, provider):
    browser = citizen(service, provider)
    back = browser.confirmed(browser.begin("/"))
    # As browsers do: a `Strict` cookie is not sent with a way back from another site.
    del browser.http.cookies["pinward_citizen"]
    assert browser.come_back(back).status_code == 303
    with psycopg.connect(service.url) as conn:
        assert conn.execute("SELECT count(*) FROM citizen_sessions").fetchone() == (1,)


def test_a_new_secret_key_loses_nobody_their_reports(provider, clone, city_template, tmp_path):
    given = signing_in.settings("citizen", provider, PINWARD_SECRET_KEY=KEY)
    url = clone(city_template)
    with serving(url, tmp_path, **given) as service:
        code = send(citizen(service, provider))["code"]
        with psycopg.connect(url) as conn:
            (before,) = conn.execute("SELECT mark FROM citizens").fetchone()
    given |= {"PINWARD_SECRET_KEY": NEWER, "PINWARD_OLD_SECRET_KEYS": KEY}
    with serving(url, tmp_path, **given) as service:
        assert mine(citizen(service, provider)) == [code]
        with psycopg.connect(url) as conn:
            ((after,),) = conn.execute("SELECT mark FROM citizens").fetchall()
    assert after != before
    given["PINWARD_OLD_SECRET_KEYS"] = ""
    with serving(url, tmp_path, **given) as service:
        assert mine(citizen(service, provider)) == [code]
