"""By which identities of sign-in services accounts are reached, and citizens their own reports."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "user_identities",
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("sub", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_user_identities_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("issuer", "sub", name=op.f("pk_user_identities")),
    )
    op.create_index(
        "ix_user_identities_user_id_issuer", "user_identities", ["user_id", "issuer"], unique=True
    )
    op.create_table(
        "oidc_states",
        sa.Column("state_hash", sa.LargeBinary(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("octet_length(state_hash) = 32", name=op.f("ck_oidc_states_state_hash")),
        sa.PrimaryKeyConstraint("state_hash", name=op.f("pk_oidc_states")),
    )
    op.create_index("ix_oidc_states_ends_at", "oidc_states", ["ends_at"])
    op.create_table(
        "citizens",
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("octet_length(mark) = 32", name=op.f("ck_citizens_mark")),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_citizens")),
    )
    op.create_table(
        "citizen_sessions",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        _of_citizen("citizen_sessions"),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_citizen_sessions")),
    )
    op.create_index("ix_citizen_sessions_mark", "citizen_sessions", ["mark"])
    op.create_index("ix_citizen_sessions_expires_at", "citizen_sessions", ["expires_at"])
    op.create_table(
        "citizen_reports",
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        _of_citizen("citizen_reports"),
        sa.ForeignKeyConstraint(
            ["report_id"],
            ["reports.id"],
            name=op.f("fk_citizen_reports_report_id_reports"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("report_id", name=op.f("pk_citizen_reports")),
    )
    op.create_index("ix_citizen_reports_mark", "citizen_reports", ["mark"])


def _of_citizen(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["mark"],
        ["citizens.mark"],
        name=op.f(f"fk_{table}_mark_citizens"),
        ondelete="CASCADE",
        onupdate="CASCADE",
    )


def downgrade() -> None:
    op.drop_table("citizen_reports")
    op.drop_table("citizen_sessions")
    op.drop_table("citizens")
    op.drop_table("oidc_states")
    op.drop_table("user_identities")
