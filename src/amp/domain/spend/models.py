"""Rows of spend: every call that costs money, and what a mission may spend. In micro-dollars."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from amp.kit.database import Row


class Budget(Row):
    """What a mission may spend and has committed. `committed` = settled + still reserved."""

    __tablename__ = "budgets"

    workspace_id: Mapped[UUID] = mapped_column(primary_key=True)
    mission_id: Mapped[UUID] = mapped_column(primary_key=True)
    limit_micros: Mapped[int | None] = mapped_column(BigInteger)
    """None: unlimited."""
    committed_micros: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))


class SpendEntry(Row):
    """One call to a writer, from reservation to settlement. `subject` names what it was to produce."""

    __tablename__ = "spend_entries"
    __table_args__ = (
        Index(None, "workspace_id", "mission_id", "created_at"),
        Index("spend_entries_reserved_idx", "reserved_at", postgresql_where=text("status = 'reserved'")),
    )

    workspace_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    mission_id: Mapped[UUID | None]
    stage: Mapped[str]
    subject: Mapped[str]
    kind: Mapped[str] = mapped_column(server_default="llm")
    status: Mapped[str]
    """reserved, settled, or assumed: the answer was lost, so the whole reservation counts as spent."""
    provider: Mapped[str | None]
    model: Mapped[str | None]
    reserved_micros: Mapped[int] = mapped_column(BigInteger)
    micros: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    requests: Mapped[int] = mapped_column(server_default=text("0"))
    input_tokens: Mapped[int] = mapped_column(server_default=text("0"))
    cached_tokens: Mapped[int] = mapped_column(server_default=text("0"))
    output_tokens: Mapped[int] = mapped_column(server_default=text("0"))
    latency_ms: Mapped[int] = mapped_column(server_default=text("0"))
    request_id: Mapped[str | None]
    created_at: Mapped[datetime]
    reserved_at: Mapped[datetime]
    """Real time: lost answers are noticed by it."""
