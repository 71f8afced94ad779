"""A process does not outlive the one that started it.

Killed (`kill -9`, out of memory), a parent tells nobody; its children are handed to another
process, and would go on, holding the service's port or a run's lock, with nobody to end them.
"""

import os
import signal
import threading
import time
from collections.abc import Callable

from api.live import ENDING

_LOOK_EVERY_S = 0.5
_PATIENCE_S = 5.0


def when_orphaned(parent: int, end: Callable[[], object]) -> None:
    """Call `end`, in a thread of its own, soon after `parent` has ceased to be the parent."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_EVERY_S)
        end()

    threading.Thread(target=watch, name="orphaned", daemon=True).start()


def end_with_parent() -> None:
    """End this process of the service soon after its parent, open requests and streams first."""

    def end() -> None:
        for what in (ENDING, signal.SIGTERM):
            os.kill(os.getpid(), what)
        time.sleep(_PATIENCE_S)
        os._exit(1)

    when_orphaned(os.getppid(), end)
