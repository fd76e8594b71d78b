"""What we find out about media ourselves, and where we fetched them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("media", sa.Column("width", sa.Integer(), nullable=True))
    op.add_column("media", sa.Column("height", sa.Integer(), nullable=True))
    op.add_column("media", sa.Column("seconds", sa.Float(), nullable=True))
    op.add_column("media", sa.Column("source_url", sa.String(), nullable=True))
    op.create_index("media_created_at_idx", "media", ["created_at"])
    op.create_index("media_storage_key_idx", "media", ["storage_key"])
    # By hash: addresses may be longer than a B-tree's entries.
    op.create_index("media_source_url_idx", "media", ["source_url"], postgresql_using="hash")
