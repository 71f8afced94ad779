"""Two crews at one task, the second without a signal: both stand side by side, nothing is lost."""

import pytest
from crewed import (
    ask,
    at_work,
    history,
    kept,
    offline,
    open_task,
    photos,
    press,
    put_crew,
    resolve,
    save,
    some_tasks,
    status,
    waiting,
)
from looking import faults, shoot, small_targets, wider_than_its_window
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def crews(service):
    first, second = put_crew(service, "to-1"), put_crew(service, "to-2")
    ask(service, "UPDATE users SET name = 'Tổ Một' WHERE email = %s", first)
    ask(service, "UPDATE users SET name = 'Tổ Hai' WHERE email = %s", second)
    return first, second


@pytest.fixture
def meet(service, opened, crews):
    """`meet(work)`: both open one task; the second does `work` without a signal and comes back."""

    def met(by_first, by_second, n=1):
        code, *_ = some_tasks(service, n)
        first = at_work(opened, service, crews[0])
        second = at_work(opened, service, crews[1])
        open_task(second, code)
        expect(second.get_by_test_id("history")).to_be_visible()
        offline(second)
        by_second(second, code)
        open_task(first, code)
        by_first(first, code)
        waiting(first, 0)
        second.context.set_offline(False)
        second.locator("[data-view=outbox]").click()
        expect(second.get_by_test_id("conflict")).to_be_visible(timeout=30_000)
        return code, second

    return met


def takes(page, _code):
    press(page, "take")


def all_of_it(page, _code):
    press(page, "take")
    press(page, "start")
    resolve(page, "Đã thông cống, thay lưới", photos=1, inner="Thiếu nắp")


def notes(page, _code):
    press(page, "note")
    page.locator("dialog[open] textarea").fill("Khách đã gọi lại")
    save(page)


def resolves(page, _code):
    press(page, "start")
    resolve(page, "Tổ Một đã làm")


def test_both_stand_side_by_side_and_nothing_was_written(service, meet):
    code, page = meet(resolves, all_of_it)
    mine, now = page.get_by_test_id("mine"), page.get_by_test_id("now")
    for said in ("Nhận việc", "Bắt đầu làm", "Báo đã xong", "Đã thông cống", "Thiếu nắp"):
        expect(mine).to_contain_text(said)
    expect(mine.locator("img")).to_have_count(1)
    expect(now).to_contain_text("Đã xử lý")
    expect(now).to_contain_text("Tổ Một đã làm")
    expect(now).to_contain_text("bởi Tổ Một")
    boxes = mine.bounding_box(), now.bounding_box()
    assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"] + 1
    assert boxes[0]["y"] == boxes[1]["y"]
    waiting(page, 3)
    expect(page.get_by_test_id("strip")).to_contain_text("cần bạn xem")
    assert history(service, code) == ["assigned", "in_progress", "resolved"]
    assert faults(page) == []
    assert small_targets(page) == []
    assert not wider_than_its_window(page)
    page.get_by_test_id("conflict").scroll_into_view_if_needed()
    shoot(page, "crew-conflict-vi-light-phone")
    # It stays until somebody chooses, whatever happens to the page.
    page.reload()
    expect(page.get_by_test_id("conflict")).to_be_visible()
    waiting(page, 3)
    # Nothing of it can be done any more, and that is said, not offered.
    expect(page.get_by_test_id("conflict")).to_contain_text("không còn thao tác nào")
    expect(page.get_by_role("button", name="Làm lại trên hiện trạng")).to_have_count(0)


