"""Why this ward and this organisation: sentences that people can check, kept with the report."""

from collections.abc import Sequence

from geo.reports.events import Words, the, words
from geo.reports.routing.rules import Fit, Organisation
from geo.store.organisations import ward_names


def ward_reason(name: str, kind: str, match: str, distance_m: float | None = None) -> Words:
    """Why this ward: the point lies in it, or it is the nearest one."""
    vi, en = ward_names(name, kind)
    if match == "covers":
        return words(f"Vị trí nằm trong {vi}.", f"The point lies in {en}.")
    if distance_m is None:
        return words(
            f"Vị trí nằm ngoài mọi phường, xã; {vi} ở gần nhất.",
            f"The point lies outside all wards; {en} is the nearest.",
        )
    return words(
        f"Vị trí nằm ngoài mọi phường, xã; {vi} ở gần nhất, cách {distance_m:.0f} m.",
        f"The point lies outside all wards; {en} is the nearest, {distance_m:.0f} m away.",
    )


def ambiguity_reason(accuracy_m: float, others: Sequence[tuple[str, str]]) -> Words:
    """Which other wards `(name, kind)` the point may lie in, as exactly as it is known."""
    named = [ward_names(name, kind) for name, kind in others]
    return words(
        f"Với sai số {accuracy_m:.0f} m, vị trí cũng có thể thuộc "
        f"{', '.join(vi for vi, _ in named)}.",
        f"Known to {accuracy_m:.0f} m only, the point may also lie in "
        f"{', '.join(en for _, en in named)}.",
    )


def committee_reason(name_vi: str, name_en: str) -> Words:
    """Why this organisation: nobody else was named for the place."""
    said = the(name_en)
    return words(
        f"{name_vi} phụ trách địa bàn này.",
        f"{said[:1].upper()}{said[1:]} answers for this area.",
    )


def rule_reasons(
    fit: Fit, category: Words, answers: Organisation, informed: tuple[str, str] | None
) -> list[Words]:
    """Why a rule of the city gives it to `answers`, and who hears of it besides.

    `category` is the category's name; `informed` the ward's name and kind, None: nobody else.
    """
    met = _met(fit)
    vi = " ".join([_first(category["vi"]), *filter(None, [", ".join(vi for vi, _ in met)])])
    en = " ".join([_first(category["en"]), *filter(None, [", ".join(en for _, en in met)])])
    code = fit.rule.code
    said = [
        words(
            f"{vi}: do {answers.name_vi} phụ trách (quy tắc {code}).",
            f"{en}: {the(answers.name_en)} answers for it (rule {code}).",
        )
    ]
    if informed is not None:
        named_vi, named_en = ward_names(*informed)
        said.append(words(f"{_first(named_vi)} được thông báo.", f"{named_en} is informed."))
    if fit.rule.priority != 2:
        at = _PRIORITIES[fit.rule.priority]
        said.append(words(f"Mức ưu tiên: {at[0]}.", f"Priority: {at[1]}."))
    return said


_PRIORITIES = {1: ("gấp", "at once"), 3: ("khi có thể", "when there is time")}
_WEEKDAYS = (
    *(("thứ Hai", "Monday"), ("thứ Ba", "Tuesday"), ("thứ Tư", "Wednesday")),
    *(("thứ Năm", "Thursday"), ("thứ Sáu", "Friday"), ("thứ Bảy", "Saturday")),
    ("Chủ nhật", "Sunday"),
)


def _met(fit: Fit) -> list[tuple[str, str]]:
    """What the rule asked for, as it was met."""
    rule, found = fit.rule, []
    if rule.zone is not None:
        found.append((f"trong {rule.zone.name_vi}", f"in {rule.zone.name_en}"))
    elif rule.wards is not None:
        found.append(("tại phường, xã này", "in this ward"))
    if fit.near is not None:
        name, _, metres = fit.near
        found.append((f"cách {name} {metres:.0f} m", f"{metres:.0f} m from {name}"))
    if rule.times is not None:
        begin, end = (f"{at:%H:%M}" for at in rule.times)
        found.append((f"gửi từ {begin} đến {end}", f"sent between {begin} and {end}"))
    if rule.weekdays is not None:
        days = [_WEEKDAYS[day - 1] for day in sorted(rule.weekdays)]
        vi, en = (", ".join(day[k] for day in days) for k in (0, 1))
        found.append((f"vào {vi}", f"on {en}"))
    return found


def _first(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
