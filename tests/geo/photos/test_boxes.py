"""What lies in a box is gone, all around it stays, and boxes are what they must be."""

import io
import math

import numpy as np
import pytest
from hostile import SECRET, assert_says_nothing, drawn, exif, written
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from geo.errors import Invalid, RefusedPhoto
from geo.photos.apart import boxed_out, cleaned
from geo.photos.boxes import MOST_BOXES, Box, as_line, checked, from_line, pixels
from geo.photos.cleaning import boxed_out as filled
from geo.photos.cleaning import clean

pytestmark = pytest.mark.anyio


def _noise(width: int = 320, height: int = 240, seed: int = 1) -> bytes:
    wild = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return clean(written(Image.fromarray(wild), "PNG")).data


def _pixels(jpeg: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(jpeg)))


async def test_what_lies_in_the_boxes_is_one_colour_and_the_rest_stays(tmp_path):
    photo = _noise()
    boxes = [Box(0.1, 0.2, 0.3, 0.4), Box(0.8, 0.9, 1.0, 1.0)]
    answer = await boxed_out(photo, boxes)
    assert_says_nothing(answer.data, tmp_path)
    assert (answer.width, answer.height) == (320, 240)
    before, after = _pixels(photo).astype(int), _pixels(answer.data).astype(int)
    hidden = np.zeros((240, 320), bool)
    hidden[46:98, 30:98] = hidden[206:240, 254:320] = True
    # Blocks of codes hold nothing else than the grey.
    inner = np.zeros_like(hidden)
    inner[49:95, 33:95] = inner[209:240, 257:320] = True
    assert np.abs(after[inner] - 128).max() <= 2
    # Noise is the worst there is for a JPEG; the same picture, though.
    assert np.abs(after[~hidden] - before[~hidden]).mean() < 12
    assert np.abs(after[hidden] - before[hidden]).mean() > 40


def test_nothing_of_what_was_hidden_is_in_the_file():
    """Two photos that differ in the box alone become one and the same."""
    flat = drawn(320, 240)
    one, other = flat.copy(), flat.copy()
    one.paste((255, 0, 0), (40, 40, 90, 80))
    other.paste((0, 255, 255), (43, 44, 88, 79))
    photos = [clean(written(each, "PNG")).data for each in (one, other)]
    assert photos[0] != photos[1]
    box = [Box(40 / 320, 40 / 240, 90 / 320, 80 / 240)]
    assert filled(photos[0], box) == filled(photos[1], box)


async def test_fifty_boxes_are_taken_and_no_more():
    many = [Box(n / 60, n / 60, (n + 1) / 60, (n + 1) / 60) for n in range(MOST_BOXES + 1)]
    answer = await boxed_out(_noise(), many[:MOST_BOXES])
    assert (answer.width, answer.height) == (320, 240)
    for wrong in (many, []):
        with pytest.raises(Invalid, match="1 to 50"):
            await boxed_out(_noise(), wrong)


@pytest.mark.parametrize(
    "sides",
    [
        (0.5, 0, 0.5, 1),
        (0.6, 0, 0.5, 1),
        (0, 0.6, 1, 0.5),
        (-0.1, 0, 1, 1),
        (0, 0, 1.01, 1),
        (math.nan, 0, 1, 1),
        (0, 0, 1, math.nan),
        (0, -math.inf, 1, 1),
        (0, 0, math.inf, 1),
    ],
)
async def test_a_box_that_is_none_is_named(sides):
    with pytest.raises(Invalid) as told:
        await boxed_out(_noise(), [Box(0, 0, 1, 1), Box(*sides)])
    assert [error["field"] for error in told.value.errors] == ["boxes.1"]
    assert "boxes.0" not in told.value.detail


side = st.floats(0, 1, allow_nan=False)


@given(side, side, side, side, st.integers(1, 2048), st.integers(1, 2048))
def test_a_box_hides_at_least_its_area_in_whole_blocks(left, top, right, bottom, width, height):
    if not (left < right and top < bottom):
        return
    x0, y0, x1, y1 = pixels(Box(left, top, right, bottom), width, height)
    assert 0 <= x0 <= left * width < right * width <= x1 + 1e-6 <= width + 1e-6
    assert 0 <= y0 <= top * height < bottom * height <= y1 + 1e-6 <= height + 1e-6
    # Two pixels beyond whole blocks, where there are any.
    for begins, ends, most in ((x0, x1, width), (y0, y1, height)):
        assert begins == 0 or begins % 16 == 14
        assert ends == most or ends % 16 == 2


def test_boxes_go_to_the_process_as_they_are():
    boxes = [Box(0.1, 0.2, 1 / 3, 1.0), Box(0, 0, 1, 1)]
    assert from_line(as_line(checked(boxes)) + b"\xff\n\xd8") == (b"\xff\n\xd8", boxes)


async def test_only_a_clean_photo_is_taken():
    for data in (
        written(drawn(), "JPEG", exif=exif()),
        written(drawn(), "PNG"),
        _noise() + SECRET,
        b"",
    ):
        with pytest.raises(RefusedPhoto) as told:
            await boxed_out(data, [Box(0, 0, 1, 1)])
        assert told.value.reason == "not-clean"
    assert (await cleaned(_noise())).width == 320
