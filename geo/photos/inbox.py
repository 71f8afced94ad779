"""What was sent and is not cleaned yet: files for their owner alone, held while they are written.

A file is held by an flock, which ends with its process however that ends. So what is not held and
cannot be resumed is left over from a process that was killed, and may go.
"""

import fcntl
import os
import secrets
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

from geo.errors import Held, NotFound, NotReady

# The database may lie on the same disk, and stops where it is full.
ROOM_BYTES = 512 << 20
# So long after its last byte room is kept for what an upload may still bring, and so long for one
# that brought nothing yet; who goes on later is asked about anew. No more is kept than it brought
# already, or a first piece of it. Else whoever begins many and sends next to nothing would have the
# disk to themselves.
KEPT_FOR = timedelta(minutes=10)
_KEPT_FOR_NOTHING = timedelta(minutes=1)
FIRST_BYTES = 1 << 20
# One into which nothing came ends sooner: names alone fill a folder, too.
EMPTY_FOR = timedelta(hours=1)
_ONCE, _PART = ".once", ".part"
_NO_ROOM = "there is no room for photos now; try again later"


def new_file(path: Path) -> IO[bytes]:
    """A file that was not there, to write, for its owner alone."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@dataclass(frozen=True, slots=True)
class Part:
    """An upload that comes in pieces. All there is to know of it is in its file's name."""

    path: Path
    length: int
    expires_at: datetime

    @property
    def ends_at(self) -> datetime:
        """Until when it can be resumed."""
        there = self.path.stat()
        if there.st_size:
            return self.expires_at
        return min(self.expires_at, datetime.fromtimestamp(there.st_mtime, UTC) + EMPTY_FOR)

    @property
    def offset(self) -> int:
        """So many bytes need not be sent again; of a whole file all but one.

        The last one is taken when the file was cleaned: whoever resumes after a crash sends it
        again, and so gets the answer that the crash kept from it.
        """
        return min(self.path.stat().st_size, self.length - 1)


class Inbox:
    """The folder, mode 700. What is kept of an id is its hash, the name of its file."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Also where it was there before with another mode.
        folder.chmod(0o700)
        self.folder = folder

    def check_room(self, length: int, but: Part | None = None) -> None:
        """Raises `NotReady` where so many more bytes would fill the disk.

        Together with what the uploads that are under way may still bring, all `but` this one.
        """
        promised = sum(self._promised(but.path.name if but else None))
        if shutil.disk_usage(self.folder).free < length + promised + ROOM_BYTES:
            raise NotReady(_NO_ROOM, later_s=300)

    def check_free(self) -> None:
        """Raises `NotReady` where the disk is about to be full, whatever was promised."""
        if shutil.disk_usage(self.folder).free < ROOM_BYTES // 2:
            raise NotReady(_NO_ROOM, later_s=300)

    def _promised(self, but: str | None) -> Iterator[int]:
        now = datetime.now(UTC)
        with os.scandir(self.folder) as files:
            for file in files:
                _, length, *_ = [*file.name.split("."), ""]
                if (
                    not file.name.endswith((_ONCE, _PART))
                    or not length.isdigit()
                    or file.name == but
                ):
                    continue
                # It may have gone meanwhile.
                with suppress(FileNotFoundError):
                    there = file.stat()
                    kept_for = KEPT_FOR if there.st_size else _KEPT_FOR_NOTHING
                    if there.st_mtime > (now - kept_for).timestamp():
                        to_come = max(0, int(length) - there.st_size)
                        # What comes whole comes now.
                        whole = file.name.endswith(_ONCE)
                        yield to_come if whole else min(to_come, max(FIRST_BYTES, there.st_size))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        # Two at once, also of two processes, would be promised the same room.
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    @contextmanager
    def once(self, length: int) -> Iterator[tuple[IO[bytes], Path]]:
        """A new file to write up to so many bytes, gone at the end whatever happens; raises
        `NotReady` as `check_room` does."""
        while True:
            path = self.folder / f"{secrets.token_hex(16)}.{length}{_ONCE}"
            with self._alone():
                self.check_room(length)
                file = new_file(path)
            with file:
                fcntl.flock(file, fcntl.LOCK_EX)
                # Taken for a leftover, in between?
                if not os.fstat(file.fileno()).st_nlink:
                    continue
                try:
                    yield file, path
                    return
                finally:
                    path.unlink(missing_ok=True)

    def begin(self, id_hash: bytes, length: int, expires_at: datetime) -> Part:
        """A new upload of `length` bytes, none of them here yet; durable. Raises `NotReady` as
        `check_room` does."""
        name = f"{id_hash.hex()}.{length}.{int(expires_at.timestamp())}{_PART}"
        with self._alone():
            self.check_room(length)
            new_file(self.folder / name).close()
        sync_folder(self.folder)
        return _part(self.folder / name)

    def find(self, id_hash: bytes, now: datetime) -> Part | None:
        """The upload whose time is not over."""
        for path in self.folder.glob(f"{id_hash.hex()}.*{_PART}"):
            part = _part(path)
            # It may have gone meanwhile.
            with suppress(FileNotFoundError):
                if part.ends_at > now:
                    return part
        return None

    @contextmanager
    def held(self, part: Part) -> Iterator[IO[bytes]]:
        """The upload's file to write and cut, for one request at a time; raises `Held`, and
        `NotFound` where it went away just now."""
        try:
            file = part.path.open("r+b")
        except FileNotFoundError:
            raise NotFound("this upload is over; begin again") from None
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Held() from None
            if not os.fstat(file.fileno()).st_nlink:
                raise NotFound("this upload is over; begin again")
            yield file

    def resumable(self, now: datetime) -> set[bytes]:
        """Hashes of the ids whose upload can be resumed."""
        found = set()
        for path in self.folder.glob(f"*{_PART}"):
            with suppress(FileNotFoundError):
                if _part(path).ends_at > now:
                    found.add(bytes.fromhex(path.name.partition(".")[0]))
        return found

    def clear(
        self, now: datetime, done: Collection[bytes] = (), *, dry_run: bool = False
    ) -> list[Path]:
        """Delete what nobody writes and nobody can resume any more; `done`: of these ids, too."""
        alive = self.resumable(now).difference(done)
        gone = []
        for path in self.folder.iterdir():
            name = path.name.partition(".")[0]
            if path.suffix == _PART and bytes.fromhex(name) in alive:
                continue
            try:
                with path.open("rb") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    if not dry_run:
                        path.unlink()
            except (BlockingIOError, FileNotFoundError):
                continue
            gone.append(path)
        return gone


def _part(path: Path) -> Part:
    _, length, until, _ = path.name.split(".")
    return Part(path, int(length), datetime.fromtimestamp(int(until), UTC))
