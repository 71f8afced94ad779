"""What a sign-in service is asked, how often, and what becomes of us when it does not answer."""

import asyncio
import time
from datetime import UTC, datetime

import hostile_provider
import httpx
import pytest
import signing_in
from conftest import serving
from staffed import PASSWORD, put_user

from api.auth import oidc, oidc_flow
from api.outgoing import Outgoing
from geo.errors import Invalid, SignInAway, SignInRefused
from geo.settings import Settings

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def provider():
    with signing_in.hostile() as made:
        yield made


@pytest.fixture(autouse=True)
def honest(provider):
    provider.does()


@pytest.fixture
def known(provider):
    """The provider as a process of the service that just began knows it."""
    return _known(provider)


def _known(provider, secret=hostile_provider.CLIENT_SECRET, issuer=None):
    own = oidc.Registration("staff", issuer or provider.base, hostile_provider.CLIENT_ID, secret)
    return oidc.Provider(own, Outgoing(provider.base))


async def _sign_in(known):
    flow = oidc_flow.begin("staff", "/", "http://127.0.0.1:1/callback", datetime.now(UTC))
    there = await known.address(flow)
    async with httpx.AsyncClient() as browser:
        back = httpx.URL((await browser.get(there)).headers["location"])
    return await known.identity(flow, back.params["code"], None, datetime.now(UTC))


async def test_who_signed_in_is_known_by_issuer_and_sub(provider, known):
    provider.does(claims={"amr": ["pwd", "otp"]})
    who = await _sign_in(known)
    assert (who.issuer, who.sub) == (provider.base, "person-1")
    assert (who.email, who.methods) == ("person-1@example.test", ("pwd", "otp"))


@pytest.mark.parametrize("verified", [None, False, "true", 1])
async def test_an_address_counts_only_when_the_service_says_it_verified_it(
    provider, known, verified
):
    provider.does(claims={"email_verified": verified})
    assert (await _sign_in(known)).email is None


@pytest.mark.parametrize(
    "how",
    [
        {"keys": "twice", "header": {"kid": None}},
        {"keys": "weak", "sign": "weak"},
        {"keys": "encrypting"},
        {"keys": "symmetric", "alg": "HS256", "sign": "pem"},
        {"keys": "none"},
    ],
)
async def test_keys_that_no_token_may_be_signed_with_are_not_used(provider, known, how):
    provider.does(**how)
    with pytest.raises(SignInRefused) as refused:
        await _sign_in(known)
    assert refused.value.facts["reason"] == "not-believed"


async def test_a_token_that_names_no_key_is_read_with_the_only_one_of_its_kind(provider, known):
    provider.does(header={"kid": None})
    assert (await _sign_in(known)).sub == "person-1"


async def test_keys_are_kept_and_asked_for_anew_when_a_token_names_another(
    provider, known, monkeypatch
):
    before = provider.seen()
    for _ in range(3):
        await _sign_in(known)
    seen = provider.seen()
    assert seen["jwks"] - before["jwks"] == 1
    assert seen["discovery"] - before["discovery"] == 1
    # The service replaces its keys; a minute later the new one is found by its name.
    provider.does(keys="new", sign="new")
    with pytest.raises(SignInRefused):
        await _sign_in(known)
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 61)
    assert (await _sign_in(known)).sub == "person-1"
    assert provider.seen()["jwks"] - before["jwks"] == 2


async def test_tokens_of_made_up_keys_have_it_asked_once_a_minute_at_most(provider, known):
    await _sign_in(known)
    before = provider.seen()["jwks"]
    provider.does(header={"kid": "nobody's"})
    for _ in range(3):
        with pytest.raises(SignInRefused):
            await _sign_in(known)
    assert provider.seen()["jwks"] == before


async def test_the_document_must_name_the_issuer_that_was_configured(provider):
    for said in ("https://elsewhere.example", f"{provider.base}/", None, 5):
        provider.does(discovery={"issuer": said})
        with pytest.raises(SignInAway):
            await _known(provider).address(_flow())


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
@pytest.mark.parametrize("said", [None, 5, "javascript:alert(1)", "file:///etc/passwd", ""])
async def test_a_document_with_addresses_that_are_none_is_not_used(provider, name, said):
    provider.does(discovery={name: said})
    with pytest.raises(SignInAway):
        await _known(provider).address(_flow())


async def test_a_document_leads_into_no_network_of_ours(provider):
    with signing_in.hostile() as inner:
        for name in ("token_endpoint", "jwks_uri"):
            provider.does(discovery={name: f"{inner.base}/{name}"})
            with pytest.raises(SignInAway):
                await _sign_in(_known(provider))
        assert inner.seen()["token"] == []
        assert inner.seen()["jwks"] == 0


