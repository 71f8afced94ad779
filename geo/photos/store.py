"""Where cleaned photos lie: by the sha256 of their bytes, in a folder or in an S3 bucket.

Whatever bears its final name is whole and durable. Equal pictures are one object, so that who
deletes one must know that no row refers to it (`geo.photos.keeping`).
"""

import asyncio
import hashlib
import os
import re
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, S3Store

from geo.errors import Invalid, MediaAway, MediaBroken, MediaMissing
from geo.photos.inbox import new_file, sync_folder

if TYPE_CHECKING:
    from obstore.store import RetryConfig

_NAME = re.compile(r"([0-9a-f]{2})/(\1[0-9a-f]{62})")
_WRITING = ".writing"
_AT_ONCE = 32
"""So many requests to the store at a time, of one process."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Found:
    """Something in the store. `sha256` is None where the name is not that of a photo;
    `unfinished`: it is, or was, still being written."""

    path: str
    sha256: str | None
    unfinished: bool
    changed_at: datetime
    size: int


class Store:
    """`where`: a folder (made, for its owner alone, if need be) or `s3://bucket/prefix`.

    The bucket is reached by the usual AWS_* variables of the environment. All methods raise
    `MediaAway` when the folder or the bucket cannot be used.
    """

    def __init__(self, where: str) -> None:
        self.where = where
        self._threads = ThreadPoolExecutor(_AT_ONCE, "media")
        self._folder: Path | None = None
        self._objects: LocalStore | S3Store
        with _told(where):
            if where.startswith("s3://"):
                # So long an S3 that is down is tried again. With options for its client given here,
                # AWS_ALLOW_HTTP would be passed over.
                again: RetryConfig = {"max_retries": 2, "retry_timeout": timedelta(seconds=15)}
                self._objects = S3Store.from_url(where, retry_config=again)
            elif "://" in where:
                raise Invalid("PINWARD_MEDIA must be a folder or s3://bucket/prefix")
            else:
                self._folder = Path(where).absolute()
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._objects = LocalStore(self._folder)

    async def put(self, data: bytes, media_type: str) -> str:
        """Keep the bytes; returns their sha256 (hex) once they are durable."""
        sha256 = hashlib.sha256(data).hexdigest()
        with _told(self.where):
            if self._folder:
                await asyncio.to_thread(_write, self._folder, _path(sha256), data)
            else:
                attributes = {"Content-Type": media_type}
                await self._apart(
                    lambda: obstore.put(self._objects, _path(sha256), data, attributes=attributes)
                )
        return sha256

    async def get(self, sha256: str) -> bytes:
        """The bytes; raises `MediaMissing`, and `MediaBroken` where they are others by now."""
        with _told(self.where):
            try:
                data = await self._apart(
                    lambda: bytes(obstore.get(self._objects, _path(sha256)).bytes())
                )
            except (FileNotFoundError, NotFoundError):
                raise MediaMissing(f"no object {sha256} in {self.where}") from None
        if hashlib.sha256(data).hexdigest() != sha256:
            raise MediaBroken(f"the object {sha256} in {self.where} holds other bytes by now")
        return data

    async def delete(self, sha256: str) -> None:
        """Delete the bytes; quiet where they are not there."""
        await self.delete_path(_path(sha256))

    async def delete_path(self, path: str) -> None:
        """As `delete`, for what `found` came upon."""
        with _told(self.where), suppress(FileNotFoundError, NotFoundError):
            await self._apart(lambda: obstore.delete(self._objects, path))

    async def found(self) -> AsyncIterator[Found]:
        """All that lies in the store, also what a killed process left half written."""
        with _told(self.where):
            pages = obstore.list(self._objects, chunk_size=1000)
            while some := await self._apart(lambda: next(pages, None)):
                for each in some:
                    name = _NAME.fullmatch(each["path"])
                    sha256 = name[2] if name else None
                    unfinished = each["path"].startswith(f"{_WRITING}/")
                    yield Found(
                        each["path"], sha256, unfinished, each["last_modified"], each["size"]
                    )

    async def _apart(self, work: Callable[[], _T]) -> _T:
        # Not by obstore's own coroutines: their threads may still call Python when a command has
        # ended, which aborts it (SIGABRT) instead of the exit code it was to have.
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _path(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256}"


def _write(folder: Path, path: str, data: bytes) -> None:
    # By hand: obstore's own store of files renames what it wrote without waiting for the disk, so
    # that a name could outlive a loss of power and its bytes not.
    aside = folder / _WRITING / secrets.token_hex(16)
    final = folder / path
    for parent in (aside.parent, final.parent):
        if not parent.is_dir():
            parent.mkdir(mode=0o700, exist_ok=True)
            sync_folder(folder)
    try:
        with new_file(aside) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(final)
    finally:
        aside.unlink(missing_ok=True)
    sync_folder(final.parent)


@contextmanager
def _told(where: str) -> Iterator[None]:
    try:
        yield
    except (BaseError, OSError) as error:
        # No more of S3's own words: they may hold a signed address.
        why = getattr(error, "strerror", None) or type(error).__name__
        raise MediaAway(
            f"the store of photos ({where}) cannot be used ({why}); check PINWARD_MEDIA, and "
            "for S3 the AWS_* variables"
        ) from error
