"""Facilities out of files: CSV with lon/lat columns, and whatever pyogrio reads.

Columns are guessed by their names unless they are given. A file is taken whole or refused with
every reason found (the first `MOST_SAID` of them), so that one run is enough to mend it.
"""

import csv
import gzip
import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import shapely

from geo.crs import WGS84, transformer
from geo.errors import PinwardError, RefusedImport, UnreadableFile
from geo.facilities.kinds import KINDS, kind_of
from geo.facilities.load import Facility

MOST_SAID = 20
LARGEST_BYTES = 500_000_000

_GUESSES: Final[dict[str, tuple[str, ...]]] = {
    "lon": ("lon", "lng", "long", "longitude", "x", "kinh_do", "kinhdo"),
    "lat": ("lat", "latitude", "y", "vi_do", "vido"),
    "id": ("id", "source_id", "@id", "osm_id", "code", "ma", "uid", "objectid"),
    "name": ("name", "name:vi", "ten", "tên", "title", "label"),
    "kind": ("kind", "amenity", "healthcare", "type", "category", "loai", "loại", "fclass"),
    "address": ("address", "addr:full", "dia_chi", "địa chỉ", "diachi"),
    "source": ("source", "nguon", "nguồn"),
}


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column holds what; None is guessed by name. `kind` holds for every row instead."""

    kind: str | None = None
    kind_field: str | None = None
    unknown_as: str | None = None
    lon_field: str | None = None
    lat_field: str | None = None
    id_field: str | None = None
    name_field: str | None = None
    address_field: str | None = None
    source: str | None = None

    def __post_init__(self) -> None:
        for word in (self.kind, self.unknown_as):
            if word is not None and word not in KINDS:
                raise RefusedImport(f"{word!r} is no kind of facility; one of {', '.join(KINDS)}")


@dataclass(frozen=True, slots=True)
class _Row:
    where: str
    lon: Any
    lat: Any
    values: Mapping[str, Any]


def read(path: Path, columns: Columns) -> list[Facility]:
    """The facilities of a file, in its order.

    Raises `UnreadableFile` when it cannot be read at all and `RefusedImport` when what it holds
    cannot be taken; both say where and how to mend it.
    """
    if not path.is_file():
        raise UnreadableFile(f"{path} is not a file")
    size = path.stat().st_size
    if size == 0:
        raise UnreadableFile(f"{path} is empty")
    if size > LARGEST_BYTES:
        raise UnreadableFile(
            f"{path} has {size / 1e6:,.0f} MB; facilities files have at most "
            f"{LARGEST_BYTES / 1e6:,.0f} MB. Cut it down first, e.g. with ogr2ogr"
        )
    if path.name.lower().removesuffix(".gz").endswith(".csv"):
        names, rows = _csv(path, columns)
    else:
        names, rows = _vector(path)
    return _facilities(path, names, rows, columns)


def _csv(path: Path, columns: Columns) -> tuple[list[str], Iterator[_Row]]:
    try:
        packed = path.read_bytes()
        raw = gzip.decompress(packed) if path.suffix.lower() == ".gz" else packed
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFile(
            f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8"
        ) from error
    except (OSError, EOFError) as error:
        raise UnreadableFile(f"{path} cannot be unpacked: {error}") from error
    # A spreadsheet in a country with decimal commas writes semicolons between the columns.
    head = text.split("\n", 1)[0]
    mark = max(",;\t", key=head.count)
    reader = csv.DictReader(io.StringIO(text), delimiter=mark)
    names = [name.strip() for name in reader.fieldnames or []]
    reader.fieldnames = names
    lon = _column(path, names, "lon", columns.lon_field, needed=True)
    lat = _column(path, names, "lat", columns.lat_field, needed=True)

    def rows() -> Iterator[_Row]:
        try:
            for values in reader:
                yield _Row(f"line {reader.line_num}", values[lon], values[lat], values)
        except csv.Error as error:
            raise UnreadableFile(f"{path}, line {reader.line_num}: {error}") from error

    return names, rows()


def _vector(path: Path) -> tuple[list[str], Iterator[_Row]]:
    # Not above: it brings pandas with it, which no other command needs.
    import pyogrio
    from pyogrio.errors import DataLayerError, DataSourceError

    prefix = {".gz": "/vsigzip/", ".zip": "/vsizip/"}.get(path.suffix.lower(), "")
    try:
        meta, _, shapes, fields = pyogrio.raw.read(f"{prefix}{path}", force_2d=True)
    except (DataSourceError, DataLayerError) as error:
        raise UnreadableFile(f"{path} cannot be read as a map file: {error}") from error
    if shapes is None:
        raise RefusedImport(f"{path} has rows but no places; a CSV file needs the ending .csv")
    if not meta["crs"]:
        raise RefusedImport(
            f"{path} does not say in which CRS it is; assign one, e.g. with ogr2ogr -a_srs"
        )
    names = [str(name) for name in meta["fields"]]
    with np.errstate(invalid="ignore"):
        geometries = shapely.from_wkb(shapes)
    # A shape with a coordinate that is none has no place: NaN here is refused with its row.
    numbers, of = shapely.get_coordinates(geometries, return_index=True)
    geometries = geometries.copy()
    geometries[np.unique(of[~np.isfinite(numbers).all(axis=1)])] = shapely.Point(np.nan, np.nan)
    # A school drawn as its grounds becomes a point that is surely on them.
    areas = shapely.get_type_id(geometries) != 0
    geometries[areas] = shapely.point_on_surface(geometries[areas])
    lon, lat = transformer(meta["crs"], WGS84).transform(
        shapely.get_x(geometries), shapely.get_y(geometries)
    )

    def rows() -> Iterator[_Row]:
        for i in range(len(geometries)):
            values = {name: fields[at][i] for at, name in enumerate(names)}
            yield _Row(f"feature {i + 1}", lon[i], lat[i], values)

    return names, rows()


def _facilities(
    path: Path, names: list[str], rows: Iterable[_Row], columns: Columns
) -> list[Facility]:
    at = {
        "id": _column(path, names, "id", columns.id_field),
        "name": _column(path, names, "name", columns.name_field),
        "address": _column(path, names, "address", columns.address_field),
        "source": None if columns.source else _column(path, names, "source", None),
        "kind": None if columns.kind else _column(path, names, "kind", columns.kind_field),
    }
    if not columns.kind and at["kind"] is None:
        raise RefusedImport(
            f"{path} has no column that says of what kind a facility is (columns: "
            f"{', '.join(names)}); give --kind for all of them, or --kind-field"
        )
    made: list[Facility] = []
    wrong: list[str] = []
    unknown: Counter[str] = Counter()
    for row in rows:
        text = {part: _text(row.values.get(name)) if name else "" for part, name in at.items()}
        kind = columns.kind or kind_of(text["kind"]) or columns.unknown_as
        if kind is None:
            unknown[text["kind"]] += 1
            continue
        try:
            lon, lat = _degrees(row)
            made.append(
                Facility(
                    source=columns.source or text["source"] or path.name.split(".")[0],
                    source_id=text["id"] or _derived_id(kind, text["name"], lon, lat),
                    kind=kind,
                    lon=lon,
                    lat=lat,
                    name=text["name"],
                    address=text["address"],
                    tags=_tags(row.values, {name for name in at.values() if name}),
                )
            )
        except PinwardError as error:
            wrong.append(f"{row.where}: {error.detail}")
    _refuse(path, wrong, unknown)
    if not made:
        raise RefusedImport(f"{path} holds no facilities")
    return made


def _refuse(path: Path, wrong: list[str], unknown: Counter[str]) -> None:
    said = wrong[:MOST_SAID]
    if len(wrong) > MOST_SAID:
        said.append(f"… and {len(wrong) - MOST_SAID} more")
    if unknown:
        words = ", ".join(f"{word!r} ({n})" for word, n in unknown.most_common(MOST_SAID))
        said.append(
            f"unknown kinds: {words}; known are {', '.join(KINDS)}. "
            "Take them in as one kind with --unknown-as, e.g. --unknown-as other"
        )
    if said:
        raise RefusedImport(f"{path} is refused:\n  " + "\n  ".join(said))


def _column(
    path: Path, names: list[str], part: str, given: str | None, needed: bool = False
) -> str | None:
    if given is not None:
        if given not in names:
            raise RefusedImport(
                f"{path} has no column {given!r}; its columns are {', '.join(names)}"
            )
        return given
    by_lower = {name.lower(): name for name in reversed(names)}
    for guess in _GUESSES[part]:
        if guess in by_lower:
            return by_lower[guess]
    if needed:
        raise RefusedImport(
            f"{path} has no column that looks like {part} (columns: {', '.join(names)}); "
            f"name it with --{part}-field"
        )
    return None


def _degrees(row: _Row) -> tuple[float, float]:
    found = []
    for part, value in (("lon", row.lon), ("lat", row.lat)):
        try:
            found.append(float(value))
        except (TypeError, ValueError):
            raise RefusedImport(f"{part} {value!r} is not a number") from None
    return found[0], found[1]


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).replace("\x00", "").strip()


def _derived_id(kind: str, name: str, lon: float, lat: float) -> str:
    # Six decimals are 0.1 m: the same facility in tomorrow's file gets the same id.
    mark = f"{kind}|{name}|{lon:.6f}|{lat:.6f}"
    return "sha256:" + hashlib.sha256(mark.encode()).hexdigest()[:24]


def _tags(values: Mapping[str, Any], used: set[str]) -> dict[str, str]:
    """What the file says beyond the columns we know, as text; empty values left out."""
    skipped = used | set(_GUESSES["lon"]) | set(_GUESSES["lat"])
    kept = {
        str(name): _text(value)[:500]
        for name, value in values.items()
        if name is not None and name not in skipped
    }
    return {name: value for name, value in kept.items() if value}
