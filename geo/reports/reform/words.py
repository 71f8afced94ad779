"""What a reform tells people: the event on a report, the reason beside its ward."""

from datetime import date
from typing import Any

from geo.reports.events import Words, words
from geo.store.organisations import ward_names
from geo.wards.directory import Ward

_NO_WARD = ("Chưa thuộc phường, xã nào", "No ward")


def same_for_people(old: Ward | None, new: Ward) -> bool:
    """Whether people know both by one code, name and kind: nothing moved for them.

    Without its marks: "Hòa" and "Hoà" are two spellings of one name.
    """
    return old is not None and (old.code, old.name_plain, old.kind) == (
        new.code,
        new.name_plain,
        new.kind,
    )


def moved(old: Ward | None, new: Ward, day: date) -> Words:
    """ "Phường Đa Kao → Phường Tân Định, reform 2025-07-01"; `old` is None for the first ward."""
    vi, en = _pair(old, new)
    return words(f"{vi}, điều chỉnh địa giới {day}", f"{en}, reform {day}")


def moved_back(old: Ward | None, new: Ward, day: date) -> Words:
    """As `moved`, for what was undone: from the new ward to the old."""
    vi, en = _pair(new, old)
    return words(f"{vi}, hủy điều chỉnh địa giới {day}", f"{en}, reform {day} undone")


def reason(old: Ward | None, day: date) -> Words:
    """Why the report is not where it was."""
    if old is None:
        return words(
            f"Trước khi điều chỉnh địa giới {day}, phản ánh chưa thuộc phường, xã nào.",
            f"Before the reform {day} the report belonged to no ward.",
        )
    vi, en = ward_names(old.name, old.kind)
    return words(
        f"Trước khi điều chỉnh địa giới {day}, phản ánh thuộc {vi}.",
        f"Before the reform {day} the report belonged to {en}.",
    )


def event_data(old: Ward | None, new: Ward | None, set_name: str) -> dict[str, Any]:
    """What programs read off the event."""
    return {"reform": set_name, "from": old and old.code, "to": new and new.code}


def _pair(old: Ward | None, new: Ward | None) -> tuple[str, str]:
    names = [ward_names(ward.name, ward.kind) if ward else _NO_WARD for ward in (old, new)]
    # Two wards of one name are told apart by their codes.
    if names[0] == names[1]:
        names = [
            (f"{vi} ({ward.code})", f"{en} ({ward.code})")
            for (vi, en), ward in zip(names, (old, new), strict=True)
            if ward
        ]
    vi, en = (" → ".join(first_upper(name[i]) for name in names) for i in range(2))
    return vi, en


def first_upper(name: str) -> str:
    """A name as it begins a sentence: "Phường Tân Định"."""
    return name[:1].upper() + name[1:]
