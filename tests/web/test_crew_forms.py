"""A form that somebody fills in: no late answer closes it, and none of what they said gets lost."""

import pytest
from crewed import (
    ask,
    at_work,
    history,
    hold,
    kept,
    let_go,
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
    waiting,
)
from looking import faults, shoot
from playwright.sync_api import expect
from watching import until

pytestmark = pytest.mark.browser

SESSION = "**/api/v1/session"
SAID = "Đã làm gì?"
ASKED_AT = "() => JSON.parse(localStorage.getItem('pinward.crew.listed'))?.at"
STILL = "() => window.form.isConnected && document.activeElement.id"


@pytest.fixture(scope="module")
def crew(service):
    return put_crew(service, "to-1")


@pytest.fixture
def at_task(service, opened, crew):
    """`(code, page)`: a task, open whole."""
    (code,) = some_tasks(service, 1)
    page = at_work(opened, service, crew)
    open_task(page, code)
    expect(page.get_by_test_id("history")).to_be_visible()
    return code, page


def resolving(page):
    """Half of what was done is typed, with a photo."""
    press(page, "resolve")
    shoot_one(page, 0)
    page.get_by_label(SAID).fill("Đang làm")
    page.evaluate("() => { window.form = document.querySelector('dialog[open]'); }")


def stays(page):
    """The very same form, with what was typed in hand."""
    assert page.evaluate(STILL) == "move-text"
    page.keyboard.type(" dở")
    expect(page.get_by_label(SAID)).to_have_value("Đang làm dở")
    expect(page.locator("dialog[open] fieldset img")).to_have_count(1)


def known_late(page):
    """The page begins with who it remembers; what it then does is to have the service say who."""
    held = []
    page.route(SESSION, lambda route: held.append(route), times=1)
    page.reload()
    return held


def known(page, held):
    held[0].continue_()
    expect(page.locator("header .staff")).to_have_text("Người Thử")


def ends(page, service):
    """The service says, behind what is open, that nobody is signed in any more."""
    ask(service, "DELETE FROM sessions")
    page.evaluate("() => void dispatchEvent(new Event('online'))")
    page.get_by_test_id("ended").wait_for()


def test_a_service_that_says_late_who_one_is_closes_no_form(service, at_task):
    code, page = at_task
    held = known_late(page)
    resolving(page)
    known(page, held)
    stays(page)
    save(page)
    waiting(page, 0)
    assert history(service, code) == ["assigned", "resolved"]
    assert photos(service, code) == 1


def test_a_sign_in_that_ends_closes_no_form(service, at_task):
    _, page = at_task
    resolving(page)
    ends(page, service)
    stays(page)
    save(page)
    waiting(page, 1)


def test_a_task_that_is_not_listed_any_more_stays_while_it_is_open(service, at_task):
    """Somebody else resolved it while the crew was typing."""
    _, page = at_task
    resolving(page)
    (other,) = some_tasks(service, 1)
    before = page.evaluate(ASKED_AT)
    page.evaluate("() => void dispatchEvent(new Event('online'))")
    until(page, lambda: page.evaluate(ASKED_AT), lambda at: at != before)
    stays(page)
    page.locator("dialog[open] .round").click()
    # Left, it goes with the next list.
    page.locator("[data-view=list]").click()
    page.get_by_role("button", name="Tải lại").click()
    tasks = page.get_by_test_id("tasks").locator("[data-task]")
    expect(tasks).to_have_count(1)
    expect(tasks).to_have_attribute("data-task", other)


def test_what_was_ticked_for_a_trip_stays(service, opened, crew):
    some_tasks(service, 3)
    page = at_work(opened, service, crew)
    page.locator("[data-view=trip]").click()
    held = known_late(page)
    boxes = page.locator("main input[type=checkbox]")
    expect(boxes).to_have_count(3)
    for n in (0, 2):
        boxes.nth(n).check()
    go = page.locator("main button.go")
    known(page, held)
    expect(go).to_contain_text("(2)")
    ends(page, service)
    expect(boxes).to_have_count(3)
    expect(go).to_contain_text("(2)")


def test_what_is_taken_back_is_a_draft_again_with_its_photos(service, at_task):
    """To mend a word, one undoes it: the words, the note and the photos are there to be mended."""
    code, page = at_task
    offline(page)
    resolve(page, "Đã thông cóng", photos=2, inner="Nên quay lại")
    waiting(page, 1)
    page.get_by_test_id("strip").get_by_role("button", name="Hoàn tác").click()
    waiting(page, 0)
    press(page, "resolve")
    expect(page.get_by_label(SAID)).to_have_value("Đã thông cóng")
    expect(page.get_by_label("Ghi chú nội bộ")).to_have_value("Nên quay lại")
    expect(page.locator("dialog[open] fieldset img")).to_have_count(2)
    page.get_by_label(SAID).fill("Đã thông cống")
    save(page)
    offline(page, away=False)
    waiting(page, 0)
    assert history(service, code) == ["assigned", "resolved", "note"]
    assert photos(service, code) == 2
    until(page, lambda: (kept(page, "photos"), kept(page, "drafts")), lambda n: n == (0, 0))


def test_what_is_taken_back_joins_what_was_begun_since(at_task):
    _, page = at_task
    offline(page)
    note(page, "Cần thang", photos=1)
    press(page, "note")
    shoot_one(page, 0)
    page.locator("dialog[open] textarea").fill("Thiếu đèn")
    page.locator("dialog[open] .round").click()
    page.get_by_test_id("pending").get_by_role("button", name="Hoàn tác").click()
    waiting(page, 0)
    press(page, "note")
    expect(page.locator("dialog[open] textarea")).to_have_value("Cần thang\nThiếu đèn")
    expect(page.locator("dialog[open] fieldset img")).to_have_count(2)


def test_a_form_that_is_being_saved_takes_nothing_it_would_lose(at_task):
    _, page = at_task
    offline(page)
    resolving(page)
    hold(page)
    button = page.locator("dialog[open] button.main")
    button.click()
    expect(button).to_have_text("Đang lưu…")
    for label in (SAID, "Ghi chú nội bộ"):
        expect(page.get_by_label(label)).not_to_be_editable()
    page.get_by_label(SAID).focus()
    page.keyboard.type(" dở")
    expect(page.get_by_role("button", name="Bỏ ảnh 1")).to_be_disabled()
    expect(page.locator("dialog[open] input[capture]")).to_be_disabled()
    shoot(page, "crew-saving-vi-light-phone")
    assert faults(page) == []
    shown = page.get_by_label(SAID).input_value()
    let_go(page)
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(page.get_by_test_id("pending")).to_contain_text(shown)
    assert kept(page, "photos") == 1


def test_another_move_pressed_while_the_device_writes_has_its_turn(at_task):
    _, page = at_task
    offline(page)
    hold(page)
    # Tapped twice it is the same tap; another one is meant.
    page.locator("main [data-move=take]").dblclick()
    page.locator("main [data-move=resolve]").click()
    let_go(page)
    expect(page.get_by_label(SAID)).to_be_visible()
    waiting(page, 1)
    assert kept(page, "actions") == 1
