"""Several at one desk's work at once, and one at many reports: nobody's words are lost."""

import psycopg
import pytest
from desks import account, at_desk, begin, done, listed, opens, row, sent, words
from playwright.sync_api import Page, Route, expect

import builders

pytestmark = pytest.mark.browser


def test_two_desks_that_answer_at_once_lose_nobody_s_words(service, opened):
    code = sent(service, 0, "Đèn đường tắt cả dãy.")
    one = at_desk(service, opened, account(service, ward=builders.CODES[0], name="ban-1"))
    two = at_desk(service, opened, account(service, ward=builders.CODES[0], name="ban-2"))
    # What the second hears of the first is only what the service answers.
    two.route("**/api/v1/live?**", lambda route: route.abort())
    for page in (one, two):
        opens(page, code)
        begin(page, "wait")
    two.reload()
    two.get_by_test_id("history").wait_for()
    begin(two, "notes")
    two.get_by_label("Ghi chú nội bộ").fill("Người báo gọi lại hai lần.")
    one.locator("#answer-text").fill("Chờ vật tư, dự kiến thứ Sáu.")
    done(one)
    two.get_by_test_id("send").click()
    stale = two.get_by_test_id("stale")
    expect(stale).to_contain_text("Chờ vật tư, dự kiến thứ Sáu.")
    expect(stale).to_contain_text("Tình trạng: Đã giao xử lý → Tạm chờ")
    expect(stale).to_contain_text("Người báo gọi lại hai lần.")
    expect(two.locator("[data-stale]")).to_be_focused()
    assert "Người báo" not in words(service, code)
    stale.get_by_role("button", name="Vẫn gửi").click()
    expect(two.locator("[data-testid=task] .done")).to_contain_text("Đã gửi")
    said = words(service, code)
    assert "Chờ vật tư" in said
    assert "Người báo gọi lại hai lần." in said
    # The first hears of it in turn.
    one.bring_to_front()
    expect(one.get_by_test_id("status")).to_have_text("Tạm chờ")


def test_what_cannot_be_done_any_more_keeps_its_words_and_says_what_can(service, opened):
    code = sent(service, 0, "Vỉa hè bong gạch.", category="traffic.sidewalk")
    email = account(service, ward=builders.CODES[0], name="muon")
    page = at_desk(service, opened, email)
    page.route("**/api/v1/live?**", lambda route: route.abort())
    opens(page, code)
    begin(page, "take")
    page.locator("#answer-text").fill("Tổ 3 đi kiểm tra chiều nay.")
    # Somebody refuses it meanwhile, and this desk does not say what it had seen.
    other = at_desk(service, opened, account(service, ward=builders.CODES[0], name="nhanh"))
    opens(other, code)
    begin(other, "reject")
    other.locator("#answer-text").fill("Ngoài phạm vi.")
    done(other)

    def without_version(route: Route) -> None:
        headers = {k: v for k, v in route.request.headers.items() if k != "if-match"}
        route.continue_(headers=headers)

    page.route(f"**/api/v1/tasks/{code}/take", without_version)
    page.get_by_test_id("send").click()
    stale = page.get_by_test_id("stale")
    expect(stale).to_contain_text("Ngoài phạm vi.")
    expect(stale).to_contain_text("không thể “Nhận việc” nữa")
    expect(page.locator("#answer-text")).to_have_value("Tổ 3 đi kiểm tra chiều nay.")
    begin(page, "reopen")
    expect(page.locator("#answer-text")).to_have_value("Tổ 3 đi kiểm tra chiều nay.")
    stale.get_by_role("button", name="Vẫn gửi").click()
    expect(page.get_by_test_id("status")).to_have_text("Đã giao xử lý")


