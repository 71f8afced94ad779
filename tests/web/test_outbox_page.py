"""A report with photos on a bad network: nothing is lost, nothing is sent twice."""

import os
import signal
from pathlib import Path

import browsing
import pytest
from hostile import SECRET, drawn, exif, written
from looking import shoot
from PIL import Image
from playwright.sync_api import Browser, Page, Route, expect
from reporting import ready, stored
from watching import until

import builders

pytestmark = pytest.mark.browser

KEPT = "sẽ gửi sau"


def add(page: Page, *files: Path, state: str = "there") -> None:
    """Choose photos and wait until each is so far."""
    before = page.locator(".photos li").count()
    page.locator("input[type=file][multiple]").set_input_files(files)
    for n in range(len(files)):
        page.locator(f".photos li[data-state={state}]").nth(before + n).wait_for(timeout=60_000)


@pytest.fixture
def shots(tmp_path) -> list[Path]:
    """Two photos as a phone takes them: large, grainy, with a position inside."""
    made: list[Path] = []
    for n in range(2):
        path = tmp_path / f"anh-{n}.jpg"
        grain = Image.effect_noise((3000, 2250), 24 + n).convert("RGB")
        picture = Image.blend(drawn(3000, 2250), grain, 0.4)
        path.write_bytes(written(picture, "JPEG", quality=94, exif=exif(1)))
        made.append(path)
    return made


def test_photos_are_small_and_there_before_the_report_is_sent(service, opened, shots):
    text = "Ảnh tới trước."
    page = ready(opened(service, at=builders.middle(4)), text)
    add(page, *shots)
    begun = [r for r in page.asked if r.method == "POST" and r.url.endswith("/uploads")]
    # Of 3,000 pixels each, and larger than what went.
    sizes = [int(r.all_headers()["upload-length"]) for r in begun]
    assert len(sizes) == 2
    assert max(sizes) < min(path.stat().st_size for path in shots)
    shoot(page, "citizen-photos-vi-light-phone")
    assert (
        page.evaluate(
            "(secret) => new Promise((done) => { const asked = indexedDB.open('pinward');"
            " asked.onsuccess = () => { const all = asked.result.transaction('photos')"
            ".objectStore('photos').getAll(); all.onsuccess = async () => {"
            " const texts = await Promise.all(all.result.map(({ blob }) => blob.text()));"
            " const blobs = all.result.map(({ blob }) => createImageBitmap(blob));"
            " const seen = await Promise.all(blobs);"
            " asked.result.close();"
            " done(texts.map((text, n) => [seen[n].width, text.includes(secret)])); }; } })",
            SECRET.decode(),
        )
        == [[2048, False]] * 2
    )
    page.get_by_test_id("send").click()
    code = page.get_by_test_id("code").inner_text()
    assert stored(service, text) == [(code, 2)]
    seen = service.http.get(f"/api/v1/reports/{code}").json()["properties"]["photos"]
    assert [(each["width"], each["height"]) for each in seen] == [(2048, 1536)] * 2


def test_written_and_photographed_offline_it_is_sent_once_and_whole_by_itself(
    service, opened, shots
):
    text = "Viết khi không có mạng."
    page = ready(opened(service, at=builders.middle(4), service_workers="allow"), text)
    # From now on the page stands on this device: as after a first visit.
    page.evaluate(
        "navigator.serviceWorker.register('/sw.js').then(() => navigator.serviceWorker.ready)"
    )
    page.wait_for_function("() => navigator.serviceWorker.controller !== null")
    page.wait_for_function(
        "() => caches.keys().then(async (names) => { for (const name of names)"
        " if (/precache/.test(name)) return (await (await caches.open(name)).keys()).length > 5;"
        " return false; })"
    )
    page.context.set_offline(True)
    add(page, *shots, state="waiting")
    page.get_by_test_id("send").click()
    expect(page.get_by_test_id("kept")).to_contain_text(KEPT)
    shoot(page, "citizen-kept-vi-light-phone")
    page.reload()
    expect(page.get_by_test_id("outbox")).to_contain_text("1 phản ánh chờ gửi")
    assert stored(service, text) == []
    page.context.set_offline(False)
    expect(page.get_by_test_id("arrived")).to_contain_text("gửi xong", timeout=60_000)
    shoot(page, "citizen-arrived-vi-light-phone")
    code = page.get_by_test_id("arrived").locator("a").inner_text()
    assert stored(service, text) == [(code, 2)]
    expect(page.get_by_test_id("outbox")).to_have_count(0)
    # Nothing of it is left behind on the device but its code.
    left = (
        "new Promise((done) => { const asked = indexedDB.open('pinward'); asked.onsuccess = () => {"
        " const t = asked.result.transaction(['reports', 'photos']);"
        " const n = [t.objectStore('reports').count(), t.objectStore('photos').count()];"
        " t.oncomplete = () => done(n.map((each) => each.result)); } })"
    )
    until(page, lambda: page.evaluate(left), lambda found: found == [0, 0])


