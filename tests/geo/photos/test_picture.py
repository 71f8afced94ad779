"""The picture itself stays what was seen: upright, in its colours, on white, small enough."""

import io
import struct

import numpy as np
import pytest
from hostile import FORMATS, drawn, exif, with_chunk, written
from PIL import Image

from geo.photos.cleaning import clean

RED, BLUE, GREY = (220, 30, 30), (30, 30, 220), (128, 128, 128)


def _seen(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(clean(data).data))


def _near(one, other, most=8) -> bool:
    return max(abs(a - b) for a, b in zip(one, other, strict=True)) <= most


# EXIF 2.3, 4.6.4: where the first row and the first column are seen. As stored, red is where both
# begin, and blue is at the end of the first row.
_CORNERS = {
    1: ("left top", "right top"),
    2: ("right top", "left top"),
    3: ("right bottom", "left bottom"),
    4: ("left bottom", "right bottom"),
    5: ("left top", "left bottom"),
    6: ("right top", "right bottom"),
    7: ("right bottom", "right top"),
    8: ("left bottom", "left top"),
}


@pytest.mark.parametrize("orientation", _CORNERS)
@pytest.mark.parametrize("form", FORMATS)
def test_all_eight_orientations_are_seen_upright(form, orientation):
    stored = Image.new("RGB", (128, 64), GREY)
    stored.paste(RED, (0, 0, 32, 32))
    stored.paste(BLUE, (96, 0, 128, 32))
    seen = _seen(written(stored, form, exif=exif(orientation)))
    assert seen.size == ((128, 64) if orientation < 5 else (64, 128))
    places = {
        f"{x} {y}": seen.getpixel((16 if x == "left" else seen.width - 16, h))
        for x in ("left", "right")
        for y, h in (("top", 16), ("bottom", seen.height - 16))
    }
    red, blue = _CORNERS[orientation]
    assert _near(places.pop(red), RED, 20)
    assert _near(places.pop(blue), BLUE, 20)
    assert all(_near(other, GREY) for other in places.values())


_WORDS = struct.pack("<HHI4s", 0x0112, 2, 4, b"six")


@pytest.mark.parametrize("form", ["JPEG", "WEBP"])
@pytest.mark.parametrize(
    "said", [b"nothing", b"II", b"II*\0\x08\0\0\0\1\0" + _WORDS + bytes(4), exif(9)[6:]]
)
def test_an_orientation_that_cannot_be_read_turns_nothing(form, said):
    assert _seen(written(drawn(), form, exif=b"Exif\0\0" + said)).size == (96, 64)


def test_heic_is_turned_by_its_boxes_and_by_nothing_beside_them():
    said = b'<x:xmpmeta xmlns:x="adobe:ns:meta/" tiff:Orientation="6"/>'
    assert _seen(written(drawn(), "WEBP", xmp=said)).size == (64, 96)
    # Said only after writing: the writer would have made a box of it.
    heic = written(drawn(), "HEIF", xmp=said.replace(b"tiff", b"none"))
    assert _seen(heic.replace(b"none:Orient", b"tiff:Orient")).size == (96, 64)


@pytest.mark.parametrize(
    ("size", "becomes"),
    [
        ((4096, 1024), (2048, 512)),
        ((1000, 5000), (410, 2048)),
        ((2048, 2048), (2048, 2048)),
        ((2049, 10), (2048, 10)),
        ((9000, 1), (2048, 1)),
        ((1, 1), (1, 1)),
        ((37, 21), (37, 21)),
    ],
)
@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_no_photo_is_longer_than_2048_and_none_is_enlarged(form, size, becomes):
    cleaned = clean(written(drawn(*size), form))
    assert (cleaned.width, cleaned.height) == becomes
    assert Image.open(io.BytesIO(cleaned.data)).size == becomes


def test_noise_fits():
    noise = np.random.default_rng(1).integers(0, 256, (2048, 2048, 3), dtype=np.uint8)
    assert clean(written(Image.fromarray(noise), "PNG")).width == 2048


