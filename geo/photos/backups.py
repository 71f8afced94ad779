"""Database and photos in one file, and back: a tar of a dump, the photos, and a list of both.

Photos bear their hash as their name, so that each one is checked whenever it is moved. The list
comes last: a file without it is not whole.
"""

import hashlib
import io
import json
import os
import tarfile
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from geo.errors import MediaBroken, MediaMissing, RefusedBackup
from geo.photos.inbox import sync_folder
from geo.photos.store import Store
from geo.store import dumps, migrate

_LIST, _DUMP, _PHOTOS = "pinward.json", "database.dump", "photos/"
_FORMAT = 1
_LISTED = {"format": int, "made_at": str, "migration": str, "dump_sha256": str, "photos": dict}
# A video's still is an object of its own.
_OBJECTS = """
(VALUES (m.sha256, m.media_type), (m.still_sha256, 'image/jpeg')) AS o (sha256, media_type)
"""
_REFERRED = f"""
SELECT r.code, m.n, o.sha256, o.media_type
FROM photos AS m JOIN reports AS r ON r.id = m.report_id CROSS JOIN LATERAL {_OBJECTS}
WHERE o.sha256 IS NOT NULL
ORDER BY r.code, m.n, o.media_type DESC
"""
_WAITING = f"""
SELECT DISTINCT o.sha256, o.media_type
FROM uploads AS m CROSS JOIN LATERAL {_OBJECTS}
WHERE m.expires_at > now() AND o.sha256 IS NOT NULL
"""

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Made:
    """When a backup was made, and the code of the newest report in it (None: not known)."""

    at: datetime
    newest_report: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many photos there are, and a sentence for each that a report refers to in vain."""

    photos: int
    bytes: int
    lost: list[str]


async def backup(
    url: str, store: Store, path: Path, now: datetime, done: Progress = lambda n: None
) -> Outcome:
    """Write database and photos, as of one moment, to a new file for its owner alone.

    `done` is told how many photos were written. Raises `RefusedBackup`; what is lost in the store
    is no reason to have no backup, and listed.
    """
    with _beside(path) as folder, dumps.snapshot(url) as (db, seen_as):
        rows = db.execute(_REFERRED).fetchall()
        waiting = db.execute(_WAITING).fetchall()
        dumps.dump(url, seen_as, folder / _DUMP)
        media = dict(waiting) | {sha256: media_type for _, _, sha256, media_type in rows}
        whole = folder / "whole.tar"
        whole.touch(mode=0o600)
        with tarfile.open(whole, "w") as archive:
            archive.add(folder / _DUMP, _DUMP, filter=_bare)
            why: dict[str, str] = {}
            size = 0
            async for n, sha256, data in _got(store, media, why):
                if data is not None:
                    size += len(data)
                    _add(archive, _PHOTOS + sha256, data)
                done(n)
            told = {
                "format": _FORMAT,
                "made_at": now.isoformat(),
                "migration": migrate.current(url),
                "newest_report": _newest(db),
                "dump_sha256": _hash_of(folder / _DUMP),
                "photos": {name: kind for name, kind in media.items() if name not in why},
            }
            _add(archive, _LIST, json.dumps(told).encode())
        _name(whole, path)
    return Outcome(len(media) - len(why), size, _lost(rows, why))


async def restore(
    url: str,
    store: Store,
    path: Path,
    *,
    over: bool = False,
    done: Progress = lambda n: None,
    before: Callable[[Made], None] = lambda made: None,
) -> None:
    """Put a backup's photos into the store and its database in the place of the one at `url`.

    The file is read to its end and checked first. Raises `RefusedBackup`, also when the database
    is in use, or holds reports or accounts and `over` is not said; then nothing but the store has
    more in it.
    `before` is called last before the database is replaced, and may raise, too. Whether all photos
    are there `check` says afterwards.
    """
    with _read(path) as archive, tempfile.TemporaryDirectory(prefix="pinward-restore-") as made:
        told = _checked(archive, path)
        if not over and (held := _held(url)):
            raise RefusedBackup(
                f"the database holds {held}, which the backup would take the place of; restore "
                "into a new one, or say --over"
            )
        dumps.check_idle(url)
        for n, (sha256, media_type) in enumerate(told["photos"].items(), 1):
            await store.put(_member(archive, _PHOTOS + sha256), media_type)
            done(n)
        dump = Path(made) / _DUMP
        with dump.open("wb") as file:
            member = archive.extractfile(_DUMP)
            assert member
            while piece := member.read(1 << 20):
                file.write(piece)
        # Once more: the photos of a city take a while.
        dumps.check_idle(url)
        before(Made(datetime.fromisoformat(told["made_at"]), told.get("newest_report")))
        dumps.replace(url, dump)


async def check(url: str, store: Store) -> Outcome:
    """Whether each photo that a report refers to is in the store, and is what it was."""
    with dumps.snapshot(url) as (db, _):
        rows = db.execute(_REFERRED).fetchall()
    why: dict[str, str] = {}
    media = {sha256: media_type for _, _, sha256, media_type in rows}
    size = 0
    async for _, _, data in _got(store, media, why):
        size += len(data or b"")
    return Outcome(len(media) - len(why), size, _lost(rows, why))


async def _got(
    store: Store, wanted: Iterable[str], why: dict[str, str]
) -> AsyncIterator[tuple[int, str, bytes | None]]:
    """Count, hash and bytes of each; None, and a reason in `why`, where they are lost."""
    for n, sha256 in enumerate(wanted, 1):
        try:
            data = await store.get(sha256)
        except (MediaMissing, MediaBroken) as error:
            why[sha256] = error.detail
            yield n, sha256, None
        else:
            yield n, sha256, data


def _lost(rows: list[Any], why: dict[str, str]) -> list[str]:
    return [
        f"report {code}, photo {n}: {why[sha256]}" for code, n, sha256, _ in rows if sha256 in why
    ]


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    if path.exists():
        raise _there(path)
    try:
        made = tempfile.TemporaryDirectory(prefix=".pinward-backup-", dir=path.absolute().parent)
    except OSError as error:
        raise RefusedBackup(f"{path} cannot be written: {error.strerror}") from None
    with made as folder:
        yield Path(folder)


def _name(whole: Path, path: Path) -> None:
    with whole.open("rb") as file:
        os.fsync(file.fileno())
    try:
        # Not over another that came meanwhile.
        os.link(whole, path)
    except FileExistsError:
        raise _there(path) from None
    sync_folder(path.absolute().parent)


def _there(path: Path) -> RefusedBackup:
    return RefusedBackup(f"{path} is there already; name a new file, or move that one away")


def _bare(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    # Neither who made it nor when is anybody's to know from each entry.
    bare = tarfile.TarInfo(entry.name)
    bare.size, bare.mode = entry.size, 0o600
    return bare


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), 0o600
    archive.addfile(entry, io.BytesIO(data))


@contextmanager
def _read(path: Path) -> Iterator[tarfile.TarFile]:
    try:
        archive = tarfile.open(path, "r:")  # noqa: SIM115
    except OSError as error:
        raise RefusedBackup(f"{path} cannot be read: {error.strerror}") from None
    except tarfile.TarError:
        raise RefusedBackup(f"{path} is no backup of Pinward") from None
    with archive:
        yield archive


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.extractfile(name)
    if member is None:
        raise KeyError(name)
    return member.read()


def _checked(archive: tarfile.TarFile, path: Path) -> dict[str, Any]:
    """The list, once everything in it was found to be there and right."""
    try:
        told: dict[str, Any] = json.loads(_member(archive, _LIST))
        if not _LISTED.items() <= {name: type(each) for name, each in told.items()}.items():
            raise ValueError("no list of ours")
        datetime.fromisoformat(told["made_at"])
    except (AttributeError, KeyError, ValueError, OSError, tarfile.TarError):
        raise RefusedBackup(f"{path} is no whole backup of Pinward: its list is missing") from None
    if told["format"] != _FORMAT:
        raise RefusedBackup(f"{path} was made by another version; restore it with that one")
    if not migrate.knows(told["migration"]):
        raise RefusedBackup(
            f"{path} stands at migration {told['migration']}, which is newer than this version "
            "knows; update Pinward first"
        )
    wrong = [] if _digest(archive, _DUMP) == told["dump_sha256"] else ["the dump of the database"]
    wrong += [
        f"photo {each}" for each in told["photos"] if _digest(archive, _PHOTOS + each) != each
    ]
    if wrong:
        raise RefusedBackup(f"{path} is damaged: {', '.join(wrong[:20])}; take another backup")
    return told


def _digest(archive: tarfile.TarFile, name: str) -> str | None:
    try:
        member = archive.extractfile(name)
        # No file by this name, but a folder or the like.
        if member is None:
            return None
        return hashlib.file_digest(member, "sha256").hexdigest()  # type: ignore[arg-type]
    except (KeyError, OSError, tarfile.TarError):
        return None


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _newest(db: psycopg.Connection[Any]) -> str | None:
    found = db.execute("SELECT code FROM reports ORDER BY created_at DESC, id DESC LIMIT 1")
    row = found.fetchone()
    return row and row[0]


def _held(url: str) -> str:
    """What there is in the database that would be missed; nothing before the first migration."""
    if migrate.current(url) is None:
        return ""
    with dumps.snapshot(url) as (db, _):
        found = db.execute(
            "SELECT (SELECT count(*) FROM reports), (SELECT count(*) FROM users)"
        ).fetchone()
    assert found
    return f"{found[0]} reports and {found[1]} accounts" if any(found) else ""
