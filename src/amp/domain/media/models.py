"""Rows of media: files we hold, with what we found out about them ourselves."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from amp.kit.database import Row


class Media(Row):
    __tablename__ = "media"

    workspace_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    storage_key: Mapped[str]
    filename: Mapped[str | None]
    mime_type: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    alt_text: Mapped[str | None]
    created_at: Mapped[datetime]
