"""Rows of publishing: a post, its delivery to each platform, and everything that happened to them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from amp.kit.database import Row


class Post(Row):
    __tablename__ = "posts"
    __table_args__ = (
        ForeignKeyConstraint(["workspace_id", "platform_set_id"], ["platform_sets.workspace_id", "platform_sets.id"]),
    )

    workspace_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    platform_set_id: Mapped[UUID]
    text: Mapped[str]
    media: Mapped[list[Any]] = mapped_column(server_default=sql("'[]'"))
    link_url: Mapped[str | None]
    platform_overrides: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'"))
    status: Mapped[str]
    scheduled_for: Mapped[datetime | None]
    content_id: Mapped[UUID | None]
    """The mission content that this post publishes, if any."""
    user_id: Mapped[UUID | None]
    """Who made it; None: a mission."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class PlatformPost(Row):
    """One delivery. `next_attempt_at` (virtual) is set exactly while there is something to do; the lease and
    the fence (real time) say who may do it. `intent_at` is set from before anything could become public until
    it is known what became of it."""

    __tablename__ = "platform_posts"
    __table_args__ = (
        ForeignKeyConstraint(["workspace_id", "post_id"], ["posts.workspace_id", "posts.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["workspace_id", "connection_id"], ["connections.workspace_id", "connections.id"]),
        Index("platform_posts_due_idx", "next_attempt_at", postgresql_where=sql("next_attempt_at IS NOT NULL")),
        Index(None, "workspace_id", "post_id", "id"),
        Index(None, "workspace_id", "connection_id", "published_at"),
        Index(None, "workspace_id", "connection_id", "due_at"),
        Index(
            "platform_posts_underway_idx",
            "connection_id",
            postgresql_where=sql("lease_until IS NOT NULL OR intent_at IS NOT NULL"),
        ),
    )

    workspace_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    post_id: Mapped[UUID]
    platform: Mapped[str]
    connection_id: Mapped[UUID]
    status: Mapped[str]
    parts: Mapped[list[str]]
    media: Mapped[list[Any]] = mapped_column(server_default=sql("'[]'"))
    link_url: Mapped[str | None]
    settings: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'"))
    due_at: Mapped[datetime | None]
    next_attempt_at: Mapped[datetime | None]
    attempt: Mapped[int] = mapped_column(server_default=sql("0"))
    fence: Mapped[int] = mapped_column(server_default=sql("0"))
    lease_until: Mapped[datetime | None]
    first_intent_at: Mapped[datetime | None]
    intent_at: Mapped[datetime | None]
    searches: Mapped[int] = mapped_column(server_default=sql("0"))
    """How often `find` has come back without an answer for the open intent."""
    resending: Mapped[bool] = mapped_column(server_default=sql("false"))
    state: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'"))
    remote_id: Mapped[str | None]
    url: Mapped[str | None]
    published_at: Mapped[datetime | None]
    error_code: Mapped[str | None]
    error_message: Mapped[str | None]
    notes: Mapped[list[str]] = mapped_column(server_default=sql("'[]'"))
    """What a person should know of what was published: forced to private, the first comment refused."""
    claimed_at: Mapped[datetime | None]
    """Real time of the last claim."""
    processing_since: Mapped[datetime | None]
    """Since when the vendor works on it by itself."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class TimelineEvent(Row):
    """One decision, attempt, wait or answer in the life of a post. Never holds a secret."""

    __tablename__ = "timeline_events"
    __table_args__ = (
        ForeignKeyConstraint(["workspace_id", "post_id"], ["posts.workspace_id", "posts.id"], ondelete="CASCADE"),
        Index(None, "workspace_id", "post_id", "id"),
    )

    workspace_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    post_id: Mapped[UUID]
    platform_post_id: Mapped[UUID | None]
    at: Mapped[datetime]
    kind: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'"))
    request_id: Mapped[str | None]
