"""The last look lets nothing pass that is not the bare MP4 that our writer writes."""

import json
import struct
import sys

import pytest
from hostile_video import (
    DREF,
    SECRET,
    STBL,
    TRACK,
    box,
    boxes_of,
    changed,
    filmed,
    gps_atom,
    where,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import RefusedVideo
from geo.photos.video import apart, mp4, sps
from geo.photos.video.cleaned import CleanedVideo
from geo.photos.video.cleaning import clean

pytestmark = pytest.mark.anyio

MADE = clean(filmed(40))
CLEAN = MADE.data
_HOLDERS = {b"moov", b"trak", b"mdia", b"minf", b"dinf", b"stbl"}


def _paths(begins: int = 0, ends: int = len(CLEAN), above: tuple[bytes, ...] = ()):
    for name, at, end in boxes_of(CLEAN, begins, ends):
        yield (*above, name)
        if name in _HOLDERS:
            yield from _paths(at + 8, end, (*above, name))


PATHS = list(_paths())


def _is_refused(data: bytes) -> None:
    with pytest.raises(RefusedVideo) as told:
        mp4.measures_of(data)
    assert told.value.reason == "not-clean"


def _grown(path: tuple[bytes, ...], at: int, more: bytes) -> bytes:
    """`more` at a place inside the box of that path, all lengths and offsets made to fit."""
    data = bytearray(CLEAN)
    for depth in range(1, len(path) + 1):
        begins, ends = where(CLEAN, *path[:depth])
        struct.pack_into(">I", data, begins, ends - begins + len(more))
    # The offset of the pictures, too, so that the growth alone is what is refused.
    offset = where(CLEAN, *STBL, b"stco")[0] + 16
    (old,) = struct.unpack_from(">I", data, offset)
    if at < old:
        struct.pack_into(">I", data, offset, old + len(more))
    return bytes(data[:at]) + more + bytes(data[at:])


def test_the_clean_one_passes():
    assert mp4.measures_of(CLEAN) == (192, 128, pytest.approx(40 / 30))
    assert len(PATHS) == 20


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path[-1].decode())
def test_no_box_may_hold_more(path):
    for more in (SECRET, b"\0", box(b"free", SECRET), gps_atom(), box(b"free")):
        _is_refused(_grown(path, where(CLEAN, *path)[1], more))


@pytest.mark.parametrize("path", [(), *(p for p in PATHS if p[-1] in _HOLDERS)])
def test_no_other_box_may_stand_anywhere(path):
    ends = where(CLEAN, *path)[1] if path else len(CLEAN)
    begins = where(CLEAN, *path)[0] + 8 if path else 0
    inside = [at for _, at, _ in boxes_of(CLEAN, begins, ends)]
    for name in (b"udta", b"meta", b"uuid", b"free", b"skip", b"edts", b"trak", b"moof", b"mdat"):
        for at in (*inside, ends):
            _is_refused(_grown(path, at, box(name, SECRET)))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path[-1].decode())
def test_no_box_may_lack_or_stand_there_twice(path):
    begins, ends = where(CLEAN, *path)
    _is_refused(CLEAN[:begins] + box(b"free", bytes(ends - begins - 8)) + CLEAN[ends:])
    if path[:-1]:
        _is_refused(_grown(path[:-1], ends, CLEAN[begins:ends]))


@pytest.mark.parametrize(
    ("path", "offset", "value"),
    [
        ((b"moov", b"mvhd"), 4, b"\xe6\x3f\x1c\x2d"),  # created
        ((b"moov", b"mvhd"), 8, b"\xe6\x3f\x1c\x2d"),  # changed
        ((b"moov", b"mvhd"), 80, b"\0\0\0\1"),
        ((*TRACK, b"tkhd"), 4, b"\xe6\x3f\x1c\x2d"),
        ((*TRACK, b"tkhd"), 40, b"\0\0\0\0\0\1\0\0"),  # turned
        ((*TRACK, b"mdia", b"mdhd"), 4, b"\xe6\x3f\x1c\x2d"),
        ((*TRACK, b"mdia", b"mdhd"), 20, b"\x5a\x2d"),  # a language
        ((*TRACK, b"mdia", b"hdlr"), 12, b"appl"),
        (DREF, 12, b"\0\0\0\0"),  # elsewhere
        ((*STBL, b"stsd"), 8 + 8 + 8 + 24 + 2, b"Lavc"),  # of whose making
        ((*STBL, b"stsd"), 8 + 8 + 24, b"\1\0"),
    ],
)
def test_no_time_no_place_and_no_name_may_be_told(path, offset, value):
    other = changed(CLEAN, path, offset, value)
    assert other != CLEAN
    _is_refused(other)


