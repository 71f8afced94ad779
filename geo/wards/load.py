"""Ward sources read: a file or a folder of whatever GDAL reads, and GeoParquet, in any CRS.

Reading bounds itself: formats are told from their first bytes, sizes and counts have limits, and
nothing is written but a scratch folder that is gone afterwards.
"""

import tempfile
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pyproj import CRS

from geo.errors import Invalid, RefusedImport
from geo.wards import names, ogr, parquet, place, sniff
from geo.wards.layer import MOST_WARDS, polygons

Objects = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Fields:
    """Names of a source's fields; None means guess (`geo.wards.names`)."""

    code: str | None = None
    name: str | None = None
    name_en: str | None = None
    kind: str | None = None


@dataclass(frozen=True)
class WardFile:
    """A ward source, read: `n` wards in WGS 84 lon/lat, codes and names NFC, None where missing.

    `kinds` are of `names.KINDS`; `polygons` (n,) are 2D (Multi)Polygons, possibly invalid;
    `origins` say which file and feature each is; `not_nfc` are positions of names the source has
    in another form; `notes` are sentences for people.
    """

    source: str
    crs: str
    fields: dict[str, str | None]
    codes: tuple[str | None, ...]
    names: tuple[str | None, ...]
    names_en: tuple[str | None, ...]
    kinds: tuple[str, ...]
    polygons: Objects
    origins: tuple[str, ...]
    not_nfc: tuple[int, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.codes)

    def called(self, i: int) -> str:
        """Ward `i` for a message: "26743 Phường Bến Thành"."""
        name = names.shown(self.names[i] or "?", self.kinds[i])
        return f"{self.codes[i] or '(no code)'} {name}"

    def with_polygons(self, polygons: Objects) -> "WardFile":
        """The same wards with other shapes."""
        return replace(self, polygons=polygons)


def read(
    path: Path,
    fields: Fields | None = None,
    *,
    crs: str | None = None,
    layer: str | None = None,
    swap_xy: bool = False,
    most_bytes: int = sniff.MOST_BYTES,
) -> WardFile:
    """Read a ward source. `crs` says what the coordinates are in, whatever the file says.

    Raises `UnreadableFile` on what cannot be read, `RefusedImport` on what holds no wards or no
    believable places, `Invalid` on options that do not fit (an unknown field or CRS).
    """
    fields = fields or Fields()
    told = place.parse_crs(crs) if crs else None
    with tempfile.TemporaryDirectory(prefix="pinward-") as scratch:
        found = sniff.parts(Path(path), Path(scratch), most_bytes)
        read_files = [_read_part(part, fields, told, layer, swap_xy) for part in found]
    return _joined(Path(path).name, read_files)


def _joined(source: str, files: Sequence[WardFile]) -> WardFile:
    if len(files) == 1:
        return replace(files[0], source=source)
    if sum(map(len, files)) > MOST_WARDS:
        raise RefusedImport(f"{source} holds more than {MOST_WARDS:,} wards in all")
    starts = np.cumsum([0, *map(len, files)])
    notes = dict.fromkeys(note for one in files for note in one.notes)
    return WardFile(
        source=f"{source} ({len(files)} files)",
        crs=", ".join(dict.fromkeys(one.crs for one in files)),
        fields=files[0].fields,
        codes=tuple(code for one in files for code in one.codes),
        names=tuple(name for one in files for name in one.names),
        names_en=tuple(name for one in files for name in one.names_en),
        kinds=tuple(kind for one in files for kind in one.kinds),
        polygons=np.concatenate([one.polygons for one in files]),
        origins=tuple(origin for one in files for origin in one.origins),
        not_nfc=tuple(
            int(start) + i for start, one in zip(starts, files, strict=False) for i in one.not_nfc
        ),
        notes=tuple(notes),
    )


def _read_part(
    part: sniff.Part, fields: Fields, told: CRS | None, layer: str | None, swap_xy: bool
) -> WardFile:
    raw = parquet.read(part) if part.reader == "parquet" else ogr.read(part, layer)
    if not len(raw.shapes):
        raise RefusedImport(f"{part.name} holds no features: export it again with the wards in it")
    shapes, notes = polygons(raw.shapes, part.name)
    used = told or raw.crs
    if used is None:
        raise RefusedImport(
            f"{part.name} does not say which coordinate system it is in (a Shapefile says it in "
            "its .prj). Say it with --crs, e.g. --crs EPSG:4326 or --crs EPSG:9210"
        )
    if told and raw.crs and not told.equals(raw.crs, ignore_axis_order=True):
        notes.append(f"read as {place.label(told)}, though the file says {place.label(raw.crs)}")
    return _described(
        part.name,
        raw.columns,
        fields,
        place.to_wgs84(shapes, used, part.name, swap_xy),
        place.label(used),
        notes,
    )


def _described(
    source: str,
    columns: dict[str, Objects],
    fields: Fields,
    polygons: Objects,
    crs: str,
    notes: list[str],
) -> WardFile:
    n = len(polygons)
    used = {
        "code": _field(columns, fields.code, names.CODE_FIELDS, source),
        "name": _field(columns, fields.name, names.NAME_FIELDS, source),
        "name_en": _field(columns, fields.name_en, names.NAME_EN_FIELDS, source),
        "kind": _field(columns, fields.kind, names.KIND_FIELDS, source),
    }
    if used["name"] is None:
        raise RefusedImport(
            f"{source} has no field that looks like a name; say which with --name-field. It has "
            f"{', '.join(columns) or 'no fields at all'}"
        )
    raw_names = _column(columns, used["name"], n)
    given = [names.clean(value) for value in raw_names]
    not_nfc = tuple(
        i
        for i, value in enumerate(raw_names)
        if isinstance(value, str) and not unicodedata.is_normalized("NFC", value)
    )
    full = _column(columns, names.guess(columns, names.FULL_NAME_FIELDS), n)
    told = [names.kind_of(value) for value in _column(columns, used["kind"], n)]
    if used["kind"] and not any(told):
        notes.append(f"field {used['kind']!r} names no kind of ward that is known; not used")
        used["kind"] = None
    kinds: list[str] = []
    for i, name in enumerate(given):
        kind = told[i] or names.split_kind(names.clean(full[i]) or "")[0]
        given[i], begins = names.bare_name(name, kind) if name else (None, None)
        kinds.append(kind or begins or "other")
    if used["code"]:
        codes = [names.clean(value) for value in _column(columns, used["code"], n)]
    else:
        codes = [(names.slug(name) or None) if name else None for name in given]
        notes.append("there is no field with codes, so codes were made from the names")
    return WardFile(
        source=source,
        crs=crs,
        fields=used,
        codes=tuple(codes),
        names=tuple(given),
        names_en=tuple(names.clean(v) for v in _column(columns, used["name_en"], n)),
        kinds=tuple(kinds),
        polygons=polygons,
        origins=tuple(f"{source}, feature {i + 1}" for i in range(n)),
        not_nfc=not_nfc,
        notes=tuple(notes),
    )


def _field(
    columns: dict[str, Objects], told: str | None, wanted: Sequence[str], source: str
) -> str | None:
    if told is None:
        return names.guess(columns, wanted)
    if told not in columns:
        raise Invalid(
            f"{source} has no field {told!r}; it has {', '.join(columns) or 'no fields at all'}"
        )
    return told


def _column(columns: dict[str, Objects], name: str | None, n: int) -> Sequence[Any]:
    return [None] * n if name is None else columns[name].tolist()
