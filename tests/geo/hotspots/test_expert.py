"""Plain methods: they are what they say, and they do cry wolf, as their warnings say."""

from datetime import date

import numpy as np
import pytest
import shapely
from scipy.stats import norm

from benchmarks import simulated
from geo import crs
from geo.errors import Invalid
from geo.hotspots.expert import clusters, gi_star
from geo.hotspots.expert.answer import geojson, look, within
from geo.hotspots.expert.question import (
    METHODS,
    MOST_REPORTS,
    MOST_SHAPES,
    PARAMETERS,
    Question,
    refuse_shapes,
)
from geo.hotspots.expert.words import warning
from geo.hotspots.hexes import grid
from geo.store.area import Bbox

DAY = date(2026, 3, 31)
CORNER_M = np.array([680_000.0, 1_185_000.0])


def asked(method, **given):
    return Question.of(method, "drainage.flooding", DAY, **given)


def in_degrees(points_m):
    return crs.to_degrees(*(points_m + CORNER_M).T, crs.UTM_48N)


def by_the_formula(number, x):
    """Local G* over a dense matrix of weights, hexagons beside each other by their distance."""
    at = grid.centres(number)
    apart = np.hypot(*(at[:, None] - at[None]).T)
    weights = (apart < 1.1 * grid.WIDTH_M).astype(float)
    n, mean = len(x), x.mean()
    s = np.sqrt((x**2).sum() / n - mean**2)
    w, w2 = weights.sum(axis=1), (weights**2).sum(axis=1)
    return (weights @ x - mean * w) / (s * np.sqrt((n * w2 - w**2) / (n - 1)))


def test_gi_star_is_getis_and_ord_s_over_hexagons_and_their_six_neighbours():
    rng = np.random.default_rng(1)
    points_m = rng.normal((685e3, 1.19e6), 1200, (3000, 2))
    mine = rng.random(3000) < 0.3
    cells = gi_star.by_gi_star(points_m, mine, grid.WIDTH_M)
    own = grid.numbers(points_m)
    assert cells.number.tolist() == np.unique(own).tolist()
    assert cells.n.tolist() == [int((own[mine] == each).sum()) for each in cells.number]
    assert np.allclose(cells.z, by_the_formula(cells.number, cells.n.astype(float)))
    assert np.allclose(cells.p, 1 - norm.cdf(cells.z))
    # Edges and holes: not every hexagon has six.
    beside = np.isin(grid.neighbours(cells.number), cells.number).sum(axis=1)
    assert {0, 3, 6} <= set(beside.tolist())


def test_false_discovery_is_benjamini_and_hochberg_over_all_planes_at_once():
    rng = np.random.default_rng(2)
    parts = [rng.random(30) ** 3, rng.random(50)]
    every = np.concatenate(parts)
    told = np.concatenate(gi_star.false_discovery(parts))
    for i, p in enumerate(every):
        above = every[every >= p]
        assert told[i] == pytest.approx(
            min(1.0, min(each * len(every) / (every <= each).sum() for each in above))
        )
    assert [len(each) for each in gi_star.false_discovery(parts)] == [30, 50]


@pytest.mark.parametrize(
    "points_m",
    [
        np.array([[0.0, 0.0]]),
        np.zeros((5, 2)),
        np.array([[0.0, 0.0], [200.0, 0.0]]),
        grid.centres(np.arange(9)),
    ],
    ids=["one report", "one spot", "two neighbours", "all alike"],
)
def test_where_nothing_can_stand_out_z_is_0(points_m):
    cells = gi_star.by_gi_star(points_m, np.ones(len(points_m), bool), grid.WIDTH_M)
    assert cells.z.tolist() == [0.0] * len(cells.number)


def test_hexagons_of_another_width_hold_their_points_and_touch_their_neighbours():
    rng = np.random.default_rng(3)
    at = rng.uniform(0, 3000, (500, 2))
    own = grid.numbers(at, 70.0)
    shapes = shapely.polygons(grid.corners(own, 70.0))
    assert shapely.distance(shapes, shapely.points(at)).max() < 1e-6
    assert np.allclose(shapely.area(shapes), 70.0**2 * 3**0.5 / 2)
    for beside in grid.neighbours(own[:5]).T:
        around = shapely.polygons(grid.corners(beside, 70.0))
        edges = shapely.length(shapely.intersection(shapes[:5], around))
        assert np.allclose(edges, 70.0 / 3**0.5)


