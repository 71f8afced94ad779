"""Every measure of `make bench` runs, here as small as can be; what it measures is not judged."""

import importlib
import json
import math
from pathlib import Path

import psycopg
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
ROWS = 4000
SMALL = {
    "report_import": {"rows": 300},
    "clustering": {"small": 2000, "large": 5000},
    "scan": {"cities": (("wards", 12, 300, 1, 1),)},
    "calibration": {"cities": 1, "compared": 1, "reports": 3000, "cases": ("even",)},
    "power": {"cities": 1, "reports": 3000},
    "trends": {"each": 2, "noted": 1, "steady": 2},
    "identities": {"cities": 1, "weeks": 2},
    "country": {"points": 60_000},
    "reform": {"n_open": 3000, "n_closed": 300, "seconds": 1.0},
    "warm_tile": {"pairs": 1, "seconds": 0.3},
    "live_streams": {"streams": 12, "reports": 3},
    "admission": {"pairs": 1, "seconds": 0.5, "phones": 70},
    "similar": {"questions": 20},
    "statistics_answers": {"turns": 1, "pairs": 1, "seconds": 0.5},
    "intake": {"pairs": 1, "seconds": 0.6, "probes": 6},
}


@pytest.fixture(scope="module")
def measures():
    """`measures(name)` imports a module of benchmarks/."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        yield importlib.import_module


@pytest.fixture(scope="module")
def city(measures, clone, migrated):
    """The city of the measures, small, with its pyramid."""
    return measures("city").prepare(clone(migrated), ROWS)


@pytest.fixture(scope="module")
def migrated(cluster):
    """Name of a database with tables and nothing in them, as `make bench` makes it."""
    from geo.store import migrate

    with psycopg.connect(cluster.url("postgres"), autocommit=True) as admin:
        admin.execute("CREATE DATABASE template_migrated")
    migrate.upgrade(cluster.url("template_migrated"))
    return "template_migrated"


def whole(row):
    """Whether a row of the table has all its parts, and its ratio is one."""
    assert {"measure", "took_s", "what", "against", "ratio", "aim", "note"} <= set(row)
    unit = "bytes" if "ours_bytes" in row else "s"
    ours, theirs = row[f"ours_{unit}"], row[f"theirs_{unit}"]
    assert ours > 0
    if row["against"] == "-":
        assert theirs is None
        assert row["ratio"] is None
    else:
        assert theirs > 0
        assert math.isfinite(row["ratio"])
    return True


@pytest.mark.parametrize(
    "name",
    [
        *("pyramid_size", "hotspot_run", "cold_tile", "warm_tile", "live_streams", "similar"),
        *("statistics_answers", "intake"),
    ],
)
def test_a_measure_in_the_city_runs(measures, city, name):
    module = measures(name)
    run = measures("run")
    small = SMALL.get(name, {})
    rows = run.rows_of(name, lambda: module.measure(city, **small))
    assert rows
    assert all(whole(row) for row in rows)
    assert run.table(rows).row_count == len(rows)
    json.dumps(rows)


@pytest.mark.parametrize(
    "name",
    [
        "ward_lookup",
        "report_import",
        "scan",
        "calibration",
        "power",
        "trends",
        "identities",
        "country",
        "reform",
    ],
)
def test_a_measure_of_its_own_runs(measures, clone, migrated, monkeypatch, name):
    module = measures(name)
    if name == "ward_lookup":
        monkeypatch.setattr(module, "N", 2000)
    run = measures("run")
    url = clone(migrated)
    rows = run.rows_of(name, lambda: module.measure(url, **SMALL.get(name, {})))
    assert rows
    assert all(whole(row) for row in rows)


def test_every_measure_is_run_by_make_bench(measures):
    having = {path.stem for path in BENCHMARKS.glob("*.py") if "\ndef measure(" in path.read_text()}
    assert having == set(measures("run").MEASURES)


def test_the_city_is_skewed_as_reports_are_and_the_table_left_as_it_was(measures, clone, migrated):
    url = clone(migrated)
    shape = (
        "SELECT ARRAY(SELECT pg_get_indexdef(indexrelid) FROM pg_index "
        "WHERE indrelid = 'reports'::regclass ORDER BY 1), ARRAY(SELECT pg_get_constraintdef(oid) "
        "FROM pg_constraint WHERE conrelid = 'reports'::regclass ORDER BY 1)"
    )
    with psycopg.connect(url) as db:
        before = db.execute(shape).fetchone()
        measures("city").load(url, ROWS)
        assert db.execute(shape).fetchone() == before
        rows, wards, categories, pile, closed, old_open = db.execute(
            "SELECT count(*), count(DISTINCT ward_id), count(DISTINCT category_code), "
            "(SELECT max(n) FROM (SELECT count(*) AS n FROM reports GROUP BY geom) AS spots), "
            "count(*) FILTER (WHERE status = 'closed'), count(*) FILTER (WHERE status IN "
            "('received', 'assigned') AND created_at < '2026-01-01') FROM reports "
            "WHERE ward_id IS NOT NULL"
        ).fetchone()
        # In the right ward, judged by PostGIS.
        (astray,) = db.execute(
            "SELECT count(*) FROM reports AS r JOIN wards AS w ON w.id = r.ward_id "
            "WHERE NOT ST_DWithin(w.geom, r.geom, 1e-6)"
        ).fetchone()
    assert rows == ROWS
    assert wards > 100
    assert categories > 50
    assert 0.005 * ROWS < pile < 0.02 * ROWS
    assert closed > 0.7 * ROWS
    assert old_open < 0.05 * ROWS
    assert astray == 0


def test_a_measure_that_fails_is_a_row_and_loses_no_other(measures, monkeypatch):
    run = measures("run")

    class Broken:
        @staticmethod
        def measure(place):
            raise RuntimeError("no such place")

    monkeypatch.setattr(run, "_module", lambda name: Broken)
    (row,) = run.one("broken", None)
    assert row["failed"]
    assert "no such place" in row["note"]
    assert run.table([row]).row_count == 1
