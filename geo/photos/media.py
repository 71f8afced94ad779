"""What kind of file was sent, and who cleans it. The one place where that is decided."""

from asyncio import to_thread
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from geo.photos import apart, refusals
from geo.photos.cleaned import Cleaned
from geo.photos.video import apart as video_apart
from geo.photos.video import refusals as video_refusals
from geo.photos.video.cleaned import CleanedVideo
from geo.photos.video.look import is_video

# So many of a file's first bytes tell its kind.
HEAD_BYTES = 64


@dataclass(frozen=True, slots=True)
class Kind:
    """`cleaned` takes the path of the file as it was sent, and raises `RefusedPhoto`.

    Per process `at_once` are cleaned and `most_waiting` wait; who comes next is told to ask again
    after `later_s`.
    """

    name: str
    most_bytes: int
    at_once: int
    most_waiting: int
    later_s: int
    cleaned: Callable[[Path], Awaitable[Cleaned | CleanedVideo]]


async def _photo(path: Path) -> Cleaned:
    return await apart.cleaned(await to_thread(path.read_bytes))


async def _video(path: Path) -> CleanedVideo:
    return await video_apart.cleaned(await to_thread(path.read_bytes))


# Some 10 s of waiting, mostly.
PHOTO = Kind("photo", refusals.MOST_BYTES, apart.AT_ONCE, 8, 5, _photo)
# Each may take more than a minute: a longer line would be longer than anybody's patience.
VIDEO = Kind("video", video_refusals.MOST_BYTES, video_apart.AT_ONCE, 3, 60, _video)
KINDS = (PHOTO, VIDEO)
# Larger than what any kind may have: refused before its kind is known.
MOST_BYTES_OF_ANY = max(kind.most_bytes for kind in KINDS)


def kind_of(head: bytes) -> Kind:
    """The kind of a file that begins so; what is nothing we take is refused when it is cleaned."""
    return VIDEO if is_video(head) else PHOTO
