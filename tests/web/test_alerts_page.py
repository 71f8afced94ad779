"""An alert comes onto the open map, and goes when it is over."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect
from staffed import signed_in
from watching import DESKTOP, LAT, LON, looking_at, until

import builders

pytestmark = pytest.mark.browser


def an_alert(service, ends_in_s: float) -> dict:
    """Sent by a planner, for ward 5."""
    lon, lat = builders.middle(4)
    west, south, east, north = lon - 0.003, lat - 0.003, lon + 0.003, lat + 0.003
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    body = {
        "kind": "flood",
        "severity": "severe",
        "headline": {"vi": "Triều cường, ngập sâu", "en": "High tide, deep water"},
        "description": {"vi": "Không để xe dưới hầm."},
        "area": {"type": "Polygon", "coordinates": [ring]},
        "expires_at": (datetime.now(UTC) + timedelta(seconds=ends_in_s)).isoformat(),
    }

    def post() -> dict:
        with signed_in(service, "planner", name=f"p{time.time_ns()}") as client:
            answer = client.post("/api/v1/alerts", json=body)
            assert answer.status_code == 201, answer.text
            return answer.json()

    # The browser's own loop runs in this thread.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(post).result()


SIGNS = """() => document.querySelector('.map').engine
    .queryRenderedFeatures({ layers: ['alert-sign'] }).map((f) => f.properties.headline)"""


def test_an_alert_comes_onto_the_open_map_tells_itself_and_goes_when_it_is_over(service, opened):
    page = looking_at(opened(service, size=DESKTOP), LON, LAT, 14)
    assert page.evaluate(SIGNS) == []
    # Long enough to be looked at, also on a busy machine.
    an_alert(service, ends_in_s=45)
    until(page, lambda: page.evaluate(SIGNS), lambda found: found == ["Triều cường, ngập sâu"])
    at = page.evaluate(
        "(at) => { const p = document.querySelector('.map').engine.project(at); "
        "return [p.x, p.y]; }",
        [LON, LAT],
    )
    page.mouse.click(*at)
    card = page.get_by_test_id("alert-card")
    expect(card).to_contain_text("Triều cường, ngập sâu")
    expect(card).to_contain_text("Có hiệu lực đến")
    expect(card).to_contain_text("Không để xe dưới hầm.")
    page.get_by_role("button", name="Đóng").click()
    # And in words, for whoever does not see the map.
    page.get_by_test_id("alerts").get_by_role("button").click()
    expect(page.get_by_test_id("alert-card")).to_contain_text("Không để xe dưới hầm.")
    page.get_by_role("button", name="Đóng").click()
    # Beside its sign the place can be pinned as ever.
    page.mouse.click(at[0] + 60, at[1] + 30)
    page.locator("[data-testid=ward][data-state=found]").wait_for()
    until(page, lambda: page.evaluate(SIGNS), lambda found: not found, 75)


def test_alerts_that_come_late_move_nothing_under_the_thumb(service, opened):
    an_alert(service, ends_in_s=60)
    page = opened(service, "/api/v1/wards")
    held = []
    page.route("**/api/v1/alerts?*", lambda route: held.append(route))
    page.goto(service.base)
    page.locator(".map[data-ready=true] canvas").wait_for()
    button = page.get_by_role("button", name="Báo sự cố ở đây")
    page.evaluate("() => document.fonts.ready.then(() => true)")
    before = button.bounding_box()
    assert held
    page.unroute("**/api/v1/alerts?*")  # which lets go what was held
    page.get_by_test_id("alerts").wait_for()
    assert button.bounding_box() == before
    # Half of the phone is the map's.
    assert before["y"] > page.viewport_size["height"] / 2 - 20
