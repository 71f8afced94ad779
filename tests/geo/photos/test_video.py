"""A clean video is silent, bare, upright, small enough, and the same film."""

import io

import av
import numpy as np
import pytest
from hostile import assert_says_nothing as photo_says_nothing
from hostile import said_by
from hostile_video import (
    SECRET,
    STBL,
    TRACK,
    assert_bare,
    assert_says_nothing,
    box,
    boxes_of,
    changed,
    filmed,
    gps_atom,
    talkative,
    where,
    with_box,
)

from geo.photos.video.apart import cleaned
from geo.photos.video.cleaned import CleanedVideo
from geo.photos.video.cleaning import clean

pytestmark = pytest.mark.anyio


def _pictures(data: bytes) -> list[tuple[float, np.ndarray]]:
    """Seconds and pixels (height, width, RGB)."""
    with av.open(io.BytesIO(data), format="mp4") as file:
        return [(float(f.time), f.to_ndarray(format="rgb24")) for f in file.decode(video=0)]


@pytest.mark.parametrize("form", ["mp4", "mov"])
async def test_a_video_that_says_much_says_nothing_after_it(form, tmp_path):
    said = talkative(form)
    # That it does say it, to the same tool.
    before = said_by(said, tmp_path)
    assert before["QuickTime:CreateDate"] == "2026:11:26 08:15:00"
    assert "Composite:GPSPosition" in before
    assert sum("Secret" in str(value) for value in before.values()) >= 6
    assert said.count(SECRET) > 9
    assert b"x264" in said
    answer = await cleaned(said)
    assert_says_nothing(answer.data, tmp_path)
    photo_says_nothing(answer.poster.data, tmp_path)
    assert (answer.width, answer.height, answer.duration_s) == (192, 128, 0.5)
    assert (answer.media_type, len(answer.sha256)) == ("video/mp4", 64)
    assert [name for name, _, _ in boxes_of(answer.data)] == [b"ftyp", b"moov", b"mdat"]


async def test_it_is_the_same_film_and_the_poster_its_first_picture():
    answer = await cleaned(filmed(15))
    pictures = _pictures(answer.data)
    assert [round(at * 30) for at, _ in pictures] == list(range(15))
    before = _pictures(filmed(15))
    for (_, one), (_, other) in zip(before, pictures, strict=True):
        assert np.abs(one.astype(int) - other).mean() < 6
    still = av.open(io.BytesIO(answer.poster.data), format="jpeg_pipe")
    shown = next(still.decode(video=0)).to_ndarray(format="rgb24")
    assert np.abs(shown.astype(int) - pictures[0][1]).mean() < 8


def test_the_same_pictures_have_the_same_address_whatever_was_said():
    film = filmed(5)
    assert clean(film) == clean(with_box(film, (b"moov",), box(b"udta", gps_atom())))


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_what_phones_record_is_read(codec):
    # The encoder's log is not ours.
    how = {"x265-params": "log-level=none"} if codec == "libx265" else {"bf": "2"}
    data = filmed(6, codec=codec, how=how)
    assert clean(data).duration_s == pytest.approx(0.2, abs=0.04)


# As in `tkhd`, of 16.16 bits.
_MATRICES = {
    "90 right": (0, 1, -1, 0),
    "180": (-1, 0, 0, -1),
    "90 left": (0, -1, 1, 0),
    "mirror": (-1, 0, 0, 1),
}


def _matrix(a: float, b: float, c: float, d: float) -> bytes:
    sides = (a, b, 0, c, d)
    return b"".join(int(side * 65536).to_bytes(4, "big", signed=True) for side in sides)


@pytest.mark.parametrize("turn", _MATRICES)
def test_a_turned_video_is_upright(turn):
    told = _matrix(*_MATRICES[turn])
    data = changed(filmed(4), (*TRACK, b"tkhd"), 40, told)
    answer = clean(data)
    one, size = _pictures(answer.data)[-1][1], (answer.width, answer.height)
    assert size == ((128, 192) if "90" in turn else (192, 128))
    still = _corners(one)
    assert (
        still
        == {
            "90 right": {"red": "right above", "blue": "left below"},
            "180": {"red": "right below", "blue": "left above"},
            "90 left": {"red": "left below", "blue": "right above"},
            "mirror": {"red": "right above", "blue": "left below"},
        }[turn]
    )


def _corners(pixels: np.ndarray) -> dict[str, str]:
    height, width = pixels.shape[:2]
    found = {}
    for name, channel in (("red", 0), ("blue", 2)):
        y, x = np.argwhere((pixels[..., channel] > 180) & (pixels.sum(axis=2) < 330)).mean(axis=0)
        found[name] = f"{'left' if x < width / 2 else 'right'} " + (
            "above" if y < height / 2 else "below"
        )
    return found


def test_a_turn_that_is_none_is_passed_over():
    data = changed(filmed(4), (*TRACK, b"tkhd"), 40, _matrix(0.7, 0.7, -0.7, 0.7))
    assert (clean(data).width, clean(data).height) == (192, 128)


@pytest.mark.parametrize(
    ("size", "after"),
    [((1920, 1080), (1280, 720)), ((1080, 1920), (720, 1280)), ((1282, 34), (1280, 34))],
)
def test_what_is_large_becomes_1280_px_long(size, after):
    answer = clean(filmed(2, size=size))
    assert (answer.width, answer.height) == after
    assert_bare(answer.data)


def test_at_most_thirty_pictures_a_second_and_the_time_stays():
    answer = clean(filmed(25, rate=120))
    assert [round(at * 30) for at, _ in _pictures(answer.data)] == list(range(7))
    slow = clean(filmed(4, times=lambda number: number * 15))
    assert [round(at, 2) for at, _ in _pictures(slow.data)] == [0.0, 0.5, 1.0, 1.5]


def test_one_picture_is_a_video_too():
    assert clean(filmed(1)).duration_s == pytest.approx(1 / 30)


def test_a_minute_is_taken():
    answer = clean(filmed(60, rate=1, size=(64, 64)))
    assert 59 < answer.duration_s <= 60


def test_what_lies_in_boxes_of_its_own_is_left_behind(tmp_path):
    """A page or an archive inside of boxes that players skip."""
    data = filmed(3)
    for inner in (b"<html><script>alert(1)</script>" + SECRET, b"PK\3\4" + SECRET + b"PK\5\6"):
        inside = with_box(
            with_box(data, (b"moov",), box(b"free", inner)), STBL, box(b"uuid", inner)
        )
        answer = clean(inside + box(b"skip", inner))
        assert_says_nothing(answer.data, tmp_path)


def test_only_what_is_clean_goes_the_way_between_processes():
    answer = clean(filmed(3))
    assert CleanedVideo.unpacked(answer.packed()) == answer
    assert where(answer.data, b"moov")[0] < where(answer.data, b"mdat")[0]
