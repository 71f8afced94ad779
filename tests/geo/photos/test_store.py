"""The store of photos, the same on a disk and in an S3 bucket."""

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import obstore
import pytest
from buckets import bucket

from geo.errors import Invalid, MediaAway, MediaBroken, MediaMissing
from geo.photos.store import Store

pytestmark = pytest.mark.anyio
DATA = b"a picture" * 1000
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(scope="module")
def s3():
    with bucket("city") as made:
        yield made


@pytest.fixture(params=["disk", "s3"])
def store(request, tmp_path, monkeypatch):
    if request.param == "disk":
        return Store(str(tmp_path / "media"))
    reached = request.getfixturevalue("s3")
    for name, value in reached.items():
        monkeypatch.setenv(name, value)
    # A prefix of this test's own.
    return Store(f"{reached['PINWARD_MEDIA']}/{tmp_path.name}")


async def _all(store):
    return [each async for each in store.found()]


async def test_what_is_put_is_got_by_its_hash_and_deleted(store):
    assert await _all(store) == []
    assert await store.put(DATA, "image/jpeg") == SHA256
    assert await store.put(DATA, "image/jpeg") == SHA256
    assert await store.get(SHA256) == DATA
    [found] = await _all(store)
    assert (found.sha256, found.size) == (SHA256, len(DATA))
    assert abs(found.changed_at.timestamp() - time.time()) < 60
    await store.delete(SHA256)
    await store.delete(SHA256)
    assert await _all(store) == []
    with pytest.raises(MediaMissing):
        await store.get(SHA256)


async def test_bytes_that_changed_are_not_given_out(store):
    await store.put(DATA, "image/jpeg")
    obstore.put(store._objects, f"{SHA256[:2]}/{SHA256}", DATA[:-1])
    with pytest.raises(MediaBroken):
        await store.get(SHA256)


async def test_the_bucket_says_what_kind_of_file_it_holds(s3, monkeypatch):
    for name, value in s3.items():
        monkeypatch.setenv(name, value)
    await Store(s3["PINWARD_MEDIA"]).put(DATA, "image/jpeg")
    above = Store("s3://city")
    kept = obstore.get(above._objects, f"some/photos/{SHA256[:2]}/{SHA256}")
    assert kept.attributes["Content-Type"] == "image/jpeg"
    assert bytes(kept.bytes()) == DATA


async def test_a_store_that_is_away_says_so(tmp_path, s3, monkeypatch):
    for name, value in s3.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(MediaAway, match="PINWARD_MEDIA"):
        await Store("s3://no-such-bucket/x").put(DATA, "image/jpeg")
    (tmp_path / "file").touch()
    with pytest.raises(MediaAway, match="PINWARD_MEDIA"):
        Store(str(tmp_path / "file" / "media"))
    with pytest.raises(Invalid, match="PINWARD_MEDIA"):
        Store("gs://bucket")


_WRITER = """
import asyncio, os, sys
from geo.photos.store import Store
async def main():
    store = Store(sys.argv[1])
    while True:
        await store.put(os.urandom(3_000_000), "image/jpeg")
        print("kept", flush=True)
asyncio.run(main())
"""


def _write_until_killed(folder, after_s):
    """Kill a writer so long after its first object, in the midst of one of the next."""
    with subprocess.Popen(
        [sys.executable, "-c", _WRITER, folder], stdout=subprocess.PIPE
    ) as writer:
        writer.stdout.readline()
        time.sleep(after_s)
        writer.kill()


async def test_a_writer_killed_at_any_moment_leaves_no_half_object_under_a_final_name(tmp_path):
    store = Store(str(tmp_path))
    for n in range(8):
        _write_until_killed(tmp_path, 0.013 * n)
    found = await _all(store)
    assert len([each for each in found if each.sha256]) >= 8
    for each in found:
        if each.sha256:
            assert len(await store.get(each.sha256)) == 3_000_000
        else:
            # Half written, and seen by who sweeps.
            await store.delete_path(each.path)
    assert all(each.sha256 for each in await _all(store))
    assert len(list(tmp_path.glob("*/*"))) == len(await _all(store))


async def test_bytes_and_names_are_on_the_disk_in_this_order(tmp_path, monkeypatch):
    done = []
    sync, replace = os.fsync, Path.replace

    def synced(handle):
        done.append(("fsync", str(Path(f"/proc/self/fd/{handle}").readlink())))
        sync(handle)

    def replaced(path, target):
        done.append(("rename", str(target)))
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    await Store(str(tmp_path)).put(DATA, "image/jpeg")
    shelf = tmp_path / SHA256[:2]
    [aside] = [path for what, path in done if what == "fsync" and ".writing/" in path]
    made = [("fsync", str(tmp_path))] * 2
    named = ("rename", str(shelf / SHA256))
    assert done == [*made, ("fsync", aside), named, ("fsync", str(shelf))]