async def test_the_secret_is_sent_as_the_service_takes_it(provider):
    provider.does()
    await _sign_in(_known(provider))
    assert provider.seen()["token"][-1]["authorization"].startswith("Basic ")
    provider.does(discovery={"token_endpoint_auth_methods_supported": ["client_secret_post"]})
    await _sign_in(_known(provider))
    last = provider.seen()["token"][-1]
    assert last["authorization"] is None
    assert last["client_secret"] == hostile_provider.CLIENT_SECRET
    with pytest.raises(SignInAway):
        await _sign_in(_known(provider, secret="wrong"))


@pytest.mark.parametrize("status", [301, 401, 500, 503])
async def test_a_token_endpoint_that_does_not_do_its_part_is_away(provider, known, status):
    provider.does(token_status=status)
    with pytest.raises(SignInAway):
        await _sign_in(known)


async def test_a_service_that_is_away_is_asked_once_for_all_who_wait_and_then_rests(
    provider, monkeypatch
):
    monkeypatch.setattr(oidc, "ASKING_S", 0.5)
    provider.does(slow_s=2)
    before = provider.seen()["discovery"]
    known = _known(provider)
    began = time.monotonic()
    answers = await asyncio.gather(
        *(known.address(_flow()) for _ in range(20)), return_exceptions=True
    )
    assert {type(answer) for answer in answers} == {SignInAway}
    with pytest.raises(SignInAway):
        await known.address(_flow())
    assert time.monotonic() - began < 2
    assert provider.seen()["discovery"] == before + 1
    provider.does()
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 6)
    assert (await known.address(_flow())).startswith(f"{provider.base}/authorize?")


async def test_all_of_a_sign_in_is_bounded_in_time(provider, known, monkeypatch):
    monkeypatch.setattr(oidc, "IN_ALL_S", 0.5)
    await known.address(_flow())
    provider.does(slow_s=2)
    began = time.monotonic()
    with pytest.raises(SignInAway):
        await known.identity(_flow(), "a code", None, datetime.now(UTC))
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize(
    "given",
    [
        {"oidc_staff_issuer": "https://id.example"},
        {"oidc_staff_client_id": "pinward"},
        {"oidc_citizen_issuer": "id.example", "oidc_citizen_client_id": "pinward"},
        {"oidc_citizen_issuer": "https://id.example?a=b", "oidc_citizen_client_id": "pinward"},
    ],
)
def test_half_a_setting_is_refused_with_a_sentence(given):
    with pytest.raises(Invalid, match="PINWARD_OIDC_"):
        oidc.providers(Settings(**given))


def test_without_the_provider_the_password_signs_in_and_what_needs_it_says_so(
    clone, city_template, tmp_path
):
    with signing_in.hostile() as gone:
        given = signing_in.settings("staff", gone)
    with serving(clone(city_template), tmp_path, **given) as service:
        began = time.monotonic()
        answer = service.http.get("/api/v1/session/oidc/staff")
        assert time.monotonic() - began < 6
        assert (answer.status_code, answer.json()["reason"]) == (503, "away")
        assert int(answer.headers["retry-after"]) > 0
        assert "set-cookie" not in answer.headers
        email = put_user(service.url, "planner")
        signed = service.http.post("/api/v1/session", json={"email": email, "password": PASSWORD})
        assert signed.status_code == 200
        # Only what is set up is there.
        assert service.http.get("/api/v1/session/oidc").json() == {"staff": True, "citizen": False}
        assert service.http.get("/api/v1/session/oidc/citizen").status_code == 404
        assert service.http.get("/api/v1/session/oidc/citizen/callback").status_code == 404


def test_where_people_are_sent_back_to_is_not_said_by_a_header(
    provider, clone, city_template, tmp_path
):
    given = signing_in.settings("staff", provider)
    with serving(clone(city_template), tmp_path, **given) as service:
        for header in ("Host", "X-Forwarded-Host"):
            answer = service.http.get(
                "/api/v1/session/oidc/staff", headers={header: "elsewhere.example"}
            )
            assert answer.status_code == 503
            assert "PINWARD_PUBLIC_URL" in answer.json()["detail"]
    given["PINWARD_PUBLIC_URL"] = "https://pinward.example"
    with serving(clone(city_template), tmp_path, **given) as service:
        answer = service.http.get(
            "/api/v1/session/oidc/staff", headers={"Host": "elsewhere.example"}
        )
        asked = httpx.URL(answer.headers["location"]).params
        assert asked["redirect_uri"] == "https://pinward.example/api/v1/session/oidc/staff/callback"
        # Behind TLS no other host of the domain can plant it.
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-pinward_oidc_staff=")
        assert "Secure" in cookie
        assert "Domain" not in cookie


def _flow():
    return oidc_flow.begin("staff", "/", "http://127.0.0.1:1/callback", datetime.now(UTC))
