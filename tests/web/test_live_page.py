"""The map follows what happens while it is open."""

import re
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from playwright.sync_api import expect
from watching import (
    DESKTOP,
    LAT,
    LON,
    RENDERED,
    change,
    different,
    drawn,
    loads,
    looking_at,
    picture,
    send,
    settled,
    streams,
    until,
)

import builders

pytestmark = pytest.mark.browser


def test_a_report_sent_elsewhere_appears_on_an_open_map(service, opened):
    lon, lat = LON + 0.001, LAT + 0.001
    page = looking_at(opened(service, size=DESKTOP), LON, LAT, 15)
    before = picture(page, lon, lat)
    code = send(service, lon=lon, lat=lat)
    # The sign is short: it may be over before the tile with the report is drawn.
    expect(page.locator(".map .sign")).to_have_count(1)
    until(page, lambda: page.evaluate(RENDERED, [code]), bool)
    settled(page)
    assert different(page, before, picture(page, lon, lat)) > 60
    assert loads(page) == 1
    assert page.complaints == []


def test_a_report_that_is_closed_steps_back_and_one_that_is_erased_goes(service, opened):
    lon, lat = LON - 0.001, LAT + 0.001
    code = send(service, lon=lon, lat=lat)
    page = looking_at(opened(service, size=DESKTOP), LON, LAT, 15)
    bare = picture(page, lon + 0.0007, lat)
    (shown,) = page.evaluate(RENDERED, [code])
    assert shown["open_count"] == 1
    before = picture(page, lon, lat)
    change(service, code, "status = 'closed', closed_at = now()")
    until(
        page,
        lambda: page.evaluate(RENDERED, [code]),
        lambda found: [each["open_count"] for each in found] == [0],
    )
    settled(page)
    closed = picture(page, lon, lat)
    assert different(page, before, closed) > 20
    with psycopg.connect(service.url) as db:
        db.execute(
            "DELETE FROM report_events USING reports WHERE report_id = reports.id AND code = %s",
            (code,),
        )
        db.execute("DELETE FROM reports WHERE code = %s", (code,))
    until(page, lambda: page.evaluate(RENDERED, [code]), lambda found: not found)
    settled(page)
    assert different(page, closed, picture(page, lon, lat)) > 20
    assert different(page, bare, picture(page, lon, lat)) < 60
    assert loads(page) == 1


def test_a_report_that_moves_leaves_no_ghost(service, opened):
    code = send(service, lon=LON - 0.004, lat=LAT - 0.001)
    page = looking_at(opened(service, size=DESKTOP), LON, LAT, 15)
    assert len(page.evaluate(RENDERED, [code])) == 1
    to = LON + 0.004, LAT - 0.001
    change(service, code, f"geom = ST_SetSRID(ST_MakePoint({to[0]}, {to[1]}), 4326)")

    def moved(found: list) -> bool:
        return len(found) == 1 and abs(found[0]["at"][0] - to[0]) < 1e-4

    until(page, lambda: page.evaluate(RENDERED, [code]), moved)


def test_only_the_tiles_that_a_new_report_touches_are_asked_for_again(service, opened):
    page = looking_at(opened(service, size=DESKTOP), LON, LAT, 15)
    already = len(page.asked)
    code = send(service, lon=LON + 0.0005, lat=LAT - 0.0005)
    until(page, lambda: page.evaluate(RENDERED, [code]), bool)
    page.wait_for_timeout(3_500)
    since = {urlsplit(r.url).path for r in page.asked[already:]}
    tiles = {path for path in since if path.startswith("/tiles/")}
    assert len(tiles) == 1, tiles
    assert tiles.pop().startswith("/tiles/reports/")


def test_tiles_kept_out_of_sight_are_true_when_one_comes_back(service, opened):
    page = looking_at(opened(service, size=DESKTOP), LON, LAT, 16)
    page.evaluate("document.querySelector('.map').engine.panBy([1300, 0], { duration: 0 })")
    settled(page)
    code = send(service, lon=LON - 0.0007, lat=LAT + 0.0002)
    page.wait_for_timeout(3_500)
    page.evaluate("document.querySelector('.map').engine.panBy([-1300, 0], { duration: 0 })")
    until(page, lambda: page.evaluate(RENDERED, [code]), bool)


