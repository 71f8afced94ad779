"""What a process that reads hostile bytes may use. Imposed by itself, before it reads any."""

import resource
import signal
import sys

ADDRESS_SPACE = 1536 << 20  # bytes
CPU_S = 20
WALL_S = 45.0
OPEN_FILES = 32


def impose(cpu_s: int = CPU_S) -> None:
    """Bound this process for good: memory, CPU, files; end it if whoever asked is gone."""
    # macOS knows no limit of address space; there it is CPU and time alone.
    if sys.platform != "darwin":
        _bound(resource.RLIMIT_AS, ADDRESS_SPACE)
    _bound(resource.RLIMIT_CPU, cpu_s)
    _bound(resource.RLIMIT_FSIZE, 0)
    _bound(resource.RLIMIT_CORE, 0)
    _bound(resource.RLIMIT_NOFILE, OPEN_FILES)
    # The parent ends its child after `WALL_S`; this is for when the parent was killed itself.
    signal.alarm(int(WALL_S) + 5)


def _bound(what: int, most: int) -> None:
    # Hard limits, too: they cannot be raised again. Where the system allows less, so be it.
    _, hard = resource.getrlimit(what)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (most, most))
