"""Why this ward and this organisation: sentences that people can check, kept with the report."""

from collections.abc import Sequence

from geo.reports.events import Words, the, words
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
