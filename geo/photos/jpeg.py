"""The last look: a JPEG of ours holds one baseline picture and not one byte beside it."""

import re
import struct

from geo.photos.refusals import refused

# "JFIF 1.1, no unit, 1:1, no thumbnail": even the density of dots could tell of a device.
_JFIF = b"JFIF\0\1\1\0\0\1\0\1\0\0"
_APP0, _SOF0, _DHT, _EOI, _SOS, _DQT = 0xE0, 0xC0, 0xC4, 0xD9, 0xDA, 0xDB
# Y, Cb, Cr by turns: 4:2:0, tables 0, 1, 1; one scan over all of them.
_COMPONENTS = b"\1\x22\0\2\x11\1\3\x11\1"
_SCAN = b"\3\1\0\2\x11\3\x11\0\x3f\0"
_MARKER_INSIDE = re.compile(rb"\xff[^\0]", re.DOTALL)


def size_of(data: bytes) -> tuple[int, int]:
    """Width and height (px) of a JPEG that `geo.photos.cleaning` wrote.

    Raises `RefusedPhoto` if any segment is there that a baseline file does not need, one lacks, is
    there twice or holds more than it must, or if the file does not end where the picture does.
    """
    try:
        return _size_of(data)
    except (struct.error, IndexError):
        raise refused("not-clean") from None


def _size_of(data: bytes) -> tuple[int, int]:
    _must(data[:2] == b"\xff\xd8")
    at, seen, size = 2, [], (0, 0)
    while True:
        start, marker, length = struct.unpack_from(">BBH", data, at)
        content = data[at + 4 : at + 2 + length]
        _must(start == 0xFF and length >= 2 and len(content) == length - 2)
        at += 2 + length
        seen.append(marker)
        if marker == _APP0:
            _must(content == _JFIF)
        elif marker == _DQT:
            _must(len(content) == 65 and content[0] in (0, 1))
        elif marker == _DHT:
            _must(len(content) == 17 + sum(content[1:17]) and content[0] in (0, 1, 16, 17))
        elif marker == _SOF0:
            height, width = struct.unpack_from(">HH", content, 1)
            size = (width, height)
            _must(min(size) > 0 and content[:1] == b"\x08" and content[5:] == b"\3" + _COMPONENTS)
        else:
            _must(marker == _SOS and content == _SCAN)
            break
    _must(seen == [_APP0, _DQT, _DQT, _SOF0, _DHT, _DHT, _DHT, _DHT, _SOS])
    inside = _MARKER_INSIDE.search(data, at)
    _must(inside is not None and inside.start() == len(data) - 2 and data[-1] == _EOI)
    return size


def _must(be: bool) -> None:
    if not be:
        raise refused("not-clean")
