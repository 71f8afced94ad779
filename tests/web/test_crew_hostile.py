"""What the street does to a phone: an empty battery, a signal that comes and goes, a wrong clock,
no room left. Nothing typed or shot is lost without being told."""

from datetime import UTC, datetime, timedelta

import pytest
from crewed import (
    a_photo,
    ask,
    at_work,
    give_photos,
    history,
    kept,
    note,
    offline,
    open_task,
    photos,
    pictures,
    press,
    put_crew,
    resolve,
    row,
    save,
    shoot_one,
    some_tasks,
    waiting,
)
from looking import faults, shoot
from playwright.sync_api import expect
from watching import until

pytestmark = pytest.mark.browser

ACTIONS = "**/api/v1/tasks/actions"


@pytest.fixture(scope="module")
def crew(service):
    return put_crew(service, "to-1")


def refuse(page):
    """From now on the device writes nothing down."""
    page.evaluate(
        """() => {
          window.put ??= IDBObjectStore.prototype.put;
          IDBObjectStore.prototype.put = () => {
            throw new DOMException('full', 'QuotaExceededError');
          };
        }"""
    )


def test_a_battery_that_dies_amid_the_sending_does_nothing_twice(service, opened, crew):
    """The service has done what was sent, and nobody is there to hear of it."""
    codes = some_tasks(service, 3)
    page = at_work(opened, service, crew)
    offline(page)
    for code in codes:
        open_task(page, code)
        press(page, "take")
        resolve(page, "Xong", photos=1)
    waiting(page, 6)
    done = []

    def answer_to_nobody(route):
        done.append(route.fetch().status)

    page.route(ACTIONS, answer_to_nobody)
    page.context.set_offline(False)
    until(page, lambda: done, lambda found: found == [200], 120)
    second = page.context.new_page()
    page.close()
    second.goto(f"{service.base}/crew")
    until(second, lambda: kept(second, "actions"), lambda n: n == 0, 120)
    for code in codes:
        assert history(service, code) == ["assigned", "taken", "resolved"]
        assert photos(service, code) == 1
    assert kept(second, "photos") == 0


def test_a_signal_that_comes_and_goes_all_the_time_sends_each_thing_once(service, opened, crew):
    codes = some_tasks(service, 5)
    page = at_work(opened, service, crew)
    offline(page)
    for code in codes:
        open_task(page, code)
        press(page, "take")
        note(page, "Đã tới", photos=1)
        resolve(page, "Xong", photos=1)
    waiting(page, 15)
    for away in [False, True] * 8:
        page.context.set_offline(away)
        page.wait_for_timeout(300)
    page.context.set_offline(False)
    waiting(page, 0)
    for code in codes:
        assert history(service, code) == ["assigned", "taken", "note", "resolved"]
        assert photos(service, code) == 2
    assert kept(page, "photos") == 0


@pytest.mark.parametrize("days", [-1, 1])
def test_a_clock_that_is_wrong_by_a_day_is_not_believed(service, opened, crew, days):
    """What is late, and when something was done, go by the service's clock."""
    (code,) = some_tasks(service, 1)
    ask(service, "UPDATE reports SET due_at = now() + interval '10 hours' WHERE code = %s", code)
    page = at_work(opened, service, crew)
    page.clock.install(time=datetime.now(UTC) + timedelta(days=days))
    page.reload()
    row(page, code).wait_for()
    off = "(JSON.parse(localStorage.getItem('pinward.crew.clock'))?.off ?? 0) / 86_400_000"
    until(page, lambda: round(page.evaluate(off)), lambda found: found == days)
    # The clock that was heard of counts from the start, also without a signal.
    page.reload()
    expect(row(page, code).locator("[data-due]")).not_to_have_attribute("data-due", "late")
    open_task(page, code)
    expect(page.get_by_test_id("history")).to_be_visible()
    offline(page)
    press(page, "take")
    waiting(page, 1)
    page.context.set_offline(False)
    waiting(page, 0)
    assert_taken_now(service, code)


@pytest.mark.parametrize("days", [-1, 1])
def test_a_clock_that_was_put_right_without_a_signal_is_believed(service, opened, crew, days):
    """How far it was off does not hold any more."""
    (code,) = some_tasks(service, 1)
    page = at_work(opened, service, crew)
    page.clock.install(time=datetime.now(UTC) + timedelta(days=days))
    page.reload()
    open_task(page, code)
    expect(page.get_by_test_id("history")).to_be_visible()
    offline(page)
    page.clock.set_system_time(datetime.now(UTC))
    press(page, "take")
    waiting(page, 1)
    page.context.set_offline(False)
    waiting(page, 0)
    assert_taken_now(service, code)


