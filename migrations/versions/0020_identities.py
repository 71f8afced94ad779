"""By which identities of sign-in services accounts are reached."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0018"
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


def downgrade() -> None:
    op.drop_table("oidc_states")
    op.drop_table("user_identities")
