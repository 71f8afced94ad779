"""Today's 168 units of the city and the places that made them up, from `vietnamadminunits` (MIT).

Only its data files are read: names, codes, kinds and centre points of today's units, the centre
points of the units before 1 July 2025, and which became which. Shapes are in none of them.
"""

import json
import sqlite3
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt

from geo import crs
from geo.errors import UnreadableFile

CITY_CODE = "79"
_CITY_KEY = "thanhphohochiminh"
# Provinces of before the merger: the city's three, and the neighbours whose places bound it.
_CITY_BEFORE = ("Hồ Chí Minh", "Bình Dương", "Bà Rịa - Vũng Tàu")
_NEIGHBOURS = ("Đồng Nai", "Long An", "Tây Ninh", "Tiền Giang", "Bình Phước", "Bình Thuận")

# Places everybody knows; each must lie in its own unit, so each is a site of it.
KNOWN_PLACES: tuple[tuple[str, float, float, str], ...] = (
    ("Chợ Bến Thành", 106.6980, 10.7725, "26743"),
    ("Trụ sở UBND Thành phố", 106.7009, 10.7765, "26740"),
    ("Landmark 81", 106.7220, 10.7949, "26956"),
    ("Ga quốc nội Tân Sơn Nhất", 106.6648, 10.8143, "26977"),
    ("Thị trấn Côn Đảo", 106.6060, 8.6830, "26732"),
)


@dataclass(frozen=True)
class Unit:
    """One unit of today: `kind` is Phường, Xã or Đặc khu; the centre in WGS 84 degrees."""

    code: str
    name: str
    kind: str
    lon: float
    lat: float
    area_km2: float


@dataclass(frozen=True)
class Sites:
    """Points that stand for the ground around them: `points_m` (n, 2) UTM 48N, `codes` (n,).

    The code is today's unit, or "" for a place in a neighbouring province.
    """

    points_m: npt.NDArray[np.float64]
    codes: npt.NDArray[np.str_]


@cache
def units() -> tuple[Unit, ...]:
    """Today's units of the city, by code. Raises `UnreadableFile` without the package."""
    rows = query(
        "SELECT wardCode, wardShort, wardType, wardLon, wardLat, wardAreaKm2 FROM admin_units"
        " WHERE provinceCode = ? ORDER BY wardCode",
        CITY_CODE,
    )
    return tuple(Unit(c, unicodedata.normalize("NFC", n), *rest) for c, n, *rest in rows)


def sites() -> Sites:
    """Centres of today's units, well-known places, and the centres of what each was made of.

    A former unit that was divided among several stands for none of them and is left out, as is
    one whose stated centre lies absurdly far from the unit it became part of.
    """
    found = [(u.lon, u.lat, u.code) for u in units()]
    found += [(lon, lat, code) for _, lon, lat, code in KNOWN_PLACES]
    today = {u.code: u for u in units()}
    became = _became()
    names = (*_CITY_BEFORE, *_NEIGHBOURS)
    former = query(
        "SELECT provinceKey || '_' || districtKey || '_' || coalesce(wardKey, ''), provinceShort,"
        " wardLon, wardLat FROM admin_units_legacy WHERE wardLon IS NOT NULL"
        f" AND provinceShort IN ({','.join('?' * len(names))}) ORDER BY 1",
        *names,
    )
    for key, province, lon, lat in former:
        if province in _NEIGHBOURS:
            found.append((lon, lat, ""))
        elif key in became and _near(lon, lat, today[became[key]]):
            found.append((lon, lat, became[key]))
    unique = {(lon, lat): code for lon, lat, code in reversed(found)}
    lonlat = np.array(list(unique))
    x, y, _ = crs.to_metres(lonlat[:, 0], lonlat[:, 1], crs.UTM_48N)
    return Sites(np.column_stack([x, y]), np.array(list(unique.values())))


def _near(lon: float, lat: float, unit: Unit) -> bool:
    _, _, metres = crs.GEOD.inv(lon, lat, unit.lon, unit.lat)
    return bool(metres <= 1500.0 + 1800.0 * np.sqrt(unit.area_km2 / np.pi))


def _became() -> dict[str, str]:
    """Former unit (province_district_unit key) → today's code, undivided ones only."""
    keys = dict(
        query("SELECT wardKey, wardCode FROM admin_units WHERE provinceCode = ?", CITY_CODE)
    )
    data = json.loads((_folder() / "converter_2025.json").read_text(encoding="utf-8"))
    whole = data["DICT_PROVINCE_WARD_NO_DIVIDED"][_CITY_KEY]
    return {former: keys[new] for new, formers in whole.items() for former in formers}


def query(sql: str, *parameters: str) -> list[tuple]:  # type: ignore[type-arg]
    """Rows of the package's table `admin_units`. Raises `UnreadableFile` without the package."""
    uri = f"{(_folder() / 'dataset.db').as_uri()}?mode=ro&immutable=1"
    connection = sqlite3.connect(uri, uri=True)
    try:
        return connection.execute(sql, parameters).fetchall()
    finally:
        connection.close()


@cache
def _folder() -> Path:
    # The package's own code is not run: importing it would pull in a geocoder.
    spec = find_spec("vietnamadminunits")
    if spec is None or not spec.submodule_search_locations:
        raise UnreadableFile(
            "the demo city needs the package vietnamadminunits; install it with "
            "`pip install -e '.[demo]'`"
        )
    return Path(spec.submodule_search_locations[0]) / "data"
