"""Against `oidc-provider-mock`, a provider that others wrote: all the way, as a person goes it."""

import httpx
import psycopg
import pytest
import signing_in
from conftest import command, serving
from signing_in import Browser
from staffed import put_user


@pytest.fixture(scope="module")
def provider():
    with signing_in.mock() as made:
        yield made


@pytest.fixture(scope="module")
def service(provider, clone, city_template, tmp_path_factory):
    given = signing_in.settings("staff", provider, PINWARD_OIDC_STAFF_LINK_BY_EMAIL="true")
    with serving(clone(city_template), tmp_path_factory.mktemp("service"), **given) as made:
        yield made


@pytest.fixture(scope="module")
def run(service, provider, tmp_path_factory):
    """`run(*words)` is `pinward users …` of this service."""
    program = command(tmp_path_factory.mktemp("command"))
    own = {"PINWARD_OIDC_STAFF_ISSUER": provider.base}
    return lambda *words: program("users", *words, url=service.url, **own)


def sign_in(service, provider, sub, **claims):
    """A browser that confirmed itself as `sub` at the provider, and what it was answered."""
    if claims:
        httpx.put(f"{provider.base}/users/{sub}", json=claims).raise_for_status()
    browser = Browser(service)
    confirmed = httpx.post(browser.begin(), data={"sub": sub})
    assert confirmed.status_code == 302, confirmed.text
    return browser, browser.come_back(confirmed.headers["location"])


def test_a_person_linked_by_hand_signs_in_until_unlinked(service, provider, run):
    email = put_user(service.url, "ward_officer", ward="90001", name="by-hand")
    _, answer = sign_in(service, provider, "by-hand-sub", email="other@example.test")
    assert answer.json()["reason"] == "unknown-person"
    done = run("link", email, "--sub", "by-hand-sub")
    assert done.returncode == 0, done.stderr
    browser, answer = sign_in(service, provider, "by-hand-sub")
    assert answer.status_code == 303
    # Role and ward are ours, whatever the service says of the person.
    known = browser.http.get("/api/v1/session").json()
    assert (known["email"], known["role"], known["ward"]["code"]) == (
        email,
        "ward_officer",
        "90001",
    )
    again = run("link", email, "--sub", "another-sub")
    assert again.returncode == 1
    assert "unlink" in again.stderr
    assert run("unlink", email).returncode == 0
    assert not browser.signed_in
    assert sign_in(service, provider, "by-hand-sub")[1].status_code == 403
    with psycopg.connect(service.url) as conn:
        lines = conn.execute(
            "SELECT action FROM audit_log WHERE subject = %s ORDER BY n", (email,)
        ).fetchall()
    assert [line for (line,) in lines] == ["user.link", "user.unlink"]


def test_a_verified_address_links_the_first_time_and_never_another_person(service, provider):
    email = put_user(service.url, "planner", name="first")
    told = {"email": email, "email_verified": True}
    _, answer = sign_in(service, provider, "first-sub", email=email, email_verified=False)
    assert answer.json()["reason"] == "unknown-person"
    browser, answer = sign_in(service, provider, "first-sub", **told)
    assert answer.status_code == 303
    assert browser.http.get("/api/v1/session").json()["email"] == email
    # The address was given to somebody else: the account stays with the first.
    _, answer = sign_in(service, provider, "second-sub", **told)
    assert answer.json()["reason"] == "unknown-person"
    # And the first stays known under another address.
    assert sign_in(service, provider, "first-sub", email="new@example.test")[1].status_code == 303


def test_letters_that_only_look_alike_link_nobody(service, provider):
    put_user(service.url, "admin", name="kelvin")
    told = {"email": "\u212aelvin@example.test", "email_verified": True}
    assert told["email"].lower() == "kelvin@example.test"
    _, answer = sign_in(service, provider, "look-alike", **told)
    assert answer.json()["reason"] == "unknown-person"


def test_a_closed_account_is_reached_by_no_service(service, provider, run):
    email = put_user(service.url, "planner", name="closed")
    assert run("link", email, "--sub", "closed-sub").returncode == 0
    browser, answer = sign_in(service, provider, "closed-sub")
    assert answer.status_code == 303
    assert run("disable", email).returncode == 0
    assert not browser.signed_in
    _, answer = sign_in(service, provider, "closed-sub")
    assert answer.json()["reason"] == "unknown-person"


def test_who_denies_at_the_provider_is_told(service, provider):
    browser = Browser(service)
    denied = httpx.post(browser.begin(), data={"action": "deny"})
    back = httpx.URL(denied.headers["location"])
    # This one forgets the state; no browser's sign-in is known by that.
    assert browser.come_back(str(back)).json()["reason"] in ("declined", "not-begun-here")
    assert not browser.signed_in
