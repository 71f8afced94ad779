"""What kind of file was sent, and who cleans it. The one place where that is decided."""

from asyncio import to_thread
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from geo.photos import apart
from geo.photos.cleaned import Cleaned
from geo.photos.refusals import MOST_BYTES

# So many of a file's first bytes tell its kind.
HEAD_BYTES = 64
# Larger than what any kind may have: refused before its kind is known.
MOST_BYTES_OF_ANY = 50_000_000


@dataclass(frozen=True, slots=True)
class Kind:
    """`cleaned` takes the path of the file as it was sent, and raises `RefusedPhoto`."""

    name: str
    most_bytes: int
    cleaned: Callable[[Path], Awaitable[Cleaned]]


async def _photo(path: Path) -> Cleaned:
    return await apart.cleaned(await to_thread(path.read_bytes))


PHOTO = Kind("photo", MOST_BYTES, _photo)


def kind_of(head: bytes) -> Kind:
    """The kind of a file that begins so; what is nothing we take is refused when it is cleaned."""
    # A kind with a larger bound goes here, by its first bytes alone.
    return PHOTO
