"""Areas of a photo that the public is not to see: faces and plates. Known to both sides."""

import json
import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from geo.errors import Invalid

MOST_BOXES = 50
# Of a JPEG of ours, whose chroma is halved: the pixels that one block of codes can touch.
_BLOCK = 16
# Readers smooth the halved chroma over the border of two blocks, a pixel far; so do encoders.
_SMOOTHED = 2


@dataclass(frozen=True, slots=True)
class Box:
    """`left`, `right` as fractions (0 to 1) of the width; `top`, `bottom` of the height."""

    left: float
    top: float
    right: float
    bottom: float


def checked(boxes: Sequence[Box]) -> list[Box]:
    """The same boxes; raises `Invalid`, naming each that is wrong.

    At least one and at most `MOST_BOXES`, each within the photo and with an area.
    """
    if not 1 <= len(boxes) <= MOST_BOXES:
        raise Invalid.of("boxes", f"must be 1 to {MOST_BOXES}, not {len(boxes)}")
    wrong = [
        {
            "field": f"boxes.{n}",
            "message": "must be left < right and top < bottom, each from 0 to 1: fractions of "
            "the photo's width and height",
        }
        for n, box in enumerate(boxes)
        # So that NaN is wrong, too.
        if not (0 <= box.left < box.right <= 1 and 0 <= box.top < box.bottom <= 1)
    ]
    if wrong:
        raise Invalid("; ".join(f"{e['field']} {e['message']}" for e in wrong), errors=wrong)
    return list(boxes)


def as_line(boxes: Sequence[Box]) -> bytes:
    """One line for the process that fills them; `from_line` reads it."""
    return json.dumps([astuple(box) for box in boxes]).encode() + b"\n"


def from_line(data: bytes) -> tuple[bytes, list[Box]]:
    """What follows the line, and its boxes."""
    line, _, rest = data.partition(b"\n")
    return rest, [Box(*sides) for sides in json.loads(line)]


def pixels(box: Box, width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom (px; the latter two outside), grown to whole blocks of codes.

    A block that a hidden pixel touched has a trace of it in all its pixels, and in those next to
    it: none may stay.
    """
    return (
        max(0, math.floor(box.left * width / _BLOCK) * _BLOCK - _SMOOTHED),
        max(0, math.floor(box.top * height / _BLOCK) * _BLOCK - _SMOOTHED),
        min(width, math.ceil(box.right * width / _BLOCK) * _BLOCK + _SMOOTHED),
        min(height, math.ceil(box.bottom * height / _BLOCK) * _BLOCK + _SMOOTHED),
    )
