"""Columns made for many reports at once: ids, codes, times, flags."""

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from geo.reports import codes

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

TIME = pa.timestamp("us", "UTC")


def of_bytes(rows: npt.NDArray[np.uint8]) -> pa.Array:
    """Text of an (n, width) array of ASCII, without touching single rows."""
    n, width = rows.shape
    offsets = np.arange(n + 1, dtype=np.int32) * width
    packed = np.ascontiguousarray(rows).tobytes()
    return pa.StringArray.from_buffers(n, pa.py_buffer(offsets), pa.py_buffer(packed))


def new_ids(n: int, now: datetime) -> pa.Array:
    """`n` ids as uuid7 (RFC 9562) of one millisecond, in 32 hex digits each, rising."""
    rows = np.frombuffer(os.urandom(n * 16), dtype=np.uint8).reshape(n, 16).copy()
    stamp = int(now.timestamp() * 1000)
    rows[:, :6] = np.frombuffer(stamp.to_bytes(6, "big"), dtype=np.uint8)
    # 74 random bits, the highest of them given to the row's number so that the ids rise.
    number = np.arange(n, dtype=np.uint32)
    rows[:, 6] = 0x70 | (number >> 18) & 0x0F
    rows[:, 7] = (number >> 10) & 0xFF
    rows[:, 8] = 0x80 | (number >> 4) & 0x3F
    rows[:, 9] = (rows[:, 9] & 0x0F) | (number & 0x0F) << 4
    return hexed(rows)


def new_codes(n: int) -> pa.Array:
    """`n` random report codes."""
    return of_bytes(codes.new_codes(n))


def code_list(n: int) -> list[str]:
    """`n` random report codes as a list."""
    drawn: list[str] = new_codes(n).to_pylist()
    return drawn


def points(lon: npt.NDArray[np.float64], lat: npt.NDArray[np.float64]) -> pa.Array:
    """WGS 84 points as hex EWKB with their SRID."""
    rows = np.empty((len(lon), 25), dtype=np.uint8)
    # Little endian, a point, with an SRID, of 4326.
    rows[:, :9] = np.frombuffer(bytes.fromhex("0101000020e6100000"), dtype=np.uint8)
    rows[:, 9:17] = lon.astype("<f8").view(np.uint8).reshape(-1, 8)
    rows[:, 17:] = lat.astype("<f8").view(np.uint8).reshape(-1, 8)
    return hexed(rows)


def hexed(rows: npt.NDArray[np.uint8]) -> pa.Array:
    """Bytes (n, width) as text of hex digits."""
    digits = np.frombuffer(rows.tobytes().hex().encode("ascii"), dtype=np.uint8)
    return of_bytes(digits.reshape(len(rows), 2 * rows.shape[1]))


def times(micros: Ints, missing: Bools | None = None) -> pa.Array:
    """Times from microseconds since 1970 UTC; null where `missing`."""
    return pa.array(micros, pa.int64(), mask=missing).cast(TIME)


def micros(value: datetime) -> int:
    """Microseconds since 1970 UTC of an aware time."""
    since = value.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def constant(n: int, value: str) -> pa.Array:
    """One text, `n` times."""
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, np.int32)), pa.array([value]))


def choose(indices: npt.NDArray[np.integer], values: Sequence[str | None]) -> pa.Array:
    """`values[i]` for each of `indices`."""
    return pa.DictionaryArray.from_arrays(
        pa.array(indices.astype(np.int32)), pa.array(values, pa.string())
    )


def flags(n: int, marked: Mapping[str, Bools]) -> pa.Array:
    """PostgreSQL's `{a,b}` of the flags whose mask is true in a row."""
    names = list(marked)
    key = np.zeros(n, dtype=np.int32)
    for bit, name in enumerate(names):
        key |= marked[name].astype(np.int32) << bit
    met, back = np.unique(key, return_inverse=True)
    said = [
        "{" + ",".join(name for bit, name in enumerate(names) if each >> bit & 1) + "}"
        for each in met.tolist()
    ]
    return choose(back, said)
