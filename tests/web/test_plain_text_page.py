"""The pages show what people wrote as they wrote it: no markup, no link, nothing that runs."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from drawn import put_reports
from playwright.sync_api import expect
from staffed import signed_in
from watching import CELLS, DESKTOP, LIST, looking_at

import builders
from geo.reports import codes

pytestmark = pytest.mark.browser

TEXT = (
    "<a href='https://evil.example'>xem</a> <img src=x onerror='document.title=1'>"
    "<script>document.title=2</script> https://evil.example javascript:alert(3) "
    "www.evil.example evil@evil.example \u202enpj.tam\u202c mi\u200bễn phí"
)
SHOWN = TEXT.translate({0x202E: None, 0x202C: None, 0x200B: None})


def is_plain(page, place):
    """Whether a place, or that of some words, shows the text and nothing but it."""
    if isinstance(place, str):
        place = page.get_by_text(place)
    expect(place).to_have_text(SHOWN)
    assert place.evaluate("one => one.childElementCount") == 0
    assert page.locator("[href*='evil'], [src*='evil'], img[src='x']").count() == 0
    assert not any("evil" in request.url for request in page.asked)
    assert page.title() not in ("1", "2")
    assert page.complaints == []


def test_the_page_of_a_report(service, opened):
    def post():
        with signed_in(service, "hotline_agent", name="plain") as agent:
            # what the staff write down waits for no look, links or not
            return agent.post(LIST, json=builders.a_report(text=TEXT)).json()["code"]

    # The browser's own loop runs in this thread.
    with ThreadPoolExecutor(1) as thread:
        code = thread.submit(post).result()
    is_plain(opened(service, f"/r/{code}"), "evil@evil.example")


def test_the_list_and_the_card_of_the_map(service, opened):
    lon, lat = builders.middle(1)
    places = [(lon + n % 20 * 2e-4, lat + n // 20 * 2e-4) for n in range(400)]
    put_reports(service.url, places, text=SHOWN, code=[codes.new_code() for _ in places])
    page = looking_at(opened(service, size=DESKTOP), lon, lat, 12)
    cell = next(c for c in page.evaluate(CELLS) if c["point_count"] > 1 and c["x"] > 450)
    page.mouse.click(cell["x"], cell["y"])
    entry = page.locator("[data-testid=list] [data-code]").first
    is_plain(page, entry.locator(".text"))
    entry.click()
    is_plain(page, page.get_by_test_id("card").locator(".text"))
