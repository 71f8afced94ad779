"""A file that appears, or is replaced, only when all of it is there."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from geo.errors import Invalid

_ASIDE, _PART = ".pinward-", ".part"


@contextlib.contextmanager
def written_aside(file: Path) -> Iterator[IO[bytes]]:
    """A file to write, beside `file` until the block ends well, then in its place.

    Whatever goes wrong, `file` is as it was and nothing is left behind; what processes that were
    killed left is cleared away. Raises `Invalid` when the file cannot be written.
    """
    if not file.parent.is_dir():
        raise Invalid(f"there is no folder {file.parent} to write {file.name} into")
    if file.is_dir():
        raise Invalid(f"{file} is a folder; name a file in it")
    _clear(file.parent)
    # A short name: with the file's own in it, it might be longer than names may be.
    aside = file.with_name(f"{_ASIDE}{os.getpid()}{_PART}")
    try:
        with aside.open("wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        aside.replace(file)
    except OSError as error:
        said = error.strerror or type(error).__name__
        raise Invalid(f"{file} cannot be written: {said}; nothing was changed") from error
    finally:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)


def _clear(folder: Path) -> None:
    for left in folder.glob(f"{_ASIDE}*{_PART}"):
        pid = left.name[len(_ASIDE) : -len(_PART)]
        if pid.isdecimal() and not _runs(int(pid)):
            with contextlib.suppress(OSError):
                left.unlink()


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
