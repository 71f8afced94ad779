"""The most memory a process held. Not `ru_maxrss`: that begins with what its parent held."""

import contextlib
import threading
from pathlib import Path

_EVERY_S = 0.05


def bytes_of(pid: int | str = "self") -> int:
    """The most that a process has held until now."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (told,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(told) * 1024


class Watched:
    """Looks at another process as long as the block lasts; `bytes` is the most it held then."""

    def __init__(self, pid: int) -> None:
        self.bytes = 0
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Watched":
        self._thread.start()
        return self

    def __exit__(self, *wrong: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        # It may be over while it is looked at; a zombie has no such line.
        with contextlib.suppress(OSError, ValueError):
            while not self._over.wait(_EVERY_S):
                self.bytes = max(self.bytes, bytes_of(self._pid))
