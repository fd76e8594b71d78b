"""Rows of tenants: the customer, the two workspaces each has, its people and its keys."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from amp.kit.database import Row

Environment = Literal["live", "test"]
Role = Literal["owner", "admin", "editor", "reviewer", "viewer"]
Plan = Literal["free", "pro", "max", "enterprise"]


class Tenant(Row):
    __tablename__ = "tenants"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    plan: Mapped[str]
    created_at: Mapped[datetime]


class Workspace(Row):
    """A tenant in one environment. Its id is on every row that belongs to it."""

    __tablename__ = "workspaces"
    __table_args__ = (Index(None, "tenant_id", "environment", unique=True),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    environment: Mapped[str]
    time_zone: Mapped[str] = mapped_column(server_default="UTC")


class User(Row):
    """A person. May belong to several tenants, so no tenant owns the row: only system work reads it."""

    __tablename__ = "users"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str]
    created_at: Mapped[datetime]


class Membership(Row):
    __tablename__ = "memberships"

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[str]


class Session(Row):
    """A login: one family of refresh tokens, of which one is valid. A token names its session, so any older
    one is recognised as reused."""

    __tablename__ = "sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    environment: Mapped[str]
    refresh_digest: Mapped[bytes] = mapped_column(LargeBinary)
    previous_digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    rotated_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class ApiKey(Row):
    __tablename__ = "api_keys"
    __table_args__ = (
        ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], ondelete="CASCADE"),
        Index(None, "digest", unique=True),
    )

    workspace_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    prefix: Mapped[str]
    """What is shown of it: family, environment and the first characters."""
    last_four: Mapped[str]
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    digest_key: Mapped[str | None]
    """The id of the master key that the digest was made with; None: the first."""
    scopes: Mapped[list[str]] = mapped_column(server_default=text("'[]'"))
    """Empty: everything."""
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class IdempotentAnswer(Row):
    """The first answer given to an `Idempotency-Key`, written in the transaction of its effect."""

    __tablename__ = "idempotent_answers"

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int]
    body: Mapped[str]
    """As it was sent, but for what is shown only once."""
    created_at: Mapped[datetime]
