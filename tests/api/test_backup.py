"""Database and photos in one file, checked on the way out, on the way in, and afterwards."""

import io
import tarfile
from pathlib import Path

import psycopg
import pytest
from buckets import bucket
from conftest import serving
from hostile import drawn, written

import builders


@pytest.fixture
def city(city_url, tmp_path):
    """A city with two reports and three photos, one of them in both; its url, codes and store."""
    state = tmp_path / "city"
    state.mkdir()
    with serving(city_url, state, 1, "--no-worker") as service:

        def upload(width):
            photo = written(drawn(width, 50), "PNG")
            answer = service.http.post("/api/v1/uploads", files={"file": ("a.png", photo)})
            return answer.json()["id"]

        codes = []
        for widths in ((50, 60), (50, 70)):
            body = builders.a_report(photos=[upload(width) for width in widths])
            codes.append(service.http.post("/api/v1/reports", json=body).json()["code"])
        upload(80)
    return city_url, codes, state / "state" / "media"


@pytest.fixture
def blank(cluster, request):
    name = f"blank_{abs(hash(request.node.name))}"
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    return cluster.url(name)


def _hashes(url, code=None):
    with psycopg.connect(url) as db:
        found = db.execute(
            "SELECT sha256 FROM photos JOIN reports ON id = report_id WHERE code = %s ORDER BY n"
            if code
            else "SELECT DISTINCT sha256 FROM photos",
            (code,) if code else (),
        ).fetchall()
    return [row[0] for row in found]


def _at(media, sha256):
    return media / sha256[:2] / sha256


def test_a_backup_restored_elsewhere_serves_the_same_reports_and_photos(
    city, blank, pinward, tmp_path
):
    url, codes, media = city
    made = pinward("db", "backup", "city.tar", url=url, PINWARD_MEDIA=str(media))
    assert made.returncode == 0, made.stderr
    assert "4 photos" in made.stdout
    file = tmp_path / "city.tar"
    assert file.stat().st_mode & 0o777 == 0o600
    other = tmp_path / "other"
    other.mkdir()
    done = pinward("db", "restore", file, url=blank, PINWARD_MEDIA=str(other / "state" / "media"))
    assert done.returncode == 0, done.stderr
    with serving(blank, other, 1, "--no-worker") as service:
        for code in codes:
            for n, sha256 in enumerate(_hashes(url, code), 1):
                picture = service.http.get(f"/api/v1/reports/{code}/photos/{n}")
                assert picture.content == _at(media, sha256).read_bytes()
        assert service.http.post("/api/v1/reports", json=builders.a_report()).status_code == 201


def test_who_sent_what_and_how_much_is_in_no_backup(city, blank, pinward, tmp_path):
    url, _, media = city
    with psycopg.connect(url) as db:
        db.execute("INSERT INTO report_devices SELECT id, '\\x01', 'infinity' FROM reports")
        db.execute("INSERT INTO abuse_buckets VALUES ('\\x01', 1, now(), 'infinity')")
    assert pinward("db", "backup", "a.tar", url=url, PINWARD_MEDIA=str(media)).returncode == 0
    done = pinward("db", "restore", "a.tar", url=blank, PINWARD_MEDIA=str(tmp_path / "m"))
    assert done.returncode == 0, done.stderr
    with psycopg.connect(blank) as db:
        for table, left in (("report_devices", 0), ("abuse_buckets", 0), ("reports", 2)):
            assert db.execute(f"SELECT count(*) FROM {table}").fetchone() == (left,), table


def test_a_backup_goes_into_a_bucket_too(city, blank, pinward):
    url, _, media = city
    assert pinward("db", "backup", "a.tar", url=url, PINWARD_MEDIA=str(media)).returncode == 0
    with bucket("city") as s3:
        done = pinward("db", "restore", "a.tar", url=blank, **s3)
        assert done.returncode == 0, done.stderr
        assert pinward("db", "backup", "b.tar", url=blank, **s3).returncode == 0


