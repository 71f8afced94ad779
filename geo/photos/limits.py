"""What a process that reads hostile bytes may use. Imposed by itself, before it reads any."""

import os
import resource
import signal
import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes of memory, seconds of CPU and in all, and whether it runs after all else (`nice`)."""

    address_space: int
    cpu_s: int
    wall_s: float
    nice: int = 0


PHOTO = Limits(address_space=1536 << 20, cpu_s=20, wall_s=45.0)
# Measured (decision 88): a minute in 1080p needs a quarter of this CPU, 4K in 10 bits half of the
# memory. Nice: a minute of video must not slow what citizens wait for beside it.
VIDEO = Limits(address_space=1536 << 20, cpu_s=240, wall_s=480.0, nice=10)
OPEN_FILES = 32


def impose(to: Limits = PHOTO, cpu_s: int | None = None) -> None:
    """Bound this process for good: memory, CPU, files; end it if whoever asked is gone."""
    os.nice(to.nice)
    # macOS knows no limit of address space; there it is CPU and time alone.
    if sys.platform != "darwin":
        _bound(resource.RLIMIT_AS, to.address_space)
    _bound(resource.RLIMIT_CPU, cpu_s or to.cpu_s)
    _bound(resource.RLIMIT_FSIZE, 0)
    _bound(resource.RLIMIT_CORE, 0)
    _bound(resource.RLIMIT_NOFILE, OPEN_FILES)
    # The parent ends its child after `wall_s`; this is for when the parent was killed itself.
    signal.alarm(int(to.wall_s) + 5)


def _bound(what: int, most: int) -> None:
    # Hard limits, too: they cannot be raised again. Where the system allows less, so be it.
    _, hard = resource.getrlimit(what)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (most, most))
