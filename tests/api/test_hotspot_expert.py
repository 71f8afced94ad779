"""Experts' plain methods over HTTP: who may, what is answered and refused, how many at once."""

import subprocess
import sys
import threading
import time
from collections import Counter

import numpy as np
import psycopg
import pytest
import schemathesis
import shapely
from drawn import put_reports
from hypothesis import HealthCheck, given, settings
from planted import AS_OF, METRE, put_life, put_trouble
from staffed import PASSWORD, put_user, signed_in

from api.expert_desk import MOST_AT_ONCE
from api.hotspot_expert import ExpertCollection
from builders import SOUTH, WEST, middle
from geo.hotspots.expert.question import MOST_REPORTS
from geo.reports import categories as tree

PATH = "/api/v1/hotspots/expert"
DAY = {"on": AS_OF.isoformat()}
FLOODING = {"category": "drainage.flooding", **DAY}
LON, LAT = middle(0)
# Where nothing else is reported.
FAR = (WEST + 0.2, SOUTH)
MANY = "waste.bin_full"


@pytest.fixture(scope="module")
def filled(service):
    put_life(service.url)
    put_trouble(service.url, LON, LAT)
    put_trouble(service.url, *FAR, n=30, category_code="order.drugs")
    return service


@pytest.fixture(scope="module")
def planner(filled):
    with signed_in(filled, "planner") as client:
        yield client


def told(client, **query):
    answer = client.get(PATH, params={**FLOODING, **query})
    assert answer.status_code == 200, answer.text
    ExpertCollection.model_validate(answer.json(), extra="forbid")
    return answer


def refused(client, field, **query):
    answer = client.get(PATH, params={**FLOODING, **query})
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert error["field"] == field
    return error["message"]


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ({"method": "dbscan"}, {"eps_m": 100, "min_points": 10}),
        ({"method": "dbscan", "eps_m": 60}, {"eps_m": 60, "min_points": 10}),
        ({"method": "hdbscan", "min_cluster_size": 8}, {"min_cluster_size": 8}),
        ({"method": "gi_star"}, {"cell_m": 200, "alpha": 0.05}),
    ],
    ids=str,
)
def test_a_planner_is_answered_with_the_warning_and_nothing_keeps_it(planner, query, parameters):
    answer = told(planner, **query)
    assert answer.headers["content-type"] == "application/geo+json"
    assert answer.headers["cache-control"] == "private, no-store"
    body = answer.json()
    assert body["method"] == query["method"]
    assert body["parameters"] == {**parameters, "bbox": None}
    assert (body["as_of"], body["until"]) == ("2026-03-31", "2026-03-31T17:00:00Z")
    assert body["since"] == "2025-12-31T17:00:00Z"
    assert body["warning"]["vi"]
    assert body["warning"]["en"]
    # The planted one is among them.
    shapes = [shapely.geometry.shape(each["geometry"]) for each in body["features"]]
    assert shapely.distance(shapes, shapely.Point(LON, LAT)).min() < 70 * METRE
    assert ("z" in body["features"][0]["properties"]) == (body["n_cells"] is not None)


def test_reports_are_as_the_database_has_them(filled, planner):
    with psycopg.connect(filled.url) as db:
        n, cells = db.execute(
            "SELECT count(*) FILTER (WHERE category_code = 'drainage.flooding'),"
            " count(*) FILTER (WHERE category_code <> 'order.drugs') FROM reports"
            " WHERE created_at >= '2025-12-31T17:00Z' AND created_at < '2026-03-31T17:00Z'"
        ).fetchone()
    body = told(planner, method="gi_star", cell_m=2000).json()
    assert body["n_reports"] == n
    assert 0 < body["n_cells"] < cells
    assert told(planner, method="dbscan").json()["n_reports"] == n
    assert told(planner, method="dbscan", on="2025-01-01").json()["features"] == []


def test_a_box_is_all_that_is_looked_at(filled, planner):
    box = (LON - 0.002, LAT - 0.002, LON + 0.002, LAT + 0.002)
    with psycopg.connect(filled.url) as db:
        (n,) = db.execute(
            "SELECT count(*) FROM reports WHERE category_code = 'drainage.flooding'"
            " AND created_at >= '2025-12-31T17:00Z' AND created_at < '2026-03-31T17:00Z'"
            " AND geom && ST_MakeEnvelope(%s, %s, %s, %s, 4326)",
            box,
        ).fetchone()
    body = told(planner, method="dbscan", bbox=",".join(map(str, box))).json()
    assert body["parameters"]["bbox"] == list(box)
    assert body["n_reports"] == n >= 40
    assert told(planner, method="gi_star", bbox="1,1,2,2").json()["n_cells"] == 0


def test_a_blurred_category_is_looked_at_where_the_public_sees_it(filled, planner):
    blurred = next(row["code"] for row in tree.shipped() if row["visibility"] == "blurred")
    lon, lat = middle(4)
    lon += 0.0004
    put_trouble(filled.url, lon, lat, n=30, radius_m=5, category_code=blurred)
    with psycopg.connect(filled.url) as db:
        seen = db.execute(
            "SELECT DISTINCT ST_X(p), ST_Y(p) FROM reports, pinward_public_point(geom, 'blurred') p"
            " WHERE category_code = %s",
            (blurred,),
        ).fetchall()
    (one,) = told(planner, method="dbscan", category=blurred, eps_m=10).json()["features"]
    hull = shapely.geometry.shape(one["geometry"])
    middle_of = shapely.MultiPoint(seen).centroid
    assert hull.centroid.distance(middle_of) < 5 * METRE
    # As true places would not: the margin is 20 m.
    assert hull.centroid.distance(shapely.Point(lon, lat)) > 25 * METRE


