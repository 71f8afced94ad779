"""A whole shift without a signal: all of it kept, all of it sent, each thing once."""

import json

import pytest
from crewed import (
    a_photo,
    ask,
    at_work,
    by_dialog,
    history,
    kept,
    note,
    offline,
    open_task,
    photos,
    press,
    put_crew,
    resolve,
    row,
    save,
    sign_in,
    some_tasks,
    status,
    waiting,
    worker_ready,
)
from playwright.sync_api import expect
from watching import until

pytestmark = pytest.mark.browser

ACTIONS = "**/api/v1/tasks/actions"


@pytest.fixture(scope="module")
def crew(service):
    return put_crew(service, "to-1")


def sent_there(page):
    """The bodies of what went to the outbox's address."""
    return [json.loads(each.post_data) for each in page.asked if each.url.endswith("/actions")]


def whole_ones(page):
    """How many tasks the device knows with their history."""
    return page.evaluate(
        """() => new Promise((done) => {
          const asked = indexedDB.open('pinward');
          asked.onsuccess = () => {
            const got = asked.result.transaction('tasks').objectStore('tasks').getAll();
            got.onsuccess = () => {
              asked.result.close();
              done(got.result.filter((task) => task.whole).length);
            };
          };
        })"""
    )


def test_a_shift_without_a_signal_is_in_the_database_exactly_once(service, opened, crew):
    codes = some_tasks(service, 4)
    page = at_work(opened, service, crew, service_workers="allow")
    worker_ready(page)
    expect(page.get_by_test_id("tasks").locator("a")).to_have_count(4)
    # What is said of them whole is asked for beforehand.
    until(page, lambda: whole_ones(page), lambda n: n == 4)
    offline(page)
    # From nothing, as after an empty battery.
    page.goto(f"{service.base}/crew")
    expect(page.get_by_test_id("tasks").locator("a")).to_have_count(4)
    expect(page.get_by_test_id("strip")).to_contain_text("Không có sóng")
    for n, code in enumerate(codes[:3]):
        open_task(page, code)
        expect(page.get_by_test_id("history")).to_be_visible()
        press(page, "take")
        press(page, "start")
        resolve(page, f"Xong {n}", photos=n, inner="Nên quay lại" if n == 2 else "")
    open_task(page, codes[3])
    press(page, "wait")
    page.get_by_label("Vì sao phải chờ?").fill("Chờ xe cẩu")
    save(page)
    waiting(page, 10)
    page.locator("[data-view=list]").click()
    expect(row(page, codes[0])).to_contain_text("Đã làm trên máy, chưa gửi")
    expect(row(page, codes[0]).locator("[data-status=resolved]")).to_be_visible()
    # Reloaded where the task is open: all of it is still there.
    open_task(page, codes[2])
    page.reload()
    expect(page.get_by_test_id("pending").locator("[data-action]")).to_have_count(3)
    expect(page.get_by_test_id("pending").locator("img")).to_have_count(2)
    waiting(page, 10)
    assert kept(page, "photos") == 3
    assert ask(service, "SELECT count(*) FROM report_events WHERE kind = 'taken'")[0][0] == 0
    offline(page, away=False)
    waiting(page, 0)
    for n, code in enumerate(codes[:3]):
        note = ["note"] if n == 2 else []
        assert history(service, code) == ["assigned", "taken", "in_progress", "resolved", *note]
        assert photos(service, code) == n
    assert history(service, codes[3]) == ["assigned", "waiting"]
    assert ask(service, "SELECT count(*) FROM photos")[0][0] == 3
    assert kept(page, "photos") == 0
    assert kept(page, "actions") == 0
    # Once more from nothing: nothing is sent again.
    page.reload()
    waiting(page, 0)
    expect(page.get_by_test_id("history")).to_contain_text("Xong 2")
    assert ask(service, "SELECT count(*) FROM report_events WHERE kind = 'resolved'")[0][0] == 3
    assert page.complaints == []


def test_an_answer_that_gets_lost_does_nothing_twice(service, opened, crew):
    (code,) = some_tasks(service, 1)
    page = at_work(opened, service, crew)
    lost = []

    def lose(route):
        lost.append(route.fetch().status)
        route.abort()

    page.route(ACTIONS, lose, times=1)
    open_task(page, code)
    press(page, "take")
    expect(page.get_by_test_id("pending")).to_contain_text("chưa có trả lời")
    assert lost == [200]
    # It may have arrived: it can not be taken back any more.
    expect(page.get_by_test_id("pending").get_by_role("button", name="Hoàn tác")).to_have_count(0)
    page.locator("[data-view=outbox]").click()
    page.get_by_role("button", name="Gửi ngay").click()
    waiting(page, 0)
    assert history(service, code) == ["assigned", "taken"]
    first, second = sent_there(page)
    assert first == second


