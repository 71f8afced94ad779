"""The notebook runs on a database with data, and its map holds what SQL counts."""

import html
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nbformat
import psycopg
import pytest
from drawn import put_facilities, put_hotspots, put_reports
from nbclient import NotebookClient

from builders import middle

BLURRED = (middle(0)[0] + 0.0031, middle(0)[1] + 0.0031)
NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "first_map.ipynb"


@pytest.fixture(scope="module")
def filled(clone, city_template):
    url = clone(city_template)
    lon, lat = middle(0)
    now = datetime.now(UTC)
    put_reports(url, [(lon + n * 1e-4, lat) for n in range(40)], created_at=now)
    put_reports(url, [BLURRED] * 3, created_at=now, category_code="noise.neighbours")
    put_reports(url, [(lon, lat)] * 5, created_at=now, category_code="order.drugs")
    put_reports(url, [(lon, lat)] * 7, created_at=now - timedelta(days=120))
    hull = f"POLYGON(({lon} {lat}, {lon + 0.001} {lat}, {lon} {lat + 0.001}, {lon} {lat}))"
    put_hotspots(url, [hull])
    put_hotspots(url, [hull, hull], category="noise.karaoke")
    put_hotspots(url, [hull], category="order.drugs")
    # Made from exact places, before the category was blurred.
    put_hotspots(url, [hull], category="noise.neighbours")
    kinds = ["school"] * 4 + ["kindergarten"] + ["clinic"] * 2 + ["police"] * 3
    put_facilities(url, [(lon, lat, kind, None if i == 0 else f"Nơi {i}")
                         for i, kind in enumerate(kinds)])  # fmt: skip
    return url


def executed(url, monkeypatch):
    """The notebook with its outputs, run in a kernel of its own."""
    monkeypatch.setenv("PINWARD_DATABASE_URL", url)
    # No tile server and no CDN may be needed to run it.
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(notebook, timeout=120, kernel_name="python3")
    return client.execute(cwd=str(NOTEBOOK.parent))


def page_of(notebook):
    """The HTML page of the map, which the last cell shows in a frame."""
    (output,) = notebook.cells[-1].outputs
    (frame,) = re.findall(r'srcdoc="(.*?)"', output["data"]["text/html"], re.DOTALL)
    return html.unescape(frame)


def layers_of(page):
    """Features by the layer's name in the switch, and the number of clustered reports."""
    variables = re.findall(r"(geo_json_\w+)_add\((\{.*?\})\);", page, re.DOTALL)
    features = {name: json.loads(text)["features"] for name, text in variables}
    (overlays,) = re.findall(r"overlays\s*:\s*\{(.*?)\}", page, re.DOTALL)
    names = {variable: name for name, variable in re.findall(r'"(.*?)"\s*:\s*(\w+)', overlays)}
    (data,) = re.findall(r"var data = (\[\[.*?\]\]);", page, re.DOTALL)
    return {names[variable]: found for variable, found in features.items()}, json.loads(data)


def test_the_map_holds_what_sql_counts(filled, monkeypatch):
    layers, reports = layers_of(page_of(executed(filled, monkeypatch)))
    with psycopg.connect(filled) as db:

        def counted(statement):
            return db.execute(f"SELECT count(*) {statement}").fetchone()[0]

        assert len(reports) == counted(
            "FROM reports JOIN categories AS c ON c.code = category_code"
            " WHERE visibility <> 'hidden' AND created_at > now() - interval '90 days'"
        )
        assert len(reports) == 43
        assert len(layers["hotspots"]) == 3
        schools = "kind IN ('school', 'kindergarten', 'university')"
        assert len(layers["schools"]) == counted(f"FROM facilities WHERE {schools}") == 5
        assert len(layers["clinics"]) == 2
        assert len(layers["wards"]) == counted("FROM wards") == 6
        # a blurred report lies where the public sees it, not where it happened
        (shown,) = db.execute(
            "SELECT ST_AsText(pinward_public_point(geom, 'blurred'), 6) FROM reports"
            " WHERE category_code = 'noise.neighbours' LIMIT 1"
        ).fetchone()
    places = {f"POINT({round(lon, 6)} {round(lat, 6)})" for lat, lon in reports}
    assert shown in places
    assert f"POINT({round(BLURRED[0], 6)} {round(BLURRED[1], 6)})" not in places


def test_it_runs_on_a_database_without_reports(city_url, monkeypatch):
    notebook = executed(city_url, monkeypatch)
    assert "geo_json" in page_of(notebook)


def test_it_is_kept_without_outputs():
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
