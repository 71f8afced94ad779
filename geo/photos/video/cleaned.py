"""What a clean video is. Known to both sides, so it imports no decoder."""

import hashlib
import struct
from dataclasses import dataclass

from geo.photos.cleaned import Cleaned
from geo.photos.video import mp4
from geo.photos.video.refusals import refused

MEDIA_TYPE = "video/mp4"


@dataclass(frozen=True, slots=True)
class CleanedVideo:
    """A bare MP4, upright, without sound, `width` x `height` px; `sha256` (hex) is its address.

    `poster`: one picture of it, a clean photo.
    """

    data: bytes
    width: int
    height: int
    duration_s: float
    sha256: str
    poster: Cleaned
    media_type: str = MEDIA_TYPE

    @classmethod
    def of(cls, data: bytes, poster: bytes) -> "CleanedVideo":
        """Take what was written only if it is clean; raises `RefusedPhoto` if not."""
        width, height, duration_s = mp4.measures_of(data)
        still = Cleaned.of(poster)
        if (still.width, still.height) != (width, height):
            raise refused("not-clean")
        return cls(data, width, height, duration_s, hashlib.sha256(data).hexdigest(), still)

    def packed(self) -> bytes:
        """For the way between two processes; `unpacked` takes it if it is clean."""
        return struct.pack(">I", len(self.poster.data)) + self.poster.data + self.data

    @classmethod
    def unpacked(cls, packed: bytes) -> "CleanedVideo":
        """Raises `RefusedPhoto` unless all of it is clean."""
        if len(packed) < 4:
            raise refused("not-clean")
        end = 4 + struct.unpack_from(">I", packed)[0]
        return cls.of(packed[end:], packed[4:end])
