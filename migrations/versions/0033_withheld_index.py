"""What is withheld is found by its state: of all that was ever hidden, few wait for a look."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

NAME = "ix_reports_withheld"
SOME = sa.text("withheld IS NOT NULL")


def upgrade() -> None:
    op.drop_index(NAME, table_name="reports")
    op.create_index(NAME, "reports", ["withheld", "created_at", "id"], postgresql_where=SOME)


def downgrade() -> None:
    op.drop_index(NAME, table_name="reports")
    op.create_index(NAME, "reports", ["created_at", "id"], postgresql_where=SOME)
