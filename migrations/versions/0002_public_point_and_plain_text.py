"""Where the public sees a report, and text without marks."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Where the public sees a report of a category of this visibility: a blurred one at the middle of
# the Web Mercator cell of zoom 18 its point lies in (the cell of `pinward_cell`: 150 m wide at Ho
# Chi Minh City, so at most 106 m off), whatever else is known of it. The middle lies in the same
# cell, so integer comparisons of `reports.cell` select the same reports before and after.
# Hidden ones have no public place: NULL.
PUBLIC_POINT = """
CREATE FUNCTION pinward_public_point(place geometry, visibility text) RETURNS geometry
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    s double precision;
    x double precision;
    y double precision;
BEGIN
    IF visibility = 'public' THEN
        RETURN place;
    ELSIF visibility = 'hidden' THEN
        RETURN NULL;
    END IF;
    s := sin(radians(greatest(-85.0511287798066, least(85.0511287798066, ST_Y(place)))));
    x := greatest(0, least(262143, floor((ST_X(place) + 180.0) / 360.0 * 262144.0)));
    y := greatest(0, least(262143,
        floor((0.5 - ln((1.0 + s) / (1.0 - s)) / (4.0 * pi())) * 262144.0)));
    RETURN ST_SetSRID(ST_MakePoint(
        (x + 0.5) / 262144.0 * 360.0 - 180.0,
        degrees(atan(sinh(pi() * (1.0 - 2.0 * (y + 0.5) / 262144.0))))
    ), 4326);
END
$$
"""

# unaccent() alone is only STABLE (its dictionary could change); this names the dictionary and can
# be indexed. Marks go in NFC and NFD alike, and Đ becomes d.
PLAIN = """
CREATE FUNCTION pinward_plain(said text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT lower(public.unaccent('public.unaccent'::regdictionary, said))
$$
"""


def upgrade() -> None:
    op.execute(PUBLIC_POINT)
    op.execute(PLAIN)


def downgrade() -> None:
    op.execute("DROP FUNCTION pinward_plain")
    op.execute("DROP FUNCTION pinward_public_point")
