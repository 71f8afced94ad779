"""Wherever a photo can say where and by whom it was taken, it says it here, and no more after."""

import io
import zipfile
import zlib

import pytest
from hostile import (
    FORMATS,
    SECRET,
    assert_says_nothing,
    drawn,
    exif,
    extended_xmp,
    iptc,
    said_by,
    segment,
    with_chunk,
    with_segment,
    with_thumbnail,
    written,
    xmp,
)
from PIL import Image

from geo.photos.cleaning import clean

JPEG = written(drawn(), "JPEG")
PNG = written(drawn(), "PNG")
_ITXT = b"XML:com.adobe.xmp\0\0\0\0\0" + xmp()
_GAIN_MAP = b"http://ns.adobe.com/xap/1.0/\0" + xmp().replace(
    b"rdf:about", b'hdrgm:Version="1.0" rdf:about'
)


def _zip() -> bytes:
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w") as archive:
        archive.writestr("said.txt", SECRET)
    return into.getvalue()


PLACES = {
    "jpeg exif, maker note": written(drawn(), "JPEG", exif=exif()),
    "jpeg xmp": with_segment(JPEG, 0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp()),
    "jpeg extended xmp": with_segment(JPEG, 0xE1, extended_xmp()),
    "jpeg iptc": with_segment(JPEG, 0xED, iptc()),
    "jpeg comment": written(drawn(), "JPEG", comment=SECRET),
    "jpeg comment at its end": JPEG[:-2] + segment(0xFE, SECRET) + JPEG[-2:],
    "jpeg jfxx": with_segment(JPEG, 0xE0, b"JFXX\0\x10" + written(drawn(), "JPEG", exif=exif())),
    "jpeg trailing archive": JPEG + _zip(),
    "jpeg trailing page": JPEG + b"<html><script>" + SECRET + b"</script>",
    "jpeg twice": JPEG + written(drawn(), "JPEG", exif=exif()),
    "jpeg page in a comment": with_segment(JPEG, 0xFE, b"<script>" + SECRET + b"</script>"),
    "jpeg dots": written(drawn(), "JPEG", dpi=(311, 311), exif=exif()),
    "jpeg progressive": written(drawn(), "JPEG", exif=exif(), progressive=True),
    "jpeg cmyk": written(drawn(mode="CMYK"), "JPEG", exif=exif()),
    "jpeg grey": written(drawn(mode="L"), "JPEG", exif=exif()),
    "jpeg with its gain map": with_segment(
        written(drawn(), "MPO", save_all=True, append_images=[drawn()], exif=exif()),
        0xE1,
        _GAIN_MAP,
    ),
    "png tEXt": with_chunk(PNG, b"tEXt", b"Comment\0" + SECRET),
    "png zTXt": with_chunk(PNG, b"zTXt", b"Comment\0\0" + zlib.compress(SECRET)),
    "png iTXt, xmp": with_chunk(PNG, b"iTXt", _ITXT),
    "png eXIf": with_chunk(PNG, b"eXIf", exif().removeprefix(b"Exif\0\0")),
    "png raw profile": with_chunk(
        PNG,
        b"zTXt",
        b"Raw profile type exif\0\0"
        + zlib.compress(b"\nexif\n%8d\n%s\n" % (len(exif()), exif().hex().encode())),
    ),
    "png own chunk": with_chunk(PNG, b"seCr", SECRET),
    "png text behind the picture": PNG[:-12] + with_chunk(PNG, b"tEXt", b"A\0" + SECRET)[33:],
    "png trailing": PNG + _zip(),
    "webp exif": written(drawn(), "WEBP", exif=exif()),
    "webp xmp": written(drawn(), "WEBP", xmp=xmp(), lossless=True),
    "webp trailing": written(drawn(), "WEBP") + _zip(),
    "heic exif": written(drawn(), "HEIF", exif=exif()),
    "heic xmp": written(drawn(), "HEIF", xmp=xmp()),
    "heic with a thumbnail": written(drawn(256, 256), "HEIF", exif=exif(), thumbnails=[64]),
}


@pytest.mark.parametrize("place", PLACES)
def test_nothing_is_said_any_more(place, tmp_path):
    said = PLACES[place]
    compressed = "zTXt" in place or "raw profile" in place
    assert compressed or SECRET in said
    if compressed:
        assert {"PNG:Comment", "IFD0:Artist"} & set(said_by(said, tmp_path))
    assert_says_nothing(clean(said).data, tmp_path)


def test_a_thumbnail_with_a_place_of_its_own_is_gone(tmp_path):
    said = with_thumbnail(written(drawn(), "JPEG", exif=exif()), tmp_path)
    assert said.count(SECRET) >= 6
    assert {"IFD1:ThumbnailImage", "GPS:GPSLatitude"} <= set(said_by(said, tmp_path))
    assert_says_nothing(clean(said).data, tmp_path)


@pytest.mark.parametrize("application", range(16))
def test_no_application_segment_survives(application, tmp_path):
    said = with_segment(JPEG, 0xE0 + application, b"Own\0" + SECRET)
    assert_says_nothing(clean(said).data, tmp_path)


@pytest.mark.parametrize("form", FORMATS)
def test_the_checks_find_what_is_said_before(form, tmp_path):
    # That the checks above would find it if it were still there.
    full = written(drawn(), form, exif=exif(), xmp=xmp())
    said = said_by(with_chunk(full, b"iTXt", _ITXT) if form == "PNG" else full, tmp_path)
    assert "GPS:GPSLatitude" in said
    assert any(name.startswith("XMP") for name in said)
    with pytest.raises(AssertionError):
        assert_says_nothing(written(drawn(), form, exif=exif()), tmp_path)


def test_the_same_photo_has_the_same_address_whatever_it_said():
    one = clean(written(drawn(), "PNG"))
    other = clean(with_chunk(PNG, b"tEXt", b"Comment\0" + SECRET))
    assert one == other
    assert len(one.sha256) == 64
    assert (one.media_type, one.width, one.height) == ("image/jpeg", 96, 64)
    assert Image.open(io.BytesIO(one.data)).size == (96, 64)
