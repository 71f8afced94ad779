"""Finding a place by its name, and where the map opens."""

import re

import pytest
from drawn import put_facilities
from holding import until
from playwright.sync_api import Page, expect
from reporting import LATE

import builders

pytestmark = pytest.mark.browser

FOUND = "[data-testid=found] button"


@pytest.fixture(autouse=True)
def facilities(service):
    lon, lat = builders.middle(3)
    put_facilities(
        service.url,
        [
            (lon, lat, "school", "Trường Tiểu học Bến Đò"),
            (lon, lat + 0.001, "school", "Trường Tiểu học Bén Do"),
            (lon, lat + 0.002, "clinic", "Trạm y tế Bến Đò"),
        ],
    )


def look_for(page: Page, words: str) -> list[str]:
    """What is found, in its order."""
    page.get_by_label("Tìm phường, trường, bệnh viện").fill(words)
    page.locator(FOUND).first.wait_for()
    page.wait_for_load_state("networkidle")
    return [re.sub(r"\s+", " ", each).strip() for each in page.locator(FOUND).all_inner_texts()]


def test_a_ward_is_found_without_marks_and_the_map_goes_there(service, opened):
    page = opened(service)
    page.locator(".map[data-ready=true] canvas").wait_for()
    assert look_for(page, "ben thu") == ["Phường Bến Thử"]
    page.locator(FOUND).first.click()
    page.get_by_role("button", name="Báo sự cố ở đây").click()
    expect(page.locator("[data-testid=ward]")).to_contain_text("Phường Bến Thử")


def test_what_is_written_with_the_same_marks_comes_first(service, opened):
    page = opened(service)
    found = look_for(page, "bén do")
    assert found[0].startswith("Trường Tiểu học Bén Do")
    found = look_for(page, "bến đò")
    assert found[-1].startswith("Trường Tiểu học Bén Do")


def test_a_facility_is_found_shown_and_the_way_to_it_offered(service, opened):
    page = opened(service)
    page.locator(".map[data-ready=true] canvas").wait_for()
    look_for(page, "tram y te")
    page.locator(FOUND).first.click()
    card = page.get_by_test_id("card")
    expect(card).to_contain_text("Trạm y tế Bến Đò")
    lon, lat = builders.middle(3)
    way = card.get_by_role("link", name="Chỉ đường tới Trạm y tế Bến Đò")
    assert f"destination={lat + 0.002:.6f},{lon:.6f}" in way.get_attribute("href")


def in_the_middle(page: Page) -> tuple[float, float]:
    """Where the map will be once it has stopped moving, in WGS 84 degrees."""
    page.locator(".map[data-ready=true] canvas").wait_for()
    page.wait_for_function("() => !document.querySelector('.map').engine.isMoving()")
    lon, lat = page.evaluate("document.querySelector('.map').engine.getCenter().toArray()")
    return lon, lat


def is_near(page: Page, at: tuple[float, float]) -> bool:
    return all(abs(one - other) < 0.001 for one, other in zip(in_the_middle(page), at, strict=True))


@pytest.mark.parametrize("first", ["position", "map"])
def test_the_map_opens_where_one_is_if_that_was_allowed_before(service, opened, first):
    at = builders.middle(2)
    page = opened(service, "/api/v1/wards", at=at)
    page.add_init_script(LATE)
    held = []
    page.route("**/assets/maplibre-*.js", lambda route: held.append(route))
    page.goto(service.base)
    page.wait_for_function("() => 'tell' in window")
    until(lambda: page.wait_for_timeout(20) or held)
    if first == "position":
        page.evaluate("new Promise((told) => { window.tell(); setTimeout(told, 500); })")
    page.unroute("**/assets/maplibre-*.js")  # which lets go what was held
    if first == "map":
        assert not is_near(page, at)
        page.evaluate("window.tell()")
    until(lambda: is_near(page, at))


def test_a_map_that_was_moved_by_hand_stays_where_it_is(service, opened):
    page = opened(service, "/api/v1/wards", at=builders.middle(2))
    page.add_init_script(LATE)
    page.goto(service.base)
    page.locator(".map[data-ready=true] canvas").wait_for()
    page.get_by_role("button", name="Phóng to").click()
    looked_at = in_the_middle(page)
    page.wait_for_function("() => 'tell' in window")
    page.evaluate("new Promise((told) => { window.tell(); setTimeout(told, 500); })")
    assert is_near(page, looked_at)


def test_nobody_is_asked_where_they_are_before_they_want_something(service, opened):
    page = opened(service, "/api/v1/wards", geolocation={"longitude": 109.5, "latitude": 9.0})
    page.add_init_script(LATE)
    page.goto(service.base)
    state = "navigator.permissions.query({name: 'geolocation'}).then(({state}) => state)"
    assert page.evaluate(state) in ("prompt", "denied")
    page.locator(".map[data-ready=true] canvas").wait_for()
    page.wait_for_load_state("networkidle")
    assert not page.evaluate("'tell' in window")
    page.get_by_role("button", name="Vị trí của tôi").first.click()
    page.wait_for_function("() => 'tell' in window")
