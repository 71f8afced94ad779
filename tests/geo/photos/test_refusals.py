"""What is not one still photo of bounded size is refused, each with its own sentence."""

import io
import re
import struct
import zlib

import pytest
from hostile import (
    SECRET,
    assert_bare,
    chunk,
    drawn,
    png_of,
    several,
    with_chunk,
    with_segment,
    written,
)
from PIL import Image

from geo.errors import Invalid, RefusedPhoto
from geo.photos import kinds
from geo.photos.cleaning import clean
from geo.photos.refusals import MOST_BYTES, MOST_PIXELS, REASONS, refused

JPEG, PNG = written(drawn(), "JPEG"), written(drawn(), "PNG")
WEBP, HEIC = written(drawn(), "WEBP"), written(drawn(), "HEIF")
_MOVING = {"save_all": True, "append_images": [drawn().rotate(90), drawn().rotate(45)]}
_SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>1</script></svg>'


def _vp8x(width: int, height: int, flags: int = 0) -> bytes:
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<IB3x", 10, flags) + sides + WEBP[12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _vp8l(width: int, height: int) -> bytes:
    lossless = bytearray(written(drawn(), "WEBP", lossless=True))
    lossless[21:25] = struct.pack("<I", (width - 1) | (height - 1) << 14)
    return bytes(lossless)


def _sized(jpeg: bytes, width: int, height: int) -> bytes:
    at = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:at] + struct.pack(">HH", height, width) + jpeg[at + 4 :]


def _heic_sized(width: int, height: int) -> bytes:
    return re.sub(
        rb"(ispe....)........",
        lambda found: found[1] + struct.pack(">II", width, height),
        HEIC,
        flags=re.DOTALL,
    )


OTHERS = {
    "a GIF": written(drawn(mode="P"), "GIF"),
    "a BMP": written(drawn(), "BMP"),
    "a TIFF or a camera's raw file": written(drawn(), "TIFF"),
    "a PDF": written(drawn(), "PDF"),
    "an AVIF": written(drawn(), "AVIF"),
    "an SVG drawing": _SVG,
    "a web page": b"<!DOCTYPE html><html><body onload=alert(1)>" + JPEG,
    "an archive or an office document": b"PK\3\4" + bytes(100),
    "a video": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(100),
}
MORE_OTHERS = {
    "moving gif": written(drawn(mode="P"), "GIF", **_MOVING),
    "svg behind its heads": b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- a -->\n' + _SVG,
    "jpeg 2000": written(drawn(), "JPEG2000"),
    "icon": written(drawn(32, 32), "ICO"),
    "postscript": written(drawn(), "EPS"),
    "portable pixmap": written(drawn(), "PPM"),
    "jpeg behind a byte": b"\0" + JPEG,
    "jpeg behind a page": b"<!-- -->" + JPEG,
    "text": SECRET,
    "one byte": b"\xff",
    "zeros": bytes(1000),
    "big-endian tiff": b"MM\0*" + bytes(100),
}
MOVING = {
    "webp": written(drawn(), "WEBP", **_MOVING),
    "webp that denies it": bytes(
        byte & ~2 if at == 20 else byte
        for at, byte in enumerate(written(drawn(), "WEBP", **_MOVING))
    ),
    "webp by its flag alone": _vp8x(96, 64, flags=2),
    "apng": written(drawn(), "PNG", **_MOVING),
    "apng that begins late": PNG[:-12] + chunk(b"acTL", struct.pack(">II", 2, 0)) + PNG[-12:],
    "heic sequence": HEIC[:8] + b"hevc" + HEIC[12:],
}
SEVERAL = {
    "mpo": written(drawn(), "MPO", **_MOVING),
    "heic": written(drawn(), "HEIF", **_MOVING),
}
BOMBS = {
    "png": png_of(60_000, 60_000, zlib.compress(bytes(1_000_000))),
    "png, a line": png_of(MOST_PIXELS, 1),
    "png, most": png_of(0x7FFFFFFF, 0x7FFFFFFF),
    "jpeg": _sized(JPEG, 65_500, 65_500),
    "jpeg, just over": _sized(JPEG, 8192, 8193),
    "webp vp8x": _vp8x(16_384, 16_384),
    "webp vp8x, most": _vp8x(1 << 24, 255),
    "webp vp8l": _vp8l(16_384, 16_384),
    "heic": _heic_sized(40_000, 40_000),
    "heic, most": _heic_sized(0xFFFFFFFF, 0xFFFFFFFF),
}
BROKEN = {
    "jpeg, its beginning": b"\xff\xd8\xff",
    "jpeg without a picture": b"\xff\xd8\xff\xd9" + bytes(10),
    "jpeg without a size": with_segment(b"\xff\xd8\xff\xd9", 0xFE, SECRET),
    "jpeg of no height": _sized(JPEG, 96, 0),
    "jpeg with arithmetic codes": JPEG.replace(b"\xff\xc0", b"\xff\xc9"),
    "jpeg without loss": JPEG.replace(b"\xff\xc0", b"\xff\xc3"),
    "jpeg of 12 bits": JPEG.replace(b"\xff\xc0\0\x11\x08", b"\xff\xc0\0\x11\x0c"),
    "jpeg with two sizes": with_segment(JPEG, 0xC0, b"\x08\0\x10\0\x10\1\1\x11\0"),
    "png of no width": png_of(0, 10),
    "png without pixels": png_of(10, 10),
    "png with a wrong sum": PNG.replace(PNG[29:33], b"oops"),
    "png that unpacks without end": with_chunk(
        PNG, b"zTXt", b"A\0\0" + zlib.compress(bytes(80_000_000))
    ),
    "webp, its beginning": WEBP[:16],
    "webp of a smaller canvas": _vp8x(10, 10),
    "heic, its beginning": HEIC[:40],
    "heic without a size": HEIC.replace(b"ispe", b"oops"),
    "heic of other codes": HEIC.replace(b"hvc1", b"oops"),
}