def test_each_byte_of_the_headers_is_looked_at():
    """But the brand's four, which name the form: each other value of each byte is refused."""
    ends = where(CLEAN, b"mdat")[0] + 8
    begins, beyond = where(CLEAN, *STBL, b"stsd")
    passed = []
    for at in range(ends):
        for flip in (1, 0x80, 0xFF):
            data = CLEAN[:at] + bytes([CLEAN[at] ^ flip]) + CLEAN[at + 1 :]
            try:
                mp4.measures_of(data)
            except RefusedVideo:
                continue
            passed.append(at)
    # What remains is the stream's own: its level, its parameters.
    assert all(begins < at < beyond for at in passed)
    assert len(set(passed)) < 30


def test_the_stream_holds_pictures_alone():
    mdat = where(CLEAN, b"mdat")[0] + 8
    for kind in (0x06, 0x09, 0x0C, 0x67, 0x68, 0x41 if CLEAN[mdat + 4] & 31 == 5 else 0x65, 0xE5):
        _is_refused(CLEAN[: mdat + 4] + bytes([kind]) + CLEAN[mdat + 5 :])
    (length,) = struct.unpack_from(">I", CLEAN, mdat)
    _is_refused(CLEAN[:mdat] + struct.pack(">I", length - 20) + CLEAN[mdat + 4 :])
    _is_refused(CLEAN + SECRET)
    _is_refused(CLEAN[:-1])
    _is_refused(b"")


def test_the_decoder_is_told_of_the_same_size():
    def parameters(data: bytes) -> bytes:
        at = data.index(b"avcC") + 4
        (length,) = struct.unpack_from(">H", data, at + 6)
        return data[at + 8 : at + 8 + length]

    large = clean(filmed(1, size=(640, 384))).data
    assert sps.size(parameters(CLEAN)) == (192, 128)
    assert sps.size(parameters(large)) == (640, 384)
    assert sps.size(parameters(clean(filmed(1, size=(1282, 34))).data)) == (1280, 34)
    for cut in range(8):
        with pytest.raises(RefusedVideo):
            sps.size(parameters(large)[:cut])
    for other in (b"\0" * 30, b"\x67\x64" + parameters(large)[2:], parameters(large) * 2):
        with pytest.raises(RefusedVideo):
            sps.size(other)
    small = where(large, *TRACK, b"tkhd")
    other = changed(large, (*TRACK, b"tkhd"), 76, struct.pack(">II", 192 << 16, 128 << 16))
    other = changed(other, (*STBL, b"stsd"), 8 + 8 + 24, struct.pack(">HH", 192, 128))
    assert small == where(other, *TRACK, b"tkhd")
    _is_refused(other)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60), st.integers(0, len(CLEAN)), st.integers(0, 60))
def test_whatever_is_done_to_it_the_look_ends_in_a_refusal_or_in_peace(more, at, gone):
    try:
        width, height, seconds = mp4.measures_of(CLEAN[:at] + more + CLEAN[at + gone :])
    except RefusedVideo:
        return
    assert (width, height, seconds) == mp4.measures_of(CLEAN)


def _as_if(monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    """Another real process in the child's place: one that its video has taken over."""
    says = f"sys.stdin.buffer.read(); sys.stdout.buffer.write(bytes({json.dumps(list(answer))}))"
    monkeypatch.setattr(apart, "COMMAND", (sys.executable, "-I", "-c", f"import sys\n{says}"))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"+", "not-clean"),
        (b"+" + filmed(2), "not-clean"),
        (b"+" + MADE.packed() + SECRET, "not-clean"),
        (b"+" + struct.pack(">I", 0) + CLEAN, "not-clean"),
        (b"+" + struct.pack(">I", 1 << 31) + CLEAN, "not-clean"),
        (b"+" + clean(filmed(1, size=(64, 64))).packed()[:-3], "not-clean"),
        (b"-other-codec\n<b>", "other-codec"),
        (b"-several-pictures\n", "broken"),
        (b"", "broken"),
    ],
)
async def test_a_child_taken_over_gives_away_nothing(monkeypatch, answer, reason):
    _as_if(monkeypatch, answer)
    with pytest.raises(RefusedVideo) as told:
        await apart.cleaned(filmed(1))
    assert told.value.reason == reason
    assert "<b>" not in told.value.detail


async def test_a_poster_of_another_video_is_not_taken(monkeypatch):
    other = clean(filmed(1, size=(64, 64))).poster.data
    packed = struct.pack(">I", len(other)) + other + CLEAN
    _as_if(monkeypatch, b"+" + packed)
    with pytest.raises(RefusedVideo):
        await apart.cleaned(filmed(1))
    _as_if(monkeypatch, b"+" + MADE.packed())
    assert await apart.cleaned(filmed(1)) == MADE == CleanedVideo.unpacked(MADE.packed())


async def test_what_takes_too_long_is_refused_and_ended():
    with pytest.raises(RefusedVideo) as told:
        await apart.cleaned(filmed(30), wall_s=0.05)
    assert told.value.reason == "too-much-work"
