"""What a check of ward boundaries found, for programs (`as_json`) and for people (`lines`)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

_SAID_AT_MOST = 10


@dataclass(frozen=True, slots=True)
class Feature:
    """A ward that was checked; `area_m2` of its valid shape."""

    code: str
    name: str
    kind: str
    area_m2: float


@dataclass(frozen=True, slots=True)
class InvalidShape:
    """A ward whose polygon is invalid: GEOS' reason, and where."""

    code: str
    name: str
    reason: str
    lon: float
    lat: float


@dataclass(frozen=True, slots=True)
class Overlap:
    """Ground that two wards claim; the place lies in its largest part.

    `bent` when it is there in metres only: a vertex of one ward lies on the straight edge of the
    other, and lines that are straight in degrees bend in a plane of metres. A look-up, which is
    done in degrees, never meets it, so it is told but is no defect.
    """

    code_a: str
    name_a: str
    code_b: str
    name_b: str
    area_m2: float
    lon: float
    lat: float
    bent: bool


@dataclass(frozen=True, slots=True)
class Gap:
    """Ground that wards enclose and none covers; `codes` are the wards around it.

    `sliver` when it is too narrow to be meant (a lake or another city's enclave is wider);
    `width_m` is the diameter of the largest circle inside. `bent` as with overlaps.
    """

    area_m2: float
    width_m: float
    lon: float
    lat: float
    codes: tuple[str, ...]
    sliver: bool
    bent: bool


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Wards that have the same `what`: "code" or "shape"."""

    what: str
    codes: tuple[str, ...]
    names: tuple[str, ...]
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Findings:
    """All that was found, the largest first; areas in m² in the plane named `measured_in`."""

    source: str
    crs: str
    measured_in: str
    features: tuple[Feature, ...]
    invalid: tuple[InvalidShape, ...]
    overlaps: tuple[Overlap, ...]
    gaps: tuple[Gap, ...]
    duplicates: tuple[Duplicate, ...]
    notes: tuple[str, ...]

    @property
    def mendable(self) -> int:
        """How many defects repair mends: invalid shapes, overlaps, slivers."""
        return (
            len(self.invalid)
            + sum(not overlap.bent for overlap in self.overlaps)
            + sum(gap.sliver and not gap.bent for gap in self.gaps)
        )

    @property
    def clean(self) -> bool:
        """Whether repair would change nothing, not even what is there by the plane's bend."""
        slivers = any(gap.sliver for gap in self.gaps)
        return not (self.invalid or self.overlaps or slivers or self.duplicates)

    @property
    def defects(self) -> int:
        """How many defects there are in all."""
        return self.mendable + len(self.duplicates)

    def as_json(self) -> dict[str, Any]:
        """One object whose lists are plurals."""
        return {**asdict(self), "defects": self.defects, "ok": not self.defects}

    def lines(self, at_most: int = _SAID_AT_MOST) -> Iterator[str]:
        """What was found in sentences, `at_most` examples of each sort with their places."""
        ground = sum(feature.area_m2 for feature in self.features)
        yield f"{self.source}: {len(self.features)} wards, {ground / 1e6:,.2f} km² ({self.crs})"
        yield from (f"  note: {note}" for note in self.notes)
        for sort, found, said, also in self._sorts():
            yield from _some(sort, found, said, also, at_most)
        yield f"Measured in {self.measured_in}."

    def defect_lines(self, at_most: int = 3) -> Iterator[str]:
        """The first of each sort in words, for a refusal."""
        for sort, found, said, also in self._sorts():
            if found:
                yield from _some(sort, found, said, also, at_most)

    def _sorts(self) -> Iterator[tuple[str, Sequence[Any], Callable[[Any], str], str]]:
        yield "invalid shape", self.invalid, _invalid, ""
        area = sum(overlap.area_m2 for overlap in self.overlaps)
        bent = sum(overlap.bent for overlap in self.overlaps)
        also = f", {bent} of them only by the bend of the plane" if bent else ""
        yield "overlap between wards", self.overlaps, _overlap, f", {_m2(area)} in all{also}"
        area = sum(gap.area_m2 for gap in self.gaps)
        wide = sum(not gap.sliver for gap in self.gaps)
        also = f", {wide} of them wide enough to be meant" if wide else ""
        yield "gap between wards", self.gaps, _gap, f", {_m2(area)} in all{also}"
        yield "duplicate", self.duplicates, _duplicate, ""


def counted(n: int, what: str) -> str:
    """(3, "gap between wards") → "3 gaps between wards"."""
    first, _, rest = what.partition(" between")
    many = f"{first}s{' between' if rest else ''}{rest}"
    return f"{n or 'no'} {what if n == 1 else many}"


def _some(
    sort: str, found: Sequence[Any], said: Callable[[Any], str], also: str, at_most: int
) -> Iterator[str]:
    if not found:
        yield counted(0, sort)
        return
    yield f"{counted(len(found), sort)}{also}"
    yield from (f"  {said(one)}" for one in found[:at_most])
    if len(found) > at_most:
        yield f"  … and {len(found) - at_most} more"


def _invalid(one: InvalidShape) -> str:
    return f"{one.code} {one.name}: {one.reason} at {one.lon:.6f},{one.lat:.6f}"


def _overlap(one: Overlap) -> str:
    pair = f"{one.code_a} {one.name_a} and {one.code_b} {one.name_b}"
    return f"{pair}: {_m2(one.area_m2)} at {one.lon:.6f},{one.lat:.6f}" + _bent(one.bent)


def _gap(one: Gap) -> str:
    size = f"{_m2(one.area_m2)}, {one.width_m:,.3g} m wide"
    between = ", ".join(one.codes)
    meant = "" if one.sliver else " (a lake or an enclave? it is left as it is)"
    return f"{size} at {one.lon:.6f},{one.lat:.6f} between {between}{meant}" + _bent(one.bent)


def _duplicate(one: Duplicate) -> str:
    wards = zip(one.codes, one.names, one.places, strict=True)
    said = "; ".join(f"{code} {name} ({place})" for code, name, place in wards)
    return f"same {one.what}: {said}"


def _bent(bent: bool) -> str:
    return " (only by the bend of the plane)" if bent else ""


def _m2(area: float) -> str:
    return f"{area:,.2f} m²" if area >= 0.01 else f"{area:.1g} m²"