def test_what_was_typed_and_photographed_outlives_a_battery_that_dies(
    service, chromium: Browser, pages, shots, tmp_path
):
    text = "Pin điện thoại hết giữa chừng."
    lon, lat = builders.middle(4)
    options = {
        "executable_path": browsing.chromium(),
        "args": browsing.ARGUMENTS,
        "viewport": {"width": 360, "height": 740},
        "geolocation": {"longitude": lon, "latitude": lat, "accuracy": 20},
        "permissions": ["geolocation"],
        "service_workers": "block",
    }
    launch = chromium.browser_type.launch_persistent_context
    context = launch(tmp_path / "profile", **options)
    page = context.pages[0]
    page.goto(service.base)
    ready(page, text)
    add(page, shots[0])
    expect(page.get_by_label("Mô tả")).to_have_value(text)
    page.wait_for_function(
        "(text) => new Promise((done) => { const asked = indexedDB.open('pinward');"
        " asked.onsuccess = () => { const got = asked.result.transaction('drafts')"
        ".objectStore('drafts').get('report'); got.onsuccess = () => {"
        " asked.result.close(); done(got.result?.text === text"
        " && got.result.photos.length === 1); }; } })",
        arg=text,
    )
    for pid in _processes(tmp_path / "profile"):
        os.kill(pid, signal.SIGKILL)
    context = launch(tmp_path / "profile", **options)
    page = context.pages[0]
    page.goto(service.base)
    page.get_by_role("button", name="Viết tiếp").click()
    expect(page.get_by_label("Mô tả")).to_have_value(text)
    expect(page.locator(".photos li")).to_have_count(1)
    page.get_by_test_id("send").click()
    code = page.get_by_test_id("code").inner_text()
    context.close()
    assert stored(service, text) == [(code, 1)]


def _processes(profile: Path) -> list[int]:
    """The browser processes that were started with this profile: ours, and no others."""
    found = []
    for each in Path("/proc").iterdir():
        if each.name.isdigit():
            try:
                words = (each / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if f"--user-data-dir={profile}".encode() in words and b"--type" not in words[1:2]:
                found.append(int(each.name))
    return found


def test_a_photo_goes_on_where_the_network_broke_it(service, opened, shots):
    page = ready(opened(service, at=builders.middle(4)), "Ảnh đứt giữa đường.")
    broken: list[str] = []

    def break_the_second(route: Route) -> None:
        if route.request.method == "PATCH" and len(broken) < 2:
            broken.append(route.request.headers["upload-offset"])
            if len(broken) == 2:
                route.abort("connectionreset")
                return
        route.continue_()

    page.route("**/api/v1/uploads/**", break_the_second)
    add(page, shots[0], state="waiting")
    assert len(broken) == 2
    assert int(broken[1]) > 0
    before = len(page.asked)
    page.get_by_test_id("send").click()
    page.get_by_test_id("code").wait_for()
    again = [r for r in page.asked[before:] if r.method == "PATCH"]
    assert again[0].headers["upload-offset"] == broken[1]
    assert stored(service, "Ảnh đứt giữa đường.")[0][1] == 1


def test_what_is_no_photo_is_told_and_taken_away_before_sending(service, opened, tmp_path):
    page = ready(opened(service, at=builders.middle(4)), "Tệp lạ.")
    broken = tmp_path / "hong.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0 khong phai anh")
    page.locator("input[type=file][multiple]").set_input_files(broken)
    item = page.locator(".photos li[data-state=refused]")
    item.wait_for()
    page.get_by_test_id("send").click()
    expect(page.get_by_text("Hãy bỏ ảnh không dùng được")).to_be_visible()
    assert stored(service, "Tệp lạ.") == []
    item.get_by_role("button", name="Bỏ ảnh 1").click()
    page.get_by_test_id("send").click()
    page.get_by_test_id("code").wait_for()
    assert stored(service, "Tệp lạ.")[0][1] == 0


