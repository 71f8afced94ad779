"""A city the day after its reform: reports in the wards of before, the new ones just imported.

The real 168 wards and their mapping where the shared data are, else made-up wards cut alike.
"""

import asyncio
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import city
import numpy as np
import numpy.typing as npt
import old_wards
import psycopg
import shapely
from city_places import ward_file

from geo.reports import categories
from geo.store.database import create_engine
from geo.wards import load
from geo.wards.check import check
from geo.wards.directory import WardDirectory
from geo.wards.features import WardFile
from geo.wards.importing import import_wards
from geo.wards.repair import repair

BEFORE, AFTER = "before", "after"
REFORMED_ON = date(2025, 7, 1)
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"

Floats = npt.NDArray[np.float64]

_ROWS = """
INSERT INTO reports (
    id, code, category_code, status, text, geom, accuracy_m, ward_id, ward_match, ward_distance_m,
    organisation_id, reasons, created_at, updated_at, due_at, closed_at
)
SELECT
    CAST(lpad(to_hex(1700000000000 + CAST(n AS bigint) * 1000), 12, '0') || '7000' || '8000'
        || substr(md5(CAST(n AS text)), 1, 12) AS uuid),
    'B' || n,
    'drainage.flooding',
    CASE WHEN p.open THEN (ARRAY['assigned', 'in_progress', 'waiting'])[1 + n % 3]
        ELSE 'closed' END,
    'Nước ngập ngang bánh xe trước chợ, xe máy chết máy hàng loạt.',
    ST_SetSRID(ST_Point(p.lon, p.lat), 4326),
    20, p.ward_id, 'covers', 0, w.organisation_id,
    '[{"vi": "Vị trí nằm trong phường này.", "en": "The point lies in this ward."}]',
    TIMESTAMPTZ '2025-01-01' + n * interval '10 seconds',
    TIMESTAMPTZ '2025-01-01' + n * interval '10 seconds',
    TIMESTAMPTZ '2026-01-01',
    CASE WHEN p.open THEN NULL ELSE TIMESTAMPTZ '2025-06-01' END
FROM places AS p
JOIN wards AS w ON w.id = p.ward_id
ORDER BY n
"""


def wards() -> tuple[WardFile, WardFile]:
    """The wards before and after."""
    if SHARED.is_dir():
        new = load.read(SHARED / "hcmc_wards_2025.geojson.gz")
        new, _ = repair(new, check(new))
        told = old_wards.parts(SHARED / "hcmc_ward_mapping_2025.csv")
    else:
        new = ward_file()
        told = list(_made_up(new))
    return old_wards.old_wards(new, told), new


def _made_up(new: WardFile) -> Iterator[old_wards.Part]:
    """Two old wards to each new one, and one ward in four split between neighbours in the list."""
    for n, ward in enumerate(new.wards):
        yield old_wards.Part(f"o{n}", f"Phường Cũ {n}", ward.code, 1.0)
        split = n % 4 == 0 and n + 1 < len(new)
        yield old_wards.Part(f"p{n}", f"Phường Khác {n}", ward.code, 0.6 if split else 1.0)
        if split:
            yield old_wards.Part(f"p{n}", f"Phường Khác {n}", new.wards[n + 1].code, 0.4)


def places(polygons: npt.NDArray[np.object_], n: int, rng: np.random.Generator) -> Floats:
    """(n, 2) lon and lat, as many in each polygon, anywhere in it."""
    each = -(-n // len(polygons))
    found = []
    for shape in polygons:
        west, south, east, north = shape.bounds
        shapely.prepare(shape)
        inside = np.zeros((0, 2))
        while len(inside) < each:
            tried = rng.uniform((west, south), (east, north), (each * 3, 2)).round(7)
            inside = np.concatenate([inside, tried[shapely.contains_xy(shape, *tried.T)]])
        found.append(inside[:each])
    return rng.permutation(np.concatenate(found))[:n]


def make(url: str, n_open: int, n_closed: int, seed: int = 5) -> Floats:
    """Fill a migrated database; returns the places (n, 2) of its reports."""
    before, after = wards()
    asyncio.run(_import(url, before, BEFORE, date(2020, 1, 1)))
    directory = asyncio.run(_directory(url))
    rng = np.random.default_rng(seed)
    where = places(after.polygons, n_open + n_closed, rng)
    days = np.full(len(where), np.datetime64("2025-01-01"))
    found = directory.assign(where[:, 0].copy(), where[:, 1].copy(), days)
    ids = np.array([ward.id for ward in directory.wards])[found.position]
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("SET session_replication_role = replica")
        db.execute("SET maintenance_work_mem = '1GB'")
        db.execute(
            "CREATE TEMP TABLE places (n int, lon float8, lat float8, ward_id int, open bool)"
        )
        with db.cursor().copy("COPY places FROM STDIN") as copy:
            lines = zip(where.tolist(), ids.tolist(), strict=True)
            for k, ((lon, lat), ward) in enumerate(lines):
                copy.write(f"{k}\t{lon}\t{lat}\t{ward}\t{k < n_open}\n")
        again = city.drop_indexes(db)
        db.execute(_ROWS)
        for statement in again:
            db.execute(statement)
        db.execute("VACUUM ANALYZE reports")
    asyncio.run(_import(url, after, AFTER, REFORMED_ON))
    return where


async def _import(url: str, file: WardFile, name: str, day: date) -> None:
    engine = create_engine(url, pool_size=1)
    try:
        async with engine.begin() as conn:
            await categories.sync(conn)
            await import_wards(conn, file, name=name, valid_from=day, city="Thành phố Mẫu")
    finally:
        await engine.dispose()


async def _directory(url: str) -> WardDirectory:
    engine = create_engine(url, pool_size=1)
    try:
        async with engine.connect() as conn:
            return await WardDirectory.load(conn)
    finally:
        await engine.dispose()


def environment(url: str) -> dict[str, str]:
    """For commands on this database."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PINWARD_")}
    return {**kept, "PINWARD_DATABASE_URL": url}
