"""What differs between two ward sets: named by code, name and ground, each piece once."""

from dataclasses import replace

import numpy as np
import pytest
import shapely

import builders
from geo.wards import load
from geo.wards.features import WardFeature, WardFile
from geo.wards.reform.differences import differences

WEST, SOUTH, SIDE = builders.WEST, builders.SOUTH, builders.SIDE
EAST = round(WEST + SIDE, 6)


def square(n):
    return shapely.Polygon(np.round(builders.square(n).exterior.coords, 6))


def a_set(source="after", **changes):
    """The small city; `w90002={"code": …, "name": …, "kind": …, "shape": …}` changes a ward."""
    wards, shapes = [], []
    for n in range(6):
        given = changes.get(f"w{builders.CODES[n]}", {})
        if given is None:
            continue
        wards.append(
            WardFeature(
                given.get("code", builders.CODES[n]),
                given.get("name", builders.NAMES[n]),
                None,
                given.get("kind", "ward"),
                f"feature {n + 1}",
            )
        )
        shapes.append(given.get("shape", square(n)))
    polygons = np.empty(len(shapes), dtype=object)
    polygons[:] = shapes
    return WardFile(source, tuple(wards), polygons)


BEFORE = a_set("before")
# a quarter of the first ward goes to the second
CUT = round(WEST + 0.75 * SIDE, 6)
LESS = shapely.box(WEST, SOUTH, CUT, round(SOUTH + SIDE, 6))
MORE = shapely.union(shapely.difference(square(0), LESS), square(1))


def changes(found):
    return [(p.change, p.from_code, p.to_code) for p in found.pieces]


def pairs(found):
    return [(one.from_code, one.from_name, one.to_code, one.to_name) for one in found]


def test_the_same_set_differs_in_nothing():
    found = differences(BEFORE, a_set())
    assert not found.differ
    assert found.same == 6
    assert found.pieces == found.changed == found.renamed == found.recoded == found.reused == ()
    assert found.only_before == found.only_after == ()


def test_ground_that_moves_is_one_piece_with_its_shares():
    found = differences(BEFORE, a_set(w90001={"shape": LESS}, w90002={"shape": MORE}))
    assert changes(found) == [("moved", "90001", "90002")]
    (piece,) = found.pieces
    assert (piece.from_name, piece.to_name) == ("Bến Thử", "Chợ Nhỏ")
    assert piece.share_of_from == pytest.approx(0.25, abs=1e-5)
    assert piece.share_of_to == pytest.approx(0.2, abs=1e-5)
    assert piece.area_m2 == pytest.approx(0.25 * SIDE**2 * 109_370 * 110_600, rel=2e-3)
    assert [one.from_code for one in found.changed] == ["90001", "90002"]
    assert found.same == 4
    assert found.area_m2("moved") == piece.area_m2
    assert found.area_m2("lost") == found.area_m2("gained") == 0.0


def test_direction_is_from_before_to_after():
    after = a_set(w90001={"shape": LESS}, w90002={"shape": MORE})
    assert changes(differences(after, BEFORE)) == [("moved", "90002", "90001")]


def test_another_name_on_the_same_ground_is_renamed():
    found = differences(BEFORE, a_set(w90001={"name": "Tên Mới"}))
    assert pairs(found.renamed) == [("90001", "Bến Thử", "90001", "Tên Mới")]
    assert changes(found) == [("renamed", "90001", "90001")]
    assert found.reused == found.changed == ()
    assert found.area_m2("moved") == 0.0


def test_another_kind_is_renamed_unless_a_source_does_not_tell_it():
    assert pairs(differences(BEFORE, a_set(w90001={"kind": "commune"})).renamed)
    assert not differences(BEFORE, a_set(w90001={"kind": "other"})).differ


def test_a_tone_on_another_vowel_is_the_same_name():
    one = a_set(w90001={"name": "Hòa Thuý"})
    assert not differences(one, a_set(w90001={"name": "Hoà Thúy"})).differ
    assert differences(one, a_set(w90001={"name": "Hoá Thuý"})).renamed
    assert differences(one, a_set(w90001={"name": "Hòa Thuy"})).renamed


