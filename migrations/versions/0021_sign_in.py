"""Sign-ins that are renewed, a second step, API keys, and what slows down guessing."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

ROLES = "role IN ('hotline_agent', 'crew', 'ward_officer', 'planner', 'admin')"


def _now(name):
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())


def upgrade() -> None:
    op.add_column("users", sa.Column("totp_sealed", sa.LargeBinary()))
    op.add_column("users", sa.Column("totp_since", sa.DateTime(timezone=True)))
    op.add_column(
        "users", sa.Column("totp_step", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.create_table(
        "recovery_codes",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_recovery_codes_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "code_hash", name=op.f("pk_recovery_codes")),
    )
    op.add_column("sessions", sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False))
    op.create_unique_constraint(op.f("uq_sessions_id"), "sessions", ["id"])
    for name in ("made_at", "seen_at", "rotated_at"):
        op.add_column("sessions", _now(name))
    op.add_column("sessions", sa.Column("before_hash", sa.LargeBinary()))
    op.add_column("sessions", sa.Column("before_until", sa.DateTime(timezone=True)))
    op.add_column(
        "sessions", sa.Column("device", sa.Text(), nullable=False, server_default="other")
    )
    op.add_column(
        "sessions", sa.Column("limited", sa.Boolean(), nullable=False, server_default="false")
    )
    op.create_index("ix_sessions_before_hash", "sessions", ["before_hash"])
    op.create_table(
        "api_keys",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("ward_code", sa.Text()),
        sa.Column("organisation_id", sa.Integer()),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True)),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(ROLES, name=op.f("ck_api_keys_role")),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["users.id"],
            name=op.f("fk_api_keys_owner_id_users"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_api_keys_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_api_keys_key_hash")),
    )
    op.create_index("ix_api_keys_owner_id", "api_keys", ["owner_id"])
    op.create_table(
        "sign_in_failures",
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_sign_in_failures")),
    )
    op.create_index("ix_sign_in_failures_last_at", "sign_in_failures", ["last_at"])


def downgrade() -> None:
    op.drop_table("sign_in_failures")
    op.drop_table("api_keys")
    op.drop_index("ix_sessions_before_hash", table_name="sessions")
    for name in (
        "limited",
        "device",
        "before_until",
        "before_hash",
        "rotated_at",
        "seen_at",
        "made_at",
        "id",
    ):
        op.drop_column("sessions", name)
    op.drop_table("recovery_codes")
    for name in ("totp_step", "totp_since", "totp_sealed"):
        op.drop_column("users", name)
