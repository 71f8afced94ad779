"""Imports interrupted, repeated, at once, and the real file of Boston."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hotline import flags, query, row, run_import, write_csv


# Long texts, so that few rows make several batches.
def _long(n):
    return row(n, text=f"{n} " + "dài " * 1000)


def test_an_import_killed_in_the_middle_is_simply_run_again(city_url, pinward, tmp_path):
    path = write_csv(tmp_path / "a.csv", [*[_long(n) for n in range(9_000)], row(9_999, lon="")])
    program = Path(sys.executable).with_name("pinward")
    environment = {**os.environ, "PINWARD_DATABASE_URL": city_url, "PINWARD_STATE": str(tmp_path)}
    running = subprocess.Popen(
        [program, "reports", "import", path], env=environment, cwd=tmp_path, stderr=subprocess.PIPE
    )
    count = "SELECT count(*) FROM reports"
    for _ in range(600):
        [(killed_at,)] = query(city_url, count)
        if killed_at or running.poll() is not None:
            break
        time.sleep(0.02)
    running.send_signal(signal.SIGKILL)
    running.wait()
    running.stderr.close()
    # What was under way at the kill may still be committed by the server.
    time.sleep(0.3)
    [(killed_at,)] = query(city_url, count)
    assert 0 < killed_at < 9_000
    said = run_import(pinward, path, city_url)
    assert (said["imported"], said["already"], said["refused"]) == (9_000 - killed_at, killed_at, 1)
    assert query(city_url, "SELECT count(*), count(DISTINCT source_id) FROM reports") == [
        (9_000, 9_000)
    ]
    unequal = "SELECT count(*) FROM report_events GROUP BY report_id HAVING count(*) <> 1"
    assert query(city_url, unequal) == []
    assert not list(tmp_path.glob("*.part"))


def test_two_imports_of_one_file_at_once_bring_each_row_once(city_url, pinward, tmp_path):
    path = write_csv(tmp_path / "a.csv", [_long(n) for n in range(4_000)])
    with ThreadPoolExecutor(2) as pool:
        runs = [
            pool.submit(run_import, pinward, path, city_url, "--refused", f"{n}.csv")
            for n in range(2)
        ]
        said = [run.result() for run in runs]
    assert sum(each["imported"] for each in said) == 4_000
    assert sum(each["already"] for each in said) == 4_000
    assert query(city_url, "SELECT count(*) FROM reports") == [(4_000,)]
    assert query(city_url, "SELECT count(*) FROM report_events") == [(4_000,)]


@pytest.mark.shared_data
def test_the_real_file_of_boston_comes_in_whole_and_says_what_is_odd(
    url, pinward, tmp_path, shared_data
):
    wards = shared_data / "boston_neighborhoods.geojson.gz"
    done = pinward(
        *("wards", "import", wards, "--set", "boston", "--valid-from", "2010-01-01", "--repair"),
        url=url,
    )
    assert done.returncode == 0, done.stderr
    path = shared_data / "boston_311_2015.csv.gz"
    done = pinward(
        *("reports", "import", path, "--timezone", "America/New_York", "--json"),
        url=url,
        timeout=300,
    )
    said = json.loads(done.stdout)
    assert (said["rows"], said["imported"], said["refused"]) == (121_145, 121_145, 0)
    assert len(said["categories"]) == 158
    found = flags(said)
    assert found.pop("ambiguous-local-time", 0) < 10
    assert found == {"default-point": 17_070, "closed-before-created": 197, "outside-coverage": 25}
    assert said["default_points"] == [{"lon": -71.0587, "lat": 42.3594, "rows": 17_070}]
    # PostGIS is the judge of the wards.
    wrong = """
        SELECT count(*) FROM reports r
        LEFT JOIN LATERAL (
            SELECT id FROM wards w WHERE ST_Covers(w.geom, r.geom) ORDER BY code LIMIT 1
        ) w ON true
        WHERE w.id IS DISTINCT FROM CASE WHEN r.ward_match = 'covers' THEN r.ward_id END
    """
    assert query(url, wrong) == [(0,)]
    again = pinward(
        *("reports", "import", path, "--timezone", "America/New_York", "--json"),
        url=url,
        timeout=300,
    )
    said = json.loads(again.stdout)
    assert (said["imported"], said["already"]) == (0, 121_145)
