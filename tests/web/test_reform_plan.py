"""A reform by its commands, on the real wards where they are at hand, and its plan as a page."""

import csv
import importlib
import json
from collections import defaultdict
from pathlib import Path

import psycopg
import pytest

from geo.store import migrate

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
N_OPEN, N_CLOSED = 2_000, 400

# What the ward of each report would be by PostGIS, on the lowest code where two wards claim it.
WRONG = """
SELECT count(*) FROM reports AS r
WHERE r.status <> 'closed' AND r.ward_match = 'covers' AND r.ward_id <> (
    SELECT w.id FROM wards AS w
    WHERE w.valid @> CAST(%s AS date) AND ST_Covers(w.geom, r.geom) ORDER BY w.code LIMIT 1
)
"""
STATE = """
SELECT id, ward_id, organisation_id, status, ward_match, ward_distance_m, ambiguous_with, reasons
FROM reports ORDER BY id
"""


@pytest.fixture(scope="module")
def city(cluster, clone):
    """Reports in the wards of before, the new ones just imported; and the mapping, if any."""
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as admin:
        admin.execute("CREATE DATABASE template_before_reform")
    url = cluster.url("template_before_reform")
    migrate.upgrade(url)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        made = importlib.import_module("reform_city")
        made.make(url, N_OPEN, N_CLOSED)
    mapping = made.SHARED / "hcmc_ward_mapping_2025.csv"
    return url, mapping if mapping.is_file() else None


def one(url, query, *values):
    with psycopg.connect(url) as db:
        return db.execute(query, values).fetchall()


def contradicted(mapping):
    """Old units that the file does not give away whole, and the one without a code."""
    shares = defaultdict(float)
    with mapping.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            code = row["legacy_code"] or f"x-{row['new_code']}"
            shares[code] += float(row["area_share_in_new"] or (1 if row["legacy_code"] else 0))
    return {code for code, share in shares.items() if share < 0.95}


def test_planned_applied_and_undone_by_commands(city, pinward):
    url, mapping = city
    mapped = ("--mapping", mapping) if mapping else ()
    before = one(url, STATE)
    assert one(url, WRONG, "2025-06-30") == [(0,)]
    planned = pinward("wards", "reform", "plan", "--to", "after", *mapped, "--json", url=url)
    assert planned.returncode == 0, planned.stderr
    told = json.loads(planned.stdout)
    assert told["totals"]["open"] == N_OPEN
    assert told["splits"]
    assert told["merges"]
    if mapping:
        named = {one["from"]["code"]: one["to"]["name"] for one in told["reused_codes"]}
        assert named["26737"] == "Tân Định"
        # The old wards are drawn by the file: where they differ, it contradicts itself.
        assert {one["old"] for one in told["disagreements"]} == contradicted(mapping)
    assert one(url, STATE) == before
    applied = pinward("wards", "reform", "apply", "--to", "after", "--json", url=url)
    assert applied.returncode == 0, applied.stderr
    done = json.loads(applied.stdout)
    assert (done["moved"], done["renewed"]) == (
        told["totals"]["moving"],
        told["totals"]["renewed"],
    )
    assert one(url, WRONG, "2025-07-01") == [(0,)]
    assert one(url, "SELECT count(*) FROM reports WHERE ward_id IS NOT NULL") == [
        (N_OPEN + N_CLOSED,)
    ]
    assert one(url, "SELECT count(*) FROM report_events WHERE kind = 'moved'") == [(done["moved"],)]
    undone = pinward("wards", "reform", "undo", "--to", "after", "--json", url=url)
    assert undone.returncode == 0, undone.stderr
    assert json.loads(undone.stdout)["touched"] == 0
    assert one(url, STATE) == before


def test_a_mapping_that_names_unknown_wards_is_refused_with_its_lines(city, pinward, tmp_path):
    url, _ = city
    path = tmp_path / "mapping.csv"
    path.write_text("legacy_code,new_code\n1,2\n3,4\n", encoding="utf-8")
    refused = pinward("wards", "reform", "plan", "--to", "after", "--mapping", path, url=url)
    assert refused.returncode == 1
    assert "line 2: old ward 1 was not in force the day before" in refused.stderr
    assert "line 3: new ward 4 is not in the set" in refused.stderr


def test_the_plan_is_a_page_that_asks_nobody_and_shows_the_wards(
    city, pinward, chromium, pages, tmp_path
):
    url, _ = city
    path = tmp_path / "plan.html"
    made = pinward(
        *("wards", "reform", "plan", "--to", "after", "--map", path),
        url=url,
        PINWARD_PAGES=str(pages),
    )
    assert made.returncode == 0, made.stderr
    page = chromium.new_page(viewport={"width": 1400, "height": 850})
    asked, complaints = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(path.as_uri())
    page.locator(".folium-map canvas").first.wait_for()
    assert page.get_by_text("2\u202f000", exact=True).count() == 1
    # Something is drawn: the canvas has more than one colour.
    colours = page.evaluate(
        "() => { const c = document.querySelector('.folium-map canvas');"
        " const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        " const seen = new Set(); for (let i = 0; i < d.length; i += 4)"
        " seen.add(`${d[i]},${d[i+1]},${d[i+2]}`); return seen.size; }"
    )
    assert colours > 3
    assert [each for each in asked if each.startswith("http")] == []
    assert complaints == []
    page.close()