def two_groups():
    rng = np.random.default_rng(4)
    return np.concatenate(
        [
            rng.normal((500, 500), 20, (30, 2)),
            rng.normal((3000, 3000), 40, (50, 2)),
            rng.uniform(0, 4000, (20, 2)),
        ]
    )


@pytest.mark.parametrize(
    "question", [asked("dbscan"), asked("hdbscan", min_cluster_size=12)], ids=METHODS[:2]
)
def test_groups_are_hulls_that_hold_their_reports_the_fullest_first(question):
    points_m = two_groups()
    lon, lat = in_degrees(points_m)
    # Of other categories none is looked at.
    mine = np.arange(len(lon)) != 40
    found = look(question, lon, lat, mine)
    assert found.n_reports == 99
    first, second = found.shapes
    assert first.n >= 49
    assert second.n >= 30
    assert first.n > second.n
    assert shapely.contains_xy(second.polygon, lon[:30], lat[:30]).all()
    told = geojson(first)
    assert told["properties"] == {"n": first.n}
    drawn = shapely.geometry.shape(told["geometry"])
    assert drawn.is_valid
    assert drawn.exterior.is_ccw


def test_cells_are_told_by_their_z_and_only_those_that_stand_out():
    points_m = np.concatenate([two_groups(), np.random.default_rng(5).uniform(0, 4000, (800, 2))])
    lon, lat = in_degrees(points_m)
    mine = np.arange(len(lon)) < 100
    found = look(asked("gi_star"), lon, lat, mine)
    assert found.n_cells == len(np.unique(grid.numbers(points_m + CORNER_M)))
    assert found.n_reports == 100
    z = [shape.z for shape in found.shapes]
    assert z == sorted(z, reverse=True)
    assert all(shape.q_value <= 0.05 for shape in found.shapes)
    assert 2 <= len(found.shapes) < found.n_cells / 4
    fewer = look(asked("gi_star", alpha=1e-9), lon, lat, mine)
    assert 0 < len(fewer.shapes) < len(found.shapes)
    assert set(geojson(found.shapes[-1])["properties"]) == {"n", "z", "p_value", "q_value"}


@pytest.mark.parametrize("method", METHODS)
def test_of_no_or_few_reports_there_is_nothing(method):
    for n in (0, 1, 3):
        found = look(asked(method), *in_degrees(np.zeros((n, 2))), np.ones(n, bool))
        assert (found.shapes, found.n_reports) == ([], n)


def test_on_cities_without_hotspots_each_does_what_its_warning_says():
    city = simulated.city(np.random.default_rng(6))
    lon, lat = in_degrees(city.points_m)
    mine = city.categories == 3
    found = {method: look(asked(method), lon, lat, mine) for method in METHODS}
    assert len(found["dbscan"].shapes) > 20
    assert sum(shape.n for shape in found["hdbscan"].shapes) > 0.6 * mine.sum()
    assert len(found["gi_star"].shapes) > 40
    for method in METHODS:
        said = warning(method)
        assert "simulated" in said["en"]
        assert "mô phỏng" in said["vi"]
        assert "as they are" in said["en"]


def test_a_parameter_of_another_method_is_refused_by_name():
    for method, own in PARAMETERS.items():
        for other, theirs in PARAMETERS.items():
            for name, value in theirs.items():
                if other == method:
                    assert asked(method, **{name: value}).parameters == own
                    continue
                with pytest.raises(Invalid, match=f"{name} belongs to {other}, not to {method}"):
                    asked(method, **{name: value})


def test_too_much_is_refused_with_how_much_there_is_and_how_to_narrow_it():
    for method, most in MOST_REPORTS.items():
        asked(method).refuse_more(most)
        with pytest.raises(Invalid, match=rf"{most + 1:,} reports .* allowed {most:,}.* bbox"):
            asked(method).refuse_more(most + 1)
        refuse_shapes(asked(method), MOST_SHAPES)
        with pytest.raises(Invalid, match="3,001 shapes"):
            refuse_shapes(asked(method), MOST_SHAPES + 1)


def test_a_box_across_the_antimeridian_holds_both_sides():
    lon, lat = np.array([179.5, -179.5, 0.0, 179.5]), np.array([0.0, 0.0, 0.0, 2.0])
    assert within(Bbox(179, -1, -179, 1), lon, lat).tolist() == [True, True, False, False]


def test_labels_become_groups_without_the_noise():
    labels = np.array([1, 0, -1, 1, 0, 1, 2])
    assert [rows.tolist() for rows in clusters.groups(labels)] == [[1, 4], [0, 3, 5], [6]]
    assert clusters.groups(np.array([-1, -1])) == []