def test_hidden_ones_are_told_to_nobody(planner):
    assert "hidden" in refused(planner, "category", method="dbscan", category="order.drugs")
    # Nor do they make a cell: where nothing else is reported there is none.
    lon, lat = FAR
    box = f"{lon - 0.01},{lat - 0.01},{lon + 0.01},{lat + 0.01}"
    assert told(planner, method="gi_star", bbox=box).json()["n_cells"] == 0


def test_others_may_not(filled):
    query = {**FLOODING, "method": "dbscan"}
    assert filled.http.get(PATH, params=query).status_code == 401
    with signed_in(filled, "crew") as client:
        assert client.get(PATH, params=query).status_code == 403
    with signed_in(filled, "admin") as client:
        assert client.get(PATH, params=query).status_code == 200


@pytest.mark.parametrize(
    ("field", "query"),
    [
        ("method", {"method": "magic"}),
        ("category", {"category": "castle"}),
        ("category", {"category": "drainage.flooding,drainage.canal"}),
        ("category", {"category": ["drainage.flooding", "drainage.canal"]}),
        ("category", {"category": ""}),
        ("on", {"on": "someday"}),
        ("on", {"on": "2999-01-01"}),
        ("on", {"on": "0001-01-01"}),
        ("eps_m", {"eps_m": 2001}),
        ("eps_m", {"eps_m": "nan"}),
        ("min_points", {"min_points": 1}),
        ("min_cluster_size", {"method": "hdbscan", "min_cluster_size": 4}),
        ("cell_m", {"method": "gi_star", "cell_m": 1}),
        ("alpha", {"method": "gi_star", "alpha": 0}),
        ("bbox", {"bbox": "1"}),
        ("colour", {"colour": "red"}),
    ],
)
def test_nonsense_is_422_that_names_the_field(planner, field, query):
    refused(planner, field, **{"method": "dbscan", **query})


def test_a_parameter_of_another_method_is_told_whose_it_is(planner):
    assert "belongs to dbscan" in refused(planner, "eps_m", method="hdbscan", eps_m=100)
    assert "belongs to gi_star" in refused(planner, "alpha", method="dbscan", alpha=0.05)


def test_too_many_are_refused_and_a_box_helps(filled, planner):
    most = MOST_REPORTS["hdbscan"]
    rng = np.random.default_rng(7)
    at = np.column_stack(
        [rng.uniform(WEST, WEST + 0.06, 5001), rng.uniform(SOUTH, SOUTH + 0.04, 5001)]
    )
    put_reports(filled.url, np.repeat(at, 2, axis=0).tolist(), category_code=MANY)
    message = refused(planner, "bbox", method="hdbscan", category=MANY)
    assert f"{most + 2:,}" in message
    assert f"{most:,}" in message
    half = f"{WEST},{SOUTH},{WEST + 0.03},{SOUTH + 0.04}"
    found = told(planner, method="hdbscan", category=MANY, bbox=half).json()
    assert 4000 < found["n_reports"] < 6000
    # And thousands of shapes are no map.
    pairs = {"method": "dbscan", "category": MANY, "eps_m": 10, "min_points": 2}
    assert "shapes" in refused(planner, "min_points", **pairs)


def test_no_more_than_so_many_are_worked_out_at_once(filled, planner):
    answers = []

    def ask():
        answers.append(planner.get(PATH, params={**FLOODING, "method": "dbscan"}).status_code)

    with psycopg.connect(filled.url) as db:
        # All who read reports wait here.
        db.execute("LOCK TABLE reports IN ACCESS EXCLUSIVE MODE")
        waiting = [threading.Thread(target=ask) for _ in range(MOST_AT_ONCE)]
        for each in waiting:
            each.start()
        ends = time.monotonic() + 30
        (n,) = (0,)
        while n < MOST_AT_ONCE:
            assert time.monotonic() < ends
            time.sleep(0.05)
            with psycopg.connect(filled.url) as aside:
                (n,) = aside.execute(
                    "SELECT count(*) FROM pg_locks WHERE NOT granted"
                    " AND relation = 'reports'::regclass"
                ).fetchone()
        more = planner.get(PATH, params={**FLOODING, "method": "dbscan"})
        assert more.status_code == 503
        assert int(more.headers["retry-after"]) > 0
        db.rollback()
    for each in waiting:
        each.join(60)
    assert Counter(answers) == {200: MOST_AT_ONCE}
    told(planner, method="dbscan")


def test_the_service_itself_loads_nothing_that_computes():
    # scikit-learn's HDBSCAN lets no other thread run: here it would hold up every request.
    code = "import sys, api.app; print(sorted({'numba', 'sklearn'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_whatever_is_asked_is_answered_as_documented(filled):
    email = put_user(filled.url, "planner", name="documented")
    filled.http.cookies.clear()
    signed = filled.http.post("/api/v1/session", json={"email": email, "password": PASSWORD})
    cookies = dict(signed.cookies)
    filled.http.cookies.clear()
    described = schemathesis.openapi.from_url(f"{filled.base}/openapi.json")

    @given(case=described[PATH]["GET"].as_strategy())
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    def check(case):
        # A question may be shaped right and still name no category.
        case.call_and_validate(
            cookies=cookies,
            excluded_checks=[
                schemathesis.checks.positive_data_acceptance,
                schemathesis.checks.ignored_auth,
            ],
        )

    check()
