"""What a file really is, told from its first bytes, and unpacked within bounds.

A ward file comes from anywhere: before a driver reads it, its beginning must look like a format
that holds shapes, and it must not be (or unpack to) more than a city's or a country's wards need.
"""

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from geo.errors import UnreadableFile

MOST_BYTES = 1 << 30
MOST_FILES = 20_000
_HEAD = 64 * 1024
_BLOCK = 1 << 20

READABLE = (
    "GeoJSON (also .gz), GeoPackage, Shapefile (also zipped), FlatGeobuf, GeoParquet, KML, GML"
)

# Endings of files that are read when a folder or a zip is given; others in it are left alone.
_ENDINGS = frozenset(
    {
        *(".geojson", ".json", ".geojsonl", ".geojsons", ".topojson", ".gpkg", ".shp", ".fgb"),
        *(".parquet", ".geoparquet", ".gml", ".kml", ".tab", ".mif", ".gz", ".zip"),
    }
)
_MAGIC = (
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"PAR1", "parquet"),
    (b"SQLite format 3\x00", "ogr"),
    (b"fgb\x03fgb", "ogr"),
    (b"\x00\x00\x27\x0a", "ogr"),
    (b"\x1e", "ogr"),
)


@dataclass(frozen=True)
class Part:
    """One file to read: where it lies now, what to call it to people, "ogr" or "parquet"."""

    path: Path
    name: str
    reader: str


def parts(path: Path, folder: Path, most_bytes: int = MOST_BYTES) -> list[Part]:
    """The files that `path` (a file, a folder, a .gz, a .zip) stands for, unpacked into `folder`.

    Raises `UnreadableFile` on what is not there, too large, damaged, or no format with shapes.
    """
    if not path.exists():
        raise UnreadableFile(f"{path} does not exist")
    found = list(_parts(path, path.name, folder, _Budget(path.name, most_bytes)))
    if not found:
        inner = any(child.is_dir() for child in path.iterdir()) if path.is_dir() else False
        hint = "; its folders are not searched: name the one with the wards" if inner else ""
        raise UnreadableFile(f"{path.name} holds no file with shapes ({READABLE}){hint}")
    return found


class _Budget:
    """Counts bytes down; everything of one input shares it."""

    def __init__(self, name: str, left: int) -> None:
        self._name, self._left, self._most = name, left, left
        self._files = MOST_FILES

    def spend(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise UnreadableFile(
                f"{self._name} is (or unpacks to) more than {self._most / 2**20:,.0f} MiB: no "
                "city's wards are that large. Take only the wards out of it, e.g. with "
                "`ogr2ogr wards.gpkg FILE LAYER`"
            )

    def file(self) -> None:
        self._files -= 1
        if self._files < 0:
            raise UnreadableFile(f"{self._name} holds more than {MOST_FILES:,} files")


def _parts(path: Path, name: str, folder: Path, budget: _Budget) -> Iterator[Part]:
    if path.is_dir():
        if path.suffix.lower() == ".gdb":
            budget.spend(sum(f.stat().st_size for f in path.rglob("*") if f.is_file()))
            yield Part(path, name, "ogr")
            return
        for child in sorted(path.iterdir()):
            if child.is_file() and child.suffix.lower() in _ENDINGS:
                yield from _parts(child, f"{name}/{child.name}", folder, budget)
        return
    budget.file()
    budget.spend(path.stat().st_size)
    with path.open("rb") as file:
        head = file.read(_HEAD)
    kind = _kind(head, name)
    if kind == "gzip":
        yield from _gunzipped(path, name, folder, budget)
    elif kind == "zip":
        yield from _unzipped(path, name, folder, budget)
    else:
        yield Part(path, name, kind)


def _kind(head: bytes, name: str) -> str:
    if not head:
        raise UnreadableFile(f"{name} is empty (0 bytes): download or export it again")
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] in (b"{", b"["):
        return "ogr"
    if text[:1] == b"<":
        if b"<OGRVRT" in text:
            raise UnreadableFile(f"{name} only points to other files; give those files instead")
        return "ogr"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnreadableFile(f"{name} is UTF-16 text: save it as UTF-8")
    if Path(name).suffix.lower() in (".tab", ".mif") and head[:1] in b"!Vv":
        return "ogr"
    begins = " ".join(f"{byte:02x}" for byte in head[:8])
    raise UnreadableFile(
        f"{name} is in no format that holds shapes (it begins with the bytes {begins}). "
        f"Readable are {READABLE}"
    )


def _gunzipped(path: Path, name: str, folder: Path, budget: _Budget) -> Iterator[Part]:
    inner = name[:-3] if name.lower().endswith(".gz") else name
    suffix = PurePosixPath(inner).suffix or ".geojson"
    target = folder / f"{len(list(folder.iterdir()))}{suffix}"
    try:
        with gzip.open(path, "rb") as source:
            head = source.read(_HEAD)
            kind = _kind(head, inner)
            if kind in ("gzip", "zip"):
                raise UnreadableFile(f"{name} is packed twice; unpack it once")
            _copy(source, target, budget, head)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UnreadableFile(
            f"{name} is cut off or damaged ({error}): download it again"
        ) from error
    yield Part(target, inner, kind)


def _unzipped(path: Path, name: str, folder: Path, budget: _Budget) -> Iterator[Part]:
    inside = folder / f"{len(list(folder.iterdir()))}"
    inside.mkdir()
    wanted: list[tuple[Path, str]] = []
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                place = PurePosixPath(member.filename.replace("\\", "/"))
                hidden = any(part.startswith((".", "__MACOSX")) for part in place.parts)
                if member.is_dir() or hidden or ".." in place.parts or place.is_absolute():
                    continue
                budget.file()
                target = inside.joinpath(*place.parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as source:
                    _copy(source, target, budget)
                if target.suffix.lower() in _ENDINGS - {".gz", ".zip"}:
                    wanted.append((target, f"{name}/{place}"))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise UnreadableFile(
            f"{name} cannot be unpacked ({error}): download it again, or unpack it yourself"
        ) from error
    for target, inner in wanted:
        with target.open("rb") as file:
            kind = _kind(file.read(_HEAD), inner)
        yield Part(target, inner, kind)


def _copy(source: IO[bytes], target: Path, budget: _Budget, head: bytes = b"") -> None:
    with target.open("wb") as out:
        block = head or source.read(_BLOCK)
        while block:
            budget.spend(len(block))
            out.write(block)
            block = source.read(_BLOCK)
