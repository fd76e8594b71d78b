"""Rows of connections: the accounts that a workspace may publish to, in sets."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from amp.kit.database import Row


class PlatformSet(Row):
    __tablename__ = "platform_sets"
    __table_args__ = (
        Index("platform_sets_default_key", "workspace_id", unique=True, postgresql_where=text("is_default")),
    )

    workspace_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    is_default: Mapped[bool]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Connection(Row):
    """One account on one platform. At most one active for each platform of a set. Tokens are sealed."""

    __tablename__ = "connections"
    __table_args__ = (
        ForeignKeyConstraint(["workspace_id", "platform_set_id"], ["platform_sets.workspace_id", "platform_sets.id"]),
        Index(
            "connections_active_key",
            "workspace_id",
            "platform_set_id",
            "platform",
            unique=True,
            postgresql_where=text("status <> 'revoked'"),
        ),
        Index("connections_expiry_idx", "token_expires_at", postgresql_where=text("status <> 'revoked'")),
    )

    workspace_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    platform_set_id: Mapped[UUID]
    platform: Mapped[str]
    remote_id: Mapped[str]
    handle: Mapped[str]
    display_name: Mapped[str]
    avatar_url: Mapped[str | None]
    status: Mapped[str]
    """active, expired (the owner must reconnect) or revoked."""
    scopes: Mapped[list[str]]
    access_token: Mapped[str | None]
    refresh_token: Mapped[str | None]
    token_expires_at: Mapped[datetime | None]
    """Real time, as the vendor counts."""
    token_version: Mapped[int] = mapped_column(server_default=text("1"))
    refreshing_until: Mapped[datetime | None]
    """Real time until which one worker alone may refresh the tokens."""
    held_until: Mapped[datetime | None]
    """Virtual time until which the vendor's rate limit holds this connection back."""
    last_used_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
