"""The last look lets nothing pass that is not a bare baseline picture."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import pytest
from hostile import SECRET, assert_bare, drawn, exif, segment, with_segment, written
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import RefusedPhoto
from geo.photos import jpeg
from geo.photos.apart import cleaned
from geo.photos.cleaned import Cleaned
from geo.photos.cleaning import clean
from geo.photos.kinds import look

T = TypeVar("T")
CLEAN = clean(written(drawn(), "PNG")).data
GOOD = [
    written(drawn(), "JPEG", exif=exif(6), comment=SECRET),
    written(drawn(), "JPEG", progressive=True),
    written(drawn(mode="CMYK"), "JPEG"),
    written(drawn(), "PNG", exif=exif()),
    written(drawn(mode="P"), "PNG"),
    written(drawn(mode="RGBA"), "WEBP", exif=exif()),
    written(drawn(), "WEBP", lossless=True),
    written(drawn(), "HEIF", exif=exif()),
]


def _is_refused(data: bytes) -> None:
    with pytest.raises(RefusedPhoto) as told:
        Cleaned.of(data)
    assert told.value.reason == "not-clean"


def test_the_clean_one_passes():
    assert jpeg.size_of(CLEAN) == (96, 64)


@pytest.mark.parametrize("marker", [*range(0xC1, 0xC4), *range(0xC5, 0xD0), *range(0xDC, 0xFF)])
def test_any_other_segment_is_refused(marker):
    for at in (2, 20, CLEAN.index(b"\xff\xda"), len(CLEAN) - 2):
        _is_refused(CLEAN[:at] + segment(marker, SECRET) + CLEAN[at:])


def test_needed_segments_that_say_more_are_refused():
    assert CLEAN[2:20] == segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")
    _is_refused(CLEAN.replace(b"\0\0\1\0\1\0\0", b"\0\1\1\x2c\1\x2c\0\0", 1))
    _is_refused(CLEAN.replace(b"\0\0\1\0\1\0\0", b"\0\1\0\1\0\1\0\0", 1))
    for name in (b"\xff\xdb", b"\xff\xc4", b"\xff\xc0", b"\xff\xda", b"\xff\xe0"):
        at = CLEAN.index(name)
        length = int.from_bytes(CLEAN[at + 2 : at + 4], "big")
        whole = CLEAN[at : at + 2 + length]
        longer = segment(name[1], whole[4:] + SECRET)
        _is_refused(CLEAN.replace(whole, longer, 1))
        _is_refused(CLEAN.replace(whole, whole + whole, 1))
        _is_refused(CLEAN.replace(whole, b"", 1))


def test_what_follows_the_picture_is_refused():
    for more in (b"\0", SECRET, CLEAN, b"\xff\xd9", b"PK\3\4"):
        _is_refused(CLEAN + more)
    _is_refused(CLEAN[:-1])
    _is_refused(CLEAN[:-2])
    _is_refused(CLEAN[:-2] + segment(0xFE, SECRET) + CLEAN[-2:])
    _is_refused(b"\0" + CLEAN)
    _is_refused(b"")


@pytest.mark.parametrize(
    "how",
    [
        {"progressive": True},
        {"subsampling": "4:4:4"},
        {"dpi": (300, 300)},
        {"exif": exif()},
        {"comment": SECRET},
        {"icc_profile": SECRET},
        {"restart_marker_blocks": 1},
    ],
)
def test_what_an_encoder_would_add_is_refused(how):
    _is_refused(written(drawn(), "JPEG", **how))
    _is_refused(written(drawn(3000, 10), "JPEG", optimize=True, subsampling="4:2:0"))
    assert Cleaned.of(written(drawn(), "JPEG", optimize=True, subsampling="4:2:0")).width == 96


def test_grey_and_four_colours_are_refused():
    _is_refused(written(drawn(mode="L"), "JPEG"))
    _is_refused(written(drawn(mode="CMYK"), "JPEG"))
    _is_refused(with_segment(CLEAN, 0xEE, b"Adobe\0\x64\0\0\0\0\1"))


_CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["set", "cut", "put", "end"]), st.floats(0, 1), st.binary(max_size=9)
    ),
    min_size=1,
    max_size=6,
)


def _changed(data: bytes, changes: list[tuple[str, float, bytes]]) -> bytes:
    for how, where, some in changes:
        # Headers are where it hurts: half of all changes fall into the first eighth.
        at = int(where * 2 * len(data)) // 8 if where < 0.5 else int(len(data) * where)
        if how == "set":
            data = data[:at] + some + data[at + len(some) :]
        elif how == "cut":
            data = data[:at] + data[at + len(some) :]
        elif how == "put":
            data = data[:at] + some + data[at:]
        else:
            data += some
    return data


def _refusal_or(answer: Callable[[], T]) -> T | RefusedPhoto:
    try:
        return answer()
    except RefusedPhoto as refusal:
        return refusal


@given(st.sampled_from(GOOD), _CHANGES)
@settings(max_examples=500, deadline=None)
def test_headers_of_any_kind_are_told_or_refused(good, changes):
    told = _refusal_or(lambda: look(_changed(good, changes)))
    assert isinstance(told, RefusedPhoto) or told.width * told.height > 0


@given(_CHANGES)
@settings(max_examples=500, deadline=None)
def test_a_changed_answer_is_as_bare_or_refused(changes):
    changed = _changed(CLEAN, changes)
    told = _refusal_or(lambda: jpeg.size_of(changed))
    if isinstance(told, RefusedPhoto):
        assert told.reason == "not-clean"
    else:
        assert min(told) > 0
        assert (changed[:20], changed[-2:]) == (CLEAN[:20], CLEAN[-2:])


@given(st.sampled_from(GOOD), _CHANGES)
@settings(max_examples=80, deadline=None)
def test_a_changed_photo_is_a_bare_one_or_refused(good, changes):
    # Each in a process of its own, as it is in earnest.
    told = _refusal_or(lambda: asyncio.run(cleaned(_changed(good, changes))))
    if isinstance(told, RefusedPhoto):
        assert told.reason != "not-clean"
    else:
        assert_bare(told.data)
