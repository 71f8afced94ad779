"""The demo's schools, clinics, hospitals, ward offices and police posts, with made-up names."""

import numpy as np
import numpy.typing as npt
import shapely

from geo import crs
from geo.demo.names import person_names
from geo.demo.streets import Streets
from geo.demo.terrain import EPSG
from geo.demo.units import Unit
from geo.facilities.load import Facility

Floats = npt.NDArray[np.float64]

# One more of each for so many people; every ward has at least the first number.
_PEOPLE_PER = {
    "kindergarten": (1, 30_000.0),
    "primary": (1, 45_000.0),
    "secondary": (1, 70_000.0),
    "high": (0, 130_000.0),
}
_SCHOOL_NAMES = {
    "kindergarten": (
        "Trường Mầm non",
        "Hoa Mai,Sơn Ca,Vành Khuyên,Hướng Dương,Tuổi Thơ,Măng Non,"
        "Bông Sen,Họa Mi,Rạng Đông,Thiên Nga,Sao Mai,Hoa Hồng,Bé Ngoan,Cầu Vồng",
    ),
    "primary": ("Trường Tiểu học", "Kim Đồng,Bình Minh,Hoà Bình,Đông Sơn,Tân Tiến,Phú Xuân"),
    "secondary": ("Trường THCS", ""),
    "high": ("Trường THPT", ""),
}
_HOSPITALS = 38
_HOSPITAL_NAMES = (
    "Bệnh viện Đa khoa {}",
    "Bệnh viện Nhi {}",
    "Bệnh viện Phụ sản {}",
    "Bệnh viện Mắt {}",
    "Bệnh viện Quốc tế {}",
    "Bệnh viện Y học cổ truyền {}",
)


def found(
    rng: np.random.Generator,
    units: tuple[Unit, ...],
    people: Floats,
    streets: Streets,
    shapes_m: npt.NDArray[np.object_],
    source: str,
) -> list[Facility]:
    """All facilities; each lies in the ward its address names."""
    wanted = _wanted(rng, units, people)
    ward = np.array([w for w, _, _, _ in wanted])
    street, points = _places(rng, ward, streets, shapes_m)
    lon, lat = crs.to_degrees(points[:, 0], points[:, 1], EPSG)
    house = rng.integers(2, 420, len(ward))
    return [
        Facility(
            source=source,
            source_id=f"{units[w].code}-{i:04d}",
            kind=kind,
            name=name,
            address=f"Số {house[i]} {streets.names[street[i]]}, {_of(units[w])}",
            lon=round(float(lon[i]), 6),
            lat=round(float(lat[i]), 6),
            tags=tags,
        )
        for i, (w, kind, name, tags) in enumerate(wanted)
    ]


def _wanted(
    rng: np.random.Generator, units: tuple[Unit, ...], people: Floats
) -> list[tuple[int, str, str, dict[str, str]]]:
    wanted: list[tuple[int, str, str, dict[str, str]]] = []
    for w, unit in enumerate(units):
        ours = _of(unit)
        wanted.append((w, "ward_office", f"UBND {ours}", {}))
        wanted.append((w, "police", f"Công an {ours}", {}))
        wanted.append((w, "clinic", f"Trạm Y tế {ours}", {}))
        for level, (least, per) in _PEOPLE_PER.items():
            more = people[w] / per
            count = max(least, int(more) + int(rng.random() < more % 1))
            for name in _school_names(rng, unit, level, count):
                kind = "kindergarten" if level == "kindergarten" else "school"
                wanted.append((w, kind, name, {"level": level}))
    # Hospitals stand where many people live; the first in a ward bears its name.
    seats = rng.choice(len(units), _HOSPITALS, replace=False, p=people**2 / (people**2).sum())
    patrons = person_names(rng, _HOSPITALS)
    for i, w in enumerate(sorted(seats)):
        pattern = _HOSPITAL_NAMES[int(rng.integers(len(_HOSPITAL_NAMES)))]
        named = units[w].name if rng.random() < 0.7 else patrons[i]
        wanted.append((int(w), "hospital", pattern.format(named), {}))
    return wanted


def _school_names(rng: np.random.Generator, unit: Unit, level: str, count: int) -> list[str]:
    """The first school bears the ward's name, further ones a flower's, a virtue's or a person's."""
    prefix, listed = _SCHOOL_NAMES[level]
    others = listed.split(",") if listed else []
    chosen = list(rng.permutation(others)[: max(count - 1, 0)])
    chosen += person_names(rng, max(count - 1 - len(chosen), 0))
    names = [unit.name, *chosen] if count else []
    return [f"{prefix} {name}" for name in names]


def _of(unit: Unit) -> str:
    return f"{unit.kind.lower()} {unit.name}"


def _places(
    rng: np.random.Generator,
    ward: npt.NDArray[np.int64],
    streets: Streets,
    shapes_m: npt.NDArray[np.object_],
) -> tuple[npt.NDArray[np.int64], Floats]:
    """A street of each ward and a point a few metres off it, inside the ward."""
    order = np.argsort(streets.ward, kind="stable")
    start = np.searchsorted(streets.ward[order], np.arange(len(shapes_m) + 1))
    span = start[ward + 1] - start[ward]
    street = order[start[ward] + (rng.random(len(ward)) * span).astype(np.int64)]
    along = rng.uniform(0.08, 0.92, len(ward))
    side = rng.choice([-1.0, 1.0], len(ward)) * rng.uniform(10.0, 28.0, len(ward))
    points = streets.beside(street, along, side)
    outside = ~shapely.covers(shapely.buffer(shapes_m, -0.5)[ward], shapely.points(points))
    points[outside] = streets.at(street[outside], along[outside])
    return street, points
