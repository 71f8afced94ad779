"""A tile as it goes over the wire: plain and gzip, each with a strong ETag, and 304 for either."""

import asyncio
import gzip
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache

from starlette.responses import Response

from api.caching import matches
from api.http import accepts_gzip
from api.security_headers import NOSNIFF
from tiles.layers import Layer

MVT = "application/vnd.mapbox-vector-tile"

# Below this compressing gains less than its header costs.
_LEAST_GZIPPED = 200
# Above this (2 ms of work) compressing would hold up the other requests of the process.
_MOST_IN_LOOP = 20_000

Pairs = list[tuple[bytes, bytes]]
"""Headers as ASGI has them."""

_TYPE = (b"content-type", MVT.encode())
_GZIP = (b"content-encoding", b"gzip")


@cache
def _shared_headers(max_age_s: int, private: bool) -> tuple[tuple[bytes, bytes], ...]:
    """What every answer about a tile of such a layer carries: 200, 204 and 304."""
    if private:
        return (
            (b"cache-control", b"private, no-store"),
            (b"vary", b"Accept-Encoding, Cookie"),
            NOSNIFF,
        )
    # Of a layer that must be true now, a cache on the way may answer many with one tile for one
    # second, and one second more while it fetches the next; browsers ask each time.
    kept = (
        f"public, max-age={max_age_s}, stale-while-revalidate={max_age_s}"
        if max_age_s
        else "public, max-age=0, s-maxage=1, stale-while-revalidate=1"
    )
    return (
        (b"cache-control", kept.encode()),
        (b"vary", b"Accept-Encoding"),
        # Said whoever asks: caches on the way then need no copy for each site.
        (b"access-control-allow-origin", b"*"),
        (b"access-control-expose-headers", b"ETag"),
        NOSNIFF,
    )


@lru_cache(maxsize=512)
def _takes_gzip(accept_encoding: bytes) -> bool:
    return accepts_gzip(accept_encoding.decode("latin-1"))


@dataclass(frozen=True, slots=True)
class WireTile:
    """A finished tile. Without bytes it is 204; `packed` is `body` itself where gzip is no gain."""

    body: bytes
    packed: bytes
    etag: bytes
    packed_etag: bytes
    shared: tuple[tuple[bytes, bytes], ...]

    @classmethod
    async def of(cls, body: bytes, layer: Layer) -> "WireTile":
        """Pack the bytes of a tile of this layer."""
        shared = _shared_headers(layer.max_age_s, layer.private)
        digest = hashlib.blake2b(body, digest_size=16).hexdigest()
        etag = packed_etag = f'"{digest}"'.encode()
        packed = body
        if len(body) >= _LEAST_GZIPPED:
            packed_etag = f'"{digest}-gzip"'.encode()
            big = len(body) > _MOST_IN_LOOP
            packed = await asyncio.to_thread(_gzipped, body) if big else _gzipped(body)
        return cls(body, packed, etag, packed_etag, shared)

    def reply(self, asked: Iterable[tuple[bytes, bytes]]) -> tuple[int, Pairs, bytes]:
        """Status, headers and body for a GET with these headers (names in lower case)."""
        headers: Pairs = [*self.shared]
        if not self.body:
            return 204, headers, b""
        accepted = named = b""
        for name, value in asked:
            # A header given twice is one list.
            if name == b"accept-encoding":
                accepted = accepted + b"," + value if accepted else value
            elif name == b"if-none-match":
                named = named + b"," + value if named else value
        body, etag = self.body, self.etag
        if accepted and self.packed is not body and _takes_gzip(accepted):
            body, etag = self.packed, self.packed_etag
        headers.append((b"etag", etag))
        if named and matches(named.decode("latin-1"), etag.decode()):
            return 304, headers, b""
        headers.append(_TYPE)
        if body is not self.body:
            headers.append(_GZIP)
        headers.append((b"content-length", b"%d" % len(body)))
        return 200, headers, body

    def response(self, asked: Iterable[tuple[bytes, bytes]]) -> Response:
        """`reply` as what a route returns."""
        status, headers, body = self.reply(asked)
        made = Response(status_code=status)
        made.body = body
        made.raw_headers = headers
        return made


def _gzipped(body: bytes) -> bytes:
    return gzip.compress(body, 6, mtime=0)