def test_me_too_is_offered_counted_and_followed_instead_of_a_second_report(service, opened):
    lon, lat = builders.middle(5)
    first = service.http.post(
        "/api/v1/reports",
        json=builders.a_report(lon=lon, lat=lat, text="Ngập nước ngang bánh xe trước chợ."),
        headers=builders.a_key(),
    ).json()
    page = ready(opened(service, at=(lon + 0.0001, lat)), "Ngập ngang bánh xe ở chợ.")
    offer = page.get_by_test_id("similar")
    expect(offer).to_contain_text("Ngập nước ngang bánh xe trước chợ.")
    shoot(page, "citizen-similar-vi-light-phone")
    offer.get_by_role("button", name="Tôi cũng thấy").click()
    expect(page.get_by_test_id("supported")).to_contain_text("1 người")
    link = page.get_by_role("link", name="Theo dõi phản ánh này")
    assert link.get_attribute("href") == f"/r/{first['code']}"
    page.get_by_role("button", name="Bỏ phản ánh đang viết").click()
    expect(page.get_by_role("heading", name="Có gì cần sửa?")).to_be_visible()
    told = service.http.get(f"/api/v1/reports/{first['code']}").json()["properties"]
    assert told["supports"] == 1
    assert stored(service, "Ngập ngang bánh xe ở chợ.") == []


def test_a_long_text_makes_no_address_that_is_too_long(service, opened):
    page = ready(opened(service, at=builders.middle(5)), "Ngập.")
    with page.expect_response(lambda said: "similar" in said.url and len(said.url) > 500) as told:
        page.get_by_label("Mô tả").fill("Ngập sâu. " + "ậ" * 4600)
    assert told.value.status == 200
    assert len(told.value.url) < 4000


def test_without_the_map_a_ward_and_an_address_are_enough(service, opened):
    page = opened(service)
    page.get_by_role("button", name="Chọn phường", exact=True).click()
    page.get_by_label("Tìm theo tên").fill("da mau")
    page.get_by_role("button", name="Phường Đa Mẫu").click()
    page.locator("[data-category='drainage']").click()
    page.locator("[data-category='drainage.flooding']").click()
    page.get_by_label("Mô tả").fill("Ngập cả hẻm.")
    page.get_by_test_id("send").click()
    expect(page.locator("#address-error")).to_be_visible()
    page.get_by_label("Địa chỉ").fill("Hẻm 12 Lê Lợi")
    page.get_by_test_id("send").click()
    code = page.get_by_test_id("code").inner_text()
    told = service.http.get(f"/api/v1/reports/{code}").json()["properties"]
    assert told["text"] == "Địa chỉ: Hẻm 12 Lê Lợi\nNgập cả hẻm."
    assert told["ward"]["name"] == "Đa Mẫu"


def test_what_may_have_arrived_is_sent_again_as_it_was_and_corrected_then(service, opened):
    page = ready(opened(service, at=builders.middle(3)), "Mạng đứt lúc gửi.")
    lost: list[str] = []

    def lose_the_first_answer(route: Route) -> None:
        if lost:
            route.continue_()
            return
        lost.append(route.fetch().json()["code"])
        route.abort("connectionreset")

    page.route("**/api/v1/reports", lose_the_first_answer)
    page.get_by_test_id("send").click()
    page.get_by_test_id("kept").wait_for()
    # Made another one here, it would be two reports there.
    expect(page.get_by_text("Có thể phản ánh đã tới nơi")).to_be_visible()
    expect(page.get_by_role("button", name="Sửa nội dung")).to_have_count(0)
    page.get_by_role("button", name="Gửi ngay").click()
    assert page.get_by_test_id("code").inner_text() == lost[0]
    page.get_by_role("link", name="Xem phản ánh").click()
    page.get_by_role("button", name="Sửa nội dung").click()
    page.get_by_label("Mô tả").fill("Sửa lại sau khi mạng đứt.")
    page.get_by_role("button", name="Lưu").click()
    expect(page.get_by_text("Đã sửa.")).to_be_visible()
    told = service.http.get(f"/api/v1/reports/{lost[0]}").json()["properties"]
    assert told["text"] == "Sửa lại sau khi mạng đứt."


def test_what_was_never_sent_is_taken_back_and_written_on(service, opened):
    page = ready(opened(service, at=builders.middle(3)), "Chưa gửi được.")
    page.context.set_offline(True)
    page.get_by_test_id("send").click()
    page.get_by_test_id("kept").wait_for()
    page.get_by_role("button", name="Sửa nội dung").click()
    expect(page.get_by_label("Mô tả")).to_have_value("Chưa gửi được.")
    page.get_by_label("Mô tả").fill("Viết tiếp rồi gửi.")
    page.context.set_offline(False)
    page.get_by_test_id("send").click()
    page.get_by_test_id("code").wait_for()
    assert stored(service, "Chưa gửi được.") == []
    assert len(stored(service, "Viết tiếp rồi gửi.")) == 1