def test_news_come_by_themselves_and_neither_move_nor_wipe_what_is_typed(service, opened):
    code = sent(service, 1, "Hố ga mất nắp.", category="drainage.open_manhole")
    email = account(service, ward=builders.CODES[1], name="dang-go")
    page = at_desk(service, opened, email)
    expect(page.get_by_test_id("live")).to_have_attribute("data-live", "live")
    opens(page, code)
    begin(page, "wait")
    page.locator("#answer-text").fill("Đang chờ nắp cống")
    before, place = listed(page), page.locator("#answer-text").bounding_box()
    news = [sent(service, 1, f"Nước ngập {n}.", east=0.001 * n) for n in (1, 2, 3)]
    expect(page.get_by_test_id("fresh")).to_contain_text("3 việc mới")
    assert listed(page) == before
    assert page.locator("#answer-text").bounding_box() == place
    expect(page.locator("#answer-text")).to_be_focused()
    page.keyboard.type(", mai có.")
    # Something happens to the very report: it is shown beside, and what is typed stays.
    other = at_desk(service, opened, account(service, ward=builders.CODES[1], name="ben-canh"))
    opens(other, code)
    begin(other, "start")
    done(other)
    expect(page.get_by_test_id("stale")).to_contain_text("Đã bắt đầu xử lý")
    expect(page.locator("#answer-text")).to_have_value("Đang chờ nắp cống, mai có.")
    expect(page.locator("#answer-text")).to_be_focused()
    page.get_by_role("button", name="Tôi đã xem").click()
    row(page, code).focus()
    page.keyboard.press(".")
    expect(row(page, news[0])).to_be_visible()
    assert set(news) <= set(listed(page))
    expect(row(page, code)).to_be_focused()
    expect(page.get_by_test_id("fresh")).to_have_count(0)
    page.get_by_test_id("send").click()
    expect(page.get_by_test_id("status")).to_have_text("Tạm chờ")
    assert "mai có." in words(service, code)


def test_an_unfinished_answer_outlives_a_reload_and_is_its_writer_s_alone(service, opened):
    code = sent(service, 2, "Ống nước vỡ.", category="water.leak")
    email = account(service, ward=builders.CODES[2], name="nhap")
    page = at_desk(service, opened, email)
    opens(page, code)
    begin(page, "reject")
    page.locator("#answer-text").fill("Việc này thuộc công ty cấp nước")
    page.reload()
    expect(page.locator("#answer-text")).to_have_value("Việc này thuộc công ty cấp nước")
    page.keyboard.press("Escape")
    expect(row(page, code)).to_contain_text("Đang viết dở")
    # Another at the same machine does not see it; then its writer again.
    other = account(service, ward=builders.CODES[2], name="ca-sau")
    for who, left in ((other, ""), (email, "Việc này thuộc công ty cấp nước")):
        page.request.delete(f"{service.base}/api/v1/session", headers={"Pinward-Request": "1"})
        page.request.post(
            f"{service.base}/api/v1/session",
            data={"email": who, "password": "a long enough one"},
            headers={"Pinward-Request": "1"},
        )
        page.goto(f"{service.base}/desk?task={code}")
        page.get_by_test_id("history").wait_for()
        if not left:
            begin(page, "reject")
        expect(page.locator("#answer-text")).to_have_value(left)
    page.get_by_role("button", name="Bỏ nội dung").click()
    page.reload()
    page.get_by_test_id("history").wait_for()
    expect(page.locator("#answer-text")).to_have_count(0)


def test_a_lost_network_and_an_ended_sign_in_keep_what_is_written(service, opened):
    code = sent(service, 2, "Dây điện võng thấp.", category="power.fallen_line")
    email = account(service, ward=builders.CODES[2], name="mat-mang")
    page = at_desk(service, opened, email)
    opens(page, code)
    begin(page, "notes")
    page.locator("#answer-inner").fill("Đã báo điện lực lúc 9 giờ.")
    page.context.set_offline(True)
    page.get_by_test_id("send").click()
    expect(page.get_by_role("alert")).to_contain_text("Những gì bạn viết vẫn còn")
    page.context.set_offline(False)
    page.request.delete(f"{service.base}/api/v1/session", headers={"Pinward-Request": "1"})
    page.get_by_test_id("send").click()
    ended = page.locator(".ended")
    expect(ended).to_contain_text("Phiên đăng nhập đã hết")
    ended.get_by_role("button", name="Đăng nhập").click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_label("Thư điện tử").fill(email)
    dialog.get_by_label("Mật khẩu").fill("a long enough one")
    dialog.get_by_role("button", name="Đăng nhập").click()
    expect(ended).to_have_count(0)
    expect(page.locator("#answer-inner")).to_have_value("Đã báo điện lực lúc 9 giờ.")
    done(page)
    assert "Đã báo điện lực" in words(service, code)


