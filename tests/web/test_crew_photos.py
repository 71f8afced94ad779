"""Photos of tasks without a signal: kept for who may see them, as they are now, not for ever."""

import pytest
from crewed import (
    ask,
    at_work,
    by_dialog,
    give_photos,
    offline,
    open_task,
    pictures,
    put_crew,
    row,
    sign_in,
    sign_out,
    some_tasks,
    tell,
    worker_ready,
)
from looking import faults, shoot, small_targets, wider_than_its_window
from playwright.sync_api import expect
from watching import until

pytestmark = pytest.mark.browser

PHOTO = "**/api/v1/reports/*/photos/*"
MOST = 150


@pytest.fixture(scope="module")
def crew(service):
    return put_crew(service, "to-1")


def has(page, *wanted):
    until(page, lambda: sorted(pictures(page)), lambda found: found == sorted(wanted), 120)


def widths(page):
    """How wide the pictures of the open task are."""
    return page.get_by_test_id("photos").evaluate(
        "it => [...it.querySelectorAll('img')].map((image) => image.naturalWidth)"
    )


def shows(page, *wanted):
    until(page, lambda: widths(page), lambda found: found == list(wanted))


def test_photos_are_seen_without_a_signal_after_the_list_was(service, opened, crew):
    one, two = some_tasks(service, 2)
    give_photos(service, one, 320, 300)
    give_photos(service, two, 1600)
    page = at_work(opened, service, crew, service_workers="allow")
    worker_ready(page)
    has(page, f"{one}/1", f"{one}/2", f"{two}/1")
    offline(page)
    page.goto(f"{service.base}/crew")
    open_task(page, one)
    shows(page, 320, 300)
    page.get_by_role("button", name="Ảnh 2 của phản ánh").click()
    large = page.locator("dialog[open] img")
    until(page, lambda: large.evaluate("it => it.naturalWidth"), lambda wide: wide == 300)
    assert faults(page) == []
    page.locator("dialog[open]").get_by_role("button", name="Đóng").click()
    shoot(page, "crew-photos-offline-vi-light-phone")
    assert faults(page) == []
    assert small_targets(page) == []
    assert not wider_than_its_window(page)
    # Small ones are enough where there is no signal.
    open_task(page, two)
    shows(page, 1280)
    assert page.complaints == []


def test_what_was_kept_is_not_asked_for_again_until_the_report_changes(service, opened, crew):
    (code,) = some_tasks(service, 1)
    give_photos(service, code, 320)
    page = at_work(opened, service, crew)
    has(page, f"{code}/1")
    page.reload()
    open_task(page, code)
    shows(page, 320)

    def asked():
        return [each for each in page.asked if "/photos/" in each.url]

    assert len(asked()) == 1
    tell(service, code)
    page.reload()
    shows(page, 320)
    # It was the same: nothing but that was told.
    until(page, lambda: len(asked()), lambda n: n == 2)
    assert asked()[-1].response().status == 304


def test_a_photo_that_was_covered_or_hidden_is_not_shown_as_it_was(service, opened, crew):
    one, two = some_tasks(service, 2)
    give_photos(service, one, 320, 300)
    give_photos(service, two, 340)
    page = at_work(opened, service, crew)
    has(page, f"{one}/1", f"{one}/2", f"{two}/1")
    offline(page)
    covered = "(SELECT sha256 FROM photos WHERE width = 340)"
    ask(service, f"UPDATE photos SET sha256 = {covered} WHERE width = 320")
    ask(service, "UPDATE photos SET hidden = true WHERE width = 300")
    tell(service, one)
    open_task(page, one)
    # Nobody can know that here.
    shows(page, 320, 300)
    offline(page, away=False)
    shows(page, 340)
    has(page, f"{one}/1", f"{two}/1")


def test_a_photo_that_one_may_not_see_any_more_goes_from_the_device(service, opened, crew):
    (code,) = some_tasks(service, 1)
    give_photos(service, code, 320)
    page = at_work(opened, service, crew)
    has(page, f"{code}/1")
    page.route(PHOTO, lambda route: route.fulfill(status=403, json={"title": "no"}))
    tell(service, code)
    open_task(page, code)
    expect(page.locator("main")).to_contain_text("Ảnh chưa tải được")
    assert pictures(page) == []


def test_who_signs_out_leaves_no_photo_for_the_next(service, opened, crew):
    (code,) = some_tasks(service, 1)
    give_photos(service, code, 320)
    page = at_work(opened, service, crew)
    has(page, f"{code}/1")
    # On the citizens' page, while the crews' is open as well.
    other = page.context.new_page()
    other.goto(service.base)
    expect(other.locator("header .staff")).to_contain_text("Người Thử")
    sign_out(other)
    page.locator("main").get_by_role("button", name="Đăng nhập").wait_for()
    has(page)


def test_another_account_s_photos_go_before_the_list_comes(service, opened, crew):
    """Without anybody having signed out: the phone went from hand to hand."""
    (code,) = some_tasks(service, 1)
    give_photos(service, code, 320)
    page = at_work(opened, service, crew)
    has(page, f"{code}/1")
    other = put_crew(service, "to-hai")
    sign_in(page, service, other)
    page.route(PHOTO, lambda route: route.abort())
    page.reload()
    who = "() => JSON.parse(localStorage.getItem('pinward.crew.who')).email"
    until(page, lambda: page.evaluate(who), lambda email: email == other)
    row(page, code).wait_for()
    open_task(page, code)
    expect(page.locator("main")).to_contain_text("Ảnh chưa tải được")
    has(page)


def test_a_sign_in_that_was_ended_takes_the_photos_along(service, opened, crew):
    """As the desk ends that of a phone that was lost."""
    (code,) = some_tasks(service, 1)
    give_photos(service, code, 320)
    page = at_work(opened, service, crew)
    has(page, f"{code}/1")
    ask(service, "DELETE FROM sessions")
    page.get_by_role("button", name="Tải lại").click()
    page.get_by_test_id("ended").wait_for()
    has(page)
    page.get_by_test_id("ended").get_by_role("button").click()
    by_dialog(page, crew)
    has(page, f"{code}/1")


def test_no_more_are_kept_than_the_bound_the_nearest_first(service, opened, crew):
    near, far = some_tasks(service, 2)
    give_photos(service, far, 320)
    give_photos(service, near, 280)
    more = (
        "INSERT INTO photos (report_id, n, sha256, media_type, width, height) SELECT report_id,"
        " k, sha256, media_type, width, height FROM photos,"
        " generate_series(%s::int, %s::int) AS k WHERE width = 280 AND n = 1"
    )
    ask(service, more, 2, MOST - 1)
    page = at_work(opened, service, crew)
    wanted = [f"{near}/{n}" for n in range(1, MOST)]
    has(page, *wanted, f"{far}/1")
    # One more of the near one: the far one's goes.
    ask(service, more, MOST, MOST)
    page.get_by_role("button", name="Tải lại").click()
    has(page, *wanted, f"{near}/{MOST}")
