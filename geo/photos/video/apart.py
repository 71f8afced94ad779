"""The door: a video is cleaned in a process of its own, and its answer is not trusted either."""

from geo.errors import RefusedPhoto, RefusedVideo
from geo.photos import process
from geo.photos.limits import VIDEO
from geo.photos.video.cleaned import CleanedVideo
from geo.photos.video.look import glance
from geo.photos.video.refusals import REASONS, refused

COMMAND = (*process.COMMAND, "video")
# One core's work for up to minutes: a second one would leave none to the service.
AT_ONCE = 1
# 60 s at the most that the encoder may spend (3 Mbit/s), and the picture.
_WORK = process.Work("video", AT_ONCE, 36 << 20, REASONS, refused)


async def cleaned(data: bytes, wall_s: float = VIDEO.wall_s) -> CleanedVideo:
    """The video as a bare MP4 and a photo of it, after at most `wall_s` of its own process.

    H.264, at most 1280 px long, 30 pictures a second and 60 s; no sound. Raises `RefusedVideo` for
    whatever else it is, and whatever becomes of the process. Cancelled, it ends its process.
    """
    # Here, too: what is refused anyway is not to wait for a turn.
    glance(data)
    answer = await _WORK.answer(COMMAND, data, wall_s)
    try:
        return CleanedVideo.unpacked(answer)
    except RefusedVideo:
        raise
    except RefusedPhoto:
        # Of its still.
        raise refused("not-clean") from None
