"""What a hotspot is called and says, in Vietnamese and English, for people who decide by it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from geo.hotspots.artefacts.artefact import vi as vi_number
from geo.streets import names

Said = dict[str, str]

# A chance is told as the next of these above it, never closer than it is known.
_ODDS: Final = (1_000_000, 100_000, 10_000, 1_000, 100, 20)
# Corrected p up to which a word of confidence is used.
_CONFIDENCE: Final = (
    (1e-4, "very_high", {"vi": "rất chắc chắn", "en": "very certain"}),
    (1e-2, "high", {"vi": "chắc chắn", "en": "certain"}),
    (5e-2, "moderate", {"vi": "khá chắc chắn", "en": "fairly certain"}),
    (1.0, "weak", {"vi": "chưa chắc chắn", "en": "uncertain"}),
)
# Wider than a circle of so many metres, a hotspot is said by its area.
_WIDEST_CIRCLE_M: Final = 250.0
_HECTARE_M2: Final = 10_000.0
_NEAR_M: Final = 150.0


@dataclass(frozen=True, slots=True)
class Facts:
    """What is said of a hotspot: see the columns of `hotspots` by the same names.

    `category` are its names; `radius_m` reaches from its middle to its farthest report; `days` is
    the length of the window; `ward` {vi, en} or None; `street` its name or None; `near`
    [{kind, name, distance_m}] the nearest first.
    """

    category: Said
    people: int
    events: int
    expected: float
    p_value: float
    radius_m: float
    area_m2: float
    days: int
    ward: Said | None
    street: str | None
    near: Sequence[dict[str, Any]]


def say(facts: Facts) -> dict[str, Said]:
    """`{name, sentence, confidence}`, each `{vi, en}`, and `confidence.level`."""
    level, words = next(
        (level, words) for most, level, words in _CONFIDENCE if facts.p_value <= most
    )
    return {
        "name": _name(facts),
        "sentence": _sentence(facts),
        "confidence": {"level": level, **words},
    }


def _name(facts: Facts) -> Said:
    parts = {"vi": [facts.category["vi"]], "en": [facts.category["en"]]}
    named = next(
        (one for one in facts.near if one.get("name") and one["distance_m"] <= _NEAR_M), None
    )
    if facts.street:
        parts["vi"].append(names.in_vietnamese(facts.street))
        parts["en"].append(names.in_english(facts.street))
    elif named:
        parts["vi"].append(f"gần {named['name']}")
        parts["en"].append(f"near {named['name']}")
    if facts.ward:
        parts["vi"].append(facts.ward["vi"])
        parts["en"].append(facts.ward["en"])
    return {lang: ", ".join(said) for lang, said in parts.items()}


def _sentence(facts: Facts) -> Said:
    about_vi, about_en = _small_first(facts.category["vi"]), _small_first(facts.category["en"])
    where_vi, where_en = _where(facts)
    events_vi = events_en = unit_vi = unit_en = ""
    if facts.events != facts.people:
        events_vi = f" ({vi_number(facts.events)} sự việc)"
        events_en = f" ({facts.events:,} separate events)"
        unit_vi, unit_en = " sự việc", " events" if facts.expected >= 1.5 else " event"
    usual_vi, usual_en = _about(facts.expected)
    chance_vi, chance_en = _chance(facts.p_value)
    reports = "report" if facts.people == 1 else "reports"
    return {
        "vi": f"{vi_number(facts.people)} phản ánh “{about_vi}”{events_vi} {where_vi}, "
        f"{facts.days} ngày; bình thường {usual_vi}{unit_vi}; {chance_vi}.",
        "en": f"{facts.people:,} {reports} of “{about_en}”{events_en} {where_en} in "
        f"{facts.days} days; {usual_en}{unit_en} expected from what people here report otherwise; "
        f"{chance_en}.",
    }


def _where(facts: Facts) -> tuple[str, str]:
    if facts.radius_m <= _WIDEST_CIRCLE_M:
        metres = max(50, -(-int(facts.radius_m) // 50) * 50)
        return f"trong vòng {metres} m", f"within {metres} m"
    hectares = facts.area_m2 / _HECTARE_M2
    said = f"{hectares:.0f}" if hectares >= 10 else f"{hectares:.1f}"
    return f"trong khu vực khoảng {said.replace('.', ',')} ha", f"in an area of {said} ha"


def _about(expected: float) -> tuple[str, str]:
    if expected < 1:
        return "chưa tới 1", "fewer than 1"
    n = round(expected)
    return f"khoảng {vi_number(n)}", f"about {n:,}"


def _chance(p_value: float) -> tuple[str, str]:
    for one_in in _ODDS:
        if p_value <= 1 / one_in:
            return (
                f"khả năng do ngẫu nhiên dưới 1/{vi_number(one_in)}",
                f"chance below 1 in {one_in:,}",
            )
    percent = max(1, round(100 * p_value))
    return f"khả năng do ngẫu nhiên khoảng {percent} %", f"chance about {percent} %"


def _small_first(name: str) -> str:
    """A category's name inside a sentence; names in capitals stay as they are."""
    return name if name[1:2].isupper() else name[:1].lower() + name[1:]


