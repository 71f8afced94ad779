"""A process of the service does not outlive the one that started it.

Killed (`kill -9`, out of memory), `pinward serve` tells nobody; its processes would go on holding
the port with nobody left to end them.
"""

import os
import signal
import threading
import time

from api.live import ENDING

_LOOK_EVERY_S = 1.0
_PATIENCE_S = 5.0


def end_with_parent() -> None:
    """End this process soon after its parent, open requests and streams first."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_EVERY_S)
        for what in (ENDING, signal.SIGTERM):
            os.kill(os.getpid(), what)
        time.sleep(_PATIENCE_S)
        os._exit(1)

    threading.Thread(target=watch, name="orphaned", daemon=True).start()
