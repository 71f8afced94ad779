"""Ward files out of .gz and .zip, and what a file is by its first bytes; never past a size."""

import gzip
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Final, Literal

from geo.errors import UnreadableFile

LARGEST_BYTES: Final = 500_000_000
"""Ward files may have so many bytes, packed and unpacked. All of Vietnam has a fifth of it."""

HEAD_BYTES: Final = 4096
ENDINGS: Final = (
    *(".geojson", ".json", ".gpkg", ".fgb", ".shp", ".parquet", ".geoparquet"),
    *(".kml", ".gml", ".topojson", ".tab", ".mif", ".sqlite"),
)
_CUT_OFF = "Was it cut off while downloading?"

Form = Literal["json", "parquet", "zip", "gzip", "other"]


def form(head: bytes, name: str) -> Form:
    """What a file is. Raises `UnreadableFile` when it is no map file at all."""
    begin = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    low = begin[:512].lower()
    if head[:2] == b"\x1f\x8b":
        return "gzip"
    if head[:4] == b"PK\x03\x04":
        return "zip"
    if head[:4] == b"PAR1":
        return "parquet"
    if begin[:1] in (b"{", b"["):
        return "json"
    if b"<html" in low or low.startswith(b"<!doctype html"):
        raise UnreadableFile(f"{name} is a web page, not a map file; download the file itself")
    # GeoPackage, FlatGeobuf, Shapefile, then the text formats KML and GML, MapInfo.
    if head.startswith((b"SQLite format 3\x00", b"fgb", b"\x00\x00\x27\x0a")):
        return "other"
    if low.startswith((b"<", b"!table", b"version ")):
        return "other"
    raise UnreadableFile(
        f"{name} is not a map file Pinward knows: it begins with {head[:16]!r}. Maps are read "
        "from GeoJSON (also .gz), GeoPackage, Shapefile in a .zip, FlatGeobuf or GeoParquet"
    )


def limit(name: str, size: int, unpacked: str = "") -> None:
    """Raises `UnreadableFile` when a file is larger than any ward file."""
    if size > LARGEST_BYTES:
        raise UnreadableFile(
            f"{name} has {size / 1e6:,.0f} MB{unpacked}; ward files may have up to "
            f"{LARGEST_BYTES / 1e6:,.0f} MB. Cut it down first, e.g. by "
            "`ogr2ogr -where … -select code,name,type small.gpkg FILE`"
        )


@contextmanager
def unpacked(path: Path, name: str, packed: Form) -> Iterator[Path]:
    """The one map file inside a .gz or .zip, in a folder that goes when the block ends."""
    with tempfile.TemporaryDirectory(prefix="pinward-") as made:
        try:
            inner = (_gunzip if packed == "gzip" else _unzip)(path, name, Path(made))
        except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
            raise UnreadableFile(f"{name} cannot be unpacked: {error}. {_CUT_OFF}") from error
        except (RuntimeError, NotImplementedError) as error:
            raise UnreadableFile(f"{name} cannot be unpacked: {error}") from error
        yield inner


def _gunzip(path: Path, name: str, folder: Path) -> Path:
    inner = folder / "inner"
    size = 0
    with gzip.open(path) as source, inner.open("wb") as out:
        part = source.read(HEAD_BYTES)
        if not part:
            raise UnreadableFile(f"{name} is empty inside its .gz")
        form(part, name)
        while part:
            size += len(part)
            limit(name, size, " or more unpacked")
            out.write(part)
            part = source.read(1 << 20)
    return inner


def _unzip(path: Path, name: str, folder: Path) -> Path:
    with zipfile.ZipFile(path) as source:
        members = [m for m in source.infolist() if not m.filename.startswith("__MACOSX")]
        maps = [m.filename for m in members if m.filename.lower().endswith(ENDINGS)]
        if len(maps) != 1:
            raise UnreadableFile(
                f"{name} must hold one map file, it holds {', '.join(maps) or 'none'}. Unpack it "
                "and name the file, or the folder when the wards are spread over several files"
            )
        main = PurePosixPath(maps[0])
        # A Shapefile is several files of one name.
        parts = [m for m in members if PurePosixPath(m.filename).stem == main.stem]
        limit(name, sum(m.file_size for m in parts), " unpacked")
        for member in parts:
            ending = PurePosixPath(member.filename).suffix
            with source.open(member) as packed, (folder / f"inner{ending}").open("wb") as out:
                # Never more comes out than the size that the limit was asked about.
                shutil.copyfileobj(packed, out)
    return folder / f"inner{main.suffix}"
