"""One photo, decoded and written anew. For the child process alone: it reads hostile bytes."""

import re
from collections.abc import Callable, Sequence
from io import BytesIO

from PIL import Image, ImageChops, ImageCms
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile
from pillow_heif import HeifImageFile, options

from geo.errors import RefusedPhoto
from geo.photos import kinds
from geo.photos.boxes import Box, pixels
from geo.photos.cleaned import LONGEST_SIDE, Cleaned
from geo.photos.refusals import refused

QUALITY = 85
# Grey: black is taken for a shadow or a hole in the road.
_FILLING = (128, 128, 128)

# One thread: more would each want address space, and be faster only on an idle machine.
options.DECODE_THREADS = 1
options.THUMBNAILS = options.DEPTH_IMAGES = options.AUX_IMAGES = False

# By its own class each, so that nothing but what `kinds` saw is ever tried: `Image.open` asks all
# formats that Pillow knows, PostScript among them, and makes an MPO out of a JPEG.
_READERS: dict[str, Callable[[BytesIO], ImageFile]] = {
    "jpeg": JpegImageFile,
    "png": PngImageFile,
    "webp": WebPImageFile,
    "heic": HeifImageFile,
}
# Modes of Pillow, and the one of three that a colour profile speaks of. What is not here is RGB.
_PROFILED_AS = {"1": "L", "L": "L", "LA": "L", "I;16": "L", "CMYK": "CMYK"}
# Of Android ("Ultra HDR"), of ISO 21496-1, of Apple.
_GAIN_MAP = re.compile(rb"hdrgm:Version|urn:iso:std:iso:ts:21496|hdrgainmap", re.IGNORECASE)


def clean(data: bytes) -> Cleaned:
    """Decode any of the four formats and write the picture alone, at most 2048 px long.

    Raises `RefusedPhoto`, and `MemoryError` under a limit that the caller has set.
    """
    looked = kinds.look(data)
    try:
        return written(_decoded(looked, data))
    except (RefusedPhoto, MemoryError):
        raise
    except Exception as error:
        # Decoders fail with whatever they like: OSError, SyntaxError, struct.error, zlib.error …
        raise refused("broken") from error


def written(picture: Image.Image) -> Cleaned:
    """The picture (RGB) as a bare JPEG."""
    into = BytesIO()
    # Baseline: one scan in a known order of segments is what `jpeg` can vouch for; progressive
    # would save some 3 % and arrive as a blur first.
    picture.save(into, "JPEG", quality=QUALITY, subsampling="4:2:0", optimize=True)
    return Cleaned.of(into.getvalue())


def boxed_out(data: bytes, boxes: Sequence[Box]) -> Cleaned:
    """A JPEG of ours anew, with `boxes` filled. Raises as `clean` does.

    A flat colour, not a blur and no larger pixels: whoever knows how those were made makes them of
    every plate there can be, or of many faces, and compares.
    """
    Cleaned.of(data)
    try:
        picture = JpegImageFile(BytesIO(data)).convert("RGB")
        for box in boxes:
            picture.paste(_FILLING, pixels(box, *picture.size))
        picture.info = {}
        return written(picture)
    except (RefusedPhoto, MemoryError):
        raise
    except Exception as error:
        raise refused("broken") from error


def _decoded(looked: kinds.Look, data: bytes) -> Image.Image:
    image = _READERS[looked.kind](BytesIO(data))
    kinds.within_bounds(*image.size)
    if looked.kind in ("jpeg", "png", "webp") and image.size != (looked.width, looked.height):
        raise refused("broken")
    if isinstance(image, JpegImageFile):
        _one_picture(image, data)
        # Decoded at a half, a quarter or an eighth where that is still enough.
        image.draft(None, _fitting(image.size))
    elif getattr(image, "n_frames", 1) > 1:
        raise refused("several-pictures" if looked.kind == "heic" else "animated")
    # HEIC is turned by its decoder, as its own boxes say; its EXIF must not turn it again.
    turned = 1 if looked.kind == "heic" else _orientation(image)
    image.load()
    kinds.within_bounds(*image.size)
    picture = _in_srgb(image)
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0)
    if turned in _TURNS:
        picture = picture.transpose(_TURNS[turned])
    # Pillow writes a comment it finds here into the file. Nothing that was read goes along.
    picture.info = {}
    return picture


_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _orientation(image: Image.Image) -> int:
    """1 to 8 of EXIF; 1 where there is none or it cannot be read, as browsers take it."""
    try:
        found = image.getexif().get(0x0112, 1)
    except Exception:
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def _fitting(size: tuple[int, int]) -> tuple[int, int]:
    factor = min(1.0, LONGEST_SIDE / max(size))
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def _one_picture(image: JpegImageFile, data: bytes) -> None:
    """Refuse an MPO, but not a phone's photo that only has its gain map (for HDR) with it."""
    index = image._getmp()
    if index is None or index.get(0xB001, 1) < 2:
        return
    views = [str(entry["Attribute"]["MPType"]) for entry in index.get(0xB002, ())]
    if any(view.startswith("Multi-Frame") for view in views) or not _GAIN_MAP.search(data):
        raise refused("several-pictures")


def _in_srgb(image: Image.Image) -> Image.Image:
    """RGB on white, by the embedded profile where there is one that can be read."""
    alpha = None
    mode = _PROFILED_AS.get(image.mode, "RGB")
    if image.mode == "I;16":
        # Pillow cuts off at 255 what it converts from 16 bits. One transparent grey of 65,536, of
        # which PNG knows, stays the grey that it is.
        base = image.point(lambda grey: grey * (1 / 256)).convert(mode)
    else:
        if image.has_transparency_data:
            alpha = image.convert("RGBA").getchannel("A")
        image.info.pop("transparency", None)
        base = image if image.mode == mode else image.convert(mode)
    profile = image.info.get("icc_profile")
    picture = _by_profile(base, profile) if profile else None
    if picture is None:
        picture = base.convert("RGB")
    if alpha is not None:
        picture.paste((255, 255, 255), mask=ImageChops.invert(alpha))
    return picture


def _by_profile(base: Image.Image, profile: bytes) -> Image.Image | None:
    try:
        return ImageCms.profileToProfile(
            base, BytesIO(profile), ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        # A profile for other colours than the picture's, or none at all: browsers pass it over.
        return None
