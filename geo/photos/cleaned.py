"""What a clean photo is. Known to both sides, so it imports no decoder."""

import hashlib
from dataclasses import dataclass

from geo.photos import jpeg
from geo.photos.refusals import refused

LONGEST_SIDE = 2048
MEDIA_TYPE = "image/jpeg"


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A bare JPEG in sRGB, upright, `width` x `height` px; `sha256` (hex) is its address."""

    data: bytes
    width: int
    height: int
    sha256: str
    media_type: str = MEDIA_TYPE

    @classmethod
    def of(cls, data: bytes) -> "Cleaned":
        """Take what was written only if it is clean; raises `RefusedPhoto` if not."""
        width, height = jpeg.size_of(data)
        if max(width, height) > LONGEST_SIDE:
            raise refused("not-clean")
        return cls(data, width, height, hashlib.sha256(data).hexdigest())
