"""Under which visibility of its category an answer was made, and of which categories artefacts are."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Of answers made before nobody knows: as if their places were exact.
    op.execute("ALTER TABLE hotspot_answers ADD visibility TEXT DEFAULT 'public' NOT NULL")
    op.execute("ALTER TABLE hotspot_artefacts ADD category_codes TEXT[] DEFAULT '{}' NOT NULL")
    op.execute(
        "UPDATE hotspot_artefacts SET category_codes ="
        " (SELECT coalesce(array_agg(code), '{}') FROM categories)"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE hotspot_artefacts DROP category_codes")
    op.execute("ALTER TABLE hotspot_answers DROP visibility")
