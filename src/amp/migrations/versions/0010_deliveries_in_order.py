"""The deliveries of a post come from their index in the order in which they are shown."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        op.f("platform_posts_workspace_id_post_id_id_idx"), "platform_posts", ["workspace_id", "post_id", "id"]
    )
    op.drop_index(op.f("platform_posts_workspace_id_post_id_idx"), "platform_posts")
