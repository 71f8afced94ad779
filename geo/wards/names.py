"""How ward sources name things: fields, kinds, codes and names, made one way.

Names are kept in NFC without their kind ("Bến Thành"), the kind apart ("ward").
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence

from geo.store.organisations import ward_names

KINDS = ("ward", "commune", "town", "special_zone", "district", "other")

# Words for kinds, folded by `fold`. The first that a name begins with is taken off it.
_KIND_WORDS = {
    "phuong": "ward",
    "xa": "commune",
    "thitran": "town",
    "dackhu": "special_zone",
    "quan": "district",
    "huyen": "district",
    "thixa": "district",
    "p": "ward",
    "ward": "ward",
    "commune": "commune",
    "town": "town",
    "township": "town",
    "specialzone": "special_zone",
    "specialadministrativeregion": "special_zone",
    "specialadministrativeunit": "special_zone",
    "district": "district",
    "other": "other",
}
_PREFIXES = ("phường", "xã", "thị trấn", "đặc khu", "quận", "huyện", "thị xã")

# Field names to try, folded, the likeliest first.
CODE_FIELDS = (
    *("code", "wardcode", "unitcode", "maphuongxa", "maphuong", "maxa", "madvhc", "madonvi"),
    *("ma", "gsocode", "gsoid", "geoid", "wardid", "id"),
)
NAME_FIELDS = (
    *("name", "wardname", "unitname", "tenphuongxa", "tenphuong", "tenxa", "tendvhc", "tendonvi"),
    *("ten", "namevi", "neighborhood", "neighbourhood", "ward", "fullname", "tendaydu"),
)
NAME_EN_FIELDS = ("nameen", "nameenglish", "englishname", "unitnameen", "wardnameen", "tentienganh")
KIND_FIELDS = ("kind", "type", "loai", "cap", "level", "unittype", "wardtype", "loaidvhc")
FULL_NAME_FIELDS = ("fullname", "tendaydu", "unitfullname", "name", "ten")


def fold(text: str) -> str:
    """Lower case letters and digits without marks: "Tên Phường" → "tenphuong"."""
    stroked = text.replace("đ", "d").replace("Đ", "D")
    bare = unicodedata.normalize("NFD", stroked)
    return "".join(c for c in bare if c.isalnum() and c.isascii()).lower()


def guess(fields: Iterable[str], wanted: Sequence[str]) -> str | None:
    """The field whose folded name comes first in `wanted`; None where there is none."""
    by_fold: dict[str, str] = {}
    for field in fields:
        by_fold.setdefault(fold(field), field)
    return next((by_fold[word] for word in wanted if word in by_fold), None)


def kind_of(value: object) -> str | None:
    """The kind that a source's word means: "Phường" → "ward"; None for an unknown word."""
    return _KIND_WORDS.get(fold(str(value))) if value is not None else None


def split_kind(name: str) -> tuple[str | None, str]:
    """A name that begins with its kind, parted: "Phường 1" → ("ward", "1")."""
    lowered = name.casefold()
    for word in _PREFIXES:
        if lowered.startswith(word + " ") and len(name) > len(word) + 1:
            return _KIND_WORDS[fold(word)], name[len(word) + 1 :].strip()
    return None, name


def bare_name(name: str, kind: str | None) -> tuple[str, str | None]:
    """Name without its kind, and the kind: as told, else as the name begins."""
    begins, rest = split_kind(name)
    # "Xã Đàn" is a ward's whole name: only the kind that the source itself tells is taken off.
    if begins is not None and kind in (None, begins):
        return rest, begins
    return name, kind


def shown(name: str, kind: str) -> str:
    """A ward as a heading shows it: "Phường Bến Thành"."""
    said, _ = ward_names(name, kind)
    return said[:1].upper() + said[1:]


def clean(value: object) -> str | None:
    """NFC text on one line without controls; None for nothing at all."""
    if value is None or value != value:
        return None
    if isinstance(value, float) and value.is_integer():
        # a column of whole numbers with holes is read as floats
        value = int(value)
    text = unicodedata.normalize("NFC", str(value))
    text = "".join(" " if unicodedata.category(c) in ("Cc", "Cs") else c for c in text)
    return re.sub(r"\s+", " ", text).strip() or None


def slug(name: str) -> str:
    """A code made from a name: "Jamaica Plain" → "jamaica-plain"."""
    words = re.split(r"[^a-z0-9]+", " ".join(fold(part) for part in re.split(r"\W+", name)))
    return "-".join(word for word in words if word)
