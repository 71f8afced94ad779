"""The door: a photo is cleaned in a process of its own, and its answer is not trusted either."""

from collections.abc import Sequence

from geo.photos import process
from geo.photos.boxes import Box, as_line, checked
from geo.photos.cleaned import Cleaned
from geo.photos.limits import PHOTO
from geo.photos.refusals import MOST_BYTES, REASONS, refused

COMMAND = (*process.COMMAND, "photo")
BOXING = (*process.COMMAND, "boxes")
AT_ONCE = 2
# 2048 x 2048 of pure noise at this quality is under 4 MB.
_WORK = process.Work("photo", AT_ONCE, 8 << 20, REASONS, refused)


async def cleaned(data: bytes, wall_s: float = PHOTO.wall_s) -> Cleaned:
    """The photo as a bare JPEG, at most 2048 px long, after at most `wall_s` of its own process.

    Raises `RefusedPhoto` for whatever else it is, and whatever becomes of the process: killed by
    its limits, crashed, or answering what is not clean. At most `AT_ONCE` processes of this one's
    run at a time; the others wait their turn. Cancelled, it ends its process.
    """
    # Here, too: what is refused anyway is not to wait for a turn.
    if not data:
        raise refused("empty")
    if len(data) > MOST_BYTES:
        raise refused("too-large")
    return Cleaned.of(await _WORK.answer(COMMAND, data, wall_s))


async def boxed_out(data: bytes, boxes: Sequence[Box], wall_s: float = PHOTO.wall_s) -> Cleaned:
    """The cleaned photo `data` anew, all that lies in the boxes under one flat colour.

    Raises `Invalid` for boxes that cannot be (`geo.photos.boxes.checked`), `RefusedPhoto` as
    `cleaned` does and for what is not a JPEG that `cleaned` made.
    """
    line = as_line(checked(boxes))
    before = Cleaned.of(data)
    after = Cleaned.of(await _WORK.answer(BOXING, line + data, wall_s))
    if (after.width, after.height) != (before.width, before.height):
        raise refused("not-clean")
    return after
