"""Videos that say too much or are not what they seem, made here; and what a bare MP4 is."""

import io
import struct
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
from hostile import SECRET, said_by, xmp

XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")


def box(name: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack(">I4s", len(content) + 8, name) + content


def picture(number: int, width: int = 192, height: int = 128) -> av.VideoFrame:
    """Red left above, blue right below, and a white line that moves."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2, 0] = 255
    pixels[height // 2 :, width // 2 :, 2] = 255
    pixels[:, (number * 4) % width] = 255
    return av.VideoFrame.from_ndarray(pixels, format="rgb24")


def filmed(
    pictures: int = 15,
    *,
    rate: int = 30,
    size: tuple[int, int] = (192, 128),
    codec: str = "libx264",
    form: str = "mp4",
    times: Callable[[int], int] = lambda number: number,
    sound: bool = False,
    tracks: int = 1,
    tags: dict[str, str] | None = None,
    how: dict[str, str] | None = None,
) -> bytes:
    """A video of `pictures`, number n shown at `times(n)` / `rate` s."""
    into = io.BytesIO()
    options = {"movflags": "use_metadata_tags"} if tags else {}
    with av.open(into, "w", format=form, options=options) as file:
        file.metadata.update(tags or {})
        streams = []
        for _ in range(tracks):
            stream = file.add_stream(codec, rate=rate, options=how or {})
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            streams.append(stream)
        voice = file.add_stream("aac", rate=44_100, layout="mono") if sound else None
        for stream in streams:
            for number in range(pictures):
                frame = picture(number, *size)
                frame.pts = times(number)
                file.mux(stream.encode(frame))
            file.mux(stream.encode())
        if voice:
            wave = np.sin(np.arange(44_100) / 16)[None].astype(np.float32)
            heard = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
            heard.sample_rate = 44_100
            file.mux(voice.encode(heard))
            file.mux(voice.encode())
    return into.getvalue()


def boxes_of(data: bytes, begins: int = 0, ends: int | None = None) -> list[tuple[bytes, int, int]]:
    """Name, where it begins and where it ends, of each of the boxes from `begins` on."""
    found, at = [], begins
    ends = len(data) if ends is None else ends
    while at < ends:
        length, name = struct.unpack_from(">I4s", data, at)
        found.append((name, at, at + length))
        at += length
    return found


def where(data: bytes, *path: bytes) -> tuple[int, int]:
    """The (first) box of that path: where it begins and ends."""
    begins, ends = -8, len(data)
    for name in path:
        inner = boxes_of(data, begins + 8, ends)
        begins, ends = next((at, end) for found, at, end in inner if found == name)
    return begins, ends


def with_box(data: bytes, path: tuple[bytes, ...], inner: bytes) -> bytes:
    """Put a box at the end of the one of that path, which grows; no path: of the file.

    Only for files whose `moov` is the last one, so that nothing moves that is pointed at.
    """
    grown = bytearray(data)
    for depth in range(1, len(path) + 1):
        begins, ends = where(data, *path[:depth])
        struct.pack_into(">I", grown, begins, ends - begins + len(inner))
    at = where(data, *path)[1] if path else len(data)
    return bytes(grown[:at]) + inner + bytes(grown[at:])


def changed(data: bytes, path: tuple[bytes, ...], offset: int, value: bytes) -> bytes:
    """Other bytes, `offset` behind the beginning of a box's content."""
    at = where(data, *path)[0] + 8 + offset
    return data[:at] + value + data[at + len(value) :]


TRACK = (b"moov", b"trak")
STBL = (*TRACK, b"mdia", b"minf", b"stbl")
DREF = (*TRACK, b"mdia", b"minf", b"dinf", b"dref")


def gps_atom() -> bytes:
    said = b"+10.7760+106.7010/" + SECRET
    return box(b"\xa9xyz", struct.pack(">HH", len(said), 0x15C7), said)


def _keyed() -> bytes:
    """Apple's: names in one list, values in another."""
    key, said = b"com.apple.quicktime.location.ISO6709", b"+10.7760+106.7010/" + SECRET
    keys = box(b"keys", struct.pack(">II", 0, 1), box(b"mdta", key))
    value = box(b"data", struct.pack(">II", 1, 0), said)
    values = box(b"ilst", box(b"\0\0\0\1", value))
    handler = box(b"hdlr", bytes(8), b"mdta", bytes(13))
    return box(b"meta", handler, keys, values)


def telemetry(at: int, length: int) -> bytes:
    """A track of a camera's own data (GoPro's `gpmd`): `length` bytes at `at` of the file."""
    table = box(b"stsd", struct.pack(">II", 0, 1), box(b"gpmd", bytes(6), b"\0\1", bytes(4)))
    table += box(b"stts", struct.pack(">IIII", 0, 1, 1, 1000))
    table += box(b"stsc", struct.pack(">IIIII", 0, 1, 1, 1, 1))
    table += box(b"stsz", struct.pack(">III", 0, length, 1))
    table += box(b"stco", struct.pack(">III", 0, 1, at))
    here = box(b"dinf", box(b"dref", struct.pack(">II", 0, 1), box(b"url ", b"\0\0\0\1")))
    media = box(b"mdhd", struct.pack(">IIIIIHH", 0, 0, 0, 1000, 1000, 0, 0))
    media += box(b"hdlr", bytes(8), b"meta", bytes(12), b"GoPro MET" + SECRET + b"\0")
    media += box(b"minf", box(b"gmhd", box(b"gmin", bytes(16))), here, box(b"stbl", table))
    header = struct.pack(">IIIIII", 7, 0, 0, 9, 0, 1000) + bytes(60)
    return box(b"trak", box(b"tkhd", header), box(b"mdia", media))


def talkative(form: str = "mov", **how: object) -> bytes:
    """Wherever an MP4 or MOV can say something, it says the secret."""
    tags = {
        "title": SECRET.decode(),
        "make": SECRET.decode(),
        "creation_time": "2026-11-26T08:15:00Z",
        "location": "+10.7760+106.7010/" + SECRET.decode(),
    }
    data = filmed(form=form, sound=True, tags=tags, **how)
    data = with_box(data, (b"moov",), box(b"udta", gps_atom(), box(b"\xa9mak", SECRET)))
    data = with_box(data, (b"moov",), _keyed())
    data = with_box(data, (b"moov",), box(b"uuid", XMP_UUID, xmp()))
    data = with_box(data, TRACK, box(b"udta", box(b"name", SECRET)))
    data = with_box(data, (*STBL,), box(b"sgpd", SECRET))
    told = b"DEVC" + SECRET
    # A track's data behind everything.
    begins = len(data) + len(telemetry(0, len(told))) + 8
    data = with_box(data, (b"moov",), telemetry(begins, len(told)))
    data += box(b"mdat", told) + box(b"uuid", XMP_UUID, xmp()) + box(b"free", SECRET)
    name = data.index(b"VideoHandler")
    return data[:name] + SECRET[:12] + data[name + 12 :]


# What any such MP4 tells by being one; the rest is its size and its length.
_OF_EVERY_MP4 = {
    "File:FileType": "MP4",
    "File:FileTypeExtension": "mp4",
    "File:MIMEType": "video/mp4",
    "QuickTime:MajorBrand": "MP4 Base Media v1 [IS0 14496-12:2003]",
    "QuickTime:MinorVersion": "0.2.0",
    "QuickTime:CompatibleBrands": ["isom", "iso2", "avc1", "mp41"],
    "QuickTime:MatrixStructure": "1 0 0 0 1 0 0 0 1",
    "QuickTime:MovieHeaderVersion": 0,
    "QuickTime:NextTrackID": 2,
    "QuickTime:PreferredRate": 1,
    "QuickTime:PreferredVolume": "100.00%",
    "QuickTime:TimeScale": 1000,
    "Track1:BitDepth": 24,
    "Track1:CompressorID": "avc1",
    "Track1:GraphicsMode": "srcCopy",
    "Track1:HandlerType": "Video Track",
    "Track1:MatrixStructure": "1 0 0 0 1 0 0 0 1",
    "Track1:MediaHeaderVersion": 0,
    "Track1:MediaLanguageCode": "und",
    "Track1:MediaTimeScale": 30,
    "Track1:OpColor": "0 0 0",
    "Track1:TrackHeaderVersion": 0,
    "Track1:TrackID": 1,
    "Track1:TrackLayer": 0,
    "Track1:TrackVolume": "0.00%",
    "Track1:XResolution": 72,
    "Track1:YResolution": 72,
    "Composite:Rotation": 0,
    **{f"QuickTime:{of}Date": "0000:00:00 00:00:00" for of in ("Create", "Modify")},
    **{
        f"Track1:{of}Date": "0000:00:00 00:00:00"
        for of in ("TrackCreate", "TrackModify", "MediaCreate", "MediaModify")
    },
    **{
        f"QuickTime:{of}": "0 s"
        for of in (
            *("CurrentTime", "PosterTime", "PreviewDuration", "PreviewTime"),
            *("SelectionDuration", "SelectionTime"),
        )
    },
}
_OF_ITS_SIZE = {
    *("Composite:AvgBitrate", "Composite:ImageSize", "Composite:Megapixels"),
    *("QuickTime:Duration", "QuickTime:MediaDataOffset", "QuickTime:MediaDataSize"),
    *("Track1:ImageHeight", "Track1:ImageWidth", "Track1:MediaDuration"),
    *("Track1:SourceImageHeight", "Track1:SourceImageWidth", "Track1:TrackDuration"),
    "Track1:VideoFrameRate",
    # Told as so many bytes; the last look reads them.
    *("QuickTime:MediaData", "Track1:AVCConfiguration", "Track1:ChunkOffset"),
    *("Track1:SampleSizes", "Track1:SampleToChunk", "Track1:SyncSampleTable"),
    "Track1:TimeToSampleTable",
}


def assert_says_nothing(data: bytes, folder: Path) -> None:
    said = said_by(data, folder)
    assert {name: said[name] for name in said if name not in _OF_ITS_SIZE} == _OF_EVERY_MP4
    assert_bare(data)


def assert_bare(data: bytes) -> None:
    """By bytes, and by another reader than ours."""
    words = (b"x264", b"Lavc", b"Lavf", b"Handler", b"xyz", b"GPS", b"http", b"udta", b"uuid")
    for form in (SECRET, SECRET[:10], b"meta", b"gpmd", b"soun", b"free", *words):
        assert form not in data
    with av.open(io.BytesIO(data), format="mp4") as file:
        assert [stream.type for stream in file.streams] == ["video"]
        stream = file.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert set(file.metadata) <= {"major_brand", "minor_version", "compatible_brands"}
        assert set(stream.metadata) <= {"language", "handler_name", "vendor_id"}
        assert max(stream.width, stream.height) <= 1280
