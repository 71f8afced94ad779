"""Which network a request comes from, seen past the proxies that we were told to trust.

Anybody can write an `X-Forwarded-For`, so it counts only as far as trusted machines wrote it: read
from its end, where the nearest proxy adds whom it was asked by.
"""

import re
from functools import cache, lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.requests import HTTPConnection

from geo.errors import Invalid
from geo.settings import Settings

Network = IPv4Network | IPv6Network

HERE = "here"
"""The network of who comes over a unix socket: this machine."""

# Nobody has so many proxies; a longer header is somebody's own.
_HOPS = 20


@cache
def trusted_proxies(written: str) -> tuple[Network, ...]:
    """The networks of `PINWARD_TRUSTED_PROXIES`; raises `Invalid` on what is none."""
    found = []
    for part in re.split(r"[\s,]+", written.strip(" ,\t\n")):
        try:
            if part:
                found.append(ip_network(part, strict=False))
        except ValueError:
            raise Invalid(
                f"PINWARD_TRUSTED_PROXIES: {part!r} is no address or network like 10.0.0.0/8"
            ) from None
    return tuple(found)


def by_a_trusted_proxy(request: HTTPConnection, settings: Settings) -> bool:
    """Whether who connected may tell us about the client: a trusted proxy, or a unix socket."""
    peer = _peer(request)
    return peer is None or _trusted(peer, settings)


def network_of(request: HTTPConnection, settings: Settings) -> str:
    """The client's network: `203.0.113.7/32`, `2001:db8:1:2::/64`, or `HERE`.

    An IPv6 customer has at least a /64, so one address of it says nothing. An address behind a
    proxy that is not trusted cannot be known: all its clients are the proxy's network.
    """
    last = _peer(request)
    if last is not None and not _trusted(last, settings):
        return _of(last)
    told = ",".join(request.headers.getlist("x-forwarded-for"))
    for written in [part.strip() for part in told.split(",") if part.strip()][: -_HOPS - 1 : -1]:
        try:
            address = str(_plain(written))
        except ValueError:
            # What stands before it may be anybody's.
            break
        last = address
        if not _trusted(address, settings):
            break
    return HERE if last is None else _of(last)


def wider(network: str) -> str | None:
    """The /48 around an IPv6 network, which one customer may have for the asking; None: no such."""
    if ":" not in network:
        return None
    return str(ip_network(network).supernet(new_prefix=48))


def _peer(request: HTTPConnection) -> str | None:
    try:
        return str(_plain(request.client.host)) if request.client else None
    except ValueError:
        return None


# Few connect to us themselves, all others through them. What is kept is forgotten by and by.
@lru_cache(64)
def _plain(written: str) -> IPv4Address | IPv6Address:
    """The address without port, brackets or zone; an IPv4 one in IPv6 clothes as IPv4."""
    if match := re.fullmatch(r"\[([^\]]+)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+):\d+", written):
        written = match[1] or match[2]
    address = ip_address(written.split("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _trusted(address: str, settings: Settings) -> bool:
    return _within(address, settings.trusted_proxies)


@lru_cache(64)
def _within(address: str, written: str) -> bool:
    return any(ip_address(address) in net for net in trusted_proxies(written))


def _of(address: str) -> str:
    return str(ip_network((address, 64 if ":" in address else 32), strict=False))