def test_what_has_not_been_sent_can_be_taken_back(service, opened, crew):
    (code,) = some_tasks(service, 1)
    page = at_work(opened, service, crew)
    open_task(page, code)
    expect(page.get_by_test_id("history")).to_be_visible()
    offline(page)
    press(page, "take")
    waiting(page, 1)
    page.get_by_test_id("strip").get_by_role("button", name="Hoàn tác").click()
    waiting(page, 0)
    expect(page.locator("main [data-move=take]")).to_be_visible()
    offline(page, away=False)
    expect(page.get_by_test_id("strip")).not_to_contain_text("chờ gửi")
    assert history(service, code) == ["assigned"]


def test_what_one_did_oneself_is_no_conflict_even_before_it_was_looked_at_again(
    service, opened, crew
):
    """The signal is gone right after something was sent; notes stand between the moves."""
    (code,) = some_tasks(service, 1)
    page = at_work(opened, service, crew)
    open_task(page, code)
    expect(page.get_by_test_id("history")).to_be_visible()
    page.route(f"**/api/v1/tasks/{code}", lambda route: route.abort())
    press(page, "take")
    waiting(page, 0)
    offline(page)
    note(page, "Cần thang")
    press(page, "start")
    note(page, "Thiếu đèn")
    resolve(page, "Xong")
    waiting(page, 4)
    page.context.set_offline(False)
    waiting(page, 0)
    told = ["assigned", "taken", "note", "in_progress", "note", "resolved"]
    assert history(service, code) == told


def test_two_pages_of_one_device_send_each_thing_once(service, opened, crew):
    codes = some_tasks(service, 2)
    page = at_work(opened, service, crew)
    second = page.context.new_page()
    second.asked = []
    second.on("request", lambda request: second.asked.append(request))
    second.goto(f"{service.base}/crew")
    row(second, codes[0]).wait_for()
    offline(page)
    for code in codes:
        open_task(page, code)
        press(page, "take")
        resolve(page, "Xong", photos=1)
    waiting(page, 4)
    # The other page knows at once.
    waiting(second, 4)
    page.context.set_offline(False)
    waiting(page, 0)
    waiting(second, 0)
    sent = [
        each["id"] for body in sent_there(page) + sent_there(second) for each in body["actions"]
    ]
    assert len(sent) == len(set(sent)) == 4
    for code in codes:
        assert history(service, code) == ["assigned", "taken", "resolved"]
        assert photos(service, code) == 1


def test_one_that_cannot_be_read_is_set_aside_and_the_others_go(service, opened, crew):
    codes = some_tasks(service, 3)
    page = at_work(opened, service, crew)
    offline(page)
    for code in codes:
        open_task(page, code)
        press(page, "take")
    waiting(page, 3)
    # As a page with a fault would have kept it.
    page.evaluate(
        """code => new Promise((done) => {
          const asked = indexedDB.open('pinward');
          asked.onsuccess = () => {
            const writing = asked.result.transaction('actions', 'readwrite');
            const store = writing.objectStore('actions');
            store.getAll().onsuccess = (event) => {
              const wrong = event.target.result.find((action) => action.code === code);
              store.put({...wrong, move: 'no-such-move'});
            };
            writing.oncomplete = done;
          };
        })""",
        codes[1],
    )
    page.context.set_offline(False)
    waiting(page, 1)
    assert [status(service, code) for code in codes] == ["assigned"] * 3
    assert [len(history(service, code)) for code in codes] == [2, 1, 2]
    page.locator("[data-view=outbox]").click()
    expect(page.get_by_test_id("refused")).to_contain_text("Các thao tác khác vẫn được gửi")
    expect(page.get_by_test_id("strip")).to_contain_text("1 thao tác cần bạn xem")
    # It goes by the hand of who did it, asked twice.
    page.get_by_role("button", name="Bỏ thao tác này").click()
    expect(page.get_by_role("button", name="Không", exact=True)).to_be_focused()
    page.get_by_role("button", name="Bỏ hẳn").click()
    waiting(page, 0)


