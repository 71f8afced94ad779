import numpy as np
import pytest
import shapely

import builders
from geo.crs import transformer
from geo.wards import load
from geo.wards.repair import repair
from geo.wards.shapes import FULL_ZOOM, LABEL_ZOOM, LEVELS, display_shapes, labels


def wavy(n, waves=40, height=2e-4):
    """Ward `n` of the small city, with an edge of many vertices that its neighbour shares."""
    west, south, east, north = builders.square(n).bounds
    lat = np.linspace(south, north, waves * 4 + 1)
    bend = np.sin(np.linspace(0, 2 * np.pi * waves, len(lat))) * height
    # Both ends of the wave are corners of the square, so that edges meet.
    bend[[0, -1]] = 0.0
    left, right = np.column_stack([west + bend, lat]), np.column_stack([east + bend, lat])
    return shapely.Polygon(np.concatenate([left, right[::-1]]))


def the_city(extra=()):
    return np.array([*(wavy(n) for n in range(6)), *extra], dtype=object)


def test_levels_get_finer_and_the_last_has_every_vertex():
    shapes = display_shapes(the_city())
    assert tuple(shapes) == LEVELS
    counts = [int(shapely.get_num_coordinates(shapes[zoom]).sum()) for zoom in LEVELS]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1] / 10
    assert counts[-1] == shapely.get_num_coordinates(the_city()).sum()


def test_neighbours_go_on_sharing_their_edges_at_every_level():
    for drawn in display_shapes(the_city()).values():
        assert shapely.coverage_is_valid(drawn)
        assert len(shapely.get_parts(shapely.union_all(drawn))[0].interiors) == 0


def test_shapes_are_metres_of_web_mercator():
    x, y = transformer(4326, 3857).transform(*builders.middle(0))
    for drawn in display_shapes(the_city()).values():
        assert drawn[0].contains(shapely.Point(x, y))


def test_a_ward_smaller_than_a_pixel_still_has_a_shape_at_every_level():
    far = shapely.Point(107.5, 10.7).buffer(1e-5)
    for drawn in display_shapes(the_city([far])).values():
        assert shapely.is_valid(drawn).all()
        assert (shapely.area(drawn) > 0).all()
        assert np.isin(shapely.get_type_id(drawn), (3, 6)).all()


def test_a_shape_that_simplifying_loses_is_drawn_as_at_the_finer_level(monkeypatch):
    simplify = shapely.coverage_simplify

    def losing(shapes, tolerance):
        found = simplify(shapes, tolerance)
        if tolerance > 100:
            found[2] = shapely.Polygon()
        return found

    monkeypatch.setattr(shapely, "coverage_simplify", losing)
    shapes = display_shapes(the_city())
    assert shapes[7][2] == shapes[10][2]
    assert shapes[7][1] != shapes[10][1]


def test_a_label_lies_in_the_middle_of_its_ward_with_metres_of_room():
    found = labels(display_shapes(the_city())[LABEL_ZOOM])
    for n, point in enumerate(found.points):
        wanted = shapely.Point(*transformer(4326, 3857).transform(*builders.middle(n)))
        assert point.distance(wanted) < 100
    # half of 0.02 degrees of latitude, in metres on the ground
    assert ((found.room_m > 1050) & (found.room_m < 1120)).all()


def test_what_is_drawn_is_within_half_a_pixel_of_what_is(shared_data):
    file, _ = repair(load.read(shared_data / "hcmc_wards_2025.geojson.gz"))
    shapes = display_shapes(file.polygons)
    for zoom in LEVELS[:-1]:
        pixel_m = 40_075_016.7 / 512 / 2**zoom
        drawn = shapes[zoom]
        assert shapely.is_valid(drawn).all()
        assert not shapely.is_empty(drawn).any()
        assert shapely.coverage_is_valid(drawn)
        gone = shapely.hausdorff_distance(drawn, shapes[FULL_ZOOM])
        assert np.median(gone) < pixel_m
        assert shapely.area(drawn).sum() == pytest.approx(
            shapely.area(shapes[FULL_ZOOM]).sum(), rel=0.01
        )
