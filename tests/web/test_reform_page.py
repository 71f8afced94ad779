"""The page of a reform's plan for who reads it: on a phone, in the dark, by keyboard, and where
names from files are scripts."""

import psycopg
import pytest
import shapely
from drawn import put_reports

import builders
from builders import SIDE, SOUTH, WEST
from ward_files import a_feature, a_file

CRACK = '<img src=x onerror="window.cracked=1">'
SET = f"</title><script>window.cracked=1</script>{CRACK}"
PHONE, DESK = {"width": 360, "height": 740}, {"width": 1280, "height": 800}

SWATCHES = """() => [...document.querySelectorAll('.key span i')].map(
    (i) => getComputedStyle(i).backgroundColor.match(/\\d+/g).join())"""
DRAWN = """() => {
    const seen = new Set();
    for (const c of document.querySelectorAll('.folium-map canvas')) {
        const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
        for (let i = 0; i < d.length; i += 4) if (d[i + 3]) seen.add(`${d[i]},${d[i+1]},${d[i+2]}`);
    }
    return [...seen]; }"""


@pytest.fixture(scope="module")
def page_of_the_plan(clone, city_template, pages, tmp_path_factory):
    """A page whose names are scripts: three wards become two, one of them under its old name."""
    from conftest import command

    url, folder = clone(city_template), tmp_path_factory.mktemp("plan")
    pinward = command(folder)
    middle = WEST + 1.5 * SIDE
    file = a_file(
        folder,
        a_feature(1, shapely.box(WEST, SOUTH, middle, SOUTH + SIDE), name=f"Mới {CRACK}"),
        a_feature(2, shapely.box(middle, SOUTH, WEST + 3 * SIDE, SOUTH + SIDE)),
    )
    with psycopg.connect(url) as db:
        db.execute("UPDATE wards SET name = %s WHERE code = '90001'", (f"Cũ {CRACK}",))
        ids = dict(db.execute("SELECT code, id FROM wards").fetchall())
        db.execute("UPDATE organisations SET name_vi = name_vi || %s", (CRACK,))
        db.execute(
            "INSERT INTO users (email, name, role, ward_code, password_hash)"
            " VALUES (%s, 'Ai đó', 'ward_officer', '90001', 'x')",
            (f"{CRACK}@example.org",),
        )
    put_reports(url, [builders.middle(0)] * 3, ward_id=ids["90001"], status="assigned")
    words = ("wards", "import", file, "--set", SET, "--valid-from", "2025-07-01")
    done = pinward(*words, url=url)
    assert done.returncode == 0, done.stderr
    mapping = folder / "mapping.csv"
    mapping.write_text("legacy_code,new_code\n90001,90002\n90002,90003\n", encoding="utf-8")
    path = folder / "plan.html"
    words = ("wards", "reform", "plan", "--to", SET, "--partial", "--mapping", mapping)
    done = pinward(*words, "--map", path, url=url, PINWARD_PAGES=str(pages))
    assert done.returncode == 0, done.stderr
    return path


@pytest.fixture
def shown(chromium, page_of_the_plan):
    """`shown(size, scheme)` is the page with its map drawn."""
    contexts = []

    def show(size=DESK, scheme="light"):
        contexts.append(chromium.new_context(viewport=size, color_scheme=scheme))
        page = contexts[-1].new_page()
        page.goto(page_of_the_plan.as_uri())
        page.locator(".folium-map canvas").first.wait_for()
        page.wait_for_timeout(300)
        return page

    yield show
    for context in contexts:
        context.close()


def test_names_that_are_scripts_are_told_and_never_run(shown):
    page = shown()
    for summary in page.locator("summary").all():
        summary.click()
    words = page.locator(".told").inner_text()
    # title, rows of both tables, account, reused code, committee
    assert words.count(CRACK) >= 6
    assert page.title().startswith(SET)
    box = page.locator(".folium-map").bounding_box()
    for x in (0.2, 0.35, 0.5, 0.65, 0.8):
        page.mouse.move(box["x"] + box["width"] * x, box["y"] + box["height"] * 0.65)
        page.wait_for_timeout(100)
        tips = page.locator(".leaflet-tooltip")
        if tips.count() and f"Cũ {CRACK}" in tips.inner_text():
            break
    assert f"Mới {CRACK}" in tips.inner_text()
    page.wait_for_timeout(200)
    assert page.locator("main img, .leaflet-tooltip img").count() == 0
    assert page.evaluate("window.cracked") is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_the_legend_shows_is_what_is_drawn(shown, scheme):
    page = shown(scheme=scheme)
    swatches = page.evaluate(SWATCHES)
    assert len(swatches) == len(set(swatches)) == 3
    assert set(swatches) <= set(page.evaluate(DRAWN))
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g)")
    assert (sum(map(int, ground)) < 200) == (scheme == "dark")


def test_the_page_fits_a_phone_and_its_tables_are_scrolled_by_keys(shown):
    page = shown(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    table = page.get_by_role("region", name="Từ phường cũ đến phường mới")
    table.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(400)
    assert table.evaluate("e => e.scrollLeft") > 0
    # Eyes that need it may enlarge the page.
    assert "user-scalable" not in page.locator("meta[name=viewport]").get_attribute("content")


def test_layers_are_shown_and_hidden_by_keys(shown):
    page = shown()
    fills = set(page.evaluate(SWATCHES))
    box = page.get_by_role("checkbox", name="Đất Ground")
    box.focus()
    page.keyboard.press("Space")
    page.wait_for_timeout(200)
    assert not fills & set(page.evaluate(DRAWN))
    page.keyboard.press("Space")
    page.wait_for_timeout(200)
    assert fills <= set(page.evaluate(DRAWN))
