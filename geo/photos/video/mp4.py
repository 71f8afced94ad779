"""The last look: an MP4 of ours holds one H.264 track and not one byte beside it.

The headers that such a file needs are made anew here, from the numbers found in it, and must be the
same to the byte. So there is no list of what is not allowed: nothing else is.
"""

import struct
from typing import NoReturn

from geo.photos.video import sps
from geo.photos.video.atoms import Atom, atoms
from geo.photos.video.refusals import MOST_SECONDS, refused

LONGEST_SIDE = 1280
PER_SECOND = 30
MOST_PICTURES = (MOST_SECONDS + 1) * PER_SECOND
_BRANDS = b"isom\0\0\2\0isomiso2avc1mp41"
_TREE: dict[bytes, tuple[bytes, ...]] = {
    b"moov": (b"mvhd", b"trak"),
    b"trak": (b"tkhd", b"mdia"),
    b"mdia": (b"mdhd", b"hdlr", b"minf"),
    b"minf": (b"vmhd", b"dinf", b"stbl"),
    b"dinf": (b"dref",),
    b"stbl": (b"stsd", b"stts", b"stss", b"stsc", b"stsz", b"stco"),
}
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def measures_of(data: bytes) -> tuple[int, int, float]:
    """Width and height (px) and duration (s) of an MP4 that `geo.photos.video.cleaning` wrote.

    Raises `RefusedVideo` if any box is there that it does not need, one lacks, is in another place
    or holds more than it must; if a time or a name is told; if anything but coded pictures is in
    the stream; if a byte is left over.
    """
    try:
        return _measures_of(data)
    except (struct.error, IndexError):
        _not_clean()


def _measures_of(data: bytes) -> tuple[int, int, float]:
    outer = list(atoms(data, 0, len(data)))
    _must([atom.name for atom in outer] == [b"ftyp", b"moov", b"mdat"])
    _must(all(atom.begins - atom.at == 8 for atom in outer))
    _must(data[outer[0].begins : outer[0].ends] == _BRANDS)
    found: dict[bytes, bytes] = {}
    _take(data, outer[1], found)
    lengths = _lengths(found[b"stsz"])
    _must(1 <= len(lengths) <= MOST_PICTURES and min(lengths) > 0)
    stts = _numbers(found[b"stts"], 2)
    durations = list(zip(stts[::2], stts[1::2], strict=True))
    _must(sum(count for count, _ in durations) == len(lengths))
    _must(all(count and duration for count, duration in durations))
    ticks = sum(count * duration for count, duration in durations)
    _must(ticks <= MOST_PICTURES)
    width, height, codes = _described(found[b"stsd"])
    for name, content in _headers(width, height, ticks).items():
        _must(found[name] == content)
    mdat = outer[2]
    _must(_numbers(found[b"stco"], 1) == _offsets(found, lengths, mdat.begins))
    _must(sum(lengths) == mdat.ends - mdat.begins)
    keys = _numbers(found[b"stss"], 1) if b"stss" in found else range(1, len(lengths) + 1)
    _pictures(data, mdat.begins, lengths, set(keys))
    _must(sps.size(codes) == (width, height))
    return width, height, ticks / PER_SECOND


def _take(data: bytes, holder: Atom, found: dict[bytes, bytes]) -> None:
    inner = list(atoms(data, holder.begins, holder.ends))
    names = [atom.name for atom in inner]
    wanted = _TREE[holder.name]
    # Where every picture stands by itself, none needs to be told.
    _must(names == list(wanted) or names == [name for name in wanted if name != b"stss"])
    for atom in inner:
        _must(atom.begins - atom.at == 8)
        if atom.name in _TREE:
            _take(data, atom, found)
        else:
            found[atom.name] = data[atom.begins : atom.ends]


def _lengths(stsz: bytes) -> list[int]:
    """Bytes of each picture; where all are as long as one, the table is that one."""
    version, one, count = struct.unpack_from(">III", stsz)
    _must(version == 0 and count <= MOST_PICTURES)
    if one:
        _must(len(stsz) == 12)
        return [one] * count
    return _numbers(stsz[4:], 1)


def _numbers(content: bytes, across: int) -> list[int]:
    """A table: four zeros, the number of its rows, the rows of `across` numbers."""
    zeros, count = struct.unpack_from(">II", content)
    _must(zeros == 0 and count <= MOST_PICTURES and len(content) == 8 + count * 4 * across)
    return list(struct.unpack_from(f">{count * across}I", content, 8))


