"""What the pretended vendors must remember of media between the request that brings them and the one that shows
them: how long they last, and what only that vendor knows."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("uploads", sa.Column("seconds", sa.Float(), nullable=True), schema="sandbox")
    extra = sa.Column("extra", postgresql.JSONB(), nullable=False, server_default=sa.text("'{}'::jsonb"))
    op.add_column("uploads", extra, schema="sandbox")
