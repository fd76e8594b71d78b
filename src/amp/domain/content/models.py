"""Rows of content: what a mission's slots are filled with, from first draft to published."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from amp.kit.database import Row

ContentType = Literal["post", "thread", "image", "carousel", "video_script"]


class Content(Row):
    __tablename__ = "content"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "mission_id"], ["missions.workspace_id", "missions.id"], ondelete="CASCADE"
        ),
        Index(None, "workspace_id", "slot_id", unique=True),
        Index(None, "workspace_id", "mission_id", "status"),
        Index(None, "workspace_id", "post_id"),
    )

    workspace_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    mission_id: Mapped[UUID]
    slot_id: Mapped[UUID]
    """A slot never gets two contents."""
    cycle: Mapped[int]
    platform: Mapped[str]
    type: Mapped[str]
    pillar: Mapped[str]
    topic: Mapped[str]
    parts: Mapped[list[str]] = mapped_column(server_default=text("'[]'"))
    hashtags: Mapped[list[str]] = mapped_column(server_default=text("'[]'"))
    link_url: Mapped[str | None]
    media: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    status: Mapped[str]
    publish_at: Mapped[datetime | None]
    hash: Mapped[str | None]
    """Of text, media, settings and target: what an approval is bound to."""
    approval: Mapped[dict[str, Any] | None]
    rejection: Mapped[dict[str, Any] | None]
    verdicts: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    writing: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    """Drafts, prompts and answers, as far as they are kept; the checkpoint of writing."""
    error: Mapped[dict[str, Any] | None]
    post_id: Mapped[UUID | None]
    platform_post_id: Mapped[UUID | None]
    published_at: Mapped[datetime | None]
    url: Mapped[str | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
