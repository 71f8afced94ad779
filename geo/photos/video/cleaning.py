"""One video, decoded and written anew. For the child process alone: it reads hostile bytes."""

from collections.abc import Iterator
from fractions import Fraction
from io import BytesIO
from typing import NoReturn, cast

import av
import numpy as np
from av.bitstream import BitStreamFilterContext
from av.video.reformatter import ColorRange, Colorspace
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL.Image import Image

from geo.errors import RefusedPhoto
from geo.photos.cleaning import written
from geo.photos.video import mp4
from geo.photos.video.cleaned import CleanedVideo
from geo.photos.video.look import MOST_PICTURES, Look, look, within_bounds
from geo.photos.video.mp4 import LONGEST_SIDE, PER_SECOND
from geo.photos.video.refusals import MOST_PIXELS, refused

# Whatever a file names, the reader opens nothing: it has bytes of this one form, and no protocol.
_READ = {"protocol_whitelist": "none", "enable_drefs": "0", "use_absolute_path": "0"}
_DECODE = {"max_pixels": str(MOST_PIXELS), "threads": "1"}
# "bitexact" keeps names and versions of the software out. Without B-frames pictures stand in the
# order they are shown in: one table less that could say anything, for some 10 % of the bytes.
_ENCODE = {
    "preset": "veryfast",
    "profile": "main",
    "crf": "26",
    "maxrate": "3M",
    "bufsize": "6M",
    "bf": "0",
    "g": "60",
    "threads": "1",
    "flags": "+bitexact",
    "colorspace": "bt709",
}
_WRITE = {
    "fflags": "+bitexact",
    "use_editlist": "0",
    "video_track_timescale": str(PER_SECOND),
    "write_tmcd": "0",
    "write_btrt": "0",
    "empty_hdlr_name": "1",
}
# Without "supplemental information", where encoders write their name, and without fillings.
_ONLY_PICTURES = "filter_units=remove_types=6|9|12"
_TICK = Fraction(1, PER_SECOND)

Planes = NDArray[np.uint8]


def clean(data: bytes) -> CleanedVideo:
    """Decode MP4 or MOV and write its pictures alone, H.264, at most 1280 px long.

    Sound goes: a voice tells who speaks, and of others nearby what they said; a hole in the road
    needs none. Raises `RefusedVideo`, and `MemoryError` under a limit that the caller has set.
    """
    looked = look(data)
    try:
        return _clean(looked, data)
    except MemoryError:
        raise
    except RefusedPhoto as refusal:
        # Of a photo's reasons: its still was not clean.
        raise refused(refusal.reason) from None
    except Exception as error:
        # Of the libraries, which have errors of many kinds.
        raise refused("broken") from error


def _clean(looked: Look, data: bytes) -> CleanedVideo:
    into = BytesIO()
    poster: bytes | None = None
    with (
        av.open(BytesIO(data), "r", format="mov", options=_READ, io_open=_nothing_else) as source,
        av.open(into, "w", format="mp4", options=_WRITE) as target,
    ):
        stream = target.add_stream("libx264", rate=PER_SECOND, options=_ENCODE)
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = stream.time_base = _TICK
        pictures = BitStreamFilterContext(_ONLY_PICTURES, stream)
        for tick, planes in _shown(source, looked):
            height, width = planes.shape[0] * 2 // 3, planes.shape[1]
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.colorspace, frame.color_range = Colorspace.ITU709, ColorRange.MPEG
            if poster is None:
                stream.width, stream.height = width, height
                # PyAV has no type for it.
                still: Image = frame.to_image()  # type: ignore[no-untyped-call]
                poster = written(still).data
            frame.pts, frame.time_base = tick, _TICK
            for packet in stream.encode(frame):
                _mux(target, stream, pictures, packet)
        if poster is None:
            raise refused("broken")
        for packet in stream.encode():
            _mux(target, stream, pictures, packet)
        _mux(target, stream, pictures, None)
    return CleanedVideo.of(mp4.with_headers_first(into.getvalue()), poster)


def _nothing_else(*asked: object) -> NoReturn:
    raise refused("elsewhere")


def _mux(
    target: av.container.OutputContainer,
    stream: VideoStream,
    pictures: BitStreamFilterContext,
    packet: "av.Packet[VideoStream] | None",
) -> None:
    for each in pictures.filter(packet):
        each.stream = stream
        target.mux(each)


def _shown(source: av.container.InputContainer, looked: Look) -> Iterator[tuple[int, Planes]]:
    """Pictures upright and in size, each with its own thirtieth of a second since the first."""
    stream = _stream(source, looked)
    began: Fraction | None = None
    size, last = None, -1
    for number, frame in enumerate(source.decode(stream)):
        if number >= MOST_PICTURES:
            raise refused("too-much-work")
        if frame.is_corrupt:
            continue
        within_bounds(frame.width, frame.height)
        if frame.pts is None or frame.time_base is None or size not in (None, _size(frame)):
            raise refused("broken")
        size = _size(frame)
        at = frame.pts * frame.time_base
        began = at if began is None else began
        tick = round((at - began) * PER_SECOND)
        if tick >= mp4.MOST_PICTURES:
            raise refused("too-long")
        if tick <= last:
            # More pictures than thirty a second.
            continue
        last = tick
        fitted = frame.reformat(
            *_fitting(*size),
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
        )
        yield tick, _turned(cast(Planes, fitted.to_ndarray()), looked.turn)


def _stream(source: av.container.InputContainer, looked: Look) -> VideoStream:
    # A cover's picture is another "video" to the reader.
    found = [s for s in source.streams.video if s.codec_context.name == looked.codec]
    if len(found) != 1:
        raise refused("broken")
    found[0].codec_context.options = _DECODE
    found[0].thread_type = "NONE"
    found[0].codec_context.thread_count = 1
    return found[0]


def _size(frame: av.VideoFrame) -> tuple[int, int]:
    return frame.width, frame.height


def _fitting(width: int, height: int) -> tuple[int, int]:
    """At most `LONGEST_SIDE`, in even numbers: chroma is halved."""
    factor = min(1.0, LONGEST_SIDE / max(width, height))
    even = [max(16, round(side * factor / 2) * 2) for side in (width, height)]
    return min(even[0], LONGEST_SIDE), min(even[1], LONGEST_SIDE)


def _turned(planes: Planes, turn: tuple[int, int, int, int]) -> Planes:
    """Each of the three planes of 4:2:0, which PyAV gives one below the other."""
    if turn == (1, 0, 0, 1):
        return planes
    height, width = planes.shape[0] * 2 // 3, planes.shape[1]
    half = (height // 2, width // 2)
    luma, chroma = planes[:height], planes[height:].reshape(2, *half)
    a, b, c, d = turn
    parts = []
    for part in (luma, *chroma):
        # A point (x, y) is shown at (a x + c y, b x + d y); a side that gets -1 is mirrored.
        upright = part.T if a == 0 else part
        upright = upright[:: -1 if b + d < 0 else 1, :: -1 if a + c < 0 else 1]
        parts.append(upright.reshape(-1))
    across = height if a == 0 else width
    return np.ascontiguousarray(np.concatenate(parts).reshape(-1, across))