def _headers(width: int, height: int, ticks: int) -> dict[bytes, bytes]:
    """All that does not depend on the stream itself: no time, no language, no name."""
    # In thousandths, rounded up, as the writer has it.
    thousandths = -(-ticks * 1000 // PER_SECOND)
    undefined = 0x55C4
    return {
        b"mvhd": struct.pack(">12xIIIH10x", 1000, thousandths, 0x10000, 0x100)
        + _MATRIX
        + struct.pack(">24xI", 2),
        b"tkhd": struct.pack(">IIIIII16x", 3, 0, 0, 1, 0, thousandths)
        + _MATRIX
        + struct.pack(">II", width << 16, height << 16),
        b"mdhd": struct.pack(">12xIIHH", PER_SECOND, ticks, undefined, 0),
        b"hdlr": struct.pack(">8x4s13x", b"vide"),
        b"vmhd": struct.pack(">I8x", 1),
        b"dref": struct.pack(">4xII4sI", 1, 12, b"url ", 1),
    }


def _described(stsd: bytes) -> tuple[int, int, bytes]:
    """Width, height and the sequence's parameters."""
    width, height = struct.unpack_from(">HH", stsd, 40)
    _must(min(width, height) >= 2 and max(width, height) <= LONGEST_SIDE)
    ours = struct.pack(">4xII4s6xH16xHH", 1, len(stsd) - 8, b"avc1", 1, width, height)
    ours += struct.pack(">IIIH32xHh", 72 << 16, 72 << 16, 0, 1, 24, -1)
    _must(stsd[: len(ours)] == ours)
    inner = list(atoms(stsd, len(ours), len(stsd)))
    _must(inner[0].name == b"avcC")
    codes = stsd[inner[0].begins : inner[0].ends]
    (of_sequence,) = struct.unpack_from(">H", codes, 6)
    sequence = codes[8 : 8 + of_sequence]
    _must(codes[:6] == b"\1" + sequence[1:4] + b"\xff\xe1" and sequence[0] == 0x67)
    count, of_picture = struct.unpack_from(">BH", codes, 8 + of_sequence)
    picture = codes[11 + of_sequence :]
    _must(count == 1 and len(picture) == of_picture <= 16 and picture[0] == 0x68)
    _must(len(inner) == 1)
    return width, height, sequence


def _offsets(found: dict[bytes, bytes], lengths: list[int], begins: int) -> list[int]:
    """Where each chunk must begin: one behind the other, nothing between."""
    rows = _numbers(found[b"stsc"], 3)
    chunks = len(_numbers(found[b"stco"], 1))
    firsts = [*rows[::3], chunks + 1]
    _must(bool(rows) and firsts[0] == 1 and firsts == sorted(set(firsts)))
    _must(set(rows[2::3]) == {1})
    offsets, at, picture = [], begins, 0
    for first, beyond, pictures in zip(firsts, firsts[1:], rows[1::3], strict=False):
        for _ in range(first, beyond):
            offsets.append(at)
            _must(0 < pictures <= len(lengths) - picture)
            at += sum(lengths[picture : picture + pictures])
            picture += pictures
    _must(picture == len(lengths))
    return offsets


def _pictures(data: bytes, at: int, lengths: list[int], keys: set[int]) -> None:
    """Each is one slice of one picture: no "supplemental information", which can say anything."""
    _must(1 in keys and max(keys) <= len(lengths))
    for number, length in enumerate(lengths, 1):
        inside, kind = struct.unpack_from(">IB", data, at)
        _must(inside == length - 4 and kind & 0x9F == (5 if number in keys else 1))
        at += length


def _must(be: bool) -> None:
    if not be:
        _not_clean()


def _not_clean() -> NoReturn:
    raise refused("not-clean")


def with_headers_first(data: bytes) -> bytes:
    """What the encoder's writer wrote, in the order that plays while it loads; without fillings.

    An empty `udta` is all that is left of the writer's own words, and goes, too.
    """
    outer = {atom.name: atom for atom in atoms(data, 0, len(data))}
    ftyp, moov, mdat = (outer[name] for name in (b"ftyp", b"moov", b"mdat"))
    inner = [a for a in atoms(data, moov.begins, moov.ends) if a.name != b"udta"]
    headers = b"".join(data[atom.at : atom.ends] for atom in inner)
    begins = ftyp.ends - ftyp.at + 8 + len(headers) + 8
    moved = begins - mdat.begins
    at = headers.rindex(b"stco") + 8
    (count,) = struct.unpack_from(">I", headers, at)
    offsets = struct.unpack_from(f">{count}I", headers, at + 4)
    table = struct.pack(f">{count}I", *(offset + moved for offset in offsets))
    headers = headers[: at + 4] + table + headers[at + 4 + len(table) :]
    parts = (b"moov", headers), (b"mdat", data[mdat.begins : mdat.ends])
    written = (struct.pack(">I4s", len(content) + 8, name) + content for name, content in parts)
    return data[ftyp.at : ftyp.ends] + b"".join(written)
