"""In whose name a post was made, and finding posts by the beginnings of words."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

POST_WORDS = """
CREATE FUNCTION post_words(workspace_id uuid, text text, link_url text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_to_tsvector(ARRAY[' ' || workspace_id]) || to_tsvector(
        'simple', regexp_replace(left(text, 50000) || ' ' || left(coalesce(link_url, ''), 2000), '[\\W_]+', ' ', 'g')
    )
$$
"""
"""The words of a post, and one more that begins as no word does, its workspace: a search does not meet the posts of
others inside the index. What PostgreSQL would take for addresses or numbers is parted into words first. Long texts are
cut: a tsvector has at most a megabyte."""


def upgrade() -> None:
    op.add_column("posts", sa.Column("user_id", sa.Uuid()))
    op.execute(POST_WORDS)
    op.execute("CREATE INDEX posts_words_idx ON posts USING gin (post_words(workspace_id, text, link_url))")