def test_a_code_on_other_ground_under_another_name_is_reused():
    after = a_set(
        w90001={"code": "90002", "name": "Bến Thử"},
        w90002={"code": "90009", "name": "Chợ Nhỏ"},
    )
    found = differences(BEFORE, after)
    assert pairs(found.reused) == [("90002", "Chợ Nhỏ", "90002", "Bến Thử")]
    assert pairs(found.recoded) == [
        ("90001", "Bến Thử", "90002", "Bến Thử"),
        ("90002", "Chợ Nhỏ", "90009", "Chợ Nhỏ"),
    ]
    assert {change for change, *_ in changes(found)} == {"recoded"}
    assert found.only_before == found.only_after == ()


def test_a_merger_is_moved_ground_not_a_new_code_of_a_half():
    both = shapely.union(square(0), square(1))
    after = a_set(w90001={"code": "90010", "name": "Gộp", "shape": both}, w90002=None)
    found = differences(BEFORE, after)
    assert sorted(changes(found)) == [("moved", "90001", "90010"), ("moved", "90002", "90010")]
    assert [one.code for one in found.only_before] == ["90001", "90002"]
    assert [one.code for one in found.only_after] == ["90010"]
    assert found.recoded == ()


def test_ground_of_no_ward_is_lost_and_gained():
    tail = shapely.box(WEST, SOUTH - SIDE, EAST, SOUTH)
    after = a_set(w90001={"shape": shapely.union(square(0), tail)}, w90003=None)
    found = differences(BEFORE, after)
    assert sorted(changes(found)) == [("gained", None, "90001"), ("lost", "90003", None)]
    lost = next(piece for piece in found.pieces if piece.change == "lost")
    assert (lost.share_of_from, lost.share_of_to) == (1.0, None)
    assert [one.code for one in found.only_before] == ["90003"]


def test_the_map_of_the_pieces_is_geojson_in_seven_decimals():
    third = shapely.Polygon([(WEST, SOUTH), (CUT, SOUTH), (WEST + SIDE / 3, SOUTH + SIDE / 3)])
    after = a_set(
        w90001={"shape": shapely.difference(square(0), third)},
        w90002={"shape": shapely.union(square(1), third)},
    )
    found = differences(BEFORE, after)
    (feature,) = found.as_geojson()["features"]
    assert feature["properties"] == found.as_json()["pieces"][0]
    shape = shapely.geometry.shape(feature["geometry"])
    assert shape.is_valid
    assert shape.exterior.is_ccw
    xy = shapely.get_coordinates(shape)
    assert (np.round(xy, 7) == xy).all()
    assert shapely.area(shapely.symmetric_difference(shape, third)) < 1e-8


def test_one_moved_vertex_of_a_real_ward_is_found_alone(shared_data):
    before = load.read(shared_data / "hcmc_wards_2025_clean.geojson.gz")
    at = [ward.name for ward in before.wards].index("Sài Gòn")
    ring = shapely.get_coordinates(before.polygons[at])
    away = ring.copy()
    away[5] += (0.0015, 0.0015)
    polygons = before.polygons.copy()
    polygons[at] = shapely.make_valid(shapely.Polygon(away))
    after = replace(before, source="moved", polygons=polygons)
    found = differences(before, after)
    touched = {piece.from_code for piece in found.pieces} | {p.to_code for p in found.pieces}
    assert before.wards[at].code in touched
    assert found.same >= 160
    assert found.same + len(found.changed) == 168
    # what Sài Gòn has now and had not: told as moved to it, or gained where nobody was
    won = shapely.area(shapely.difference(polygons[at], before.polygons[at]))
    told = sum(p.shape.area for p in found.pieces if p.to_code == before.wards[at].code)
    assert told == pytest.approx(won, rel=0.02)


def test_a_real_city_read_twice_differs_by_hairlines_only(shared_data):
    before = load.read(shared_data / "hcmc_wards_2025_clean.geojson.gz")
    after = load.read(shared_data / "hcmc_wards_2025.geojson.gz")
    found = differences(before, after)
    assert found.same == 168
    assert not found.differ
    assert 100 < found.dropped_m2 < 1000
