"""How a street is called, in Vietnamese and in English."""

from typing import Final

# First words of names that say already what it is: a highway, an alley, a bridge.
_KINDS: Final = frozenset(
    {"phố", "đại", "ngõ", "ngách", "quốc", "xa", "tỉnh", "hương", "cầu", "hầm", "vòng", "cao"}
    | {"bến", "bờ", "street", "road", "highway", "the"}
)


def in_vietnamese(name: str) -> str:
    """`Trần Hưng Đạo` → `đường Trần Hưng Đạo`; what says its kind stays as it is."""
    first, _, _ = name.partition(" ")
    return name if first.casefold() in _KINDS | {"đường", "hẻm"} else f"đường {name}"


def in_english(name: str) -> str:
    """How a foreigner writes it: "Street 21", "alley 19, Lê Kim Sơn Street"."""
    first, _, rest = name.partition(" ")
    if first.casefold() == "hẻm" and rest[:1].isdigit() and " " in rest:
        number, _, street = rest.partition(" ")
        return f"alley {number}, {street} Street"
    if first.casefold() == "đường":
        if rest.startswith("số "):
            return f"Street {rest[3:]}"
        return f"{rest} Street"
    return name if first.casefold() in _KINDS | {"hẻm"} else f"{name} Street"
