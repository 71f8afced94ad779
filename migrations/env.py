"""How alembic reaches the database; the URL comes from `geo.store.migrate.config`."""

import psycopg
from alembic import context
from geoalchemy2 import alembic_helpers
from sqlalchemy import create_engine, pool, text

from geo.settings import Settings
from geo.store.locks import Lock
from geo.store.tables import metadata

url = context.config.attributes.get("url") or Settings().database_url


def ours(name, kind, parents):
    """Leave PostGIS' own tables alone."""
    return kind != "table" or name in metadata.tables


engine = create_engine(
    "postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=pool.NullPool
)
with engine.connect() as connection:
    connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": Lock.MIGRATING})
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_name=ours,
        include_object=alembic_helpers.include_object,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
