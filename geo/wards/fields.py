"""Which column of a ward file holds what, and the texts in them made uniform."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Any, Final

from geo.errors import RefusedImport

LONGEST_CODE = 64
LONGEST_NAME = 200

_GUESSES: Final[dict[str, str]] = {
    "code": (
        "code ward_code ma_xa maxa ma_phuong ma_dvhc ma_px ma gso_id gso_code area_code ward_id "
        "geoid id"
    ),
    "name": (
        "name name_vi ten ten_xa tenxa ten_phuong ten_dvhc ward_name ward ten_px neighborhood "
        "neighbourhood title label"
    ),
    "full_name": "full_name ten_day_du",
    "name_en": "name_en en_name english_name ten_en ten_tieng_anh",
    "kind": (
        "type kind loai cap unit_type ward_type admin_type loai_dvhc cap_hanh_chinh type_vi "
        "administrative_unit_short_name unit"
    ),
}

_WORDS: Final[dict[str, str]] = {
    "phuong": "ward",
    "ward": "ward",
    "p.": "ward",
    "xa": "commune",
    "commune": "commune",
    "thi tran": "town",
    "town": "town",
    "township": "town",
    "dac khu": "special_zone",
    "special zone": "special_zone",
    "special administrative region": "special_zone",
    "special administrative zone": "special_zone",
    "quan": "district",
    "huyen": "district",
    "thi xa": "district",
    "district": "district",
}
KINDS = ("ward", "commune", "town", "special_zone", "district", "other")

_PREFIX = re.compile(r"^(phường|xã|thị trấn|đặc khu|quận|huyện|thị xã|ward)\s+(?=\S)", re.I)
_SUFFIX_EN = re.compile(
    r"(?<=\S)\s+(ward|commune|township|town|district|special (?:administrative )?(?:zone|region))$",
    re.I,
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060\ufeff]+")
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Fields:
    """Names of the columns; None when a file has none of that meaning."""

    code: str | None
    name: str | None
    full_name: str | None
    name_en: str | None
    kind: str | None


def choose(
    source: str,
    columns: list[str],
    *,
    code: str | None = None,
    name: str | None = None,
    name_en: str | None = None,
    kind: str | None = None,
    nameless: bool = False,
) -> Fields:
    """The columns given, the others guessed by their names.

    Raises `RefusedImport` for a given column that is not there, when neither code nor name is
    found, and without a name unless `nameless`; all list the columns there are.
    """
    found = {
        part: _column(source, columns, part, given)
        for part, given in (("code", code), ("name", name), ("name_en", name_en), ("kind", kind))
    }
    # A name given by hand stands alone: a guessed full name must not overrule it.
    full = None if name else _column(source, columns, "full_name", None)
    if not (found["code"] or found["name"] or full):
        raise RefusedImport(
            f"{source} has no column that looks like a ward's code or name (its columns: "
            f"{_list(columns)}); name them by --code-field and --name-field"
        )
    if not (found["name"] or full or nameless):
        raise RefusedImport(
            f"{source} has no column that looks like a ward's name (its columns: "
            f"{_list(columns)}); name it by --name-field"
        )
    return Fields(found["code"], found["name"], full, found["name_en"], found["kind"])


def text(value: Any) -> str:
    """A cell as text: whole floats without ".0", one space between words, no control characters."""
    if value is None or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return _SPACES.sub(" ", _CONTROL.sub(" ", str(value))).strip()


def unfit(code: str, name: str) -> bool:
    """Whether a code or name cannot be kept: too long, or not text that UTF-8 can hold."""
    too_long = len(code) > LONGEST_CODE or len(name) > LONGEST_NAME
    return too_long or any("\ud800" <= c <= "\udfff" for c in code + name)


def shown(value: str) -> str:
    """A text that may be unfit, cut and escaped so that it can be printed."""
    cut = value if len(value) <= 40 else f"{value[:40]}…"
    return cut.encode("utf-8", "backslashreplace").decode()


def reread(value: Any) -> Any:
    """UTF-8 that was read as Latin-1 ("Báº¿n", from a Shapefile without .cpg) as it was meant."""
    if not isinstance(value, str):
        return value
    for wrong in ("latin-1", "cp1252"):
        try:
            return value.encode(wrong).decode("utf-8")
        except UnicodeError:
            continue
    return value


def is_shape(word: str) -> bool:
    """Whether a column `type` speaks of the geometry ("MultiPolygon"), not of the ward."""
    return word.lower() in ("polygon", "multipolygon", "feature", "geometrycollection")


def nfc(value: str) -> str:
    """Text in Unicode NFC, as everything in the database."""
    return unicodedata.normalize("NFC", value)


def plain(value: str) -> str:
    """Lower case without marks: "Đặc khu" → "dac khu"."""
    split = unicodedata.normalize("NFD", value.lower().replace("đ", "d"))
    return "".join(c for c in split if not unicodedata.combining(c))


def slug(value: str) -> str:
    """A code made of a name: "Hyde Park" → "hyde-park"."""
    return re.sub(r"[^a-z0-9]+", "-", plain(value)).strip("-")


def kind_of(word: str) -> str:
    """The kind of unit that a word says, Vietnamese or English, with or without marks."""
    return _WORDS.get(plain(word).strip(), "other")


def split_name(name: str, kind: str | None) -> tuple[str, str | None]:
    """("Phường Bến Thành", None) → ("Bến Thành", "ward").

    A prefix that contradicts a known `kind` is part of the name and stays.
    """
    match = _PREFIX.match(name)
    if match is None:
        return name, kind
    said = kind_of(match[1])
    if kind not in (None, "other", said):
        return name, kind
    return name[match.end() :], said


def split_name_en(name: str) -> str:
    """ "Ben Thanh Ward" → "Ben Thanh"."""
    return _SUFFIX_EN.sub("", name)


def _column(source: str, columns: list[str], part: str, given: str | None) -> str | None:
    if given is not None:
        for column in columns:
            if given in (column, nfc(column)):
                return column
        raise RefusedImport(f"{source} has no column {given!r}; its columns: {_list(columns)}")
    by_key = {_key(column): column for column in reversed(columns)}
    return next((by_key[guess] for guess in _GUESSES[part].split() if guess in by_key), None)


def _key(column: str) -> str:
    """ "nameEn", "Name EN" and "NAME_EN" are one: name_en."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", column)
    return re.sub(r"[^a-z0-9]+", "_", plain(parted)).strip("_")


def _list(columns: list[str]) -> str:
    return ", ".join(columns) or "none"
