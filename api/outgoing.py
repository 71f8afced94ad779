"""The one way out: every HTTP request that the service makes of another server goes through here.

What addresses it is given may come from people (a webhook) or from another server (the documents
of a sign-in service), and must not become a way into the network that the service stands in (server
side request forgery). So: TLS only; the name is looked up here, what it stands for is checked, and
the connection is made to the very address that was checked, so that a name which answers otherwise
a moment later (DNS rebinding) gains nothing; no redirect to elsewhere; bounded in time and size; no
proxy of the environment, no cookies.

`PINWARD_OUTGOING_ALLOWED` lists the hosts that may stand in a network of the city's own: `host`,
`host:port`, and `http://host:port` for one on this very machine, without TLS.
"""

import asyncio
import json
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

import httpx

from geo.errors import Invalid, OutgoingFailed, OutgoingRefused

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Host and port → the addresses that the host's name stands for."""

TIMEOUT_S = 5.0
LARGEST = 1_000_000
MOST_HOPS = 3

_CONNECT_S = 3.0
_REDIRECTS = (301, 302, 303, 307, 308)
_PORTS = {"https": 443, "http": 80}

# Nothing that anybody would let us talk to is there, the metadata of clouds is: not even for a
# host that is allowed, whose name may come to stand for something else.
_NEVER = ("is_unspecified", "is_multicast", "is_link_local", "is_reserved")
# Addresses that carry an IPv4 address inside, which is the one reached: the last 32 bits of these.
_CARRIERS = (ip_network("::ffff:0:0/96"), ip_network("64:ff9b::/96"))
# What Python's `is_global` lets through, or some versions of it.
_INNER = (
    *(ip_network(net) for net in ("192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15")),
    *(ip_network(net) for net in ("::/96", "64:ff9b:1::/48", "2001::/23", "2002::/16")),
    *(ip_network(net) for net in ("fc00::/7", "fec0::/10", "3fff::/20", "5f00::/16")),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What another server answered, read to its end."""

    status: int
    headers: httpx.Headers
    body: bytes

    def json(self) -> Any:
        """The body as JSON; raises `OutgoingFailed` when it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise OutgoingFailed("the other server's answer is not JSON") from None


@dataclass(frozen=True, slots=True)
class _Allowed:
    host: str
    port: int | None
    plain: bool

    @classmethod
    def parse(cls, entry: str) -> "_Allowed":
        plain = entry.startswith("http://")
        try:
            split = urlsplit(entry if plain else f"//{entry}")
            host, port = split.hostname, split.port
        except ValueError:
            host = port = None
        if not host or split.path.strip("/") or split.query or split.fragment or "@" in entry:
            raise Invalid(
                f"PINWARD_OUTGOING_ALLOWED names {entry!r}, which is no host; write host, "
                "host:port, or http://host:port for one on this machine, with commas between"
            )
        return cls(host.rstrip("."), port, plain)

    def means(self, host: str, port: int) -> bool:
        return self.host == host and self.port in (None, port)


async def by_system(host: str, port: int) -> list[str]:
    """What the system's resolver says a name stands for."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class Outgoing:
    """Sends requests to other servers, as told at the top of the module."""

    def __init__(
        self, allowed: str = "", resolve: Resolve = by_system, tls: ssl.SSLContext | None = None
    ) -> None:
        """`allowed` as PINWARD_OUTGOING_ALLOWED; raises `Invalid`.

        `tls`: whose certificates are believed; default those of the system and of the browsers.
        """
        self._allowed = [_Allowed.parse(e.strip()) for e in allowed.split(",") if e.strip()]
        self._resolve = resolve
        self._tls = tls

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout_s: float = TIMEOUT_S,
        largest: int = LARGEST,
        hops: int = 0,
    ) -> Answer:
        """One request and its whole answer, whatever its status.

        `timeout_s`: for all of it together, looking the name up and every hop included. `largest`:
        bytes of the body. `hops`: so many redirects of a GET are followed, at most 3 and only
        within the same host. Raises `OutgoingRefused` when we will not talk to that address, and
        `OutgoingFailed` when no whole answer came in time.
        """
        try:
            at = httpx.URL(url)
        except (httpx.InvalidURL, ValueError, TypeError):
            raise OutgoingRefused("the address is no URL") from None
        first = _place(at)
        try:
            async with asyncio.timeout(timeout_s):
                for _ in range(1 + min(hops, MOST_HOPS)):
                    answer = await self._once(method, at, headers or {}, body, timeout_s, largest)
                    if answer.status not in _REDIRECTS:
                        return answer
                    at = _next(at, answer)
                    if hops == 0 or method != "GET" or _place(at) != first:
                        raise OutgoingRefused(
                            f"{first[1]} sends us on to another address, where we do not follow; "
                            "write the address it means"
                        )
        except TimeoutError:
            raise OutgoingFailed(f"{first[1]} did not answer within {timeout_s:g} s") from None
        raise OutgoingRefused(f"{first[1]} sends us on and on")

    async def _once(
        self,
        method: str,
        at: httpx.URL,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout_s: float,
        largest: int,
    ) -> Answer:
        addresses = await self._checked(at)
        # Without TLS: one that believes nobody, should it ever come into it.
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if at.scheme == "https":
            if self._tls is None:
                self._tls = await asyncio.to_thread(_believed)
            tls = self._tls
        for address in addresses:
            # A client for each: a connection to one name is never used for another on that address.
            async with httpx.AsyncClient(
                transport=_Pinned(address, tls),
                trust_env=False,
                follow_redirects=False,
                timeout=httpx.Timeout(timeout_s, connect=min(_CONNECT_S, timeout_s)),
            ) as client:
                asked = client.build_request(method, at, headers=headers, content=body)
                # What is packed could be small here and large once unpacked.
                asked.headers["Accept-Encoding"] = "identity"
                try:
                    return await _read(client, asked, largest)
                except (httpx.ConnectError, httpx.ConnectTimeout):
                    continue
                except (httpx.HTTPError, httpx.StreamError) as error:
                    why = f"{at.host} gave no whole answer ({type(error).__name__})"
                    raise OutgoingFailed(why) from None
        raise OutgoingFailed(f"{at.host} cannot be reached, or its certificate is not believed")

    async def _checked(self, at: httpx.URL) -> list[str]:
        """The addresses that may be connected to; raises `OutgoingRefused`."""
        scheme, host, port = _place(at)
        entries = [entry for entry in self._allowed if entry.means(host, port)]
        plain = scheme == "http" and any(entry.plain for entry in entries)
        if at.userinfo or not host or not (scheme == "https" or plain):
            raise OutgoingRefused(
                "only https:// addresses without a user's name are talked to; another server on "
                "this machine may be named in PINWARD_OUTGOING_ALLOWED as http://host:port"
            )
        try:
            found = await self._resolve(host, port)
        except (OSError, UnicodeError):
            found = []
        if not found:
            raise OutgoingFailed(f"there is no address for the name {host}")
        # All of them: who mixes an inner one among outer ones means us to take it.
        for written in found:
            if not may_reach(written, allowed=bool(entries), loopback_only=plain):
                raise OutgoingRefused(
                    f"{host} stands for an address within a network, not on the internet; if that "
                    "is meant, name it in PINWARD_OUTGOING_ALLOWED"
                )
        return list(dict.fromkeys(found))


class _Pinned(httpx.AsyncBaseTransport):
    """Connects to one address; TLS and the header Host still speak of the name."""

    def __init__(self, address: str, tls: ssl.SSLContext) -> None:
        self._address = address
        self._inner = httpx.AsyncHTTPTransport(
            verify=tls,
            trust_env=False,
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=0),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        name = request.url.raw_host.decode("ascii").rstrip(".")
        request.extensions = {**request.extensions, "sni_hostname": name}
        request.url = request.url.copy_with(host=self._address)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


async def _read(client: httpx.AsyncClient, asked: httpx.Request, largest: int) -> Answer:
    host = asked.url.host
    response = await client.send(asked, stream=True)
    try:
        if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
            raise OutgoingFailed(f"{host} packed its answer, which it was asked not to")
        chunks, size = [], 0
        async for chunk in response.aiter_raw():
            size += len(chunk)
            if size > largest:
                raise OutgoingFailed(f"{host} answered with more than {largest} bytes")
            chunks.append(chunk)
    finally:
        await response.aclose()
    return Answer(response.status_code, response.headers, b"".join(chunks))


def _place(at: httpx.URL) -> tuple[str, str, int]:
    return at.scheme, at.host.lower().rstrip("."), at.port or _PORTS.get(at.scheme, 0)


def _next(at: httpx.URL, answer: Answer) -> httpx.URL:
    try:
        return at.join(answer.headers["location"])
    except (KeyError, httpx.InvalidURL, ValueError):
        raise OutgoingFailed(f"{at.host} sends us on without saying where") from None


def may_reach(written: str, *, allowed: bool, loopback_only: bool) -> bool:
    """Whether an address, as a resolver writes it, may be connected to."""
    try:
        address = _reached(ip_address(written))
    except ValueError:
        return False
    if address.is_loopback:
        return allowed
    if loopback_only or any(getattr(address, word) for word in _NEVER):
        return False
    inner = any(address in net for net in _INNER if net.version == address.version)
    return allowed or (address.is_global and not inner)


def _reached(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    carried = isinstance(address, IPv6Address) and any(address in net for net in _CARRIERS)
    return IPv4Address(int(address) & 0xFFFFFFFF) if carried else address


def _believed() -> ssl.SSLContext:
    # The system's too: a city may have an authority of its own.
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context
