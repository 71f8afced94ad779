"""Hotspot runs and the hotspots each found."""

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    func,
)

from geo.store.tables.base import metadata

hotspot_runs = Table(
    "hotspot_runs",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("category_code", Text, ForeignKey("categories.code"), nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("until", DateTime(timezone=True), nullable=False),
    Column("eps_m", Double, nullable=False),
    Column("min_points", Integer, nullable=False),
    Column("epsg", Integer, nullable=False),
    Column("n_reports", Integer, nullable=False),
    Column("finished_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Index("ix_hotspot_runs_category_code_until", "category_code", "until"),
)

hotspots = Table(
    "hotspots",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("run_id", BigInteger, ForeignKey("hotspot_runs.id", ondelete="CASCADE"), nullable=False),
    Column("n", Integer, nullable=False),
    Column("area_m2", Double, nullable=False),
    Column("first_report_at", DateTime(timezone=True), nullable=False),
    Column("last_report_at", DateTime(timezone=True), nullable=False),
    # hull of its reports, widened so that one place is a polygon too
    Column("geom", Geometry("POLYGON", 4326, spatial_index=False), nullable=False),
    Index("ix_hotspots_run_id", "run_id"),
    Index("ix_hotspots_geom", "geom", postgresql_using="gist"),
)