def pick(page: Page, *codes: str) -> None:
    for code in codes:
        page.get_by_role("checkbox", name=f"Chọn {code}").check()


def test_of_many_done_at_once_one_that_fails_stops_none_and_is_named(service, opened):
    fine = [sent(service, 3, f"Nước ngập {n}.", east=0.001 * n) for n in (0, 1)]
    # A fallen tree wants a photo as proof, which many at once do not have.
    wants = sent(service, 3, "Cây đổ chắn đường.", category="trees.fallen", east=0.004)
    changed = sent(service, 3, "Nước ngập đã rút.", east=0.005)
    with psycopg.connect(service.url) as db:
        db.execute("UPDATE categories SET photo_wanted = true WHERE code = 'trees.fallen'")
    email = account(service, ward=builders.CODES[3], name="nhieu")
    page = at_desk(service, opened, email)
    page.route("**/api/v1/live?**", lambda route: route.abort())
    page.reload()
    row(page, wants).wait_for()
    # Nor does it look again by itself, as a desk without a stream does after some seconds.
    page.route("**/api/v1/tasks?**", lambda route: route.abort())
    other = at_desk(service, opened, account(service, ward=builders.CODES[3], name="khac"))
    opens(other, changed)
    begin(other, "take")
    done(other)
    pick(page, *fine, wants, changed)
    page.get_by_role("button", name="Xử lý cùng lúc").click()
    expect(page.locator("#bulk-move")).to_be_focused()
    page.locator("#bulk-move").select_option("resolve")
    page.locator("#bulk-text").fill("{organisation} đã xử lý {code} tại {ward}.")
    page.get_by_role("button", name="Làm với 4 việc").click()
    results = page.get_by_test_id("bulk")
    expect(results.locator("#bulk-title")).to_have_text("2 việc xong, 2 việc chưa xong")
    expect(results.locator(f"[data-of='{wants}']")).to_contain_text("photo")
    expect(results.locator(f"[data-of='{wants}']")).to_contain_text("Có chỗ chưa hợp lệ")
    expect(results.locator(f"[data-of='{changed}']")).to_contain_text("Có người thay đổi trước")
    for code in fine:
        expect(results.locator(f"[data-of='{code}']")).to_contain_text("Xong")
        said = words(service, code)
        assert f"UBND phường Tân Mẫu đã xử lý {code} tại Phường Tân Mẫu." in said
    assert "đã xử lý" not in words(service, wants) + words(service, changed)
    # Those that were not done are still picked, with what was written for them.
    page.get_by_role("button", name="Đóng kết quả").click()
    expect(page.get_by_role("checkbox", name=f"Chọn {wants}")).to_be_checked()
    expect(page.get_by_role("checkbox", name=f"Chọn {fine[0]}")).not_to_be_checked()


def test_many_whose_answer_was_lost_are_not_done_twice(service, opened):
    codes = [sent(service, 4, f"Nước ngập {n}.", east=0.001 * n) for n in (0, 1, 2)]
    email = account(service, ward=builders.CODES[4], name="mat-tra-loi")
    page = at_desk(service, opened, email)
    row(page, codes[0]).wait_for()
    lost: list[int] = []

    def lose_the_first(route: Route) -> None:
        if lost:
            route.continue_()
            return
        lost.append(route.fetch().status)
        route.abort("connectionreset")

    page.route("**/api/v1/tasks/actions", lose_the_first)
    pick(page, *codes)
    page.get_by_role("button", name="Xử lý cùng lúc").click()
    page.locator("#bulk-move").select_option("note")
    page.locator("#bulk-inner").fill("Chuyển giao ca.")
    page.get_by_role("button", name="Làm với 3 việc").click()
    page.get_by_role("button", name="Gửi lại những việc chưa có trả lời").click()
    expect(page.locator("#bulk-title")).to_have_text("3 việc xong, 0 việc chưa xong")
    assert lost == [200]
    assert [words(service, code).count("Chuyển giao ca.") for code in codes] == [1, 1, 1]


