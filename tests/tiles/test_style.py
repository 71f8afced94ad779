"""The styles: valid by MapLibre's own validator, switchable, and drawn from what the tiles hold."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from geo.errors import NotFound
from geo.facilities.kinds import GROUPS, KINDS
from tiles import palette, sprite, style
from tiles.layers import LAYERS
from tiles.tilejson import Extent

ROOT = Path(__file__).resolve().parents[2]
SPEC = ROOT / "web" / "node_modules" / "@maplibre" / "maplibre-gl-style-spec" / "dist" / "index.mjs"
VIEW = Extent(106.0, 10.0, 107.0, 11.0, 106.7, 10.8, 0.1)

VALIDATE = """
const { validateStyleMin } = await import(process.argv[1]);
const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const found = JSON.parse(Buffer.concat(chunks)).map((each) => validateStyleMin(each));
console.log(JSON.stringify(found.map((errors) => errors.map((error) => error.message))));
"""


def built(name="pinward", lang="vi", **changes):
    return style.build(name, lang, **{"base": "https://x.example", "view": VIEW, **changes})


def errors_of(*styles):
    node = shutil.which("node")
    if node is None or not SPEC.exists():
        pytest.skip("node or web/node_modules is not here; `make pages` brings them")
    done = subprocess.run(
        [node, "--input-type=module", "-e", VALIDATE, SPEC.as_uri()],
        input=json.dumps(styles),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout)


def test_every_style_is_valid_by_maplibres_own_validator():
    styles = [
        built(name, lang, view=view, basemap=basemap)
        for name in style.NAMES
        for lang in ("vi", "en")
        for view in (VIEW, None)
        for basemap in ("", "https://tiles.example/{z}/{x}/{y}.png")
    ]
    broken = built()
    broken["layers"][1]["paint"]["fill-colour"] = "red"
    *found, expected = errors_of(*styles, broken)
    assert found == [[] for _ in styles]
    assert expected, "the validator did not see a misspelt property"


def test_every_layer_belongs_to_a_switch():
    groups = {"wards", "reports", "hotspots", "alerts", "schools", "clinics", "other"}
    found = {layer["metadata"]["pinward:group"] for layer in built()["layers"]}
    assert found == groups


def test_layers_draw_only_what_the_tiles_hold():
    parts = {part.id: (layer, part) for layer in LAYERS.values() for part in layer.parts}

    def fields_in(expression):
        if isinstance(expression, dict):
            for value in expression.values():
                yield from fields_in(value)
        elif isinstance(expression, list):
            if len(expression) == 2 and expression[0] == "get":
                yield expression[1]
            for value in expression:
                yield from fields_in(value)

    for drawn in built()["layers"]:
        if "source-layer" not in drawn:
            continue
        layer, part = parts[drawn["source-layer"]]
        assert drawn["source"] == layer.id
        used = {
            name
            for name in ("filter", "layout", "paint")
            for name in fields_in(drawn.get(name, []))
        }
        assert used <= set(part.fields), drawn["id"]


def test_every_kind_of_facility_is_drawn_once_and_has_an_icon():
    assert sorted(kind for kinds in GROUPS.values() for kind in kinds) == sorted(KINDS)
    _, index = sprite.sheet(1)
    assert set(index) == {*KINDS, *sprite.WARNINGS}


def test_both_themes_colour_the_same_families():
    assert set(palette.DAY.families) == set(palette.NIGHT.families)


def contrast(one, other):
    def light(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colours", [palette.DAY, palette.NIGHT])
def test_what_is_written_can_be_read(colours):
    few, below, above, most = colours.cell
    small, large = colours.cell_text
    for ground, ink in ((few, small), (below, small), (above, large), (most, large)):
        assert contrast(ground, ink) >= 4.4
    inks = (colours.label, colours.hotspot_text, colours.alert, colours.alert_grave)
    for ink in (*inks, colours.school, colours.clinic, colours.place):
        assert contrast(ink, colours.label_halo) >= 4.4


def test_a_basemap_shows_through_the_wards():
    plain, over = built(), built(basemap="https://tiles.example/{z}/{x}/{y}.png")
    assert "basemap" not in plain["sources"]
    assert over["sources"]["basemap"]["tiles"] == ["https://tiles.example/{z}/{x}/{y}.png"]
    land = {layer["id"]: layer for layer in over["layers"]}["ward-land"]
    assert land["paint"]["fill-opacity"] < 0.3


def test_names_are_in_the_language_asked_for():
    def name_field(lang):
        layers = {layer["id"]: layer for layer in built(lang=lang)["layers"]}
        return json.dumps(layers["ward-name"]["layout"]["text-field"])

    assert "name_en" in name_field("en")
    assert "name_en" not in name_field("vi")


def test_an_unknown_style_is_not_found():
    with pytest.raises(NotFound, match="pinward-dark"):
        built("castle")