def assert_taken_now(service, code):
    """By when it says that it was done, and when it was told."""
    told = ask(
        service,
        "SELECT e.at, e.data ->> 'done_at' FROM report_events AS e JOIN reports AS r"
        " ON r.id = e.report_id WHERE code = %s AND e.kind = 'taken'",
        code,
    )
    for at in (told[0][0], datetime.fromisoformat(told[0][1])):
        assert abs(at - datetime.now(UTC)) < timedelta(minutes=3)


def test_a_draft_comes_back_from_a_battery_that_died(service, opened, crew):
    """Which takes what the browser had not brought to disk: that is localStorage."""
    (code,) = some_tasks(service, 1)
    page = at_work(opened, service, crew)
    open_task(page, code)
    press(page, "resolve")
    shoot_one(page, 0)
    page.get_by_label("Đã làm gì?").fill("Đang làm dở")
    until(page, lambda: kept(page, "drafts"), lambda n: n == 1)
    draft = """() => new Promise((done) => {
      const asked = indexedDB.open('pinward');
      asked.onsuccess = () => {
        asked.result.transaction('drafts').objectStore('drafts').getAll().onsuccess = (event) => {
          asked.result.close();
          done(event.target.result[0].text);
        };
      };
    })"""
    until(page, lambda: page.evaluate(draft), lambda said: said == "Đang làm dở")
    page.evaluate(
        "Object.keys(localStorage).filter((key) => key.includes('draft'))"
        ".forEach((key) => localStorage.removeItem(key))"
    )
    page.reload()
    press(page, "resolve")
    expect(page.get_by_label("Đã làm gì?")).to_have_value("Đang làm dở")
    expect(page.locator("dialog[open] fieldset img")).to_have_count(1)
    save(page)
    waiting(page, 0)
    assert photos(service, code) == 1
    # What was done is no draft any more.
    assert kept(page, "drafts") == 0


def test_a_device_without_room_says_so_and_what_was_typed_stays(service, opened, crew):
    (code,) = some_tasks(service, 1)
    page = at_work(opened, service, crew)
    open_task(page, code)
    offline(page)
    refuse(page)
    page.locator("main [data-move=take]").click()
    expect(page.locator("main .bar [role=alert]")).to_contain_text("Máy không lưu được")
    waiting(page, 0)
    press(page, "resolve")
    page.get_by_label("Đã làm gì?").fill("Đã thông cống")
    camera = page.locator("dialog[open] input[capture]")
    camera.set_input_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": a_photo(1)})
    expect(page.locator("dialog[open] fieldset [role=alert]")).to_contain_text("chụp lại")
    page.locator("dialog[open] button.main").click()
    expect(page.locator("dialog[open]")).to_contain_text("Chưa có gì được ghi")
    shoot(page, "crew-full-vi-light-phone")
    assert faults(page) == []
    expect(page.get_by_label("Đã làm gì?")).to_have_value("Đã thông cống")
    page.evaluate("() => { IDBObjectStore.prototype.put = window.put; }")
    shoot_one(page, 0)
    save(page)
    waiting(page, 1)
    page.context.set_offline(False)
    waiting(page, 0)
    assert history(service, code) == ["assigned", "resolved"]
    assert photos(service, code) == 1


def test_a_list_that_cannot_be_kept_says_so(service, opened, crew):
    some_tasks(service, 1)
    page = at_work(opened, service, crew)
    refuse(page)
    page.get_by_role("button", name="Tải lại").click()
    expect(page.locator("main")).to_contain_text("Máy không lưu được danh sách")
    assert faults(page) == []


def test_photos_of_tasks_make_room_for_one_s_own(service, opened, crew):
    (code,) = some_tasks(service, 1)
    give_photos(service, code, 320)
    page = at_work(opened, service, crew)
    until(page, lambda: pictures(page), lambda found: found == [f"{code}/1"])
    open_task(page, code)
    offline(page)
    # As a device that is full but for what can be had again would do it.
    page.evaluate(
        """() => {
          const put = IDBObjectStore.prototype.put;
          const drop = indexedDB.deleteDatabase.bind(indexedDB);
          let full = true;
          IDBFactory.prototype.deleteDatabase = (name) => {
            full = false;
            return drop(name);
          };
          IDBObjectStore.prototype.put = function (...all) {
            if (full) throw new DOMException('full', 'QuotaExceededError');
            return put.apply(this, all);
          };
        }"""
    )
    resolve(page, "Xong", photos=1)
    waiting(page, 1)
    assert pictures(page) == []
    assert kept(page, "photos") == 1


def test_a_device_without_room_sends_all_the_same(service, opened, crew):
    (code,) = some_tasks(service, 1)
    page = at_work(opened, service, crew)
    open_task(page, code)
    offline(page)
    press(page, "take")
    resolve(page, "Xong", photos=1)
    waiting(page, 2)
    refuse(page)
    page.context.set_offline(False)
    waiting(page, 0)
    assert history(service, code) == ["assigned", "taken", "resolved"]
    assert photos(service, code) == 1
