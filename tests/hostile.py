"""Photos that say too much or are not what they seem, made here; and what a bare JPEG is."""

import io
import json
import struct
import subprocess
import zlib
from pathlib import Path

import pillow_heif
from PIL import Image

pillow_heif.register_heif_opener()

# Stands wherever something can be said; its first half is cut by no encoder into two.
SECRET = b"Nguyen-Van-Secret-0903"
FORMATS = ("JPEG", "PNG", "WEBP", "HEIF")
_GPS_IFD, _EXIF_IFD = 0x8825, 0x8769


def drawn(width: int = 96, height: int = 64, mode: str = "RGB") -> Image.Image:
    """A picture with some detail, the same at each call."""
    gradient = Image.linear_gradient("L").resize((width, height))
    turned = gradient.rotate(90).resize((width, height))
    rgb = Image.merge("RGB", (gradient, turned, Image.new("L", (width, height), 90)))
    return rgb.convert(mode)


def written(image: Image.Image, form: str, **how: object) -> bytes:
    into = io.BytesIO()
    image.save(into, form, **how)
    return into.getvalue()


def exif(orientation: int | None = None) -> bytes:
    """Artist, maker note and a place (10.776 N, 106.701 E), each with the secret."""
    tags = Image.Exif()
    tags[0x013B] = SECRET.decode()
    if orientation:
        tags[0x0112] = orientation
    tags.get_ifd(_GPS_IFD).update(
        {1: "N", 2: (10.0, 46.0, 35.5), 3: "E", 4: (106.0, 42.0, 3.5), 27: b"ASCII\0\0\0" + SECRET}
    )
    tags.get_ifd(_EXIF_IFD)[0x927C] = b"Maker\0" + SECRET
    return tags.tobytes()


def xmp() -> bytes:
    return (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-'
        b'rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:exif="http://ns.adobe.com/exif/1.0/" '
        b'xmlns:dc="http://purl.org/dc/elements/1.1/" exif:GPSLatitude="10,46.592N" '
        b'exif:GPSLongitude="106,42.058E" dc:source="' + SECRET + b'"/></rdf:RDF></x:xmpmeta>'
    )


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def with_segment(jpeg: bytes, marker: int, content: bytes) -> bytes:
    """Put first, before JFIF."""
    return jpeg[:2] + segment(marker, content) + jpeg[2:]


def extended_xmp() -> bytes:
    guid, said = b"0123456789ABCDEF" * 2, xmp()
    return b"http://ns.adobe.com/xmp/extension/\0" + guid + struct.pack(">II", len(said), 0) + said


def iptc() -> bytes:
    """A Photoshop block (8BIM 0x0404) with the city of the picture."""
    said = b"\x1c\x02\x5a" + struct.pack(">H", len(SECRET)) + SECRET
    said += b"\0" * (len(said) % 2)
    return b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0" + struct.pack(">I", len(said)) + said


def chunk(name: bytes, content: bytes) -> bytes:
    crc = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", crc)


def with_chunk(png: bytes, name: bytes, content: bytes) -> bytes:
    """Put behind IHDR."""
    return png[:33] + chunk(name, content) + png[33:]


def several(*types: int) -> bytes:
    """A JPEG per type, with an index ("MPF") of them in the first that tells these types."""
    entries = b"".join(struct.pack("<IIIHH", kind, 1, 0, 0, 0) for kind in types)
    table = struct.pack("<HHI4s", 0xB000, 7, 4, b"0100")
    table += struct.pack("<HHII", 0xB001, 4, 1, len(types))
    table += struct.pack("<HHII", 0xB002, 7, len(entries), 8 + 2 + 3 * 12 + 4)
    index = b"MPF\0II*\0\x08\0\0\0" + struct.pack("<H", 3) + table + bytes(4) + entries
    return with_segment(b"".join(written(drawn(), "JPEG") for _ in types), 0xE2, index)


def with_thumbnail(jpeg: bytes, folder: Path) -> bytes:
    """An EXIF thumbnail that carries an EXIF of its own."""
    whole, small = folder / "whole.jpg", folder / "small.jpg"
    whole.write_bytes(jpeg)
    small.write_bytes(written(drawn(32, 24), "JPEG", exif=exif()))
    run = ("exiftool", "-q", "-overwrite_original", f"-ThumbnailImage<={small}", str(whole))
    subprocess.run(run, check=True)
    return whole.read_bytes()


def png_of(width: int, height: int, pixels: bytes = b"") -> bytes:
    """Grey, 8 bits; `pixels` compressed already."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", pixels), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def said_by(data: bytes, folder: Path) -> dict[str, object]:
    """All that exiftool finds, unknown and embedded too, but what it says of the file itself."""
    path = folder / "said"
    path.write_bytes(data)
    run = ("exiftool", "-j", "-G1", "-a", "-u", "-U", "-ee", str(path))
    found = json.loads(subprocess.run(run, check=True, capture_output=True).stdout)[0]
    return {
        name: value
        for name, value in found.items()
        if name != "SourceFile" and not name.startswith(("ExifTool:", "System:"))
    }


# What any JPEG tells by being one.
_OF_EVERY_JPEG = {
    "File:FileType": "JPEG",
    "File:FileTypeExtension": "jpg",
    "File:MIMEType": "image/jpeg",
    "File:EncodingProcess": "Baseline DCT, Huffman coding",
    "File:BitsPerSample": 8,
    "File:ColorComponents": 3,
    "File:YCbCrSubSampling": "YCbCr4:2:0 (2 2)",
    "JFIF:JFIFVersion": 1.01,
    "JFIF:ResolutionUnit": "None",
    "JFIF:XResolution": 1,
    "JFIF:YResolution": 1,
}
_OF_ITS_SIZE = {"File:ImageWidth", "File:ImageHeight", "Composite:ImageSize"}


def assert_says_nothing(data: bytes, folder: Path) -> None:
    said = said_by(data, folder)
    of_size = _OF_ITS_SIZE | {"Composite:Megapixels"}
    assert {name: said[name] for name in said if name not in of_size} == _OF_EVERY_JPEG
    assert_bare(data)


def assert_bare(data: bytes) -> None:
    """By bytes, and by another reader than ours."""
    for form in (SECRET, SECRET[:10], b"Exif", b"GPS", b"http", b"8BIM", b"ICC_PROFILE", b"ftyp"):
        assert form not in data
    with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
        image.load()
        assert [name for name, _ in image.applist] == ["APP0"]
        assert set(image.info) == {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        assert (image.mode, max(image.size) <= 2048) == ("RGB", True)
    assert data.count(b"\xff\xd8") == 1
    assert data.find(b"\xff\xd9") == len(data) - 2
