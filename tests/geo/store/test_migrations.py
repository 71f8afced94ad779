import psycopg
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from geoalchemy2 import alembic_helpers
from psycopg.types.json import Jsonb
from sqlalchemy import create_engine

from geo.reports.routing.reasons import committee_reason
from geo.store import migrate
from geo.store.organisations import ward_names
from geo.store.tables import metadata


def _blank(cluster, name):
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    return cluster.url(name)


def _differences(url):
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url))
    with engine.connect() as conn:
        context = MigrationContext.configure(
            conn,
            opts={
                "include_object": alembic_helpers.include_object,
                "include_name": lambda name, kind, _: kind != "table" or name in metadata.tables,
                "compare_type": True,
                "compare_server_default": True,
            },
        )
        found = compare_metadata(context, metadata)
    engine.dispose()
    return found


def test_the_migrations_make_exactly_the_tables_of_the_code(cluster):
    url = _blank(cluster, "migrated")
    migrate.upgrade(url)
    assert _differences(url) == []


def test_migrating_down_and_up_again_leaves_nothing_behind(cluster):
    url = _blank(cluster, "down_and_up")
    migrate.upgrade(url)
    command.downgrade(migrate.config(url), "base")
    with psycopg.connect(url) as conn:
        left = conn.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' "
            "AND tablename NOT IN ('alembic_version', 'spatial_ref_sys')"
        ).fetchall()
    assert left == []
    migrate.upgrade(url)
    assert migrate.current(url) == migrate.newest()


# id, code, name, kind, days, first metre; a square kilometre each.
_REUSED = [
    (1, "26737", "Đa Kao", "ward", "[2020-01-01,2025-07-01)", 0),
    (2, "26737", "Tân Định", "ward", "[2025-07-01,2026-01-01)", 5000),
    # mended later, and still Tân Định
    (3, "26737", "Tân Định", "ward", "[2026-01-01,)", 5100),
    # its name holds its kind
    (4, "26740", "Bến Nghé", "ward", "[2020-01-01,2025-07-01)", 0),
    (5, "26740", "Phường Sài Gòn", "ward", "[2025-07-01,)", 5000),
    # on the same ground under another name: the same ward
    (6, "26743", "Bến Thành", "ward", "[2020-01-01,2025-07-01)", 10000),
    (7, "26743", "Bến Thành Mới", "ward", "[2025-07-01,)", 10000),
    # imported before the ward that it followed
    (8, "27000", "Mới", "other", "[2025-07-01,)", 20000),
    (9, "27000", "Cũ", "commune", "[2020-01-01,2025-07-01)", 30000),
    # the city gave its committee another name
    (10, "27001", "Đầu", "town", "[2020-01-01,2025-07-01)", 20000),
    (11, "27001", "Sau", "special_zone", "[2025-07-01,)", 30000),
]
_COMMITTEES = {
    "26737": ("UBND phường Đa Kao", "People's Committee of Đa Kao Ward"),
    "26740": ("UBND phường Bến Nghé", "People's Committee of Bến Nghé Ward"),
    "26743": ("UBND phường Bến Thành", "People's Committee of Bến Thành Ward"),
    "27000": ("UBND Mới", "People's Committee of Mới"),
    "27001": ("UBND của thị trấn", "The Town's Committee"),
}


def _put_reused_codes(db):
    """As imports up to 0013 left them: all areas of a code have the committee `ward-<code>`."""
    db.execute("INSERT INTO ward_sets VALUES (DEFAULT, 's', 'c', 's', '2020-01-01')")
    for id_, code, name, kind, days, metre in _REUSED:
        db.execute(
            "INSERT INTO wards (id, set_id, code, name, kind, name_plain, valid, area_m2, geom)"
            " OVERRIDING SYSTEM VALUE SELECT %s, id, %s, %s, %s, pinward_plain(%s), %s, 1e6,"
            " ST_Multi(ST_MakeEnvelope(%s, 10, %s, 10.01, 4326)) FROM ward_sets",
            (id_, code, name, kind, name, days, 106 + metre / 1e5, 106.01 + metre / 1e5),
        )
    for code, names in _COMMITTEES.items():
        db.execute(
            "INSERT INTO organisations (code, ward_code, name_vi, name_en) VALUES (%s, %s, %s, %s)",
            (f"ward-{code}", code, *names),
        )
    db.execute("INSERT INTO organisations (code, name_vi, name_en) VALUES ('water', 'n', 'w')")
    db.execute("INSERT INTO categories (code, name_vi, name_en, icon) VALUES ('c', 'c', 'c', 'c')")


