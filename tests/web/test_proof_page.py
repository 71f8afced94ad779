"""A phone behind an address from which many send: its page proves some work, and nobody notices."""

import secrets

import pytest
from conftest import serving
from playwright.sync_api import expect

import builders
from geo.abuse import proof

pytestmark = pytest.mark.browser

WIDE = {"PINWARD_LIMITS": "yes", "PINWARD_LIMIT_NETWORK_H": "50"}


@pytest.fixture(scope="module")
def service(clone, city_template, tmp_path_factory):
    with serving(clone(city_template), tmp_path_factory.mktemp("proof"), **WIDE) as made:
        yield made


def _crowd(service, n):
    """Others of the same address."""
    for _ in range(n):
        body = builders.a_report(text=f"Nước ngập {secrets.token_hex(8)}")
        headers = {"Pinward-Device": secrets.token_hex(16)}
        answer = service.http.post("/api/v1/reports", json=body, headers=headers)
        if answer.status_code == 429:
            return
        assert answer.status_code == 201


def test_the_page_proves_unseen_and_the_report_is_sent(service, opened):
    _crowd(service, 20)
    page = opened(service, at=builders.middle(1))
    page.get_by_role("button", name="Vị trí của tôi").first.click()
    page.locator("[data-testid=ward][data-state=found]").wait_for()
    page.locator("[data-category='drainage']").click()
    page.locator("[data-category='drainage.flooding']").click()
    page.get_by_label("Mô tả").fill("Nước ngập trước cổng chợ.")
    page.get_by_test_id("send").click()
    assert len(page.get_by_test_id("code").inner_text()) == 9
    asked = [one for one in page.asked if one.method == "POST"]
    assert [one.response().status for one in asked] == [429, 201]
    first, second = (one.all_headers() for one in asked)
    shown = second["pinward-proof"]
    assert proof.is_answer(shown, 15_000)
    assert "pinward-proof" not in first
    assert first["idempotency-key"] == second["idempotency-key"]
    assert first["pinward-device"] == second["pinward-device"]
    kept = page.evaluate("localStorage.getItem('pinward.device')")
    assert kept == f'"{first["pinward-device"]}"'
    expect(page.get_by_role("alert")).to_have_count(0)
    # only what is counted says from which device it comes
    others = [one for one in page.asked if one.method == "GET"]
    assert not any("pinward-device" in one.all_headers() for one in others)