def _refusal(data: bytes) -> RefusedPhoto:
    with pytest.raises(RefusedPhoto) as told:
        clean(data)
    return told.value


@pytest.mark.parametrize("what", OTHERS)
def test_another_type_is_told_by_its_name(what):
    refusal = _refusal(OTHERS[what])
    assert refusal.reason == "other-type"
    assert refusal.detail.startswith(f"this is {what}, whatever its name says; send")


@pytest.mark.parametrize("what", MORE_OTHERS)
def test_any_other_type_is_refused(what):
    assert _refusal(MORE_OTHERS[what]).reason == "other-type"


@pytest.mark.parametrize("what", MOVING)
def test_what_moves_is_refused(what):
    assert _refusal(MOVING[what]).reason == "animated"


@pytest.mark.parametrize("what", SEVERAL)
def test_several_pictures_in_one_file_are_refused(what):
    assert _refusal(SEVERAL[what]).reason == "several-pictures"


def test_several_views_are_refused_though_they_claim_a_gain_map():
    claim = b'http://ns.adobe.com/xap/1.0/\0 hdrgm:Version="1.0"'
    primary, undefined, disparity = 0x030000, 0x000000, 0x020002
    assert _refusal(several(primary, undefined)).reason == "several-pictures"
    assert_bare(clean(with_segment(several(primary, undefined), 0xE1, claim)).data)
    for types in ((disparity, disparity), (primary, disparity)):
        assert _refusal(with_segment(several(*types), 0xE1, claim)).reason == "several-pictures"
    assert_bare(clean(several(primary)).data)


@pytest.mark.parametrize("what", BOMBS)
def test_a_bomb_is_refused_by_its_header(what):
    with pytest.raises(RefusedPhoto) as told:
        kinds.look(BOMBS[what])
    assert told.value.reason == "too-many-pixels"


def test_the_largest_photo_is_looked_at():
    assert kinds.look(_sized(JPEG, 8192, 8192)).width * 8192 == MOST_PIXELS


@pytest.mark.parametrize("what", ["jpeg of no height", "png of no width", "heic without a size"])
def test_what_has_no_pixel_is_refused_by_its_header(what):
    with pytest.raises(RefusedPhoto) as told:
        kinds.look(BROKEN[what])
    assert told.value.reason == "broken"


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_is_refused(what):
    assert _refusal(BROKEN[what]).reason == "broken"


@pytest.mark.parametrize("whole", [JPEG, PNG, WEBP, HEIC], ids=["jpeg", "png", "webp", "heic"])
def test_a_part_of_a_photo_is_refused_wherever_it_ends(whole):
    for share in (0.03, 0.1, 0.3, 0.5, 0.7, 0.9):
        reason = _refusal(whole[: int(len(whole) * share)]).reason
        assert reason == "broken" or (share == 0.03 and reason == "other-type")


def test_empty_and_too_large_ones_are_refused():
    assert _refusal(b"").reason == "empty"
    assert _refusal(JPEG + bytes(MOST_BYTES)).reason == "too-large"
    assert clean(JPEG + bytes(MOST_BYTES - len(JPEG))).width == 96


def test_a_small_header_before_endless_pixels_gives_a_small_picture():
    lies = png_of(10, 10, zlib.compress(bytes(200_000_000)))
    cleaned = clean(lies)
    assert (cleaned.width, cleaned.height) == (10, 10)
    assert_bare(cleaned.data)


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_each_refusal_says_what_and_how_to_mend_it_in_both_languages(reason):
    refusal = refused(reason)
    assert isinstance(refusal, Invalid)
    assert re.search(r"[;,].*\bsend\b|; choose", refusal.detail)
    assert re.search(r"; .*hãy|hãy", refusal.facts["detail_vi"])
    assert "{" not in refusal.detail + refusal.facts["detail_vi"]
    assert refusal.facts["reason"] == reason


def test_a_mirror_of_another_kind_is_read_as_what_it_is():
    # Its name does not matter: there is none. Its bytes are looked at, and only those.
    for form, kind in (("JPEG", "jpeg"), ("PNG", "png"), ("WEBP", "webp"), ("HEIF", "heic")):
        assert kinds.look(written(drawn(), form)).kind == kind
    assert Image.open(io.BytesIO(clean(PNG).data)).format == "JPEG"
