"""Whose a platform set is, what is known of an account and its tokens, and people on their way through a vendor's
consent page."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from amp.migrations.protection import protect

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("api_keys", sa.Column("digest_key", sa.String()))
    op.add_column("platform_sets", sa.Column("user_id", sa.Uuid()))
    op.add_column("platform_sets", sa.Column("deleted_at", sa.DateTime(timezone=True)))
    for column in (
        sa.Column("details", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("token_renewed_at", sa.DateTime(timezone=True)),
        sa.Column("refresh_failed_at", sa.DateTime(timezone=True)),
        sa.Column("refresh_failure", sa.String()),
    ):
        op.add_column("connections", column)
    op.create_index(
        "connections_remote_idx",
        "connections",
        ["platform", "remote_id"],
        postgresql_where=sa.text("status <> 'revoked'"),
    )
    _create_connect_attempts()


def _create_connect_attempts() -> None:
    op.create_table(
        "connect_attempts",
        sa.Column("workspace_id", sa.Uuid(), primary_key=True),
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("state_digest", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("platform_set_id", sa.Uuid(), nullable=False),
        sa.Column("redirect_uri", sa.String(), nullable=False),
        sa.Column("return_to", sa.String()),
        sa.Column("verifier", sa.String(), nullable=False),
        sa.Column("found", sa.String()),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(
            ["workspace_id", "platform_set_id"], ["platform_sets.workspace_id", "platform_sets.id"]
        ),
    )
    op.create_index(
        "connect_attempts_workspace_id_state_digest_key",
        "connect_attempts",
        ["workspace_id", "state_digest"],
        unique=True,
    )
    protect("connect_attempts")
