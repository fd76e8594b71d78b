"""Rows of media: files we hold, with what we found out about them ourselves."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import Mapped, mapped_column

from amp.kit.database import Row


class Media(Row):
    __tablename__ = "media"
    __table_args__ = (
        Index(None, "created_at"),
        Index(None, "storage_key"),
        Index(None, "source_url", postgresql_using="hash"),
    )

    workspace_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    storage_key: Mapped[str]
    filename: Mapped[str | None]
    mime_type: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    alt_text: Mapped[str | None]
    width: Mapped[int | None]
    height: Mapped[int | None]
    seconds: Mapped[float | None]
    source_url: Mapped[str | None]
    """Where we fetched it, unless it was sent to us."""
    created_at: Mapped[datetime]
