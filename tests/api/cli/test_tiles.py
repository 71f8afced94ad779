"""`pinward tiles verify` tells a wrong count from a right one, and `rebuild` mends it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
from drawn import put_reports
from holding import until

from builders import middle


def test_a_wrong_count_is_found_and_mended(pinward, city_url):
    lon, lat = middle(2)
    put_reports(city_url, [(lon + n * 1e-5, lat) for n in range(300)])
    built = pinward("tiles", "rebuild", "--json", url=city_url)
    assert built.returncode == 0, built.stderr
    assert json.loads(built.stdout)["reports"] == 300
    right = pinward("tiles", "verify", url=city_url)
    assert right.returncode == 0, right.stderr
    assert "equal" in right.stdout
    assert "300 reports" in right.stdout
    with psycopg.connect(city_url) as db:
        db.execute("DELETE FROM pyramid_counts WHERE node > 0")
    wrong = pinward("tiles", "verify", "--json", url=city_url)
    assert wrong.returncode == 1
    found = json.loads(wrong.stdout)
    assert not found["equal"]
    assert found["missing"] > 0
    said = pinward("tiles", "verify", url=city_url)
    assert "pinward tiles rebuild" in said.stderr
    assert pinward("tiles", "rebuild", url=city_url).returncode == 0
    assert pinward("tiles", "verify", url=city_url).returncode == 0


def test_reports_not_counted_yet_are_no_error(pinward, city_url):
    put_reports(city_url, [middle(1)] * 5)
    assert pinward("tiles", "rebuild", url=city_url).returncode == 0
    put_reports(city_url, [middle(0)] * 7)
    found = json.loads(pinward("tiles", "verify", "--json", url=city_url).stdout)
    assert found["equal"]
    assert found["reports"] == 12


def test_an_export_asked_to_end_leaves_nothing_behind(city_url, tmp_path):
    lon, lat = middle(2)
    put_reports(city_url, [(lon + n * 1e-5, lat) for n in range(50)])
    with psycopg.connect(city_url) as db:
        # it reads its first tile when this is over
        db.execute("LOCK TABLE pyramid_counts, pyramid_nodes IN ACCESS EXCLUSIVE MODE")
        running = subprocess.Popen(
            [Path(sys.executable).with_name("pinward"), "tiles", "export", tmp_path / "a.pmtiles"],
            env={**os.environ, "PINWARD_DATABASE_URL": city_url, "PINWARD_STATE": str(tmp_path)},
            stderr=subprocess.PIPE,
        )
        until(lambda: list(tmp_path.glob(".pinward-*.part")), 20)
        running.terminate()
        _, said = running.communicate(timeout=20)
    assert running.returncode == 143
    assert b"Traceback" not in said
    assert list(tmp_path.iterdir()) == []
