"""Ward sets, dated wards, and the shapes of wards drawn at low zooms."""

from geoalchemy2 import Geometry
from sqlalchemy import (
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    func,
)
from sqlalchemy.dialects.postgresql import DATERANGE, JSONB, ExcludeConstraint

from geo.store.tables.base import metadata

ward_sets = Table(
    "ward_sets",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("city", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("imported_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    # What --repair changed: moved areas, filled gaps, cleaned overlaps.
    Column("repairs", JSONB, nullable=False, server_default="{}"),
    # Came in as a correction of some wards (a survey's): the city's others go on.
    Column("correction", Boolean, nullable=False, server_default="false"),
)

wards = Table(
    "wards",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("set_id", Integer, ForeignKey("ward_sets.id", ondelete="CASCADE"), nullable=False),
    Column("code", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("name_en", Text),
    # ward (phường), commune (xã), town (thị trấn), special_zone (đặc khu), district or other
    Column("kind", Text, nullable=False),
    # name without marks and in lower case, for search
    Column("name_plain", Text, nullable=False),
    Column("valid", DATERANGE, nullable=False),
    # The first version of this same ward: the same code and most of the ground; NULL: this one is.
    # A code that was given to another area names another ward.
    Column("same_as", Integer, ForeignKey("wards.id", ondelete="SET NULL")),
    # the ward's committee
    Column("organisation_id", Integer, ForeignKey("organisations.id")),
    Column("area_m2", Double, nullable=False),
    Column("geom", Geometry("MULTIPOLYGON", 4326, spatial_index=False), nullable=False),
    # Where the name is written, and the metres of room around it; NULL until shapes are made.
    Column("label_3857", Geometry("POINT", 3857, spatial_index=False)),
    Column("room_m", Integer),
    # One code answers for one area on any day (needs btree_gist).
    ExcludeConstraint(("code", "="), ("valid", "&&"), name="ex_wards_code_valid"),
    Index("ix_wards_set_id", "set_id"),
    Index("ix_wards_code", "code"),
    Index("ix_wards_same_as", "same_as"),
    Index("ix_wards_geom", "geom", postgresql_using="gist"),
)

ward_shapes = Table(
    "ward_shapes",
    metadata,
    Column("ward_id", Integer, ForeignKey("wards.id", ondelete="CASCADE"), primary_key=True),
    # Drawn at zooms up to and including this one; the set is simplified as one coverage, so that
    # neighbours still share their edges.
    Column("max_zoom", SmallInteger, primary_key=True),
    Column("geom_3857", Geometry("MULTIPOLYGON", 3857, spatial_index=False), nullable=False),
    # needs btree_gist
    Index("ix_ward_shapes_max_zoom_geom_3857", "max_zoom", "geom_3857", postgresql_using="gist"),
)
