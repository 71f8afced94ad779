"""How a street is called, in Vietnamese and in English."""

from typing import Final

# Names that begin so say already what it is: a highway, an alley, a bridge. In whole: Quốc Hương
# and Cao Thắng are people.
_KINDS: Final = (
    "phố", "đại lộ", "ngõ", "ngách", "quốc lộ", "xa lộ", "tỉnh lộ", "hương lộ", "cầu", "hầm",
    "đường", "hẻm", "vòng xoay", "vòng xuyến", "cao tốc", "bến", "bờ", "kênh",
)  # fmt: skip
# And those that end so, or begin, in English.
_ENGLISH: Final = ("street", "road", "avenue", "boulevard", "highway", "alley", "lane", "bridge")


def in_vietnamese(name: str) -> str:
    """`Trần Hưng Đạo` → `đường Trần Hưng Đạo`; what says its kind stays as it is."""
    return name if _says_its_kind(name) else f"đường {name}"


def _says_its_kind(name: str) -> bool:
    said = name.casefold()
    begins = any(f"{said} ".startswith(f"{kind} ") for kind in _KINDS)
    return begins or bool({said.partition(" ")[0], said.rpartition(" ")[2]} & {*_ENGLISH, "the"})


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
    return name if _says_its_kind(name) else f"{name} Street"
