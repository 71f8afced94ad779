from collections import Counter

import numpy as np
import shapely

from geo import crs
from geo.demo import city
from geo.demo.city import City


def test_every_ward_has_an_office_a_police_post_a_clinic_and_schools(demo_city: City) -> None:
    of_ward: dict[str, Counter[str]] = {}
    for facility in demo_city.facilities:
        of_ward.setdefault(facility.source_id[:5], Counter())[facility.kind] += 1
    assert len(of_ward) == 168
    for code, kinds in of_ward.items():
        assert kinds["ward_office"] == kinds["police"] == kinds["clinic"] == 1, code
        assert kinds["school"] >= 2, code
        assert kinds["kindergarten"] >= 1, code
    assert 20 <= sum(kinds["hospital"] for kinds in of_ward.values()) <= 60


def test_a_facility_lies_in_the_ward_its_address_names(demo_city: City) -> None:
    ward = {w.unit.code: w for w in demo_city.wards}
    for facility in demo_city.facilities:
        own = ward[facility.source_id[:5]]
        assert facility.address is not None
        assert facility.address.endswith(f"{own.unit.kind.lower()} {own.unit.name}")
        # a point on a street that ends at the border may round across it
        assert own.shape.distance(shapely.Point(facility.lon, facility.lat)) < 2e-6, facility


def test_schools_bear_the_names_people_give_schools(demo_city: City) -> None:
    names = {facility.name for facility in demo_city.facilities}
    assert "Trường Tiểu học Bến Thành" in names
    assert "Trạm Y tế phường Bến Thành" in names
    assert "UBND đặc khu Côn Đảo" in names


def test_the_centre_has_more_of_them(demo_city: City) -> None:
    facilities = demo_city.facilities
    lon = np.array([f.lon for f in facilities])
    lat = np.array([f.lat for f in facilities])
    n = len(facilities)
    away_m = crs.GEOD.inv(lon, lat, np.full(n, 106.698), np.full(n, 10.7725))[2]
    near, far = (away_m < 8_000).sum(), ((away_m > 30_000) & (away_m < 31_050)).sum()
    # two rings of nearly one area: 201 km² each
    assert near > 4 * far


def test_ids_are_unique_and_carry_the_source(demo_city: City) -> None:
    ids = [(f.source, f.source_id) for f in demo_city.facilities]
    assert len(set(ids)) == len(ids)
    assert {source for source, _ in ids} == {city.WARD_SET}
