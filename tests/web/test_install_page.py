"""What makes the pages an app on a phone: the service worker, the manifests, their pictures."""

import io
import re

import pytest
from PIL import Image
from playwright.sync_api import expect

import builders

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("path", "start"), [("/manifest.webmanifest", "/"), ("/crew.webmanifest", "/crew")]
)
def test_a_manifest_names_its_page_and_pictures_that_are_there(service, pages, path, start):
    answer = service.http.get(path)
    assert answer.headers["content-type"].startswith("application/manifest+json")
    told = answer.json()
    assert (told["start_url"], told["display"], told["lang"]) == (start, "standalone", "vi")
    for icon in told["icons"]:
        picture = Image.open(io.BytesIO(service.http.get(icon["src"]).content))
        assert f"{picture.width}x{picture.height}" == icon["sizes"]
    assert {icon.get("purpose") for icon in told["icons"]} >= {None, "maskable"}


@pytest.mark.parametrize("path", ["/", "/crew"])
def test_each_way_in_has_its_own_manifest(service, opened, path):
    page = opened(service, path)
    link = page.locator("link[rel=manifest]")
    name = "crew" if path == "/crew" else "manifest"
    expect(link).to_have_attribute("href", f"/{name}.webmanifest")
    assert page.complaints == []


def test_the_service_worker_is_asked_for_anew_and_keeps_neither_desk_nor_planner(service, pages):
    answer = service.http.get("/sw.js")
    assert answer.headers["cache-control"] == "no-cache"
    assert "javascript" in answer.headers["content-type"]
    kept = answer.text
    assert "CrewPage" in kept
    assert "maplibre" in kept
    for other in ("DeskPage", "PlanPage", "swagger", "leaflet"):
        assert other not in kept
    assert service.http.get("/no-such.webmanifest").status_code == 404


def test_a_page_seen_once_opens_without_a_network(service, opened):
    page = opened(service, at=builders.middle(4), service_workers="allow")
    page.evaluate(
        "navigator.serviceWorker.register('/sw.js').then(() => navigator.serviceWorker.ready)"
    )
    page.wait_for_function("() => navigator.serviceWorker.controller !== null")
    # What the first page asked for went past the worker: the map and the lists are asked for anew.
    page.reload()
    page.locator(".map[data-ready=true] canvas").wait_for()
    page.wait_for_load_state("networkidle")
    page.wait_for_function("() => localStorage.getItem('pinward.wards') !== null")
    page.context.set_offline(True)
    page.reload()
    expect(page.get_by_role("heading", name="Có gì cần sửa?")).to_be_visible()
    page.locator(".map[data-ready=true] canvas").wait_for()
    page.get_by_role("button", name="Chọn phường", exact=True).click()
    expect(page.get_by_role("button", name="Phường Đa Mẫu")).to_be_visible()
    page.get_by_role("button", name="Phường Đa Mẫu").click()
    # Whose it is cannot be looked up now; the report can be written all the same.
    expect(page.locator("[data-category='drainage']")).to_be_visible()


def test_scripts_and_styles_go_packed_to_whoever_takes_that(service, pages):
    page = service.http.get("/").text
    script = re.search(r'/assets/index-[^"]+\.js', page).group()
    packed = service.http.get(script, headers={"Accept-Encoding": "gzip"})
    plain = service.http.get(script, headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < 120_000
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert packed.headers["content-type"] == plain.headers["content-type"]
    assert packed.headers["content-security-policy"] == plain.headers["content-security-policy"]
