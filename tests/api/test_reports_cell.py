"""What a cell of the map counts is what the list of that cell holds, neither more nor less."""

from collections import Counter

import numpy as np
import psycopg
import pytest
from drawn import decoded, put_reports
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import builders
from geo.store.cells import FINEST_LEVEL, LAST_ID, Cell

LIST = "/api/v1/reports"
CATEGORIES = {
    "drainage.flooding": "public",
    "traffic.pothole": "public",
    "noise.neighbours": "blurred",
    "order.drugs": "hidden",
}
# One block where all kinds lie close together, some at one and the same place, amid a wider spread.
HERE = builders.middle(4)
MANY = 1_900


@pytest.fixture(scope="module")
def spread(service):
    """Reports of all visibilities in heaps and far apart."""
    rng = np.random.default_rng(3)
    offsets = np.concatenate(
        [
            rng.normal(0, 0.0002, (700, 2)),
            rng.normal(0, 0.00002, (200, 2)),
            rng.normal(0, 0.02, (MANY - 1000, 2)),
            np.zeros((100, 2)),
        ]
    )
    places = [(HERE[0] + x, HERE[1] + y) for x, y in offsets.tolist()]
    names = list(CATEGORIES)
    put_reports(
        service.url,
        places,
        category_code=[names[n] for n in rng.integers(0, len(names), MANY)],
        status=[("received", "closed")[n] for n in rng.integers(0, 2, MANY)],
        kind=[("incident", "suggestion")[n] for n in rng.integers(0, 2, MANY)],
    )
    with psycopg.connect(service.url) as db:
        rows = db.execute(
            "SELECT r.code, pinward_public_cell(cell, c.visibility), category_code, status, kind "
            "FROM reports AS r JOIN categories AS c ON c.code = category_code"
        ).fetchall()
    return [row for row in rows if row[1] is not None]


def listed(service, cell, limit=1000, **query):
    """Codes in the list of a cell, all its pages."""
    url, found = f"{LIST}?{'&'.join(f'{k}={v}' for k, v in query.items())}", []
    url += f"&cell={cell}&limit={limit}"
    while url:
        answer = service.http.get(url)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        found += [feature["id"] for feature in body["features"]]
        url = body["next"]
    return found


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_a_cell_of_any_level_lists_what_the_public_sees_in_it(service, spread, data):
    level = data.draw(st.integers(0, FINEST_LEVEL), "level")
    around = data.draw(st.sampled_from(spread), "report")[1] >> 2 * (FINEST_LEVEL - level)
    # The cell of a report, or one beside it that may hold nothing.
    number = (around + data.draw(st.sampled_from([0, 0, 0, 1, -1, 2]), "beside")) % (1 << 2 * level)
    query = data.draw(
        st.fixed_dictionaries(
            {},
            optional={
                "category": st.sampled_from(["noise", "noise.neighbours", "drainage", "order"]),
                "status": st.sampled_from(["received", "closed"]),
                "kind": st.sampled_from(["incident", "suggestion"]),
            },
        ),
        "filters",
    )
    expected = {
        code
        for code, cell, category, status, kind in spread
        if cell >> 2 * (FINEST_LEVEL - level) == number
        and query.get("category", category) in (category, category.split(".")[0])
        and query.get("status", status) == status
        and query.get("kind", kind) == kind
    }
    found = listed(service, Cell(level, number).id, **query)
    assert len(found) == len(set(found))
    assert set(found) == expected


def test_pages_of_a_cell_follow_each_other_without_gap_or_repeat(service, spread):
    middle = Cell(18, int(Counter(row[1] >> 16 for row in spread).most_common(1)[0][0]))
    expected = {row[0] for row in spread if row[1] >> 16 == middle.number}
    assert len(expected) > 100
    found = listed(service, middle.id, limit=37)
    assert len(found) == len(set(found)) == len(expected)
    assert set(found) == expected


def test_every_cell_of_the_tiles_lists_as_many_as_it_counts(service, spread):
    seen = Counter()
    for z in (9, 12, 14):
        total = 0
        for x, y in sorted({tile(row[1], z) for row in spread}):
            body = service.http.get(f"/tiles/reports/{z}/{x}/{y}.mvt").content
            for feature in decoded(body)["reports"]:
                said = feature["properties"]
                total += said["point_count"]
                if "cell" not in said:
                    assert said["point_count"] == 1
                    continue
                assert said["cell"] == feature["id"]
                assert said["cell"].bit_length() == 2 * (z + 3) + 1
                seen[z] += 1
                if said["point_count"] > 1:
                    found = listed(service, said["cell"])
                    assert len(found) == said["point_count"], f"cell {said['cell']}"
        assert total == len(spread)
    assert seen[9] > 1
    assert seen[12] > 1


def tile(cell, z):
    """Column and row of the tile that holds a cell of the finest level."""
    number = cell >> 2 * (FINEST_LEVEL - z)
    bits = range(z)
    return (
        sum((number >> 2 * bit & 1) << bit for bit in bits),
        sum((number >> 2 * bit + 1 & 1) << bit for bit in bits),
    )


@pytest.mark.parametrize(
    "cell",
    [
        *("0", "-1", "", "x", "1.5", "1e3", "0x10", "+4", " 4", "1_6", "٤", "NaN"),
        # levels and a half
        *("2", "3", "8", "32"),
        str(LAST_ID + 1),
        str(1 << 54),
        "9" * 5000,
    ],
)
def test_a_cell_that_does_not_exist_is_refused_with_a_sentence(service, cell):
    answer = service.http.get(LIST, params={"cell": cell})
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    (error,) = answer.json()["errors"]
    assert error["field"] == "cell"
    assert "z-order" in error["message"]


def test_the_world_and_the_finest_cell_are_cells(service, spread):
    assert len(listed(service, 1)) == len(spread)
    answer = service.http.get(LIST, params={"cell": str(LAST_ID)})
    assert answer.status_code == 200
    assert answer.json()["features"] == []
