"""Notes with photos and photos without words, before, during and after the work."""

import pytest
from crewed import (
    ask,
    at_work,
    history,
    kept,
    note,
    offline,
    open_task,
    photos,
    press,
    put_crew,
    resolve,
    save,
    shoot_one,
    some_tasks,
    status,
    waiting,
)
from looking import faults, shoot, small_targets, wider_than_its_window
from playwright.sync_api import expect
from watching import until

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def crew(service):
    return put_crew(service, "to-1")


def notes(service, code):
    """What the notes of a report say."""
    return ask(
        service,
        "SELECT text_vi, data -> 'photos', public FROM report_events AS e JOIN reports AS r"
        " ON r.id = report_id WHERE code = %s AND e.kind = 'note' ORDER BY e.id",
        code,
    )


def test_photos_before_and_after_go_with_notes_or_alone(service, opened, crew):
    (code,) = some_tasks(service, 1)
    page = at_work(opened, service, crew)
    open_task(page, code)
    press(page, "note")
    expect(page.locator("dialog[open]")).to_contain_text("Chỉ cán bộ đọc được")
    expect(page.locator("dialog[open] fieldset")).to_contain_text("mọi người xem được")
    # Neither words nor a photo: nothing to keep.
    page.locator("dialog[open] button.main").click()
    expect(page.locator("dialog[open]")).to_contain_text("Hãy ghi vài lời hoặc thêm ảnh")
    shoot(page, "crew-note-vi-light-phone")
    assert faults(page) == []
    assert small_targets(page) == []
    assert not wider_than_its_window(page)
    page.locator("dialog[open] .round").click()
    note(page, "Trước khi làm", photos=2)
    waiting(page, 0)
    note(page, "", photos=1)
    waiting(page, 0)
    assert notes(service, code) == [
        ("Trước khi làm", [1, 2], False),
        ("Đã thêm ảnh.", [3], False),
    ]
    assert status(service, code) == "assigned"
    expect(page.get_by_test_id("photos").locator("img")).to_have_count(3)
    expect(page.get_by_test_id("history")).to_contain_text("Kèm ảnh 1, 2")
    assert kept(page, "photos") == 0
    assert page.complaints == []


def test_without_a_signal_they_wait_in_their_order_and_arrive_once(service, opened, crew):
    (code,) = some_tasks(service, 1)
    page = at_work(opened, service, crew)
    open_task(page, code)
    offline(page)
    note(page, "", photos=1)
    press(page, "start")
    press(page, "wait")
    page.get_by_label("Vì sao phải chờ?").fill("Chờ xe cẩu")
    shoot_one(page, 0)
    save(page)
    resolve(page, "Xong", photos=1)
    waiting(page, 4)
    expect(page.get_by_test_id("pending").locator("img")).to_have_count(3)
    page.context.set_offline(False)
    waiting(page, 0)
    told = ["assigned", "note", "in_progress", "waiting", "resolved"]
    assert history(service, code) == told
    assert photos(service, code) == 3


def test_a_photo_that_is_refused_is_mended_and_the_words_go(service, opened, crew):
    """What the report showed was deleted meanwhile: it takes words, and no photos."""
    (code,) = some_tasks(service, 1)
    page = at_work(opened, service, crew)
    open_task(page, code)
    offline(page)
    note(page, "Đã tới xem", photos=1)
    ask(service, "UPDATE reports SET content_gone_at = now() WHERE code = %s", code)
    page.context.set_offline(False)
    page.locator("[data-view=outbox]").click()
    refused = page.get_by_test_id("refused")
    expect(refused).to_contain_text("Có ảnh không nhận được", timeout=30_000)
    # It can be saved before it is let go.
    expect(page.get_by_role("link", name="Lưu ảnh 1 về máy")).to_be_visible()
    refused.get_by_role("button", name="Sửa").click()
    page.get_by_role("button", name="Bỏ ảnh 1").click()
    page.locator("dialog[open] textarea").fill("Đã tới xem, chưa ngập")
    # What was mended by half stays so, and what is in the outbox as it is.
    page.reload()
    expect(page.get_by_role("link", name="Lưu ảnh 1 về máy")).to_be_visible()
    refused.get_by_role("button", name="Sửa").click()
    expect(page.locator("dialog[open] textarea")).to_have_value("Đã tới xem, chưa ngập")
    expect(page.locator("dialog[open] fieldset li")).to_have_count(0)
    page.locator("dialog[open] button.main").click()
    waiting(page, 0)
    said = [("Đã tới xem, chưa ngập", None, False)]
    until(page, lambda: notes(service, code), lambda n: n == said)
    assert kept(page, "photos") == kept(page, "drafts") == 0