@pytest.mark.parametrize(
    ("form", "mode"),
    [("PNG", "RGBA"), ("PNG", "LA"), ("PNG", "P"), ("WEBP", "RGBA"), ("HEIF", "RGBA")],
)
def test_what_is_transparent_becomes_white(form, mode):
    image = Image.new("RGBA", (64, 64), (*RED, 255))
    image.paste((0, 0, 0, 0), (32, 0, 64, 64))
    expected = RED if mode != "LA" else (86, 86, 86)
    seen = _seen(written(image.convert(mode), form))
    assert _near(seen.getpixel((52, 32)), (255, 255, 255))
    assert _near(seen.getpixel((12, 32)), expected, 12)


def test_half_transparent_is_half_white():
    seen = _seen(written(Image.new("RGBA", (64, 64), (0, 0, 0, 128)), "PNG"))
    assert _near(seen.getpixel((32, 32)), (127, 127, 127))


def test_a_transparent_colour_of_png_is_white():
    png = written(Image.new("RGB", (64, 64), RED), "PNG", transparency=RED)
    assert _near(_seen(png).getpixel((32, 32)), (255, 255, 255))


def test_sixteen_bits_of_grey_are_the_same_grey():
    deep = Image.fromarray(np.full((64, 64), 0x8080, dtype=np.uint16))
    assert deep.mode == "I;16"
    assert _near(_seen(written(deep, "PNG")).getpixel((32, 32)), GREY, 3)


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK"])
def test_other_modes_keep_their_colours(mode):
    image = drawn(mode=mode) if mode != "P" else drawn().quantize(16, dither=Image.Dither.NONE)
    form = "JPEG" if mode == "CMYK" else "PNG"
    seen, meant = _seen(written(image, form)), image.convert("RGB")
    off = np.abs(np.asarray(seen, int) - np.asarray(meant, int)).mean()
    assert off < (40 if mode == "1" else 6)


_TO_XYZ = {  # of the white of ICC, D50; columns are red, green, blue
    "sRGB": [[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.7141]],
    "P3": [[0.51512, 0.29198, 0.1571], [0.2412, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]],
}


def _display_p3() -> bytes:
    """The profile of today's phones, as ICC wants it: three colours of light and one curve."""
    fixed = [round(v * 65536) for v in (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)]
    curve = b"para\0\0\0\0\0\3\0\0" + struct.pack(">5i", *fixed)
    xyz = [
        b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(row[n] * 65536) for row in _TO_XYZ["P3"]))
        for n in range(3)
    ]
    tags = dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), xyz, strict=True))
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    at, table, content = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, body in tags.items():
        table += name + struct.pack(">II", at + len(content), len(body))
        content += body
    header = struct.pack(">I4sI", at + len(content), b"lcms", 0x04300000) + b"mntrRGB XYZ "
    header += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    header += struct.pack(">3i", 63190, 65536, 54061)
    return header.ljust(128, b"\0") + table + content


def _in_p3(color):
    light = np.array(color) / 255
    light = np.where(light <= 0.04045, light / 12.92, ((light + 0.055) / 1.055) ** 2.4)
    light = np.linalg.solve(_TO_XYZ["P3"], _TO_XYZ["sRGB"] @ light)
    coded = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return tuple(int(v) for v in np.round(coded * 255))


@pytest.mark.parametrize("form", FORMATS)
def test_colours_of_a_phones_profile_become_those_of_srgb(form):
    stored = _in_p3((200, 60, 60))
    assert not _near(stored, (200, 60, 60), 12)
    image = Image.new("RGB", (64, 64), stored)
    seen = _seen(written(image, form, icc_profile=_display_p3())).getpixel((32, 32))
    assert _near(seen, (200, 60, 60), 4)


def test_a_profile_that_is_none_changes_nothing():
    for profile in (b"nonsense", _display_p3()[:200], bytes(500)):
        seen = _seen(written(Image.new("RGB", (64, 64), RED), "JPEG", icc_profile=profile))
        assert _near(seen.getpixel((32, 32)), RED)
    grey = written(Image.new("L", (64, 64), 128), "JPEG", icc_profile=_display_p3())
    assert _near(_seen(grey).getpixel((32, 32)), GREY, 3)


def test_a_png_with_text_is_the_same_picture():
    png = written(drawn(), "PNG")
    assert clean(with_chunk(png, b"tEXt", b"A\0b")).data == clean(png).data
