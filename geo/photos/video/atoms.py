"""The boxes ("atoms") that MP4 and MOV are made of: each a length, a name and its content."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

# Of one file or box: more is no video, but work for whoever reads it.
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Atom:
    """`data[begins:ends]` is the content; `at` is where its length stands."""

    name: bytes
    at: int
    begins: int
    ends: int


def atoms(data: bytes, begins: int, ends: int, *, zero_ends: bool = False) -> Iterator[Atom]:
    """All boxes from `begins` to `ends`, without a gap and to the last byte.

    Raises `struct.error` where they are not so. `zero_ends`: QuickTime may end a list by 32 zeros.
    """
    at = begins
    for _ in range(_MOST):
        if at == ends or (zero_ends and data[at:ends] == bytes(4)):
            return
        if at + 8 > ends:
            break
        length, name = struct.unpack_from(">I4s", data, at)
        content = at + 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, content)
            content += 8
        end = at + length if length else ends
        if not content <= end <= ends:
            break
        yield Atom(name, at, content, end)
        at = end
    raise struct.error("boxes that do not fit")
