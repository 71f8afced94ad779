import psycopg
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from geoalchemy2 import alembic_helpers
from sqlalchemy import create_engine

from geo.store import migrate
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


def test_a_database_never_migrated_stands_nowhere(cluster):
    assert migrate.current(_blank(cluster, "never_migrated")) is None


def test_two_processes_migrating_at_once_both_succeed(cluster, pinward):
    from concurrent.futures import ThreadPoolExecutor

    url = _blank(cluster, "at_once")
    with ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(lambda _: pinward("db", "upgrade", url=url), range(2)))
    assert [run.returncode for run in runs] == [0, 0], [run.stderr for run in runs]
    assert migrate.current(url) == migrate.newest()