def test_what_is_lost_or_changed_in_the_store_is_listed_and_the_rest_is_saved(
    city, blank, pinward, tmp_path
):
    url, codes, media = city
    gone, (shared, changed) = _hashes(url, codes[0])[1], _hashes(url, codes[1])
    _at(media, gone).unlink()
    _at(media, changed).write_bytes(b"others")
    made = pinward("db", "backup", "city.tar", url=url, PINWARD_MEDIA=str(media))
    assert made.returncode == 1
    assert f"report {codes[0]}, photo 2: no object {gone}" in made.stderr
    assert f"report {codes[1]}, photo 2: the object {changed}" in made.stderr
    assert "2 photos are lost" in made.stderr
    done = pinward("db", "restore", "city.tar", url=blank, PINWARD_MEDIA=str(tmp_path / "m"))
    assert done.returncode == 1
    assert f"report {codes[0]}, photo 2: no object {gone}" in done.stderr
    assert _at(tmp_path / "m", shared).is_file()
    assert len(_hashes(blank)) == 3


def test_a_database_that_holds_reports_is_not_overwritten_unasked(city, pinward, tmp_path):
    url, codes, media = city
    env = {"url": url, "PINWARD_MEDIA": str(media)}
    assert pinward("db", "backup", "city.tar", **env).returncode == 0
    with psycopg.connect(url) as db:
        db.execute("DELETE FROM reports WHERE code = %s", (codes[0],))
    refused = pinward("db", "restore", "city.tar", **env)
    assert refused.returncode == 1
    assert "1 reports" in refused.stderr
    assert _hashes(url, codes[0]) == []
    assert pinward("db", "restore", "city.tar", "--over", **env).returncode == 0
    assert len(_hashes(url, codes[0])) == 2


def test_a_file_that_is_there_is_not_written_over(city, pinward, tmp_path):
    url, _, media = city
    (tmp_path / "city.tar").write_text("another")
    refused = pinward("db", "backup", "city.tar", url=url, PINWARD_MEDIA=str(media))
    assert refused.returncode == 1
    assert (tmp_path / "city.tar").read_text() == "another"


@pytest.mark.parametrize("harm", ["cut", "photo", "dump", "none of ours"])
def test_a_damaged_backup_is_refused_before_anything_changes(city, blank, pinward, tmp_path, harm):
    url, _, media = city
    assert pinward("db", "backup", "city.tar", url=url, PINWARD_MEDIA=str(media)).returncode == 0
    file = Path(tmp_path / "city.tar")
    data = bytearray(file.read_bytes())
    if harm == "cut":
        data = data[: len(data) // 2]
    elif harm == "none of ours":
        data = bytearray(b"PK\x03\x04" * 1000)
    else:
        with tarfile.open(file) as archive:
            wanted = "photos/" if harm == "photo" else "database"
            entry = next(each for each in archive if each.name.startswith(wanted))
        data[entry.offset_data + 200] ^= 1
    file.write_bytes(data)
    refused = pinward("db", "restore", file, url=blank, PINWARD_MEDIA=str(tmp_path / "m"))
    assert refused.returncode == 1
    assert "city.tar" in refused.stderr
    assert not list((tmp_path / "m").glob("??/*"))
    with psycopg.connect(blank) as db:
        assert db.execute("SELECT to_regclass('reports')").fetchone() == (None,)


@pytest.mark.parametrize(
    "listed",
    ["[]", "{}", "7", "{", '{"format": 1}', '{"format": 1, "photos": [], "made_at": "x"}', None],
)
def test_what_only_looks_like_a_backup_is_refused(blank, pinward, tmp_path, listed):
    with tarfile.open(tmp_path / "city.tar", "w") as archive:
        entry = tarfile.TarInfo("pinward.json")
        if listed is None:
            entry.type = tarfile.DIRTYPE
            archive.addfile(entry)
        else:
            entry.size = len(listed)
            archive.addfile(entry, io.BytesIO(listed.encode()))
    refused = pinward("db", "restore", "city.tar", url=blank, PINWARD_MEDIA=str(tmp_path / "m"))
    assert refused.returncode == 1
    assert "is no whole backup of Pinward" in refused.stderr
    assert "Traceback" not in refused.stderr
    (tmp_path / "list.json").write_text(listed or "")
    refused = pinward("db", "again", "list.json", url=blank)
    assert refused.returncode == 1
    assert "is no list" in refused.stderr
    assert "Traceback" not in refused.stderr
