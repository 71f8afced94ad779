"""The crews' page with a signal: finding tasks, opening them, doing them, going round."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from crewed import (
    LAT,
    LON,
    STEP,
    ask,
    at_work,
    by_dialog,
    history,
    kept,
    open_task,
    press,
    put_crew,
    resolve,
    row,
    save,
    shoot_one,
    some_tasks,
    status,
    waiting,
)
from crewed import photos as photos_of
from playwright.sync_api import expect
from staffed import put_user
from watching import until

import builders

pytestmark = pytest.mark.browser

DESKTOP = {"width": 1280, "height": 800}


@pytest.fixture(scope="module")
def crew(service):
    return put_crew(service, "to-1")


def test_whoever_is_not_signed_in_is_told_what_it_is_for_and_signs_in(service, opened, crew):
    some_tasks(service, 2)
    page = opened(service, "/crew", at=(LON, LAT))
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    page.locator("main").get_by_role("button", name="Đăng nhập").click()
    by_dialog(page, crew)
    expect(page.get_by_test_id("tasks").locator("li")).to_have_count(2)
    assert page.complaints == []


def test_an_account_that_is_no_crew_s_is_told_so(service, opened):
    with ThreadPoolExecutor(1) as thread:
        email = thread.submit(put_user, service.url, "planner", name="nhin").result()
    page = opened(service, "/crew")
    page.locator("main").get_by_role("button", name="Đăng nhập").click()
    by_dialog(page, email)
    expect(page.locator("main")).to_contain_text("không dùng được")
    assert not any("/tasks/" in asked.url for asked in page.asked)


def test_the_list_is_by_distance_or_deadline_and_says_how_each_stands(service, opened, crew):
    far, near = some_tasks(
        service,
        2,
        due_at=["2026-11-24T01:00:00Z", "2100-01-01T00:00:00Z"],
        status=["assigned", "assigned"],
    )[::-1]
    page = at_work(opened, service, crew)
    rows = page.get_by_test_id("tasks").locator("a")
    expect(rows).to_have_count(2)
    expect(rows.first).to_have_attribute("data-task", near)
    expect(rows.first).to_contain_text("100 m")
    expect(rows.first.locator("[data-due=late]")).to_contain_text("Quá hạn")
    expect(row(page, far).locator("[data-due=fine]")).to_contain_text("Hạn")
    ask(service, "UPDATE reports SET due_at = '2026-11-23T20:00:00Z' WHERE code = %s", far)
    page.get_by_label("Xếp theo").select_option("deadline")
    expect(rows.first).to_have_attribute("data-task", far)
    assert any("order=deadline" in asked.url for asked in page.asked)


def test_what_one_has_in_hand_is_filtered_and_what_is_another_s_says_whose(service, opened, crew):
    (first, second) = some_tasks(service, 2)
    other = put_crew(service, "to-khac")
    ask(service, "UPDATE users SET name = 'Tổ Hai' WHERE email = %s", other)
    holds = "UPDATE reports SET holder_id = (SELECT id FROM users WHERE email = %s) WHERE code = %s"
    ask(service, holds, other, second)
    page = at_work(opened, service, crew)
    open_task(page, first)
    press(page, "take")
    waiting(page, 0)
    page.get_by_role("button", name="Về danh sách").click()
    expect(row(page, second)).to_contain_text("Tổ Hai đang giữ")
    page.get_by_label("Hiện").select_option("mine")
    expect(page.get_by_test_id("tasks").locator("a")).to_have_count(1)
    expect(row(page, first)).to_contain_text("Bạn đang giữ")
    page.get_by_label("Hiện").select_option("free")
    expect(page.locator("main")).to_contain_text("Không có việc nào khớp")
    # What another has in hand is read, and offers nothing but a note.
    page.get_by_role("button", name="Hiện tất cả").click()
    open_task(page, second)
    expect(page.locator("main")).to_contain_text("Tổ Hai đang giữ việc này")
    moves = page.locator("main [data-move]")
    assert [moves.nth(n).get_attribute("data-move") for n in range(moves.count())] == ["note"]


def test_a_task_is_taken_started_and_resolved_with_photos(service, opened, crew):
    (code,) = some_tasks(service, 1)
    page = at_work(opened, service, crew)
    open_task(page, code)
    expect(page.get_by_test_id("history").locator("li")).to_have_count(1)
    for move in ("take", "start"):
        press(page, move)
    resolve(page, "Đã thông cống", photos=2, inner="Nên quay lại")
    expect(page.get_by_test_id("strip")).to_contain_text("Đã ghi: Báo đã xong")
    waiting(page, 0)
    assert history(service, code) == ["assigned", "taken", "in_progress", "resolved", "note"]
    assert photos_of(service, code) == 2
    assert kept(page, "photos") == 0
    # The page shows it as it is there now.
    expect(page.get_by_test_id("history")).to_contain_text("Đã thông cống")
    expect(page.locator("main .head ~ .facts [data-status=resolved]")).to_be_visible()
    assert page.complaints == []


def test_what_is_missing_is_said_before_anything_is_done(service, opened, crew):
    wanted = "UPDATE categories SET photo_wanted = %s WHERE code = 'drainage.flooding'"
    ask(service, wanted, True)
    try:
        (code,) = some_tasks(service, 1)
        page = at_work(opened, service, crew)
        open_task(page, code)
        press(page, "resolve")
        page.locator("dialog[open] button.main").click()
        expect(page.get_by_label("Đã làm gì?")).to_be_focused()
        page.get_by_label("Đã làm gì?").fill("Đã vá")
        page.locator("dialog[open] button.main").click()
        expect(page.locator("dialog[open]")).to_contain_text("cần ít nhất một ảnh")
        assert history(service, code) == ["assigned"]
        shoot_one(page, 0)
        save(page)
        waiting(page, 0)
        assert status(service, code) == "resolved"
    finally:
        ask(service, wanted, False)


def test_a_form_half_filled_survives_a_reload_with_its_photo(service, opened, crew):
    (code,) = some_tasks(service, 1)
    page = at_work(opened, service, crew)
    open_task(page, code)
    press(page, "resolve")
    page.get_by_label("Đã làm gì?").fill("Đang làm dở")
    shoot_one(page, 0)
    page.reload()
    press(page, "resolve")
    expect(page.get_by_label("Đã làm gì?")).to_have_value("Đang làm dở")
    expect(page.locator("dialog[open] fieldset img")).to_have_count(1)
    save(page)
    waiting(page, 0)
    assert photos_of(service, code) == 1


def test_the_year_is_left_out_where_it_is_the_city_s_own(service, opened, crew):
    """On a phone that still has the year before, as one that comes from far away."""
    (code,) = some_tasks(service, 1, due_at="2027-01-02T05:00:00Z")
    page = at_work(opened, service, crew, timezone_id="America/Los_Angeles")
    page.clock.set_fixed_time("2026-12-31T20:00:00Z")
    page.reload()
    expect(row(page, code).locator("[data-due]")).to_contain_text("2/1")
    expect(row(page, code).locator("[data-due]")).not_to_contain_text("2027")


def test_the_phone_s_back_button_closes_the_task(service, opened, crew):
    (code,) = some_tasks(service, 1)
    page = at_work(opened, service, crew)
    open_task(page, code)
    assert f"task={code}" in page.url
    page.go_back()
    expect(row(page, code)).to_be_visible()


def test_a_trip_over_chosen_tasks_has_its_stops_in_order_and_a_line_on_the_map(
    service, opened, crew
):
    codes = some_tasks(service, 3)
    page = at_work(opened, service, crew, size=DESKTOP)
    page.locator("[data-view=trip]").click()
    for n in (2, 0):
        page.get_by_label(f"Việc số {n + 1}").check()
    page.get_by_role("button", name="Xếp đường (2)").click()
    stops = page.get_by_test_id("stops").locator("li")
    expect(stops).to_have_count(2)
    expect(stops.first).to_contain_text("Việc số")
    page.locator(".map [data-ready=true]").wait_for()
    line = page.evaluate(
        """async () => (await document.querySelector('[data-ready]').engine
          .getSource('crew-trip').getData()).features[0].geometry.coordinates.length"""
    )
    assert line == 4
    # Kept for when there is no signal.
    page.reload()
    expect(stops).to_have_count(2)
    assert len(codes) == 3


def test_a_mark_on_the_map_opens_its_task_by_the_keyboard_too(service, opened, crew):
    (code,) = some_tasks(service, 1)
    page = at_work(opened, service, crew, size=DESKTOP)
    page.locator(".map [data-ready=true]").wait_for()
    page.evaluate(
        "at => document.querySelector('[data-ready]').engine.jumpTo({center: at, zoom: 16})",
        [LON, LAT + STEP],
    )
    drawn = """() => document.querySelector('[data-ready]').engine
      .queryRenderedFeatures({layers: ['crew-marks']}).length"""
    until(page, lambda: page.evaluate(drawn), lambda n: n == 1)
    page.locator(".map canvas").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"Mã {code}")).to_be_visible()
    assert page.complaints == []


def test_the_list_works_where_no_map_can_be_drawn(service, opened, crew):
    (code,) = some_tasks(service, 1)
    page = opened(service, "/crew", size=DESKTOP, at=(LON, LAT))
    page.route("**/styles/**", lambda route: route.abort())
    page.locator("main").get_by_role("button", name="Đăng nhập").click()
    by_dialog(page, crew)
    expect(page.locator("section.map")).to_contain_text("Danh sách vẫn dùng được")
    open_task(page, code)
    press(page, "take")
    waiting(page, 0)
    assert history(service, code) == ["assigned", "taken"]


def test_without_a_position_the_list_is_from_the_middle_of_the_ward(service, opened, crew):
    some_tasks(service, 1)
    page = opened(service, "/crew")
    page.locator("main").get_by_role("button", name="Đăng nhập").click()
    by_dialog(page, crew)
    expect(page.get_by_test_id("tasks").locator("a")).to_contain_text("100 m")
    assert any(f"lon={builders.middle(0)[0]:.2f}"[:10] in asked.url for asked in page.asked)