def test_what_is_refused_says_why_and_goes_when_it_is_mended(service, opened, crew):
    """While the crew was away, the city began to want photos."""
    wanted = "UPDATE categories SET photo_wanted = %s WHERE code = 'drainage.flooding'"
    one, other = some_tasks(service, 2)
    page = at_work(opened, service, crew)
    offline(page)
    open_task(page, one)
    press(page, "take")
    resolve(page, "Đã thông cống")
    open_task(page, other)
    press(page, "take")
    waiting(page, 3)
    ask(service, wanted, True)
    try:
        page.context.set_offline(False)
        waiting(page, 1)
        page.locator("[data-view=outbox]").click()
        expect(page.get_by_test_id("refused")).to_contain_text("cần ảnh")
        page.get_by_role("button", name="Sửa").click()
        expect(page.get_by_label("Đã làm gì?")).to_have_value("Đã thông cống")
        camera = page.locator("dialog[open] input[capture]")
        camera.set_input_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": a_photo(3)})
        expect(page.locator("dialog[open] fieldset img")).to_have_count(1)
        page.get_by_label("Đã làm gì?").fill("Đã thông cống, có ảnh")
        # Mended, and the form closed: it goes as it was mended, not as it was refused.
        page.keyboard.press("Escape")
        expect(page.locator("dialog[open]")).to_have_count(0)
        page.get_by_role("button", name="Gửi lại").click()
        waiting(page, 0)
        assert history(service, one) == ["assigned", "taken", "resolved"]
        assert photos(service, one) == 1
        said = "SELECT text_vi FROM report_events WHERE kind = 'resolved' ORDER BY id DESC LIMIT 1"
        assert "có ảnh" in ask(service, said)[0][0]
        assert history(service, other) == ["assigned", "taken"]
    finally:
        ask(service, wanted, False)


def test_a_photo_that_lay_too_long_is_sent_anew_by_itself(service, opened, crew):
    """The upload arrived; then the signal was gone for longer than uploads are kept."""
    (code,) = some_tasks(service, 1)
    page = at_work(opened, service, crew)
    page.route(ACTIONS, lambda route: route.abort(), times=1)
    open_task(page, code)
    resolve(page, "Xong", photos=1)
    expect(page.get_by_test_id("pending")).to_contain_text("chưa có trả lời")
    assert ask(service, "SELECT count(*) FROM uploads")[0][0] == 1
    ask(service, "DELETE FROM uploads")
    page.locator("[data-view=outbox]").click()
    page.get_by_role("button", name="Gửi ngay").click()
    waiting(page, 0)
    assert photos(service, code) == 1
    assert history(service, code) == ["assigned", "resolved"]


def test_a_sign_in_that_ended_keeps_all_and_says_to_sign_in_again(service, opened, crew):
    (code,) = some_tasks(service, 1)
    page = at_work(opened, service, crew)
    offline(page)
    open_task(page, code)
    press(page, "take")
    waiting(page, 1)
    ask(service, "DELETE FROM sessions")
    page.context.set_offline(False)
    expect(page.get_by_test_id("ended")).to_contain_text("1 thao tác vẫn được giữ")
    page.reload()
    expect(page.get_by_test_id("ended")).to_contain_text("1 thao tác vẫn được giữ")
    waiting(page, 1)
    assert history(service, code) == ["assigned"]
    page.get_by_test_id("ended").get_by_role("button").click()
    by_dialog(page, crew)
    waiting(page, 0)
    expect(page.get_by_test_id("ended")).to_have_count(0)
    assert history(service, code) == ["assigned", "taken"]


def test_another_account_on_the_device_neither_sees_nor_sends_what_waits(service, opened, crew):
    (code,) = some_tasks(service, 1)
    other = put_crew(service, "to-hai")
    page = at_work(opened, service, crew)
    page.route(ACTIONS, lambda route: route.abort())
    open_task(page, code)
    press(page, "take")
    waiting(page, 1)
    page.get_by_role("button", name="Người Thử").click()
    page.locator("dialog[open]").get_by_role("button", name="Đăng xuất").click()
    expect(page.locator("main")).to_contain_text("còn giữ thao tác chưa gửi")
    # What the one could see is not there for whoever has the device next.
    assert kept(page, "tasks") == 1
    page.unroute(ACTIONS)
    page.locator("main").get_by_role("button", name="Đăng nhập").click()
    by_dialog(page, other)
    row(page, code).wait_for()
    waiting(page, 0)
    expect(page.get_by_test_id("others")).to_be_visible()
    expect(row(page, code)).not_to_contain_text("chưa gửi")
    page.locator("[data-view=outbox]").click()
    expect(page.locator("main")).to_contain_text("Không còn gì chờ gửi")
    assert kept(page, "actions") == 1
    assert history(service, code) == ["assigned"]
    # In another page of the device the first one signs in again: it is theirs that is sent.
    sign_in(page, service, crew)
    page.reload()
    waiting(page, 0)
    expect(page.get_by_test_id("others")).to_have_count(0)
    held = "SELECT u.email FROM reports AS r JOIN users AS u ON u.id = holder_id WHERE code = %s"
    until(page, lambda: ask(service, held, code), lambda found: found == [(crew,)])