@dataclass(frozen=True, slots=True)
class InHexagon:
    """What is said of a hexagon: see the columns of `hotspot_hexagons` by the same names.

    `category` are its names; `days` is the length of the window.
    """

    category: Said
    people: int
    events: int
    expected: float
    q_value: float
    area_m2: float
    days: int


def say_hexagon(facts: InHexagon) -> dict[str, Said]:
    """`{sentence}`, `{vi, en}`."""
    about_vi, about_en = _small_first(facts.category["vi"]), _small_first(facts.category["en"])
    usual_vi, usual_en = _about(facts.expected)
    hectares = f"{facts.area_m2 / _HECTARE_M2:.1f}"
    one_in = next(one_in for one_in in _ODDS if facts.q_value <= 1 / one_in)
    reports = "report" if facts.people == 1 else "reports"
    events = "event" if facts.events == 1 else "events"
    return {
        "sentence": {
            "vi": f"{vi_number(facts.people)} phản ánh “{about_vi}” "
            f"({vi_number(facts.events)} sự việc) trong ô lục giác {hectares.replace('.', ',')} "
            f"ha, {facts.days} ngày; bình thường {usual_vi} sự việc; trong các ô nổi bật ít nhất "
            f"như ô này, dự kiến dưới 1/{vi_number(one_in)} là do ngẫu nhiên.",
            "en": f"{facts.people:,} {reports} of “{about_en}” ({facts.events:,} separate "
            f"{events}) in a hexagon of {hectares} ha in {facts.days} days; {usual_en} expected "
            f"from what people here report otherwise; of the hexagons that stand out at least as "
            f"much, fewer than 1 in {one_in:,} are expected to be chance.",
        }
    }


_WEEKDAYS_VI: Final = (
    "thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật",
)  # fmt: skip
# Locales differ from machine to machine.
_WEEKDAYS_EN: Final = (
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
)  # fmt: skip
_MONTHS_EN: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Began:
    """What is said of a beginning: see the columns of `hotspot_beginnings` by the same names.

    `category` are its names; `radius_m` reaches from the middle to the farthest edge; `wards` are
    the names of the wards it holds, the fullest first, or of the one its middle lies in.
    """

    category: Said
    since: date
    observed: int
    expected: float
    p_value: float
    radius_m: float | None
    wards: Sequence[Said]


def say_began(facts: Began) -> dict[str, Said]:
    """`{name, sentence}`, each `{vi, en}`. `radius_m` None: all of the wards is meant."""
    places = {lang: _listed([ward[lang] for ward in facts.wards], lang) for lang in ("vi", "en")}
    name = {
        lang: ", ".join([facts.category[lang], *([places[lang]] if places[lang] else [])])
        for lang in ("vi", "en")
    }
    day = facts.since
    vi = f"Từ {_WEEKDAYS_VI[day.weekday()]} {day.day}/{day.month}"
    en = f"Since {_WEEKDAYS_EN[day.weekday()]} {day.day} {_MONTHS_EN[day.month - 1]}"
    where_vi = f" ở {places['vi']}" if places["vi"] else ""
    where_en = f" in {places['en']}" if places["en"] else ""
    if facts.radius_m is not None:
        about = f"{max(100, -(-int(facts.radius_m) // 100) * 100):,}"
        where_vi = f" trong vòng {about.replace(',', '.')} m{where_vi}"
        where_en = f" within {about} m{where_en}"
    usual_vi, usual_en = _about(facts.expected)
    chance_vi, chance_en = _chance(facts.p_value)
    about_vi, about_en = _small_first(facts.category["vi"]), _small_first(facts.category["en"])
    events = "event" if facts.observed == 1 else "events"
    return {
        "name": name,
        "sentence": {
            "vi": f"{vi}: {vi_number(facts.observed)} sự việc “{about_vi}”{where_vi}; theo nhịp "
            f"thường ngày của nơi này và của thành phố thì {usual_vi}; {chance_vi}.",
            "en": f"{en}: {facts.observed:,} separate {events} of “{about_en}”{where_en}; "
            f"{usual_en} expected from what is usual here and in the city on these days; "
            f"{chance_en}.",
        },
    }


def _listed(names: Sequence[str], lang: str) -> str:
    """The first two, and how many more there are."""
    if len(names) <= 2:
        return (" và " if lang == "vi" else " and ").join(names)
    more = len(names) - 2
    said = f"{more} phường, xã khác" if lang == "vi" else f"{more} more"
    return f"{names[0]}, {names[1]} {'và' if lang == 'vi' else 'and'} {said}"