def _put_report(db, ward, status, organisation):
    reasons = [
        {"vi": "Vị trí nằm trong phường.", "en": "The point lies in the ward."},
        committee_reason(*_COMMITTEES["26737"]),
    ]
    row = db.execute(
        "INSERT INTO reports (id, code, category_code, status, text, geom, ward_id, created_at,"
        " organisation_id, reasons) SELECT gen_random_uuid(), gen_random_uuid(), 'c', %s, 't',"
        " ST_SetSRID(ST_MakePoint(106, 10), 4326), %s, '2025-08-01', id, %s"
        " FROM organisations WHERE code = %s RETURNING id",
        (status, ward, Jsonb(reasons), organisation),
    )
    return row.fetchone()[0]


def test_wards_that_a_code_was_given_to_get_committees_of_their_own(cluster):
    url = _blank(cluster, "reused_codes")
    migrate.upgrade(url, "0013")
    with psycopg.connect(url) as db:
        _put_reused_codes(db)
        moves, more = (
            _put_report(db, 2, "assigned", "ward-26737"),
            _put_report(db, 3, "received", "ward-26737"),
        )
        stays = [
            _put_report(db, 1, "received", "ward-26737"),
            _put_report(db, 2, "closed", "ward-26737"),
            _put_report(db, 2, "assigned", "water"),
        ]
        before = _reports(db)
    own = {2: "2025-07-01", 3: "2025-07-01", 5: "2025-07-01", 9: "2020-01-01", 11: "2025-07-01"}
    for _ in range(2):
        migrate.upgrade(url)
        with psycopg.connect(url) as db:
            found = db.execute(
                "SELECT w.id, o.code FROM wards w JOIN organisations o ON o.id = organisation_id"
            ).fetchall()
            assert dict(found) == {
                id_: f"ward-{code}" + (f"-{own[id_]}" if id_ in own else "")
                for id_, code, *_ in _REUSED
            }
            names = db.execute(
                "SELECT code, name_vi, name_en FROM organisations WHERE code LIKE 'ward-_____-%'"
                " AND ward_code = substr(code, 6, 5) ORDER BY code"
            ).fetchall()
            assert names == [
                ("ward-26737-2025-07-01", *_called("Tân Định", "ward")),
                ("ward-26740-2025-07-01", *_called("Phường Sài Gòn", "ward")),
                ("ward-27000-2020-01-01", *_called("Cũ", "commune")),
                ("ward-27001-2025-07-01", *_called("Sau", "special_zone")),
            ]
            after = _reports(db)
        assert {id_: after[id_] for id_ in stays} == {id_: before[id_] for id_ in stays}
        for id_ in (moves, more):
            reasons = [before[id_][1][0], committee_reason(*names[0][1:])]
            assert after[id_] == ("ward-26737-2025-07-01", reasons)
        command.downgrade(migrate.config(url), "0013")


def _called(name, kind):
    vi, en = ward_names(name, kind)
    return f"UBND {vi}", f"People's Committee of {en}"


def _reports(db):
    rows = db.execute(
        "SELECT r.id, o.code, reasons FROM reports r JOIN organisations o ON o.id = organisation_id"
    )
    return {row[0]: row[1:] for row in rows}


def test_a_database_never_migrated_stands_nowhere(cluster):
    assert migrate.current(_blank(cluster, "never_migrated")) is None


def test_two_processes_migrating_at_once_both_succeed(cluster, pinward):
    from concurrent.futures import ThreadPoolExecutor

    url = _blank(cluster, "at_once")
    with ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(lambda _: pinward("db", "upgrade", url=url), range(2)))
    assert [run.returncode for run in runs] == [0, 0], [run.stderr for run in runs]
    assert migrate.current(url) == migrate.newest()
