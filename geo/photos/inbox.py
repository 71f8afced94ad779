"""What was sent and is not cleaned yet: files for their owner alone, held while they are written.

A file is held by an flock, which ends with its process however that ends. So what is not held and
not to be resumed is left over from a process that was killed, and may go.
"""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


def new_file(path: Path) -> IO[bytes]:
    """A file that was not there, to write, for its owner alone."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


class Inbox:
    """The folder, mode 700; `ONCE` files are of one request, and no use without it."""

    ONCE = ".once"

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Also where it was there before with another mode.
        folder.chmod(0o700)
        self.folder = folder

    @contextmanager
    def once(self) -> Iterator[tuple[IO[bytes], Path]]:
        """A new file to write, gone at the end whatever happens."""
        path = self.folder / (secrets.token_hex(16) + self.ONCE)
        with new_file(path) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield file, path
            finally:
                path.unlink(missing_ok=True)
