"""Places of the wards' names, coarser shapes of wards, and an index of shapes by zoom and place."""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# As geo.wards.shapes.labels makes them for wards imported from now on.
LABELS = """
UPDATE wards AS w
SET label_3857 = circle.center,
    room_m = round(circle.radius * cos(radians(ST_Y(ST_Transform(circle.center, 4326)))))
FROM (
    SELECT s.ward_id, (ST_MaximumInscribedCircle(s.geom_3857)).*
    FROM ward_shapes AS s
    WHERE s.max_zoom = 10
) AS circle
WHERE circle.ward_id = w.id
"""

# Every set has every level. Those that are there have no coarser shapes than they had; wards
# imported from now on do.
LEVELS = """
INSERT INTO ward_shapes (ward_id, max_zoom, geom_3857)
SELECT s.ward_id, coarser.max_zoom, s.geom_3857
FROM ward_shapes AS s
JOIN (VALUES (5, 7), (6, 7), (8, 10)) AS coarser (max_zoom, taken) ON coarser.taken = s.max_zoom
ON CONFLICT DO NOTHING
"""


def upgrade() -> None:
    op.add_column(
        "wards",
        sa.Column("label_3857", Geometry("POINT", 3857, spatial_index=False), nullable=True),
    )
    op.add_column("wards", sa.Column("room_m", sa.Integer(), nullable=True))
    op.execute(LABELS)
    op.execute(LEVELS)
    op.drop_index("ix_ward_shapes_geom_3857", table_name="ward_shapes")
    op.create_index(
        "ix_ward_shapes_max_zoom_geom_3857",
        "ward_shapes",
        ["max_zoom", "geom_3857"],
        unique=False,
        postgresql_using="gist",
    )


def downgrade() -> None:
    op.drop_index("ix_ward_shapes_max_zoom_geom_3857", table_name="ward_shapes")
    op.create_index(
        "ix_ward_shapes_geom_3857",
        "ward_shapes",
        ["geom_3857"],
        unique=False,
        postgresql_using="gist",
    )
    op.execute("DELETE FROM ward_shapes WHERE max_zoom IN (5, 6, 8)")
    op.drop_column("wards", "room_m")
    op.drop_column("wards", "label_3857")
