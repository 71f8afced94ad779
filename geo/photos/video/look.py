"""What a video's headers promise, before any decoding; and whether a file is one at all."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from geo.photos import kinds
from geo.photos.video.atoms import Atom, atoms
from geo.photos.video.refusals import (
    LONGEST_SIDE,
    MOST_BYTES,
    MOST_PIXELS,
    MOST_SECONDS,
    refused,
)

# Slow motion has 240 pictures a second.
MOST_PICTURES = (MOST_SECONDS + 1) * 240
_MOST_TRACKS = 12
_MOST_EDITS = 16
_BRANDS = {
    *(b"isom", b"mp41", b"mp42", b"mp4v", b"avc1", b"qt  ", b"M4V ", b"MSNV", b"XAVC", b"F4V "),
    *(b"iso%d" % n for n in range(2, 10)),
    *(b"3gp%d" % n for n in range(4, 10)),
    *(b"3g2%c" % n for n in b"abc"),
}
# Decoders are the part that is attacked; phones need these two.
_CODECS = {b"avc1": "h264", b"avc3": "h264", b"hvc1": "hevc", b"hev1": "hevc"}
# A list of other films, and headers packed by zlib: of QuickTime's youth, and tricks today.
_OTHER_HEADERS = {b"rmra": "elsewhere", b"cmov": "broken", b"foov": "broken"}
_HOLDERS = {b"moov", b"trak", b"mdia", b"minf", b"dinf", b"stbl", b"edts"}
# moov, trak, mdia, minf, stbl.
_DEEPEST = 5
_UNTURNED = (1, 0, 0, 1)


@dataclass(frozen=True, slots=True)
class Look:
    """`codec` is h264 or hevc; `turn` the matrix (a, b, c, d), each -1, 0 or 1, to show it by."""

    codec: str
    width: int
    height: int
    turn: tuple[int, int, int, int]


def is_video(head: bytes) -> bool:
    """Whether a file that begins so (64 bytes are enough) is an MP4 or MOV."""
    return head[4:8] == b"ftyp" and head[8:12] in _BRANDS


def glance(data: bytes) -> None:
    """Raises `RefusedVideo` for what its size or its first bytes tell; at once, for any process."""
    if not data:
        raise refused("empty")
    if len(data) > MOST_BYTES:
        raise refused("too-large")
    if not is_video(data[:64]):
        what = kinds.name(data)
        raise refused("other-type", None if what == "a video" else what)


def look(data: bytes) -> Look:
    """Raises `RefusedVideo` for what is not one video of bounded size, whole and all in the file.

    Reads headers only, and takes memory for none of what they promise; but there may be millions of
    boxes, so it is for the process that has limits.
    """
    glance(data)
    try:
        return _look(data)
    except (struct.error, IndexError):
        raise refused("broken") from None


def _look(data: bytes) -> Look:
    outer = list(atoms(data, 0, len(data), zero_ends=True))
    headers = [atom for atom in outer if atom.name == b"moov"]
    if len(headers) != 1:
        raise refused("broken")
    for inner in _all(data, headers[0]):
        if inner.name in _OTHER_HEADERS:
            raise refused(_OTHER_HEADERS[inner.name])
        if inner.name == b"dref":
            _all_here(data, inner)
    inside = atoms(data, headers[0].begins, headers[0].ends, zero_ends=True)
    tracks = [atom for atom in inside if atom.name == b"trak"]
    if len(tracks) > _MOST_TRACKS:
        raise refused("broken")
    videos = [t for t in tracks if _handler(data, t) == b"vide"]
    if not videos:
        raise refused("no-pictures")
    if len(videos) > 1:
        raise refused("several-videos")
    return _of_track(data, videos[0])


def _all(data: bytes, holder: Atom, deep: int = 0) -> Iterator[Atom]:
    """The boxes inside, and inside those that hold others."""
    if deep > _DEEPEST:
        raise struct.error("boxes in boxes without an end")
    for atom in atoms(data, holder.begins, holder.ends, zero_ends=True):
        yield atom
        if atom.name in _HOLDERS:
            yield from _all(data, atom, deep + 1)


def _all_here(data: bytes, dref: Atom) -> None:
    """Each entry must say that what it names is this file: nothing else is ever opened."""
    for entry in atoms(data, dref.begins + 8, dref.ends):
        (flags,) = struct.unpack_from(">I", data, entry.begins)
        if flags != 1:
            raise refused("elsewhere")


def _one(data: bytes, track: Atom, name: bytes) -> Atom:
    """The only box of that name; struct.error if there is none, or a second one."""
    found = [atom for atom in _all(data, track) if atom.name == name]
    if len(found) != 1:
        raise struct.error(name)
    return found[0]


def _handler(data: bytes, track: Atom) -> bytes:
    # QuickTime has a second one in `minf`, of the way its data are reached.
    found = next(atom for atom in _all(data, track) if atom.name == b"hdlr")
    return data[found.begins + 8 : found.begins + 12]


def _of_track(data: bytes, track: Atom) -> Look:
    entries = _one(data, track, b"stsd")
    (count,) = struct.unpack_from(">I", data, entries.begins + 4)
    described = list(atoms(data, entries.begins + 8, entries.ends, zero_ends=True))
    if count != 1 or len(described) != 1:
        raise refused("broken")
    codec = _CODECS.get(described[0].name)
    if codec is None:
        raise refused("other-codec")
    width, height = struct.unpack_from(">HH", data, described[0].begins + 24)
    within_bounds(width, height)
    mdhd, tkhd = _one(data, track, b"mdhd"), _one(data, track, b"tkhd")
    form = ">16xIQ" if data[mdhd.begins] == 1 else ">8xII"
    scale, duration = struct.unpack_from(form, data, mdhd.begins + 4)
    if not scale:
        raise refused("broken")
    if duration > (MOST_SECONDS + 1) * scale:
        raise refused("too-long")
    _, pictures = struct.unpack_from(">II", data, _one(data, track, b"stsz").begins + 4)
    edits = [atom for atom in _all(data, track) if atom.name == b"elst"]
    counts = [struct.unpack_from(">I", data, atom.begins + 4)[0] for atom in edits]
    if pictures > MOST_PICTURES or sum(counts) > _MOST_EDITS:
        raise refused("too-much-work")
    return Look(codec, width, height, _turn(data, tkhd))


def within_bounds(width: int, height: int) -> None:
    """Refuse what would take too much memory decoded, and what has no pixel at all."""
    if min(width, height) < 16:
        raise refused("broken")
    if width * height > MOST_PIXELS or max(width, height) > LONGEST_SIDE:
        raise refused("too-many-pixels")


def _turn(data: bytes, tkhd: Atom) -> tuple[int, int, int, int]:
    """Quarter turns and mirrors; what is none of them shows it as it was taken, as players do."""
    at = tkhd.begins + (52 if data[tkhd.begins] == 1 else 40)
    a, b, c, d = (side / 65536 for side in struct.unpack_from(">ii4xii", data, at))
    turn = (a, b, c, d)
    ways = {0.0, 1.0, -1.0}
    if set(turn) <= ways and abs(a * d - b * c) == 1 and abs(a) + abs(b) == 1:
        return int(a), int(b), int(c), int(d)
    return _UNTURNED
