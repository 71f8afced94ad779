"""Two periods are compared like with like, also while one of them is not over."""

import pytest
from drawn import put_reports
from looking import faults, shoot
from planned import counted, fill
from playwright.sync_api import Page, expect

import builders

pytestmark = pytest.mark.browser

DESKTOP = {"width": 1280, "height": 800}
# In the middle of a quarter, and of a day in Vietnam.
NOW = "2026-05-15T05:00:00Z"
QUARTER = "since=2026-04-01&until=2026-06-30"
LOCAL = "(r.created_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date BETWEEN"


@pytest.fixture(scope="module", autouse=True)
def _city(service):
    fill(service.url)


def comparing(opened, service, query: str, now: str = NOW) -> Page:
    page = opened(service, "/plan?tab=compare", size=DESKTOP)
    page.clock.set_fixed_time(now)
    page.goto(f"{service.base}/plan?tab=compare&{query}")
    page.locator("[name=one-since]").wait_for()
    return page


def compared(page: Page) -> tuple[str, str]:
    row = page.locator("[data-row=all]")
    row.wait_for()
    return tuple(row.locator(f"[data-key={side}]").inner_text() for side in ("one", "two"))


def of(service, since: str, until: str) -> str:
    return str(counted(service.url, f"{LOCAL} '{since}' AND '{until}'"))


@pytest.mark.parametrize(
    ("query", "running"),
    [
        (f"{QUARTER}&vs_since=2026-01-01&vs_until=2026-03-31", "one"),
        ("since=2026-01-01&until=2026-03-31&vs_since=2026-04-01&vs_until=2026-06-30", "two"),
    ],
)
def test_of_two_quarters_only_as_many_days_are_counted_as_are_over(service, opened, query, running):
    page = comparing(opened, service, query)
    # 45 days, of both.
    sides = [of(service, "2026-04-01", "2026-05-15"), of(service, "2026-01-01", "2026-02-14")]
    assert compared(page) == tuple(sides if running == "one" else sides[::-1])
    name = {"one": "Kỳ này", "two": "Kỳ trước"}[running]
    note = page.get_by_text(f"{name} chưa kết thúc nên chỉ tính đến hôm nay, 15/5/2026.")
    expect(note).to_contain_text("cũng chỉ tính 45 ngày đầu")
    # What was asked for stays in the fields; what is counted is the tables' heading.
    expect(page.locator(f"[name={running}-until]")).to_have_value("2026-06-30")
    expect(page.locator("#tab-panel thead")).to_contain_text("1/4/2026 – 15/5/2026")
    expect(page.locator("#tab-panel thead")).to_contain_text("1/1/2026 – 14/2/2026")
    shoot(page, f"plan-compare-running-{running}")
    assert faults(page) == []


def test_a_month_that_is_not_over_leaves_a_whole_year_whole(service, opened):
    query = "since=2026-05-01&until=2026-05-31&vs_since=2025-05-01&vs_until=2026-04-30"
    page = comparing(opened, service, query)
    assert compared(page) == (
        of(service, "2026-05-01", "2026-05-15"),
        of(service, "2025-05-01", "2026-04-30"),
    )
    note = page.get_by_text("Kỳ này chưa kết thúc nên chỉ tính đến hôm nay, 15/5/2026.")
    expect(note).not_to_contain_text("ngày đầu")


def test_with_no_period_to_compare_with_it_is_as_many_days_before(service, opened):
    page = comparing(opened, service, QUARTER)
    assert compared(page) == (
        of(service, "2026-04-01", "2026-05-15"),
        of(service, "2026-02-15", "2026-03-31"),
    )


def test_today_counts_in_a_verdict_as_the_part_of_it_that_is_over(service, opened):
    """Twelve in the first hour are more than forty in the whole day before."""
    place = builders.middle(5)
    put_reports(service.url, [place] * 40, created_at="2025-03-10T05:00:00Z")
    put_reports(service.url, [place] * 12, created_at="2025-03-10T17:30:00Z")
    query = "since=2025-03-11&until=2025-03-11&vs_since=2025-03-10&vs_until=2025-03-10"
    page = comparing(opened, service, query, now="2025-03-10T18:00:00Z")
    assert compared(page) == ("12", "40")
    expect(page.locator("[data-row=all] [data-key=verdict]")).to_have_text("tăng rõ")
    # Of the same two days, once both are over, it is the other way round.
    page = comparing(opened, service, query)
    expect(page.locator("[data-row=all] [data-key=verdict]")).to_have_text("giảm rõ")


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("since=2026-06-01&until=2026-06-30", "Kỳ này"),
        (f"{QUARTER}&vs_since=2026-07-01&vs_until=2026-07-31", "Kỳ trước"),
    ],
)
def test_a_period_that_has_not_begun_is_told_and_not_compared(service, opened, query, name):
    page = comparing(opened, service, query)
    expect(page.get_by_text(f"{name} chưa bắt đầu nên chưa có gì để so sánh.")).to_be_visible()
    assert page.locator("#tab-panel table").count() == 0


def test_periods_that_are_over_say_nothing_of_it(service, opened):
    page = comparing(opened, service, "since=2026-04-01&until=2026-04-30")
    compared(page)
    assert page.get_by_text("chưa kết thúc").count() == 0