def test_duplicates_are_compared_merged_and_taken_apart_again(service, opened):
    stays = sent(service, 5, "Nước ngập trước chợ từ sáng.")
    goes = sent(service, 5, "Ngập nước trước chợ.", east=0.0002)
    email = account(service, ward=builders.CODES[5], name="trung")
    page = at_desk(service, opened, email)
    opens(page, goes)
    page.keyboard.press("d")
    candidate = page.get_by_role("radio", name=stays)
    expect(candidate).to_be_visible()
    candidate.check()
    sides = page.get_by_test_id("sides")
    expect(sides).to_contain_text("Nước ngập trước chợ từ sáng.")
    expect(sides).to_contain_text("Ngập nước trước chợ.")
    page.locator("#answer-text").fill("Đã có phản ánh trước về chỗ này.")
    done(page)
    expect(page.get_by_test_id("status")).to_have_text("Trùng phản ánh khác")
    page.get_by_role("link", name=stays).last.click()
    expect(page.locator("#task-title")).to_contain_text(stays)
    page.go_back()
    expect(page.locator("#task-title")).to_contain_text(goes)
    begin(page, "unmerge")
    page.locator("#answer-text").fill("Hai chỗ khác nhau.")
    done(page)
    expect(page.get_by_test_id("status")).to_have_text("Đã giao xử lý")
    # The other way round: the other one ends with this one.
    begin(page, "merge")
    page.get_by_role("radio", name=stays).check()
    page.get_by_label("Phản ánh kia được gộp vào phản ánh này").check()
    done(page)
    told = service.http.get(f"/api/v1/reports/{stays}").json()["properties"]
    assert told["status"] == "duplicate"
    expect(page.get_by_test_id("status")).to_have_text("Đã giao xử lý")


def test_a_template_written_once_is_put_into_an_answer_where_the_cursor_is(service, opened):
    code = sent(service, 5, "Nắp cống kêu.", east=0.006)
    email = account(service, ward=builders.CODES[5], name="mau")
    page = at_desk(service, opened, email)
    page.get_by_role("link", name="Câu mẫu").click()
    page.get_by_role("button", name="Thêm câu mẫu").click()
    page.get_by_label("Tên").fill("Đã nhận")
    page.get_by_label("Lời tiếng Việt").fill("{organisation} đã nhận {who}.")
    page.get_by_role("button", name="Lưu").click()
    expect(page.get_by_role("alert")).to_contain_text("trong ngoặc nhọn")
    page.get_by_label("Lời tiếng Việt").fill("{organisation} đã nhận {code} ở {ward}.")
    page.get_by_role("button", name="Lưu").click()
    expect(page.get_by_test_id("templates")).to_contain_text("Đã lưu.")
    page.get_by_role("button", name="Quay lại").click()
    opens(page, code)
    begin(page, "wait")
    page.locator("#answer-text").fill("Chào bà. Cảm ơn.")
    page.locator("#answer-text").evaluate("area => area.setSelectionRange(9, 9)")
    page.get_by_label("Chèn câu mẫu").select_option(label="Đã nhận")
    whole = f"Chào bà. UBND phường Vĩnh Thử đã nhận {code} ở Phường Vĩnh Thử.Cảm ơn."
    expect(page.locator("#answer-text")).to_have_value(whole)
    expect(page.locator("#answer-text")).to_be_focused()
    done(page)
    assert whole in words(service, code)