def test_a_stream_goes_on_where_it_was_when_the_map_moves_away(service, opened):
    page = looking_at(opened(service, size=DESKTOP), LON, LAT, 16)
    first = len(streams(page))
    code = send(service, lon=LON, lat=LAT + 0.0004)
    # Heard of, so that the stream has a number to go on from.
    until(page, lambda: page.evaluate(RENDERED, [code]), bool)
    far = builders.middle(0)
    jump = "(center) => { document.querySelector('.map').engine.jumpTo({ center }); }"

    # A map that lost its drawing just then is made anew where it was.
    def streams_there() -> int:
        page.evaluate(jump, list(far))
        return len(streams(page))

    until(page, streams_there, lambda n: n > first)
    asked = parse_qs(urlsplit(streams(page)[-1].url).query)
    west, south, east, north = map(float, asked["bbox"][0].split(","))
    assert west < far[0] < east
    assert south < far[1] < north
    assert int(asked["last_event_id"][0]) > 0
    code = send(service, lon=far[0] + 0.0003, lat=far[1])
    until(page, lambda: page.evaluate(RENDERED, [code]), bool)


def test_without_a_stream_the_map_asks_now_and_then(service, opened):
    page = opened(service, "/favicon.svg", size=DESKTOP)
    page.route("**/api/v1/live?*", lambda route: route.fulfill(status=503))
    page.goto(service.base)
    drawn(page)
    page.evaluate(
        "(center) => document.querySelector('.map').engine.jumpTo({ center, zoom: 15 })",
        [LON, LAT],
    )
    settled(page)
    code = send(service, lon=LON - 0.002, lat=LAT)
    page.locator(".map[data-live=asking]").wait_for()
    expect(page.get_by_test_id("live")).to_contain_text("Cập nhật mỗi 30 giây")
    # On a slow machine it had asked before the report was sent, and asks again.
    until(page, lambda: page.evaluate(RENDERED, [code]), bool, within_s=45)
    # And goes back to the stream when there is one.
    page.unroute("**/api/v1/live?*")
    page.locator(".map[data-live=live]").wait_for(timeout=30_000)


def test_a_page_nobody_looks_at_lets_its_stream_go_and_catches_up(service, opened):
    code = send(service, lon=LON, lat=LAT)
    page = opened(service, "/favicon.svg")
    page.clock.install()
    page.goto(f"{service.base}/r/{code}")
    page.get_by_test_id("timeline").wait_for()
    ended: list[str] = []
    page.on("requestfailed", lambda r: ended.append(r.url))
    page.on("requestfinished", lambda r: ended.append(r.url))
    until(page, lambda: len(streams(page)), lambda n: n == 1)
    page.wait_for_timeout(500)
    look = "(hidden) => { Object.defineProperty(document, 'hidden', "
    look += "{ configurable: true, get: () => hidden }); "
    look += "document.dispatchEvent(new Event('visibilitychange')); }"
    page.evaluate(look, True)
    page.clock.fast_forward(30_000)
    assert len(streams(page)) == 1
    page.clock.fast_forward(30_000)
    change(service, code, "status = 'in_progress'")
    page.wait_for_timeout(1_000)
    expect(page.locator("main .chip")).to_have_attribute("data-status", "assigned")
    page.evaluate(look, False)
    until(page, lambda: len(streams(page)), lambda n: n == 2)
    assert "last_event_id=" in streams(page)[1].url
    expect(page.locator("main .chip")).to_have_attribute("data-status", "in_progress")


def test_the_page_of_a_report_follows_it_by_itself(service, opened):
    code = send(service, lon=LON, lat=LAT)
    page = opened(service, f"/r/{code}")
    expect(page.locator("main .chip")).to_have_attribute("data-status", "assigned")
    page.wait_for_timeout(1_000)
    change(service, code, "status = 'closed', closed_at = now()")
    expect(page.locator("main .chip")).to_have_attribute("data-status", "closed")
    expect(page.get_by_text("Vừa cập nhật")).to_be_visible()
    assert loads(page) == 1


@pytest.mark.parametrize(("motion", "names"), [("reduce", {"none"}), ("no-preference", {"sign"})])
def test_the_sign_of_a_new_report_stands_still_for_who_wants_no_motion(
    service, opened, motion, names
):
    page = opened(service, size=DESKTOP, reduced_motion=motion)
    looking_at(page, LON, LAT, 15)
    send(service, lon=LON, lat=LAT + 0.002)
    page.locator(".map .sign").wait_for()
    style = "getComputedStyle(document.querySelector('.map .sign'), '::before').animationName"
    assert {re.sub(r"^svelte-\w+-", "", page.evaluate(style))} == names
    # Short: it is gone by itself.
    expect(page.locator(".map .sign")).to_have_count(0)
