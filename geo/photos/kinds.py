"""What a file is and how large its picture would be, by its first bytes, before any decoding."""

import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from geo.photos.refusals import LONGEST_SIDE, MOST_BYTES, MOST_PIXELS, refused

# First bytes, and what to call it. Told by name because "send a JPEG" is clearer to one who reads
# what was sent instead. Not here: still another type, only without its name.
_OTHERS = (
    (rb"GIF8", "a GIF"),
    (rb"BM", "a BMP"),
    (rb"(II\*\0|MM\0\*|II\+\0|MM\0\+)", "a TIFF or a camera's raw file"),
    (rb"%PDF", "a PDF"),
    (rb"PK\x03\x04", "an archive or an office document"),
    (rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*(<!DOCTYPE svg[^>]*>\s*)?<svg", "an SVG drawing"),
    (rb"\s*(<!--.*?-->\s*)*<(!DOCTYPE html|html|head|body|script)", "a web page"),
    (rb"....ftyp(avif|avis)", "an AVIF"),
    (rb"....ftyp", "a video"),
)
NAMES = frozenset(name for _, name in _OTHERS)
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis"}
_MOVING_BRANDS = {b"hevc", b"hevx", b"hevm", b"hevs", b"msf1"}
# Baseline, extended and progressive, all with Huffman codes.
_SOF_READ = {0xC0, 0xC1, 0xC2}
_SOF = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True, slots=True)
class Look:
    """`kind` is jpeg, png, webp or heic; pixels as the header tells them (HEIC: its largest)."""

    kind: str
    width: int
    height: int


def look(data: bytes) -> Look:
    """Tell what it is. Raises `RefusedPhoto` for whatever is not one still picture of bounded size.

    Reads headers only, and takes memory for none of what they promise.
    """
    if not data:
        raise refused("empty")
    if len(data) > MOST_BYTES:
        raise refused("too-large")
    for kind, begins, size in _KINDS:
        if begins(data):
            try:
                width, height = size(data)
            except (struct.error, IndexError):
                raise refused("broken") from None
            within_bounds(width, height)
            return Look(kind, width, height)
    raise refused("other-type", name(data))


def name(data: bytes) -> str | None:
    """What to call a file that is none of the four, one of `NAMES`."""
    start = data[:2000].removeprefix(b"\xef\xbb\xbf")
    for pattern, name in _OTHERS:
        if re.match(pattern, start, re.DOTALL | re.IGNORECASE):
            return name
    return None


def within_bounds(width: int, height: int) -> None:
    """Refuse what would take too much memory decoded, and what has no pixel at all."""
    if min(width, height) < 1:
        raise refused("broken")
    if width * height > MOST_PIXELS or max(width, height) > LONGEST_SIDE:
        raise refused("too-many-pixels")


def _jpeg(data: bytes) -> tuple[int, int]:
    at = 2
    while True:
        if data[at] != 0xFF:
            raise refused("broken")
        while data[at] == 0xFF:
            at += 1
        marker = data[at]
        (length,) = struct.unpack_from(">H", data, at + 1)
        if marker in _SOF_READ:
            height, width = struct.unpack_from(">HH", data, at + 4)
            return width, height
        # The picture must be told of before it begins; and nothing is shorter than its own length.
        if marker in _SOF or marker in (0xD8, 0xD9, 0xDA) or length < 2:
            raise refused("broken")
        at += 1 + length


def _png(data: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from(">II", data, 16)
    if data[12:16] != b"IHDR":
        raise refused("broken")
    at = 8
    while True:
        length, name = struct.unpack_from(">I4s", data, at)
        at += 12 + length
        if at > len(data):
            raise refused("broken")
        if name in (b"acTL", b"fcTL", b"fdAT"):
            raise refused("animated")
        if name == b"IEND":
            return width, height


def _webp(data: bytes) -> tuple[int, int]:
    (riff,) = struct.unpack_from("<I", data, 4)
    end = 8 + riff
    if end > len(data):
        raise refused("broken")
    name, at = data[12:16], 20
    if name == b"VP8X":
        canvas = data[at + 4 : at + 10]
        size = (
            int.from_bytes(canvas[:3], "little") + 1,
            int.from_bytes(canvas[3:], "little") + 1,
        )
    elif name == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, at + 1)
        size = ((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    elif name == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, at + 6)
        size = (width & 0x3FFF, height & 0x3FFF)
    else:
        raise refused("broken")
    if name == b"VP8X" and data[at] & 0x02:
        raise refused("animated")
    at = 12
    while at + 8 <= end:
        chunk, length = struct.unpack_from("<4sI", data, at)
        if chunk in (b"ANIM", b"ANMF"):
            raise refused("animated")
        at += 8 + length + length % 2
    return size


def _boxes(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """The outer boxes: name, where the content begins and where it ends."""
    at = 0
    while at + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        begins = at + 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, begins)
            begins += 8
        end = at + length if length else len(data)
        if end < begins:
            return
        yield name, begins, end
        at = end


def _heic(data: bytes) -> tuple[int, int]:
    largest = (0, 0)
    for name, begins, end in _boxes(data):
        if name not in (b"ftyp", b"meta", b"mdat"):
            continue
        if end > len(data):
            raise refused("broken")
        if name == b"ftyp" and data[begins : begins + 4] in _MOVING_BRANDS:
            raise refused("animated")
        if name == b"meta":
            # Every "image spatial extents" there is: of the picture, its tiles and its thumbnails.
            for found in re.finditer(rb"ispe....(....)(....)", data[begins:end], re.DOTALL):
                width, height = (int.from_bytes(side, "big") for side in found.groups())
                within_bounds(width, height)
                largest = max(largest, (width, height), key=lambda size: size[0] * size[1])
    return largest


def _is_heic(data: bytes) -> bool:
    if data[4:8] != b"ftyp":
        return False
    length = int.from_bytes(data[:4], "big")
    brands = {data[at : at + 4] for at in (8, *range(16, min(length, 512), 4))}
    return data[8:12] in _HEIC_BRANDS | _MOVING_BRANDS or (
        data[8:12] == b"mif1" and bool(brands & _HEIC_BRANDS)
    )


_KINDS: tuple[tuple[str, Callable[[bytes], bool], Callable[[bytes], tuple[int, int]]], ...] = (
    ("jpeg", lambda data: data[:3] == b"\xff\xd8\xff", _jpeg),
    ("png", lambda data: data[:8] == b"\x89PNG\r\n\x1a\n", _png),
    ("webp", lambda data: data[:4] == b"RIFF" and data[8:12] == b"WEBP", _webp),
    ("heic", _is_heic, _heic),
)
