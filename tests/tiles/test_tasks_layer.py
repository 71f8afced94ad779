"""Tasks as tiles: each account its own, counted exactly, at the true place, for nobody else."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import psycopg
import pytest
from drawn import decoded, put_reports

from builders import CODES, SIDE, SOUTH, WEST, middle
from geo.errors import Invalid, NotAllowed, NotSignedIn
from geo.scope import Scope
from geo.store.tables.reports import OPEN_STATUSES, STATUSES
from geo.store.tables.users import ROLES
from tiles import render, style, tilejson
from tiles.address import TileAddress, cell_of, tile_of
from tiles.filters import Filter
from tiles.layers import MOST_POINTS, MOST_POINTS_AFAR, NEAR_ZOOM, TASKS

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
CLOCK = render.Clock(NOW, "Asia/Ho_Chi_Minh")
LON, LAT = middle(0)
ALL = Scope()


def put_tasks(url, places, ward=0, **columns):
    """Reports at places, given to the committee of a ward (None: to nobody), due as told."""
    due = columns.pop("due_at", None)
    codes = put_reports(url, places, **columns)
    with psycopg.connect(url) as db:
        db.execute(
            "UPDATE reports SET due_at = %s, ward_id = (SELECT id FROM wards WHERE code = %s),"
            " organisation_id = (SELECT id FROM organisations WHERE code = 'ward-' || %s)"
            " WHERE code = ANY (%s)",
            (due, CODES[ward or 0], CODES[ward] if ward is not None else None, codes),
        )
        db.execute("ANALYZE reports")
    return codes


def scattered(n, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.uniform(0, 1, (n, 2)) * [3 * SIDE, 2 * SIDE] + [WEST, SOUTH]).tolist()


def tiles_over(z):
    x0, y0 = tile_of(int(cell_of([WEST], [SOUTH + 2 * SIDE])[0]), z)
    x1, y1 = tile_of(int(cell_of([WEST + 3 * SIDE], [SOUTH])[0]), z)
    return [TileAddress(z, x, y) for x in range(x0, x1 + 1) for y in range(y0, y1 + 1)]


def covering(z, lon=LON, lat=LAT):
    return TileAddress(z, *tile_of(int(cell_of([lon], [lat])[0]), z))


async def drawn(conn, address, scope=ALL, clock=CLOCK, **chosen):
    body = await render.tile(conn, TASKS, address, Filter(scope=scope, **chosen), clock)
    return decoded(body)["tasks"] if body else []


def codes_in(features):
    return {feature["properties"]["code"] for feature in features}


@pytest.mark.parametrize("n", [60, 2_000])
async def test_each_task_is_in_exactly_one_tile_of_every_zoom(city_url, conn, n):
    statuses = ["assigned", "waiting"] * (n // 2)
    put_tasks(city_url, scattered(n), due_at=NOW - timedelta(days=1), status=statuses)
    for z in (*range(0, 15), 16):
        total = late = 0
        for address in tiles_over(z):
            features = await drawn(conn, address)
            here = sum(feature["properties"]["point_count"] for feature in features)
            most = MOST_POINTS if z >= NEAR_ZOOM else MOST_POINTS_AFAR
            assert all(("code" in f["properties"]) is (here <= most) for f in features)
            assert len({feature["id"] for feature in features}) == len(features)
            total += here
            late += sum(feature["properties"]["late_count"] for feature in features)
        assert (total, late) == (n, n // 2), z


async def test_a_cell_lies_among_what_it_counts(city_url, conn):
    put_tasks(city_url, [(LON, LAT)] * (MOST_POINTS + 1))
    for z in (5, 14, 18):
        (cell,) = await drawn(conn, covering(z))
        assert cell["properties"] == {"point_count": MOST_POINTS + 1, "late_count": 0}
        address = covering(z)
        x, y = cell["geometry"]["coordinates"]
        side = 1 << z
        true_x = ((LON + 180) / 360 * side - address.x) * 4096
        sine = np.sin(np.radians(LAT))
        true_y = ((0.5 - np.arctanh(sine) / (2 * np.pi)) * side - address.y) * 4096
        assert abs(x - true_x) <= 33
        assert abs(y - true_y) <= 33


async def test_only_open_reports_that_somebody_was_given_are_tasks(city_url, conn):
    for status in STATUSES:
        put_tasks(city_url, [(LON, LAT)], status=status)
    put_tasks(city_url, [(LON, LAT)], ward=None)
    features = await drawn(conn, covering(15))
    assert sorted(f["properties"]["status"] for f in features) == sorted(OPEN_STATUSES)


async def test_a_task_is_at_its_true_place_also_where_the_public_sees_none(city_url, conn):
    near = (LON + 3e-5, LAT + 2e-5)
    put_tasks(city_url, [near], category_code="order.theft")
    put_tasks(city_url, [near], category_code="order.drugs")
    address = covering(18, *near)
    features = await drawn(conn, address)
    assert {f["properties"]["category"] for f in features} == {"order.theft", "order.drugs"}
    for feature in features:
        x = feature["geometry"]["coordinates"][0]
        assert abs(x - ((near[0] + 180) / 360 * 2**18 - address.x) * 4096) <= 1


async def test_late_is_past_due_and_not_waiting_for_others(city_url, conn):
    second = timedelta(seconds=1)
    late = put_tasks(city_url, [(LON, LAT)], due_at=NOW - second)
    put_tasks(city_url, [(LON, LAT)], due_at=NOW)
    put_tasks(city_url, [(LON, LAT)], due_at=NOW - second, status="waiting")
    put_tasks(city_url, [(LON, LAT)])
    features = await drawn(conn, covering(15))
    assert {f["properties"]["code"] for f in features if f["properties"]["late"]} == set(late)
    assert [f["properties"]["late_count"] for f in features].count(1) == 1
    # 12:00 UTC is the evening of the same day in the city
    assert sorted(f["properties"].get("due", "") for f in features) == ["", *["2026-07-01"] * 3]


async def test_crews_and_officers_see_their_own_only(city_url, conn):
    first = put_tasks(city_url, [(LON, LAT)], ward=0)
    second = put_tasks(city_url, [(LON, LAT)], ward=1)
    with psycopg.connect(city_url) as db:
        (organisation,) = db.execute(
            "SELECT id FROM organisations WHERE code = 'ward-' || %s", (CODES[1],)
        ).fetchone()
        (ward,) = db.execute("SELECT id FROM wards WHERE code = %s", (CODES[0],)).fetchone()
    for scope, wanted in (
        (Scope(ward=ward), set(first)),
        (Scope(organisation_id=organisation), set(second)),
        (Scope(ward, organisation), set()),
        (Scope(ward=0), set()),
        (Scope(), {*first, *second}),
    ):
        assert codes_in(await drawn(conn, covering(12), scope)) == wanted, scope


def an_account(role, ward=None, organisation=None):
    return SimpleNamespace(
        role=role, ward_code=ward, ward_id=ward and int(ward), organisation_id=organisation
    )


async def test_a_role_says_whose_tasks_are_seen():
    for role in ("hotline_agent", "planner", "admin"):
        assert Scope.of(an_account(role)) == Scope()
    for role in ROLES:
        assert Scope.of(an_account(role, "7")) == Scope(ward=7)
        assert Scope.of(an_account(role, None, 3)) == Scope(organisation_id=3)
        assert Scope.of(an_account(role, "7", 3)) == Scope(7, 3)
        nowhere = an_account(role, "7")
        nowhere.ward_id = None
        assert not any(Scope.of(nowhere).covers(ward, None) for ward in (None, 1, 7))
    for role in ("crew", "ward_officer"):
        for nothing in (None, ""):
            with pytest.raises(NotAllowed, match="no ward and no organisation"):
                Scope.of(an_account(role, nothing))


async def test_without_a_sign_in_there_is_no_tile_and_no_tilejson(city_url, conn):
    put_tasks(city_url, [(LON, LAT)])
    with pytest.raises(NotSignedIn):
        await render.tile(conn, TASKS, covering(12), Filter(), CLOCK)
    with pytest.raises(NotSignedIn):
        await tilejson.describe(conn, TASKS, Filter(), CLOCK, base="https://x", city="x")


async def test_the_public_style_knows_no_private_layer():
    for name in style.NAMES:
        made = style.build(name, "vi", base="https://x", view=None)
        assert "tasks" not in made["sources"]
        assert all(layer.get("source") != "tasks" for layer in made["layers"])


async def test_filters_choose_and_other_words_are_refused(city_url, conn):
    flood = put_tasks(city_url, [(LON, LAT)], status="in_progress")
    noise = put_tasks(city_url, [(LON, LAT)], ward=1, category_code="noise.karaoke")
    for chosen, wanted in (
        ({"category": ("drainage",)}, flood),
        ({"category": ("noise.karaoke",)}, noise),
        ({"status": ("in_progress",)}, flood),
        ({"ward": (CODES[1],)}, noise),
    ):
        assert codes_in(await drawn(conn, covering(12), **chosen)) == set(wanted), chosen
    with pytest.raises(Invalid, match="closed"):
        await drawn(conn, covering(12), status=("closed",))
    with pytest.raises(Invalid, match="no filter of tasks"):
        await drawn(conn, covering(12), kind=("incident",))


async def test_the_tilejson_is_what_the_tiles_hold(city_url, conn):
    put_tasks(city_url, [middle(0)], due_at=NOW)
    put_tasks(city_url, [middle(5)], ward=5)
    with psycopg.connect(city_url) as db:
        (ward,) = db.execute("SELECT id FROM wards WHERE code = %s", (CODES[0],)).fetchone()
    own = Filter(scope=Scope(ward=ward))
    said = await tilejson.describe(conn, TASKS, own, CLOCK, base="https://x", city="x")
    # no wider than what the account may see
    assert said["bounds"] == pytest.approx([LON, LAT, LON, LAT], abs=2e-6)
    assert said["tiles"] == ["https://x/tiles/tasks/{z}/{x}/{y}.mvt"]
    (part,) = said["vector_layers"]
    (feature,) = await drawn(conn, covering(14), own.scope)
    assert set(feature["properties"]) == set(part["fields"])
    types = {"String": str, "Number": (int, float), "Boolean": bool}
    for name, value in feature["properties"].items():
        assert isinstance(value, types[part["fields"][name].partition(":")[0]]), name


async def test_equal_tiles_are_equal_bytes(city_url, conn):
    put_tasks(city_url, scattered(300), due_at=NOW)
    for z in (9, 14):
        before = await render.tile(conn, TASKS, covering(z), Filter(scope=ALL), CLOCK)
        await conn.rollback()
        with psycopg.connect(city_url) as db:
            # every row moves to another place of the table
            db.execute("UPDATE reports SET text = text || '.' WHERE code < 'A'")
        assert await render.tile(conn, TASKS, covering(z), Filter(scope=ALL), CLOCK) == before
