"""`pinward reports export`: what leaves the house is what the public may know."""

import csv
import gzip
import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from hotline import query, run_import

import builders
from geo.reports.bulk import bulk_insert
from geo.store.database import create_engine

pytestmark = pytest.mark.anyio


@pytest.fixture
async def filled(city_url):
    engine = create_engine(city_url)
    rows = []
    for n in range(1_205):
        lon, lat = builders.middle(n % 6)
        rows.append(
            {
                "category": ("noise.karaoke", "traffic.pothole")[n % 2],
                "lon": lon + n * 1e-6,
                "lat": lat,
                "text": f'số "{n}",\nhai dòng',
                "created_at": datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=n),
                "source": "s",
                "source_id": str(n),
                "flags": ["a", "b"],
            }
        )
    rows[0]["category"], rows[1]["category"] = "order.drugs", "order.theft"
    async with engine.begin() as conn:
        assert await bulk_insert(conn, rows) == len(rows)
    await engine.dispose()
    return city_url


def _csv(path):
    packed = path.read_bytes()
    text = (gzip.decompress(packed) if path.suffix == ".gz" else packed).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


async def test_a_table_holds_every_public_report_once_newest_first(filled, pinward, tmp_path):
    done = pinward("reports", "export", "out.csv.gz", "--json", url=filled)
    assert json.loads(done.stdout) == {"file": "out.csv.gz", "reports": 1_204}
    rows = _csv(tmp_path / "out.csv.gz")
    assert len({row["code"] for row in rows}) == 1_204
    assert rows[0]["text"] == 'số "1204",\nhai dòng'
    assert [row["created_at"] for row in rows] == sorted(
        (row["created_at"] for row in rows), reverse=True
    )
    assert rows[0]["ward"] == builders.CODES[1204 % 6]
    assert rows[0]["flags"] == "a b"
    # Hidden ones are not there, blurred ones not where they are.
    assert "order.drugs" not in {row["category"] for row in rows}
    [theft] = [row for row in rows if row["category"] == "order.theft"]
    [(exact,)] = query(filled, "SELECT ST_X(geom) FROM reports WHERE code = %s", theft["code"])
    assert theft["blurred"] == "true"
    assert float(theft["lon"]) != exact
    assert abs(float(theft["lon"]) - exact) < 0.0007


async def test_geojson_holds_the_same_as_the_list_over_http(filled, pinward, tmp_path):
    done = pinward("reports", "export", "out.geojson", "--category", "traffic", url=filled)
    assert done.returncode == 0, done.stderr
    whole = json.loads((tmp_path / "out.geojson").read_text(encoding="utf-8"))
    assert whole["type"] == "FeatureCollection"
    assert {f["properties"]["category"]["code"] for f in whole["features"]} == {"traffic.pothole"}
    assert len(whole["features"]) == 601


async def test_what_was_exported_can_be_imported_elsewhere(filled, url, pinward, tmp_path):
    since = ("--since", "2026-02-01", "--until", "2026-02-03")
    pinward("reports", "export", "out.csv", *since, url=filled)
    n = len(_csv(tmp_path / "out.csv"))
    # Two days of the city's own clocks, a report an hour.
    assert n == 48
    said = run_import(pinward, tmp_path / "out.csv", url, "--id", "code")
    assert (said["imported"], said["refused"], said["categories"]) == (48, 0, [])


FORMULAS = ("=1+1", "+84 28", "- hố ga", "@ai", "'=1", "''-x", "'nháy'", "a=1")


@pytest.mark.parametrize("name", ["out.csv", "out.geojson"])
async def test_a_text_that_is_a_formula_is_none_in_the_table_and_comes_back_as_it_was(
    city_url, url, pinward, tmp_path, name
):
    lon, lat = builders.middle(0)
    row = {"category": "noise.karaoke", "lon": lon, "lat": lat}
    engine = create_engine(city_url)
    async with engine.begin() as conn:
        at = datetime(2026, 1, 1, tzinfo=UTC)
        await bulk_insert(conn, [{**row, "text": each, "created_at": at} for each in FORMULAS])
    await engine.dispose()
    assert pinward("reports", "export", name, url=city_url).returncode == 0
    if name == "out.csv":
        rows = _csv(tmp_path / name)
        assert not [row for row in rows if row["text"][0] in "=+-@"]
        assert float(rows[0]["lon"]) == pytest.approx(lon)
        columns = ("--id", "code")
    else:
        columns = ("--id", "code", "--created", "created_at", "--category", "category")
        whole = json.loads((tmp_path / name).read_text(encoding="utf-8"))
        for feature in whole["features"]:
            feature["properties"]["category"] = feature["properties"]["category"]["code"]
        (tmp_path / name).write_text(json.dumps(whole), encoding="utf-8")
    said = run_import(pinward, tmp_path / name, url, *columns)
    assert (said["imported"], said["refused"]) == (len(FORMULAS), 0)
    assert sorted(query(url, "SELECT text FROM reports")) == sorted((each,) for each in FORMULAS)


async def test_an_export_that_cannot_be_written_leaves_nothing_behind(filled, pinward, tmp_path):
    for name in ("out.xlsx", "nowhere/out.csv"):
        done = pinward("reports", "export", name, url=filled)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
    assert pinward("reports", "export", "a.csv", "--since", "x", url=filled).returncode == 2
    assert not list(tmp_path.glob("*.part"))
    assert not list(tmp_path.glob("out*"))
