"""A round trip without a signal: planned on the phone, in the order that the service would say."""

import random

import pytest
from crewed import (
    LAT,
    LON,
    ask,
    at_work,
    offline,
    put_crew,
    some_tasks,
    worker_ready,
)
from looking import faults, shoot, small_targets, wider_than_its_window
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

TOUR = "**/api/v1/tasks/tour"
STOPS = """() => [...document.querySelectorAll('[data-testid=stops] a[href^="/crew"]')]
  .map((link) => new URL(link.href).searchParams.get('task'))"""


@pytest.fixture(scope="module")
def crew(service):
    return put_crew(service, "to-1")


def scattered(service, n, seed):
    """Tasks at any places of the ward."""
    codes = some_tasks(service, n)
    rng = random.Random(seed)
    for code in codes:
        lon, lat = LON + rng.uniform(-0.02, 0.02), LAT + rng.uniform(-0.02, 0.02)
        moved = "UPDATE reports SET geom = ST_SetSRID(ST_MakePoint(%s, %s), 4326) WHERE code = %s"
        ask(service, moved, lon, lat, code)
    return codes


def choose_all(page):
    """Check every task; what each says, in the order in which they were checked."""
    page.locator("[data-view=trip]").click()
    boxes = page.locator("main input[type=checkbox]")
    boxes.first.wait_for()
    for n in range(boxes.count()):
        boxes.nth(n).check()
    return page.locator("main .choice .cut").all_text_contents()


@pytest.mark.parametrize(("n", "seed"), [(1, 1), (12, 2), (30, 3), (30, 4)])
def test_the_phone_finds_the_service_s_order(service, opened, crew, n, seed):
    codes = scattered(service, n, seed)
    by_text = {f"Việc số {k + 1}": code for k, code in enumerate(codes)}
    page = at_work(opened, service, crew)
    given = [by_text[text] for text in choose_all(page)]
    assert sorted(given) == sorted(codes)
    answer = page.request.post(
        f"{service.base}/api/v1/tasks/tour",
        data={"lon": LON, "lat": LAT, "codes": given},
        headers={"Pinward-Request": "1"},
    )
    way, *stops = answer.json()["features"]
    offline(page)
    page.locator("main button.go").click()
    expect(page.get_by_test_id("here")).to_contain_text("máy đã tự xếp")
    assert page.evaluate(STOPS) == [stop["properties"]["code"] for stop in stops]
    trip = page.evaluate("() => JSON.parse(localStorage.getItem('pinward.crew.trip')).trip")
    there = way["properties"]
    assert trip["length_m"] == pytest.approx(there["length_m"], rel=1e-4)
    assert trip["back_m"] == pytest.approx(there["back_m"], rel=1e-4)
    assert trip["line"] == way["geometry"]["coordinates"]


def test_a_trip_is_planned_and_kept_without_a_signal_and_says_so(service, opened, crew):
    some_tasks(service, 3)
    page = at_work(opened, service, crew, service_workers="allow")
    worker_ready(page)
    offline(page)
    page.goto(f"{service.base}/crew?view=trip")
    choose_all(page)
    page.locator("main button.go").click()
    expect(page.get_by_test_id("here")).to_be_visible()
    assert faults(page) == []
    assert small_targets(page) == []
    assert not wider_than_its_window(page)
    shoot(page, "crew-trip-here-vi-light-phone")
    page.reload()
    expect(page.get_by_test_id("here")).to_be_visible()
    expect(page.get_by_test_id("stops").locator("li")).to_have_count(3)
    # With a signal again the service is asked, and it is its own order.
    offline(page, away=False)
    page.get_by_role("button", name="Chọn lại").click()
    page.locator("main button.go").click()
    expect(page.get_by_test_id("stops").locator("li")).to_have_count(3)
    expect(page.get_by_test_id("here")).to_have_count(0)


def test_a_service_that_does_not_answer_is_not_waited_for(service, opened, crew):
    some_tasks(service, 2)
    page = at_work(opened, service, crew)
    page.route(TOUR, lambda route: None)
    choose_all(page)
    page.locator("main button.go").click()
    expect(page.get_by_test_id("here")).to_be_visible(timeout=20_000)