def test_what_was_done_is_kept_as_a_note_word_for_word_and_shot_for_shot(service, meet):
    code, page = meet(resolves, all_of_it)
    expect(page.get_by_test_id("conflict")).to_contain_text("mọi người xem được")
    # Whatever becomes of it, a photo can be saved.
    with page.expect_download() as saved:
        page.get_by_role("link", name="Lưu ảnh 1 về máy").click()
    assert saved.value.path().stat().st_size > 1000
    # Tapped twice, it is done once.
    page.get_by_role("button", name="Giữ thành ghi chú").dblclick()
    waiting(page, 0)
    assert history(service, code) == ["assigned", "in_progress", "resolved", *["note"] * 3]
    said = ask(
        service,
        "SELECT string_agg(text_vi, ' ') FROM report_events AS e JOIN reports AS r"
        " ON r.id = report_id WHERE code = %s AND e.kind = 'note'",
        code,
    )[0][0]
    for part in ("Nhận việc", "Bắt đầu làm", "Đã thông cống, thay lưới", "Thiếu nắp"):
        assert part in said
    assert photos(service, code) == 1
    assert kept(page, "photos") == 0


def test_it_is_done_again_on_top_of_what_is_now(service, meet):
    """Somebody wrote a note meanwhile: all of it still can be done."""
    code, page = meet(notes, all_of_it)
    expect(page.get_by_test_id("now")).to_contain_text("Khách đã gọi lại")
    expect(page.get_by_test_id("conflict")).to_contain_text(
        "Sẽ làm: Nhận việc, Bắt đầu làm, Báo đã xong"
    )
    page.get_by_role("button", name="Làm lại trên hiện trạng").click()
    waiting(page, 0)
    told = ["assigned", "note", "taken", "in_progress", "resolved", "note"]
    assert history(service, code) == told
    assert photos(service, code) == 1


def test_a_move_tapped_twice_is_done_once_and_not_the_next_instead(service, opened, crews):
    (code,) = some_tasks(service, 1)
    page = at_work(opened, service, crews[0])
    open_task(page, code)
    offline(page)
    page.locator("main [data-move=take]").dblclick()
    expect(page.locator("main [data-move=take]")).to_have_count(0)
    waiting(page, 1)
    page.context.set_offline(False)
    waiting(page, 0)
    assert history(service, code) == ["assigned", "taken"]


def test_dropping_is_asked_twice_and_takes_only_that_task_s(service, meet):
    code, page = meet(takes, takes)
    drop = page.get_by_role("button", name="Bỏ của tôi")
    drop.click()
    expect(page.get_by_role("button", name="Không", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(drop).to_be_focused()
    waiting(page, 1)
    drop.click()
    page.get_by_role("button", name="Bỏ hẳn").click()
    waiting(page, 0)
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    assert history(service, code) == ["assigned", "taken"]


def test_a_conflict_stops_its_own_task_alone(service, meet):
    def two(page, code):
        all_of_it(page, code)
        (other,) = {each.get_attribute("data-task") for each in listed(page)} - {code}
        open_task(page, other)
        press(page, "take")

    def listed(page):
        page.locator("[data-view=list]").click()
        return page.locator("[data-task]").all()

    code, page = meet(resolves, two, n=2)
    waiting(page, 3)
    assert status(service, code) == "resolved"
    assert ask(service, "SELECT count(*) FROM reports WHERE holder_id IS NOT NULL")[0][0] == 1


def test_what_went_to_another_organisation_is_refused_and_kept(service, opened, crews):
    (code,) = some_tasks(service, 1)
    page = at_work(opened, service, crews[1])
    open_task(page, code)
    offline(page)
    press(page, "take")
    ask(
        service,
        "UPDATE reports SET ward_id = (SELECT id FROM wards WHERE code = '90006'), organisation_id"
        " = (SELECT max(id) FROM organisations) WHERE code = %s",
        code,
    )
    page.context.set_offline(False)
    page.locator("[data-view=outbox]").click()
    expect(page.get_by_test_id("refused")).to_contain_text("không còn thuộc đơn vị")
    # The service's own words, too, in the language of the page.
    expect(page.get_by_test_id("refused")).to_contain_text("Tài khoản này không được làm việc này.")
    waiting(page, 1)
