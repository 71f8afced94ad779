"""Finding a ward by its name as people type it, with or without marks."""

from collections.abc import Iterable
from dataclasses import dataclass

from geo.wards.directory import Ward
from geo.wards.fields import nfc, plain


@dataclass(frozen=True, slots=True)
class Ranked:
    """A ward and how well it matches: 0 exact marks at the start, then worse."""

    rank: int
    ward: Ward

    @property
    def key(self) -> tuple[int, str, str]:
        """Order of a list: best first, then by name without marks, then by code."""
        return self.rank, self.ward.name_plain, self.ward.code


def ranked(wards: Iterable[Ward], q: str | None = None) -> list[Ranked]:
    """Wards whose name or code matches `q`, best first; all of them by name without `q`.

    Marks may be left out ("ben thanh" finds Bến Thành), but names that match with their marks
    come first: "Thạnh An" lists Thạnh An before Thanh An.
    """
    wanted = nfc(q or "").strip().casefold()
    if not wanted:
        found = [Ranked(0, ward) for ward in wards]
    else:
        scored = ((_rank(ward, wanted, plain(wanted)), ward) for ward in wards)
        found = [Ranked(rank, ward) for rank, ward in scored if rank is not None]
    return sorted(found, key=lambda item: item.key)


def _rank(ward: Ward, wanted: str, wanted_plain: str) -> int | None:
    name = ward.name.casefold()
    if ward.code == wanted or name == wanted:
        return 0
    # Somebody who types marks means them; somebody who types none may mean any.
    if wanted != wanted_plain and wanted in name:
        return 1 if name.startswith(wanted) else 2
    if wanted_plain in ward.name_plain:
        return 3 if ward.name_plain.startswith(wanted_plain) else 4
    return None
