"""The TCP connection below a stream, which the server does not hand out.

The server takes what a stream sends until the system's buffers are full (4 MB of the kernel's
memory for each reader that does not read), and never closes a connection whose client does not
read. Streams are many and long: theirs get small buffers, and are cut when they must end.
"""

import contextlib
import os
import socket
import struct
from collections.abc import Iterator

from starlette.types import Scope

# The kernel doubles it. Enough for 256 kB on the way, some seconds of a busy city.
_SEND_BYTES = 131_072
# What was sent and not taken for so long (the network is gone, or the reader asleep) ends it.
_UNTAKEN_MS = 60_000


def prepare(scope: Scope) -> None:
    """Small buffers, and an end by itself when nobody takes what is sent."""
    with _connection(scope) as found:
        if found is None:
            return
        found.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BYTES)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNTAKEN_MS)


def cut(scope: Scope) -> None:
    """End the connection now; what was not taken is thrown away."""
    with _connection(scope) as found:
        if found is None:
            return
        # Closed with a reset: else the kernel would keep offering the rest.
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        found.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def _connection(scope: Scope) -> Iterator[socket.socket | None]:
    """A second handle on the request's connection; None when there is no telling which it is."""
    found = None
    with contextlib.suppress(OSError, TypeError, ValueError, KeyError):
        found = _find(str(scope["client"][0]), int(scope["client"][1]), int(scope["server"][1]))
    if found is None:
        yield None
        return
    with found, contextlib.suppress(OSError):
        yield found


def _find(address: str, port: int, own_port: int) -> socket.socket | None:
    for name in os.listdir("/dev/fd"):  # noqa: PTH208 (as quick as it gets)
        fd = int(name)
        if not _is(fd, address, port, own_port):
            continue
        # Looked at again through a handle of our own: the number may be another's by now.
        own = os.dup(fd)
        if _is(own, address, port, own_port):
            return socket.socket(fileno=own)
        os.close(own)
    return None


def _is(fd: int, address: str, port: int, own_port: int) -> bool:
    try:
        # With family and type given the system is asked no more than whether it is a socket.
        looked = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, fileno=fd)
    except OSError:
        return False
    try:
        peer, own = looked.getpeername(), looked.getsockname()
    except OSError:
        return False
    finally:
        # The number stays whose it was.
        looked.detach()
    return (
        isinstance(peer, tuple)
        and (peer[1], own[1]) == (port, own_port)
        and _plain(peer[0]) == _plain(address)
    )


def _plain(address: str) -> str:
    return address.removeprefix("::ffff:")
