"""Rows of connections: the accounts that a workspace may publish to, in sets, and people about to add one."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, LargeBinary, text
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
    user_id: Mapped[UUID | None]
    """Who made it; None: the tenant's owner."""
    deleted_at: Mapped[datetime | None]
    """Posts still point at a set that is deleted; nobody else sees it."""
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
        Index("connections_remote_idx", "platform", "remote_id", postgresql_where=text("status <> 'revoked'")),
    )

    workspace_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    platform_set_id: Mapped[UUID]
    platform: Mapped[str]
    remote_id: Mapped[str]
    handle: Mapped[str]
    display_name: Mapped[str]
    avatar_url: Mapped[str | None]
    details: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    """What else the vendor says of the account that is no secret."""
    status: Mapped[str]
    """active, expired (the owner must reconnect) or revoked."""
    scopes: Mapped[list[str]]
    access_token: Mapped[str | None]
    refresh_token: Mapped[str | None]
    token_expires_at: Mapped[datetime | None]
    """Real time, as the vendor counts."""
    token_renewed_at: Mapped[datetime | None]
    """Real time at which the tokens were last given; None: before this was written down."""
    refresh_failed_at: Mapped[datetime | None]
    """Real time of the last refresh that failed, if none has succeeded since."""
    refresh_failure: Mapped[str | None]
    token_version: Mapped[int] = mapped_column(server_default=text("1"))
    refreshing_until: Mapped[datetime | None]
    """Real time until which one worker alone may refresh the tokens."""
    held_until: Mapped[datetime | None]
    """Virtual time until which the vendor's rate limit holds this connection back."""
    last_used_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class ConnectAttempt(Row):
    """One person's way through a vendor's consent page and back: good once, for a while of real time, for the session
    that began it."""

    __tablename__ = "connect_attempts"
    __table_args__ = (
        ForeignKeyConstraint(["workspace_id", "platform_set_id"], ["platform_sets.workspace_id", "platform_sets.id"]),
        Index("connect_attempts_workspace_id_state_digest_key", "workspace_id", "state_digest", unique=True),
    )

    workspace_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    state_digest: Mapped[bytes] = mapped_column(LargeBinary)
    user_id: Mapped[UUID]
    session_id: Mapped[UUID]
    platform: Mapped[str]
    platform_set_id: Mapped[UUID]
    redirect_uri: Mapped[str]
    return_to: Mapped[str | None]
    """Where in the dashboard the person goes afterwards."""
    verifier: Mapped[str]
    """PKCE's, sealed."""
    found: Mapped[str | None]
    """The accounts to choose from with their tokens, sealed, where the vendor gave more than one."""
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
