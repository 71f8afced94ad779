"""Finding a place by its name, and where the map opens."""

import re

import pytest
from drawn import put_facilities
from playwright.sync_api import Page, expect

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


def test_the_map_opens_where_one_is_only_if_that_was_allowed_before(service, opened):
    def middle(page: Page) -> str:
        page.locator(".map[data-ready=true] canvas").wait_for()
        page.wait_for_load_state("networkidle")
        page.get_by_role("button", name="Báo sự cố ở đây").click()
        page.locator("[data-testid=ward][data-state=found]").wait_for()
        return page.locator("[data-testid=ward]").inner_text()

    assert builders.NAMES[0] in middle(opened(service, at=builders.middle(0)))
    assert builders.NAMES[2] in middle(opened(service, at=builders.middle(2)))
    stranger = opened(service, geolocation={"longitude": 109.5, "latitude": 9.0})
    asked = stranger.evaluate(
        "navigator.permissions.query({name: 'geolocation'}).then(({state}) => state)"
    )
    assert asked in ("prompt", "denied")
    assert middle(stranger)
