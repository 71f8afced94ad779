"""Lists of what was taken away since a backup (`geo.store.since`), as files of their owner's.

One lies beside the backup; a copy of each in the state folder, because another backup may be
restored after the first, whose database knows nothing of what the first one replaced.
"""

import json
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from geo.errors import RefusedBackup
from geo.store.since import NAMES

KEPT = timedelta(days=366)
"""So long a copy is kept: for a backup older than that nothing is done again by it."""

DONE = ".done"
"""How the names of lists end that were done to their end."""


def save(found: dict[str, Any], path: Path) -> None:
    """Write it to a new file for its owner alone, durably; raises `RefusedBackup`."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(found, file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise RefusedBackup(
            f"what happened since cannot be kept in {path}: {error.strerror}; name another place "
            "with --keep, or see to the state folder (PINWARD_STATE). Nothing was replaced"
        ) from None


def load(path: Path) -> dict[str, Any]:
    """What `save` wrote; raises `RefusedBackup`."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if not set(NAMES) <= found.keys():
            raise ValueError("something is missing")
        for name in ("since", "made_at"):
            datetime.fromisoformat(found[name])
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise RefusedBackup(
            f"{path} is no list of what happened since a backup, as `pinward db restore` keeps it"
        ) from None
    return dict(found)


def finish(path: Path) -> None:
    """Name a list as done, where it is there still."""
    if path.exists():
        path.rename(path.with_name(path.name + DONE))


class Copies:
    """The copies in a folder, which is made when the first one is kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def after(self, at: datetime) -> list[dict[str, Any]]:
        """Those made later than this, done or not, oldest first; raises `RefusedBackup`."""
        found = [load(path) for path in sorted(self._folder.glob("since-*"))]
        return [one for one in found if datetime.fromisoformat(one["made_at"]) > at]

    def keep(self, found: dict[str, Any]) -> None:
        """Keep a copy of a new list, and those no longer that are too old."""
        made_at = datetime.fromisoformat(found["made_at"])
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        save(found, self._path(found["made_at"]))
        for path in self._folder.glob("since-*"):
            if path.name < self._path((made_at - KEPT).isoformat()).name:
                path.unlink()

    def done(self, found: dict[str, Any]) -> None:
        """Name the copy as done, and those of the earlier lists that were done with it."""
        for one in (found, *found["earlier"]):
            finish(self._path(one["made_at"]))

    def is_done(self, found: dict[str, Any]) -> bool:
        """Whether the copy of this list is named so."""
        path = self._path(found["made_at"])
        return path.with_name(path.name + DONE).exists()

    def left(self) -> list[Path]:
        """Those that are still to be done."""
        return sorted(self._folder.glob("since-*.json"))

    def _path(self, made_at: str) -> Path:
        at = datetime.fromisoformat(made_at)
        return self._folder / f"since-{at:%Y%m%dT%H%M%S%f}.json"
